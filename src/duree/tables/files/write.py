"""Writing a table to a file, whole or not at all, with formulas made harmless."""

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

# Spreadsheets execute cells that begin so (OWASP ASVS 1.2.10); plain numbers are harmless.
_FORMULA = r"^[=+\-@\t\r\x00]"
_NUMBER = r"^[+\-]?(\d+\.?\d*|\.\d+)([eE][+\-]?\d+)?$"
_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)$")
_EXCEL_ROWS, _EXCEL_COLUMNS, _EXCEL_TEXT = 1_048_575, 16_384, 32_767


def write_table(frame: pl.DataFrame, path: str | Path, *, raw: bool = False) -> None:
    """Write ``frame`` in the format of the suffix: .csv .tsv .parquet .jsonl .xlsx.

    Parameters
    ----------
    raw : bool
        Leave texts in CSV and TSV unchanged. Otherwise texts that a spreadsheet would execute (they
        begin with ``= + - @``, tab, return or NUL and are not numbers) are prefixed with ``'``.

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
    writer(frame, content, raw)
    write_file(path, content.getvalue())


def sink_table(
    rows: pl.LazyFrame, path: Path, *, raw: bool = False, within: Path | None = None
) -> None:
    """Write a table that may be larger than memory: formats other than .xlsx are streamed.

    Unfinished, it is in the folder ``within``, or beside ``path``.

    Raises
    ------
    As ``write_table``.
    """
    suffix = path.suffix.lower()
    if suffix not in SINKS:
        write_table(rows.collect(), path, raw=raw)
        return
    with replacing(path, within) as aside:
        try:
            SINKS[suffix](rows, aside, raw)
        except pl.exceptions.ComputeError as error:  # also where the disk is full
            if code := _SYSTEM_ERROR.search(str(error)):
                raise OSError(int(code[1]), os.strerror(int(code[1]))) from None
            raise


def require_writable(path: Path) -> None:
    """Refuse a file name with an unknown suffix, before any work is done.

    Raises
    ------
    DataError
        The suffix is unknown.
    """
    if path.suffix.lower() not in WRITERS:
        raise _unknown_suffix(path)


def _unknown_suffix(path: Path) -> DataError:
    return DataError(
        "tables cannot be written as {suffix!r}",
        "in {file}",
        "use one of the suffixes {known}",
        suffix=path.suffix,
        file=str(path),
        known=" ".join(WRITERS),
    )


def _write_csv(frame: pl.DataFrame, target: io.BytesIO, raw: bool) -> None:
    (frame if raw else _without_formulas(frame.lazy()).collect()).write_csv(target)


def _sink_csv(rows: pl.LazyFrame, target: Path, raw: bool) -> None:
    (rows if raw else _without_formulas(rows)).sink_csv(target)


def _write_tsv(frame: pl.DataFrame, target: io.BytesIO, raw: bool) -> None:
    frame = frame if raw else _without_formulas(frame.lazy()).collect()
    frame.write_csv(target, separator="\t", quote_style=_tsv_quotes(frame.lazy()))


def _sink_tsv(rows: pl.LazyFrame, target: Path, raw: bool) -> None:
    rows = rows if raw else _without_formulas(rows)
    rows.sink_csv(target, separator="\t", quote_style=_tsv_quotes(rows))


def _tsv_quotes(rows: pl.LazyFrame) -> Literal["necessary", "non_numeric"]:
    # Tab-separated files are often read without handling quotes: where some cells need them, all
    # texts and names get them, so that quotes are not taken for text.
    special = rows.select(pl.col(pl.String).str.contains(r'["\t\r\n]').any()).collect()
    quoted = special.width > 0 and any(special.row(0))
    return "non_numeric" if quoted else "necessary"


def _without_formulas(rows: pl.LazyFrame) -> pl.LazyFrame:
    columns = rows.collect_schema().names()
    names = pl.DataFrame({"name": columns}, schema={"name": pl.String})
    safe = names.select(_harmless(pl.col("name"))).to_series().to_list()
    return rows.with_columns(_harmless(pl.col(pl.String))).rename(
        dict(zip(columns, safe, strict=True))
    )


def _write_parquet(frame: pl.DataFrame, target: io.BytesIO, raw: bool) -> None:
    frame.write_parquet(target)


def _write_json_lines(frame: pl.DataFrame, target: io.BytesIO, raw: bool) -> None:
    frame.write_ndjson(target)


def _write_excel(frame: pl.DataFrame, target: io.BytesIO, raw: bool) -> None:
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


def _harmless(text: pl.Expr) -> pl.Expr:
    is_formula = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    return pl.when(is_formula).then("'" + text).otherwise(text).name.keep()


WRITERS: dict[str, Callable[[pl.DataFrame, io.BytesIO, bool], None]] = {
    ".csv": _write_csv,
    ".tsv": _write_tsv,
    ".parquet": _write_parquet,
    ".jsonl": _write_json_lines,
    ".xlsx": _write_excel,
}

SINKS: dict[str, Callable[[pl.LazyFrame, Path, bool], None]] = {
    ".csv": _sink_csv,
    ".tsv": _sink_tsv,
    ".parquet": lambda rows, target, raw: rows.sink_parquet(target),
    ".jsonl": lambda rows, target, raw: rows.sink_ndjson(target),
}
