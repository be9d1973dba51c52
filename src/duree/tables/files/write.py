"""Writing a table to a file, whole or not at all, with formulas made harmless.

CSV with characters outside ASCII begins with a byte order mark, without which Excel takes the text
for another encoding.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Literal

import polars as pl

from duree.errors import DataError, ExtraError
from duree.storage import replacing, write_file
from duree.tables.files.cells import fitting, json_lines
from duree.tables.files.formulas import count_formulas, without_formulas
from duree.tables.finding import Finding

_DELIMITED = (".csv", ".tsv")
_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)$")
_EXCEL_ROWS, _EXCEL_COLUMNS, _EXCEL_TEXT = 1_048_575, 16_384, 32_767


def write_table(frame: pl.DataFrame, path: str | Path, *, raw: bool = False) -> list[Finding]:
    """Write ``frame`` in the format of the suffix: .csv .tsv .parquet .jsonl .xlsx.

    Parameters
    ----------
    raw : bool
        Leave texts in CSV and TSV unchanged. Otherwise texts that a spreadsheet would execute (they
        begin with ``= + - @``, tab, return or NUL and are not numbers) are prefixed with ``'``.

    Returns
    -------
    list of Finding
        What was written otherwise than it is in ``frame``.

    Raises
    ------
    DataError
        The suffix is unknown, or the format cannot hold the table.
    RunError
        The file cannot be written; one that was there before is intact.
    ExtraError
        The format needs an optional package.
    """
    path = Path(path)
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise _unknown_suffix(path)
    content = io.BytesIO()
    rows, findings = _prepared(frame.lazy(), path, raw)
    writer(rows.collect(), content)
    write_file(path, content.getvalue())
    return findings


def sink_table(
    rows: pl.LazyFrame,
    path: Path,
    *,
    raw: bool = False,
    mark: bool = False,
    within: Path | None = None,
) -> list[Finding]:
    """Write a table that may be larger than memory: formats other than .xlsx are streamed.

    Parameters
    ----------
    mark : bool
        Begin CSV with a byte order mark in any case.
    within : Path, optional
        The folder of the unfinished file; that of ``path`` by default.

    Returns, Raises
    ---------------
    As ``write_table``.
    """
    suffix = path.suffix.lower()
    if suffix not in SINKS:
        return write_table(rows.collect(), path, raw=raw)
    rows, findings = _prepared(rows, path, raw)
    with replacing(path, within) as aside:
        try:
            SINKS[suffix](rows, aside, mark)
        except pl.exceptions.ComputeError as error:  # also where the disk is full
            if code := _SYSTEM_ERROR.search(str(error)):
                raise OSError(int(code[1]), os.strerror(int(code[1]))) from None
            raise
    return findings


def require_writable(path: Path, data: Path | None = None) -> None:
    """Refuse a file that cannot or must not be written, before any work is done.

    Parameters
    ----------
    data : Path, optional
        The file that is read.

    Raises
    ------
    DataError
        The suffix is unknown, or ``path`` is ``data``.
    """
    if path.suffix.lower() not in WRITERS:
        raise _unknown_suffix(path)
    if data is not None:
        refuse_input(path, data)


def refuse_input(path: Path, data: Path) -> None:
    """Refuse to write over the file that is read, also under another name; DataError."""
    if path.exists() and data.exists() and path.samefile(data):
        raise DataError(
            "{file} is the table that is read, and would be overwritten",
            fix="write to another file",
            file=str(path),
        )


def _prepared(rows: pl.LazyFrame, path: Path, raw: bool) -> tuple[pl.LazyFrame, list[Finding]]:
    """The rows as the format can hold them, without formulas unless ``raw``."""
    suffix = path.suffix.lower()
    rows, findings = fitting(rows, suffix)
    if raw or suffix not in _DELIMITED:
        return rows, findings
    splits = suffix == ".csv"
    if count := count_formulas(rows, split_by_semicolon=splits):
        what = (
            "cells that a spreadsheet would execute as formulas, written with an apostrophe "
            "before them: {count}"
        )
        fix = "--raw leaves them as they are"
        findings.append(Finding("formulas", "note", what, fix, {"count": count}))
    return without_formulas(rows, split_by_semicolon=splits), findings


def _unknown_suffix(path: Path) -> DataError:
    return DataError(
        "tables cannot be written as {suffix!r}"
        if path.suffix
        else "the name of a table needs a suffix that says its format",
        "in {file}",
        "use one of the suffixes {known}",
        suffix=path.suffix,
        file=str(path),
        known=" ".join(WRITERS),
    )


def _write_csv(frame: pl.DataFrame, target: io.BytesIO) -> None:
    frame.write_csv(target, include_bom=_beyond_ascii(frame.lazy()))


def _sink_csv(rows: pl.LazyFrame, target: Path, mark: bool) -> None:
    rows.sink_csv(target, include_bom=mark or _beyond_ascii(rows))


def _beyond_ascii(rows: pl.LazyFrame) -> bool:
    """Whether a name or a cell has a character outside ASCII."""
    if not all(name.isascii() for name in rows.collect_schema().names()):
        return True
    texts = pl.col(pl.String, pl.Categorical, pl.Enum).cast(pl.String)
    found = rows.select(texts.str.contains(r"[^\x00-\x7F]").any()).collect()
    return found.width > 0 and any(found.row(0))


def _write_tsv(frame: pl.DataFrame, target: io.BytesIO) -> None:
    frame.write_csv(target, separator="\t", quote_style=_tsv_quotes(frame.lazy()))


def _sink_tsv(rows: pl.LazyFrame, target: Path, mark: bool) -> None:
    rows.sink_csv(target, separator="\t", quote_style=_tsv_quotes(rows))


def _tsv_quotes(rows: pl.LazyFrame) -> Literal["necessary", "non_numeric"]:
    # Tab-separated files are often read without handling quotes: where some cells need them, all
    # texts and names get them, so that quotes are not taken for text.
    special = rows.select(pl.col(pl.String).str.contains(r'["\t\r\n]').any()).collect()
    quoted = special.width > 0 and any(special.row(0))
    return "non_numeric" if quoted else "necessary"


def _write_parquet(frame: pl.DataFrame, target: io.BytesIO) -> None:
    frame.write_parquet(target)


def _write_json_lines(frame: pl.DataFrame, target: io.BytesIO) -> None:
    lines = json_lines(frame.lazy())
    if lines is None:
        frame.write_ndjson(target)
    else:
        lines.collect().write_csv(target, include_header=False, quote_style="never")


def _sink_json_lines(rows: pl.LazyFrame, target: Path, mark: bool) -> None:
    lines = json_lines(rows)
    if lines is None:
        rows.sink_ndjson(target)
    else:
        lines.sink_csv(target, include_header=False, quote_style="never")


def _write_excel(frame: pl.DataFrame, target: io.BytesIO) -> None:
    try:
        xlsxwriter = import_module("xlsxwriter")
    except ImportError:
        raise ExtraError("xlsxwriter", "formats", "writing Excel files") from None
    _check_excel_limits(frame)
    options = {
        "in_memory": True,
        "nan_inf_to_errors": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(target, options) as workbook:
        frame.write_excel(workbook)


def _check_excel_limits(frame: pl.DataFrame) -> None:
    """Refuse what Excel would truncate silently."""
    texts = frame.select(pl.col(pl.String).str.len_chars().max())
    longest = max(texts.row(0), key=lambda length: length or 0) if texts.width else 0
    too_long = (longest or 0) > _EXCEL_TEXT
    if frame.height > _EXCEL_ROWS or frame.width > _EXCEL_COLUMNS or too_long:
        raise DataError(
            "an Excel sheet holds at most {rows} rows, {columns} columns and {length} characters "
            "in a cell",
            fix="write .csv or .parquet",
            rows=_EXCEL_ROWS,
            columns=_EXCEL_COLUMNS,
            length=_EXCEL_TEXT,
        )


WRITERS: dict[str, Callable[[pl.DataFrame, io.BytesIO], None]] = {
    ".csv": _write_csv,
    ".tsv": _write_tsv,
    ".parquet": _write_parquet,
    ".jsonl": _write_json_lines,
    ".xlsx": _write_excel,
}

SINKS: dict[str, Callable[[pl.LazyFrame, Path, bool], None]] = {
    ".csv": _sink_csv,
    ".tsv": _sink_tsv,
    ".parquet": lambda rows, target, mark: rows.sink_parquet(target),
    ".jsonl": _sink_json_lines,
}
