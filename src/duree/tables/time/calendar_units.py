"""Times of a table: numbers or moments, and a unit in which spells can be counted."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from duree.errors import DataError
from duree.tables.columns import resolve_column
from duree.tables.table import Table
from duree.tables.time.order import is_category, not_in_order

MONTHS, EIGHT_DIGITS = r"^\d{4}-\d\d$", r"^(1[5-9]|2[01])\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$"
# ISO 8601; a moment without a zone is taken as UTC.
MOMENTS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M%#z",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
)
MICROSECONDS_A_DAY = 86_400_000_000
SAMPLE = 1000

UNITS = {
    "step": "the times are numbers: a step is 1",
    "day": "the times are dates: a step is a day",
    "month": "the times are dates: a step is a month",
    "year": "the times are dates: a step is a year",
}


@dataclass(frozen=True)
class Clock:
    """How the times of spells are counted.

    Attributes
    ----------
    unit : {"step", "day", "month", "year"}
        ``step``: the times are numbers, and whole ones.
    """

    unit: str

    @classmethod
    def of(cls, starts: pl.Series, ends: pl.Series) -> Clock:
        """The coarsest unit by which times, as ``read_times`` gives them, lose nothing.

        Months are such a unit where all spells begin on the first day of one, and end on the first
        or the last; years in the same way.
        """
        if starts.dtype != pl.Datetime:
            return cls("step")
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
            They are numbers and not dates, or the other way round; or no whole numbers.
        """
        are_dates = times.dtype == pl.Datetime
        if times.null_count() < len(times) and are_dates == (self.unit == "step"):
            raise DataError(
                "the column {column!r} holds {kind}, and the other times are of another kind",
                fix="write all times as whole numbers, or all as dates such as 1999-12-31",
                column=times.name,
                kind="dates" if are_dates else "numbers",
            )
        if self.unit == "step":
            counts = times.cast(pl.Int64)
            if (odd := (counts != times).fill_null(False)).any():
                row = int(odd.arg_max() or 0)
                raise not_in_order(times.name, row, times[row])
            return counts
        if self.unit == "day":
            return times.cast(pl.Date).cast(pl.Int32).cast(pl.Int64)
        years = times.dt.year().cast(pl.Int64)
        return years if self.unit == "year" else years * 12 + times.dt.month().cast(pl.Int64) - 1

    def label(self, count: int) -> str:
        """A time as one would write it."""
        if self.unit == "day":
            return str(pl.Series([count], dtype=pl.Int32).cast(pl.Date)[0])
        return f"{count // 12}-{count % 12 + 1:02}" if self.unit == "month" else str(count)


def read_times(table: Table, name: str) -> pl.Series:
    """A column of times: Float64 where they are numbers, else Datetime in UTC; missing ones null.

    Dates are those of ISO 8601 (2003-06, 2003-06-30, 2003-06-30T12:00:00), or eight digits.

    Raises
    ------
    DataError
        A cell is no time, or is written otherwise than the others.
    """
    column = table.frame[resolve_column(table, name)]
    if column.dtype in (pl.Date, pl.Datetime):
        zone = getattr(column.dtype, "time_zone", None)
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else column
        return column.cast(pl.Datetime("us"))
    is_written = column.dtype in (pl.String, pl.Null) or is_category(column)
    if not (column.dtype.is_numeric() or is_written):
        raise DataError(
            "the column {column!r} holds {kind}, not times",
            fix="choose a column of numbers, dates or text",
            column=name,
            kind=str(column.dtype),
        )
    texts = column.cast(pl.String).str.strip_chars()
    texts = texts.set(texts == "", None)
    if texts.str.contains(EIGHT_DIGITS).all():
        return texts.str.to_datetime("%Y%m%d", strict=False, time_unit="us")
    numbers = texts.cast(pl.Float64, strict=False)
    numbers = numbers.set(~numbers.is_finite(), None)
    if numbers.null_count() == texts.null_count():
        return numbers
    if texts.str.contains(MONTHS).all():
        return (texts + "-01").str.to_datetime("%Y-%m-%d", strict=False, time_unit="us")
    # The first cells tell in which form all are written.
    sample = texts.drop_nulls().head(SAMPLE)
    missed = {form: _moments(sample, form).null_count() for form in MOMENTS}
    form = min(missed, key=missed.__getitem__)
    no_numbers = sample.cast(pl.Float64, strict=False).null_count()
    best = numbers if no_numbers <= missed[form] else _moments(texts, form)
    if (odd := best.is_null() & texts.is_not_null()).any():
        row = int(odd.arg_max() or 0)
        raise not_in_order(name, row, texts[row])
    return best


def days(moments: pl.Series) -> pl.Series:
    """Moments as days since 1970, Float64; numbers as they are."""
    if moments.dtype != pl.Datetime:
        return moments.cast(pl.Float64)
    return moments.dt.epoch("us").cast(pl.Float64) / MICROSECONDS_A_DAY


def _moments(texts: pl.Series, form: str) -> pl.Series:
    zone = "UTC" if "z" in form else None
    moments = texts.str.to_datetime(form, strict=False, time_unit="us", time_zone=zone)
    return moments.dt.replace_time_zone(None) if zone else moments
