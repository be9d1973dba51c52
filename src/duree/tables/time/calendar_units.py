"""Calendar units: the times of spells and events, and the unit in which spells are counted."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from duree.errors import DataError
from duree.tables.columns import resolve_column
from duree.tables.source_rows import locating
from duree.tables.table import Table
from duree.tables.time.parse import (
    DATE,
    EVEN_CLOCKS,
    LIKELY_DATE,
    MONTH,
    NUMBER,
    WEEK,
    Form,
    form_of,
    moments_of,
    not_in_order,
    number_form,
    require_read,
    whole,
    written_cells,
)

MICROSECONDS_A_DAY = 86_400_000_000
# Days from a Monday to 1970-01-01.
MONDAY = 3
# The cells by which the form of a column is decided.
SAMPLE = 1000

UNITS = {
    "step": "the times are numbers: a step is 1",
    "day": "the times are dates: a step is a day",
    "week": "the times are weeks: a step is a week",
    "month": "the times are dates: a step is a month",
    "year": "the times are dates: a step is a year",
}


@dataclass(frozen=True)
class Clock:
    """The unit in which the times of spells are counted.

    Attributes
    ----------
    unit : {"step", "day", "week", "month", "year"}
        ``step``: the times are whole numbers.
    """

    unit: str

    @classmethod
    def of(cls, starts: pl.Series, ends: pl.Series, *, are_weeks: bool = False) -> Clock:
        """The coarsest unit in which times, as ``read_times`` gives them, are exact.

        This is the month where all spells begin on the first day of a month and end on the first
        or the last; the year is defined in the same way. It is the week only where the times are
        written as weeks.
        """
        if starts.dtype != pl.Datetime:
            return cls("step")
        if are_weeks:
            return cls("week")
        begins, known = starts.drop_nulls().dt.date(), ends.drop_nulls().cast(pl.Date)
        first = known.dt.day() == 1
        ends_month = first | (known.dt.month_end() == known)
        if not ((begins.dt.day() == 1).all() and ends_month.all()):
            return cls("day")
        ends_year = (first & (known.dt.month() == 1)) | (~first & (known.dt.month() == 12))
        return cls("year" if (begins.dt.month() == 1).all() and ends_year.all() else "month")

    def count(self, times: pl.Series) -> pl.Series:
        """Times as Int64, missing ones null.

        Raises
        ------
        DataError
            They are numbers where the other times are dates, or the reverse; or they are not whole
            numbers.
        """
        if times.null_count() == len(times):
            return times.cast(pl.Int64)
        are_dates = times.dtype == pl.Datetime
        if are_dates == (self.unit == "step"):
            raise DataError(
                "the column {column!r} holds dates, but the other times are numbers"
                if are_dates
                else "the column {column!r} holds numbers, but the other times are dates",
                fix="write all times as whole numbers, or all as dates such as 1999-12-31",
                column=times.name,
            )
        if self.unit == "step":
            counts = times.cast(pl.Int64)
            if (odd := (counts != times).fill_null(False)).any():
                row = int(odd.arg_max() or 0)
                raise not_in_order(times.name, row, times[row])
            return counts
        if self.unit in ("day", "week"):
            days = times.cast(pl.Date).cast(pl.Int32).cast(pl.Int64)
            return days if self.unit == "day" else (days + MONDAY) // 7
        years = times.dt.year().cast(pl.Int64)
        return years if self.unit == "year" else years * 12 + times.dt.month().cast(pl.Int64) - 1

    def label(self, count: int) -> str:
        """A time as text."""
        if self.unit in ("day", "week"):
            days = count if self.unit == "day" else count * 7 - MONDAY
            date = pl.Series([days], dtype=pl.Int32).cast(pl.Date)[0]
            return str(date) if self.unit == "day" else f"{date:%G-W%V}"
        return f"{count // 12}-{count % 12 + 1:02}" if self.unit == "month" else str(count)


def read_times(table: Table, name: str, *, as_numbers: bool = True) -> pl.Series:
    """A column of times: Float64 if they are numbers, otherwise Datetime in UTC; missing ones null.

    Dates are those of ISO 8601 (2003-06, 2003-06-30, 2003-06-30T12:00:00, 2003-W26), or eight
    digits; unless ``as_numbers``, also numbers that are months or weeks (200306, 2003.06, 200326).

    Raises
    ------
    DataError
        A cell is not a time, or is written in another form than the others.
    """
    column = table.frame[resolve_column(table, name)]
    if column.dtype in (pl.Date, pl.Datetime):
        return moments_of(column)
    texts = written_cells(whole(column))
    form = None if as_numbers else number_form(texts)
    form = form or form_of(texts, (LIKELY_DATE, NUMBER, MONTH, WEEK)) or _most_frequent_form(texts)
    with locating(table):
        return require_read(texts, form.read(texts))


def written_as(table: Table, name: str) -> str | None:
    """What the numbers in a column of times seem to be: ``"month"``, ``"week"`` or None."""
    column = table.frame[resolve_column(table, name)]
    if column.dtype in (pl.Date, pl.Datetime):
        return None
    texts = written_cells(whole(column))
    form = number_form(texts) or form_of(texts, (NUMBER, WEEK))
    return None if form in (None, NUMBER) else form.name


def days(moments: pl.Series) -> pl.Series:
    """Moments as days since 1970, Float64; numbers as they are."""
    if moments.dtype != pl.Datetime:
        return moments.cast(pl.Float64)
    return moments.dt.epoch("us").cast(pl.Float64) / MICROSECONDS_A_DAY


def _most_frequent_form(texts: pl.Series) -> Form:
    """Numbers, dates or times of day: the form of most of the first cells."""
    sample = texts.drop_nulls().head(SAMPLE)
    unread = {form: form.read(sample).null_count() for form in (NUMBER, DATE, *EVEN_CLOCKS)}
    return min(unread, key=unread.__getitem__)
