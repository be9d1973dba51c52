"""Tables of several files joined into one, also where types of columns not in use differ."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence

import polars as pl
import polars.exceptions as pl_exceptions

from duree.errors import DataError
from duree.tables.columns import find_column
from duree.tables.files.cells import as_json_text
from duree.tables.finding import Finding, listed

_EXACT = 2**53  # up to which a float holds every integer


def joined(
    names: Sequence[str], frames: Sequence[pl.DataFrame], used: Collection[str] | None
) -> tuple[pl.DataFrame, list[Finding]]:
    """The rows of all frames, with columns in the order of the first.

    Parameters
    ----------
    names : sequence of str
        The files of the frames.
    used : collection of str or None
        The columns that must have the same type in all files; None: all of them. Others become text
        where their types differ.

    Raises
    ------
    DataError
        The frames have different columns, or different types in one that is used.
    """
    first, *others = frames
    if not others:
        return first, []
    others = [_with_names_of(first, frame) for frame in others]
    for name, frame in zip(names[1:], others, strict=True):
        _check_same_columns(names[0], first, name, frame)
    whole = [first, *(frame.select(first.columns) for frame in others)]
    differing = {
        column: place
        for column in first.columns
        if (place := _first_that_differs([frame[column] for frame in whole])) is not None
    }
    names_in_use = first.columns if used is None else used
    in_use = {find_column(first.columns, name) for name in names_in_use}
    for column, place in differing.items():
        nested = any(frame.schema[column].is_nested() for frame in whole)
        if column in in_use or (not nested and not _is_plain(column, whole)):
            raise _other_type(column, (names[0], first), (names[place], whole[place]))
    whole = [frame.with_columns(_as_text(column, whole) for column in differing) for frame in whole]
    frame = pl.concat(whole, how="vertical_relaxed", rechunk=False)
    return frame, _findings(list(differing))


def _with_names_of(first: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the first one's form of names that differ only in composed characters."""
    composed = {unicodedata.normalize("NFC", name): name for name in first.columns}
    forms = {name: composed.get(unicodedata.normalize("NFC", name), name) for name in frame.columns}
    return frame.rename(forms) if len(set(forms.values())) == len(forms) else frame


def _first_that_differs(columns: list[pl.Series]) -> int | None:
    """The place of the first column whose type cannot be joined with that of the first one."""
    kinds = [column.dtype for column in columns]
    large = any(
        kind.is_integer() and bool((column.abs() > _EXACT).any())
        for kind, column in zip(kinds, columns, strict=True)
    )
    for place, kind in enumerate(kinds):
        pair = (kinds[0], kind)
        if kind == kinds[0] or pl.Null in pair:
            continue
        if all(each.is_nested() for each in pair) and _have_common_type(columns[0], columns[place]):
            continue
        numeric = all(each.is_numeric() for each in pair)
        if not numeric or (large and any(each.is_float() for each in pair)):
            return place
    return None


def _have_common_type(one: pl.Series, other: pl.Series) -> bool:
    """Whether lists or records of both columns can be of one type."""
    try:
        pl.concat([one[:0].to_frame(), other[:0].to_frame()], how="vertical_relaxed")
    except pl_exceptions.PolarsError:
        return False
    return True


def _is_plain(column: str, frames: list[pl.DataFrame]) -> bool:
    """Whether the column can be written as text in all frames."""
    refused = (pl.Binary, pl.Object, pl.Duration)
    return not any(frame.schema[column] in refused for frame in frames)


def _as_text(column: str, frames: list[pl.DataFrame]) -> pl.Expr:
    if any(frame.schema[column].is_nested() for frame in frames):
        return as_json_text(column)
    return pl.col(column).cast(pl.String)


def _findings(columns: list[str]) -> list[Finding]:
    if not columns:
        return []
    what = "columns with different types in different files are read as text: {columns}"
    return [Finding("mixed_types", "note", what, values={"columns": listed(columns, 10)})]


def _check_same_columns(
    first_name: str, first: pl.DataFrame, name: str, frame: pl.DataFrame
) -> None:
    if differing := sorted(set(first.columns) ^ set(frame.columns)):
        raise DataError(
            "{first} and {file} do not have the same columns: only one of them has {columns}",
            fix="give all files the same columns, or read them one by one",
            columns=", ".join(map(repr, differing)),
            first=first_name,
            file=name,
        )


def _other_type(
    column: str, first: tuple[str, pl.DataFrame], other: tuple[str, pl.DataFrame]
) -> DataError:
    return DataError(
        "column {column!r} holds {one} in {first}, but {two} in {file}",
        fix="give it the same type in all files",
        column=column,
        one=str(first[1].schema[column]),
        two=str(other[1].schema[column]),
        first=first[0],
        file=other[0],
    )
