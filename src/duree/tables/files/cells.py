"""Cells that a format cannot hold as they are, and the text that takes their place."""

from __future__ import annotations

import json

import polars as pl

from duree.errors import DataError
from duree.tables.finding import Finding, listed
from duree.tables.table import JSON_TEXT

# Excel stores numbers with 15 digits, and dates as days since 1900.
_LARGEST = 10**15 - 1
_FIRST_DATE = pl.date(1900, 1, 1)
# Formats without lists and records, which hold them as JSON text.
_FLAT = (".csv", ".tsv", ".xlsx")


def require_cells(schema: pl.Schema, suffix: str) -> None:
    """Refuse columns whose cells cannot be written in this format at all.

    Raises
    ------
    DataError
        A column holds bytes or Python objects, and the format is not Parquet.
    """
    for name, kind in schema.items():
        if suffix != ".parquet" and _holds(kind, pl.Binary, pl.Object):
            raise DataError(
                "column {column!r} holds {kind}, which {suffix} files cannot hold",
                fix="write .parquet, or leave the column out of the table",
                column=name,
                kind=str(kind),
                suffix=suffix,
            )


def fitting(rows: pl.LazyFrame, suffix: str) -> tuple[pl.LazyFrame, list[Finding]]:
    """The rows with cells that the format can hold, and what was changed.

    Raises
    ------
    DataError
        As ``require_cells``.
    """
    schema = rows.collect_schema()
    require_cells(schema, suffix)
    nested = [name for name, kind in schema.items() if kind.is_nested()]
    if suffix == ".parquet":
        nested = [name for name in nested if schema[name] == JSON_TEXT]
    elif suffix not in _FLAT:
        return rows, []
    spans = [
        name
        for name, kind in schema.items()
        if kind == pl.Duration and suffix not in (".xlsx", ".parquet")
    ]
    findings = []
    if nested:
        what = "columns with lists or records are written as JSON text: {columns}"
        facts: dict[str, object] = {"columns": listed(nested, 10)}
        findings.append(Finding("json_text", "note", what, values=facts))
    rows = rows.with_columns(
        *(_json_text(name, schema[name]) for name in nested),
        *(_json_text(name, schema[name]).str.strip_chars('"') for name in spans),
    )
    if suffix == ".xlsx":
        rows, of_excel = _for_excel(rows)
        findings += of_excel
    return rows, findings


def as_json_text(name: str) -> pl.Expr:
    """A column as JSON_TEXT; missing cells stay missing."""
    field = JSON_TEXT.fields[0].name
    text = pl.struct(pl.col(name).alias("v")).struct.json_encode().str.slice(5).str.head(-1)
    return pl.when(pl.col(name).is_not_null()).then(pl.struct(text.alias(field))).alias(name)


def json_lines(rows: pl.LazyFrame) -> pl.LazyFrame | None:
    """The lines of a JSON-lines file, in one column; None where polars writes the same itself."""
    schema = rows.collect_schema()
    if JSON_TEXT not in schema.values():
        return None
    parts: list[pl.Expr] = []
    for name, kind in schema.items():
        key = json.dumps(name, ensure_ascii=False)
        parts += [
            pl.lit(f"{',' if parts else '{'}{key}:"),
            _json_text(name, kind).fill_null("null"),
        ]
    return rows.select(pl.concat_str(*parts, pl.lit("}")).alias("line"))


def _json_text(name: str, kind: pl.DataType) -> pl.Expr:
    """A column as JSON texts; missing cells stay missing."""
    column = pl.col(name)
    if kind == JSON_TEXT:
        return column.struct.field(JSON_TEXT.fields[0].name).alias(name)
    text = pl.struct(column.alias("v")).struct.json_encode()  # {"v":...}
    return pl.when(column.is_not_null()).then(text.str.slice(5).str.head(-1)).alias(name)


def _for_excel(rows: pl.LazyFrame) -> tuple[pl.LazyFrame, list[Finding]]:
    """The rows with all that Excel would alter as text."""
    schema = rows.collect_schema()
    altered = {
        name: test
        for name, kind in schema.items()
        if (test := _altered_by_excel(pl.col(name), kind)) is not None
    }
    tests = [test.fill_null(False).any().alias(name) for name, test in altered.items()]
    found = rows.select(tests).collect()
    names = [name for name in altered if found[name][0]]
    if not names:
        return rows, []
    what = (
        "columns written as text, since Excel keeps 15 digits, dates from 1900 on and no time "
        "zones: {columns}"
    )
    finding = Finding("excel_text", "note", what, values={"columns": listed(names, 10)})
    return rows.with_columns(pl.col(names).cast(pl.String)), [finding]


def _altered_by_excel(column: pl.Expr, kind: pl.DataType) -> pl.Expr | None:
    """Which cells Excel would alter; None for kinds that it keeps."""
    if kind.is_integer():
        return (column > _LARGEST) | (column < -_LARGEST)
    if isinstance(kind, pl.Decimal):
        digits = column.cast(pl.String).str.replace_all(r"^[-0.]+|\.", "")
        return digits.str.len_bytes() > 15
    if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
        return column.is_not_null()
    if kind in (pl.Date, pl.Datetime):
        return column < _FIRST_DATE
    return None


def _holds(kind: pl.DataType, *refused: type[pl.DataType]) -> bool:
    if isinstance(kind, pl.List | pl.Array):
        return _holds(kind.inner, *refused)  # type: ignore[arg-type]
    if isinstance(kind, pl.Struct):
        return any(_holds(field.dtype, *refused) for field in kind.fields)  # type: ignore[arg-type]
    return kind in refused
