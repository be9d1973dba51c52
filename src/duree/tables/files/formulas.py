"""Cells that a spreadsheet would execute as formulas, made harmless by a leading apostrophe."""

from __future__ import annotations

import re

import polars as pl

# Spreadsheets execute cells that begin so (OWASP ASVS 1.2.10), also in full width and after blanks
# or line ends; plain numbers are harmless.
_BLANK = r"[\s\x00\u{200B}\u{FEFF}]*"
_SIGN = r"[=+\-@＝＋－＠]"
_FORMULA = rf"^{_BLANK}{_SIGN}|^[\t\r\x00]"
_NUMBER = r"^\s*[+\-]?(\d+\.?\d*|\.\d+)([eE][+\-]?\d+)?\s*$"
# Where the semicolon separates cells, Excel also splits quoted cells of a file with commas there.
_AFTER_SEMICOLON = rf";{_BLANK}{_SIGN}"
_APOSTROPHE = re.compile(r"(^|;)'(?=[\s\x00\u200b\ufeff]*[=+\-@＝＋－＠]|[\t\r\x00])")


def without_formulas(rows: pl.LazyFrame, *, split_by_semicolon: bool) -> pl.LazyFrame:
    """The rows with ``'`` before each formula, also in column names.

    Parameters
    ----------
    split_by_semicolon : bool
        Whether a program may take a semicolon within a cell for the end of the cell.
    """
    columns = rows.collect_schema().names()
    names = pl.DataFrame({"name": columns}, schema={"name": pl.String})
    safe = names.select(_harmless(pl.col("name"), split_by_semicolon)).to_series().to_list()
    return rows.with_columns(_harmless(pl.col(pl.String), split_by_semicolon)).rename(
        dict(zip(columns, safe, strict=True))
    )


def with_formulas(text: str) -> str:
    """A text as it was before ``without_formulas``: apostrophes before formulas are removed."""
    return _APOSTROPHE.sub(r"\1", text)


def count_formulas(rows: pl.LazyFrame, *, split_by_semicolon: bool) -> int:
    """The number of cells that ``without_formulas`` alters."""
    texts = pl.col(pl.String)
    altered = (_harmless(texts, split_by_semicolon) != texts).sum()
    counts = rows.select(altered).collect()
    return sum(counts.row(0)) if counts.width else 0


def _harmless(text: pl.Expr, split_by_semicolon: bool) -> pl.Expr:
    whole = _quoted(text)
    if not split_by_semicolon:
        return whole.name.keep()
    parts = whole.str.split(";").list.eval(_quoted(pl.element())).list.join(";")
    return pl.when(text.str.contains(_AFTER_SEMICOLON)).then(parts).otherwise(whole).name.keep()


def _quoted(text: pl.Expr) -> pl.Expr:
    is_formula = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    return pl.when(is_formula).then("'" + text).otherwise(text)
