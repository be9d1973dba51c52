"""A table into a file, whole or not at all; spreadsheets find nothing in it to run."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import polars as pl

from duree.errors import DataError, ExtraError
from duree.folders import write_file

# A spreadsheet runs a cell that begins so (OWASP ASVS 1.2.10); a plain number is harmless.
_FORMULA = r"^[=+\-@\t\r\x00]"
_NUMBER = r"^[+\-]?(\d+\.?\d*|\.\d+)([eE][+\-]?\d+)?$"
_EXCEL_ROWS, _EXCEL_COLUMNS, _EXCEL_TEXT = 1_048_575, 16_384, 32_767


def write_table(frame: pl.DataFrame, path: str | Path, *, raw: bool = False) -> None:
    """Write ``frame`` in the format that the suffix tells: .csv .tsv .parquet .jsonl .xlsx.

    Parameters
    ----------
    raw : bool
        Leave texts in CSV and TSV as they are. Otherwise one that a spreadsheet would run (it
        begins with ``= + - @``, tab, return or NUL and is not a number) gets a ``'`` before it.

    Raises
    ------
    DataError
        The suffix is not known, or the format cannot hold the table.
    RunError
        The file cannot be written; one that was there before is intact.
    ExtraError
        The format needs an optional package.
    """
    path = Path(path)
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise DataError(
            "tables cannot be written as {suffix!r}",
            "in {file}",
            "end the name in one of {known}",
            suffix=path.suffix,
            file=str(path),
            known=" ".join(WRITERS),
        )
    content = io.BytesIO()
    writer(frame, content, raw)
    write_file(path, content.getvalue())


def _write_csv(frame: pl.DataFrame, target: io.BytesIO, raw: bool) -> None:
    (frame if raw else _without_formulas(frame)).write_csv(target)


def _write_tsv(frame: pl.DataFrame, target: io.BytesIO, raw: bool) -> None:
    frame = frame if raw else _without_formulas(frame)
    # Files with tabs are often read without regard to quotes: where some cells need them, all texts
    # and names have them, so that nobody can take them for text.
    special = frame.select(pl.col(pl.String).str.contains(r'["\t\r\n]').any())
    quoted = special.width > 0 and any(special.row(0))
    frame.write_csv(target, separator="\t", quote_style="non_numeric" if quoted else "necessary")


def _without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    names = pl.DataFrame({"name": frame.columns}, schema={"name": pl.String})
    safe = names.select(_harmless(pl.col("name"))).to_series().to_list()
    return frame.with_columns(_harmless(pl.col(pl.String))).rename(
        dict(zip(frame.columns, safe, strict=True))
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
    """Refuse what Excel would cut off without a word."""
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
    runs = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    return pl.when(runs).then("'" + text).otherwise(text).name.keep()


WRITERS: dict[str, Callable[[pl.DataFrame, io.BytesIO, bool], None]] = {
    ".csv": _write_csv,
    ".tsv": _write_tsv,
    ".parquet": _write_parquet,
    ".jsonl": _write_json_lines,
    ".xlsx": _write_excel,
}
