"""The times of series: what their rows may hold, and how many steps they may span."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.tables.finding import Finding
from duree.tables.source_rows import Rows
from duree.tables.time.frequency import Times
from duree.tables.time.parse import MONTH, NUMBER, WEEK, form_of, whole, written_cells

Floats = NDArray[np.float64]

# Steps that the times may span for each row of the table, and for a table of any size.
MOST_EMPTY, ANY_TABLE = 100, 10_000
# A time of day without an offset, in the hours in which clocks go back.
SMALL_HOURS = re.compile(r"\d{4}-\d\d-\d\d[Tt ]0[0-3]:\d\d(:\d\d)?")
READ_AS = {
    MONTH.name: "the numbers in {column!r} are read as years and months (199012, 1990.12)",
    WEEK.name: "the numbers in {column!r} are read as years and ISO weeks (199052)",
}


def refuse_sparse(ends: list[Floats], rows: int, column: str) -> None:
    """Refuse times that span far more steps than the table has rows.

    ``ends`` holds the first and the last place of each series.
    """
    steps = sum(float(last - first) + 1 for first, last in ends)
    if steps <= max(MOST_EMPTY * rows, ANY_TABLE):
        return
    raise DataError(
        "the times in {column!r} span {steps:.0f} steps, of which only {rows} have a row",
        fix="correct stray times, write months as 1990-12, or leave the times out",
        column=column,
        steps=steps,
        rows=rows,
    )


def refuse_two_digit_years(times: pl.Series, codes: NDArray[np.int64]) -> None:
    """Refuse years such as 98, 99, 00, which are out of order as numbers.

    ``codes`` is the series of each row.
    """
    if not (times.dtype == pl.String and times.drop_nulls().str.contains(r"^\s*\d\d\s*$").all()):
        return
    years = times.str.strip_chars().cast(pl.Int64)
    turns = ((years >= 90) & (years.shift(-1) <= 9)).fill_null(False).to_numpy()[:-1]
    found = np.flatnonzero(turns & (np.diff(codes) == 0))
    if len(found):
        raise DataError(
            "the years in {column!r} have two digits: {before!r} is followed by {after!r}",
            "at {rows}",
            "write them with four digits, such as 1999",
            column=times.name,
            before=times[int(found[0])],
            after=times[int(found[0]) + 1],
            rows=Rows([int(found[0]) + 1]),
        )


def numbers_read_as(times: Times, column: pl.Series) -> list[Finding]:
    """A note if numbers are read as months or weeks."""
    if times.written not in READ_AS or column.dtype.is_temporal():
        return []
    if form_of(written_cells(whole(column)), (NUMBER,)) is None:
        return []
    what = READ_AS[times.written]
    return [Finding("numbers_as_times", "note", what, values={"column": column.name})]


def refuse_twice(
    times: pl.Series,
    order: NDArray[np.int64],
    same: NDArray[np.bool_],
    kinds: list[str],
    codes: NDArray[np.int64],
    names: str | None,
) -> None:
    """Raise the error for rows of the same series and time.

    ``same`` marks, in the sorted ``order``, rows that equal the next one.
    """
    place = int(same.argmax())
    one, other = sorted((int(order[place]), int(order[place + 1])))
    facts: dict[str, Any] = {
        "time": str(times[one]),
        "series": kinds[codes[place]],
        "count": int(same.sum()),
        "rows": Rows([one, other]),
    }
    fix = "keep one row per time" if names else "distinguish the series with --id COL"
    if SMALL_HOURS.fullmatch(facts["time"]):
        fix = "give times that occur twice, as when clocks go back, their offset: 02:30+02:00"
    what = "the series {series!r} has two rows for the time {time!r}, and {count} such pairs in all"
    raise DataError(what, "at {rows}", fix, **facts)


def unsorted(codes: NDArray[np.int64], moments: Floats, column: str) -> list[Finding]:
    """A finding if rows of a series go back in time; ``codes`` is the series of each row."""
    order = np.argsort(codes, kind="stable")
    falls = (np.diff(codes[order]) == 0) & (np.diff(moments[order]) < 0)
    if not falls.any():
        return []
    what = "rows are not in the order of {column!r} (steps back in time: {count}); they were sorted"
    facts: dict[str, object] = {"column": column, "count": int(falls.sum())}
    where = Rows(order[1:][falls])
    return [Finding("unsorted", "warning", what, values=facts, where=where)]
