"""Columns of a table by name, as text or as numbers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.tables.source_rows import numbers_in_file
from duree.tables.table import JSON_TEXT, Table

# The columns that may be named once each.
ROLES = ("text", "target", "id", "group", "time", "weight")
NAMED_ROWS = 5  # rows named in a message


def resolve_column(table: Table, name: str) -> str:
    """The column called ``name``; DataError with similar names if there is none."""
    columns = table.frame.columns
    if (found := find_column(columns, name)) is not None:
        return found
    values: dict[str, Any] = {"column": name, "file": _files(table)}
    what, where = "there is no column {column!r} in {file}", ""
    if sheets := [finding for finding in table.findings if finding.check == "sheets"]:
        where = "only the sheet {sheet!r} was read, not {others}"
        values |= {name: sheets[0].values[name] for name in ("sheet", "others")}
    if titles := [finding for finding in table.findings if finding.check == "title"]:
        where = "its first line {title!r} seems to be a title above the column names"
        fix = "remove the rows above the column names"
        raise DataError(what, where, fix, **values, title=titles[0].values["title"])
    if near := _near(name, columns):
        raise DataError(what, where, "did you mean {near}?", near=listed(near), **values)
    raise DataError(what, where, "its columns are {columns}", columns=listed(columns), **values)


def find_column(columns: Sequence[str], name: str | None) -> str | None:
    """The column of this name, also where é is one character in one and two in the other."""
    if name is None or name in columns:
        return name
    composed = unicodedata.normalize("NFC", name)
    same = [column for column in columns if unicodedata.normalize("NFC", column) == composed]
    return same[0] if len(same) == 1 else None


def as_text(table: Table, name: str) -> pl.Series:
    """A column as texts: String [rows], missing ones null; whole numbers without ``.0``.

    Raises
    ------
    DataError
        There is no such column, or it holds lists or bytes.
    """
    name = resolve_column(table, name)
    refuse_nested(table, name)
    column = table.frame[name]
    kind = column.dtype
    if kind.is_float() and column.is_finite().all() and (column % 1 == 0).all():
        # Spreadsheets and statistics programs store all numbers as floats: class 1 is not "1.0".
        whole = column.cast(pl.Int64, strict=False)
        if whole.null_count() == column.null_count():
            column = whole
    return column.cast(pl.String)


def refuse_nested(table: Table, name: str) -> None:
    """Refuse a column of lists, records or bytes; DataError."""
    column = table.frame[name]
    kind = column.dtype
    if kind == JSON_TEXT:
        row = int(column.is_not_null().arg_max() or 0)
        file, numbers = numbers_in_file(table, [row])
        raise DataError(
            "the values of {column!r} are lists or objects, first in row {row}: {text!r}",
            "in {file}",
            "write the value that is meant under a key of its own; a list of labels may hold only "
            "texts",
            column=name,
            row=numbers[0],
            text=column.struct.field(JSON_TEXT.fields[0].name)[row][:80],
            file=file,
        )
    if kind.is_nested() or kind in (pl.Binary, pl.Object):
        raise DataError(
            "column {column!r} holds {kind}, not text",
            "in {file}",
            "choose a column of texts or numbers",
            column=name,
            kind=str(kind),
            file=_files(table),
        )


def join_labels(table: Table, name: str, separator: str) -> Table:
    """The table with a column of lists of labels as texts, joined by ``separator``.

    Raises
    ------
    DataError
        A label holds the separator.
    """
    column = table.frame[name]
    labels = column.explode().drop_nulls().cast(pl.String)
    within = labels.filter(labels.str.contains(separator, literal=True))
    if len(within):
        raise DataError(
            "the label {label!r} in the lists of {column!r} holds the separator {separator!r}",
            fix="choose a character that no label holds: --set data.label_separator=...",
            label=within[0],
            column=name,
            separator=separator,
        )
    joined = column.cast(pl.List(pl.String)).list.join(separator, ignore_nulls=True)
    return replace(table, frame=table.frame.with_columns(joined))


def is_list_of_labels(kind: pl.DataType) -> bool:
    """Whether cells are lists of texts or whole numbers."""
    return isinstance(kind, pl.List) and (kind.inner == pl.String or kind.inner.is_integer())


def as_numbers(table: Table, name: str) -> pl.Series:
    """A column as numbers: Float64 [rows], missing ones null, all others finite.

    Raises
    ------
    DataError
        There is no such column, or cells are not finite numbers: they are counted and shown.
    """
    name = resolve_column(table, name)
    refuse_nested(table, name)
    column = table.frame[name]
    if not (column.dtype.is_numeric() or column.dtype in (pl.String, pl.Null, pl.Boolean)):
        column = column.cast(pl.String, strict=False)
    source = column.str.strip_chars() if column.dtype == pl.String else column
    numbers = source.cast(pl.Float64, strict=False)
    bad = column.is_not_null() & ~numbers.is_finite().fill_null(False)
    if bad.any():
        places = bad.arg_true().to_list()
        file, in_file = numbers_in_file(table, places[:NAMED_ROWS])
        cells = [str(column[row])[:40] for row in places[: len(in_file)]]
        shown = ", ".join(f"{n}: {cell!r}" for n, cell in zip(in_file, cells, strict=True))
        raise DataError(
            "column {column!r} holds cells that are not finite numbers: {count}",
            "{file}, row {shown}",
            "write plain numbers with a decimal point, and leave missing ones empty",
            count=len(places),
            column=name,
            file=file,
            shown=shown + (", ..." if len(places) > len(in_file) else ""),
        )
    return numbers


def without_codes(column: pl.Series, codes: Sequence[str]) -> pl.Series:
    """The column with null in place of the codes for missing values; -99 is also -99.0."""
    if not codes or column.dtype.is_nested() or column.dtype.is_temporal():
        return column
    cells = column.cast(pl.String)
    plain = cells.str.strip_chars().str.replace(r"^(-?\d+)\.0+$", "$1")
    return column.set((cells.is_in(codes) | plain.is_in(codes)).fill_null(False), None)


def table_without_codes(table: Table, names: Iterable[str], codes: Sequence[str]) -> Table:
    """The table with null in place of the codes for missing values in some columns."""
    if not codes:
        return table
    columns = [without_codes(table.frame[name], codes) for name in names]
    return replace(table, frame=table.frame.with_columns(columns))


def is_blank(column: pl.Series) -> NDArray[np.bool_]:
    """Which cells are missing or hold only white space."""
    blank = column.is_null()
    if column.dtype == pl.String:
        blank |= (column.str.strip_chars() == "").fill_null(True)
    return blank.to_numpy()


def _near(name: str, columns: list[str]) -> list[str]:
    """Names that differ only by case or spaces, otherwise similar ones."""
    plain = _plain(name)
    same = [column for column in columns if _plain(column) == plain]
    if same:
        return same
    alike = get_close_matches(plain, [_plain(column) for column in columns], n=3)
    return [column for column in columns if _plain(column) in alike]


def _plain(name: str) -> str:
    return "".join(name.casefold().split()).replace("_", "").replace("-", "")


def listed(names: list[str]) -> str:
    """Names in a message, at most 20 of them."""
    more = ", ..." if len(names) > 20 else ""
    return ", ".join(map(repr, names[:20])) + more


def _files(table: Table) -> str:
    return ", ".join(source.path for source in table.sources)


def with_columns(frame: pl.DataFrame, added: list[pl.Series]) -> pl.DataFrame:
    """The table with further columns at its right.

    Raises
    ------
    DataError
        It already has a column of the same name.
    """
    require_free(frame.columns, [series.name for series in added])
    return frame.with_columns(added)


# Columns of the probability of each class are called so, and by the class.
PROBABILITY = "probability_"


def own_and_added(columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The columns of a table, and those that predictions added: from the last ``prediction`` on."""
    if "prediction" not in columns:
        return list(columns), []
    begin = len(columns) - 1 - list(columns)[::-1].index("prediction")
    return list(columns[:begin]), list(columns[begin:])


def require_free(columns: Sequence[str], added: Sequence[str]) -> None:
    """Refuse a table that has a column with the name of one to add; DataError."""
    taken = [name for name in added if name in columns]
    if taken:
        raise DataError(
            "the table already has a column {column!r}, the name of one that is added to it",
            fix="rename that column in the table",
            column=taken[0],
        )


def require_same_columns(test: Table, names: Sequence[str], file: str) -> None:
    """Check that a table of test rows has the columns of the data.

    Raises
    ------
    DataError
        ``file``, from which it was read, lacks one.
    """
    missing = [name for name in names if name not in test.frame.columns]
    if missing:
        raise DataError(
            "the test file {file!r} has no column {column!r}",
            fix="give it the same columns as the data",
            file=file,
            column=missing[0],
        )
