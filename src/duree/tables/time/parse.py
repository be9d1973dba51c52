"""Parsing of times: the cells of a column are numbers, or moments written in one of a few forms.

Every reader of times uses these forms: the order of rows (``order``), spells and events
(``calendar_units``), and series (``frequency``). Each chooses the forms that it accepts, and which
come first: 1999 may be a year or a count, and 19991231 a date or a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from duree.errors import DataError

Reader = Callable[[pl.Series], pl.Series]

# ISO 8601 with a time of day; a moment without a zone is taken as UTC.
CLOCK_FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M%#z",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M%#z",
)


@dataclass(frozen=True)
class Form:
    """A way to write times.

    Attributes
    ----------
    name : str
        ``"number"``, ``"quarter"``, ``"month"``, ``"date"`` or ``"time"``.
    shape : str
        Regular expression for whole cells.
    read : callable
        From texts to numbers (Float64) or moments (Datetime in UTC); null where a cell is neither.
    """

    name: str
    shape: str
    read: Reader

    def matches(self, texts: pl.Series) -> pl.Series:
        """Which cells have the shape, null where they are missing."""
        return texts.str.contains(f"^(?:{self.shape})$")


def _numbers(texts: pl.Series) -> pl.Series:
    numbers = texts.cast(pl.Float64, strict=False)
    return numbers.set(~numbers.is_finite(), None)


def _quarters(texts: pl.Series) -> pl.Series:
    year = texts.str.slice(0, 4).cast(pl.Int32)
    month = texts.str.slice(-1).cast(pl.Int32) * 3 - 2
    frame = pl.DataFrame({"year": year, "month": month})
    return frame.select(pl.date("year", "month", 1)).to_series().cast(pl.Datetime("us"))


def _dates(texts: pl.Series, form: str, suffix: str = "") -> pl.Series:
    return (texts + suffix).str.to_datetime(form, strict=False, time_unit="us")


def _clocks(texts: pl.Series, formats: Sequence[str] = CLOCK_FORMATS) -> pl.Series:
    """Moments with a time of day, each read by the first format that fits."""
    written = texts.str.to_uppercase()
    readings = []
    for form in formats:
        zone = "UTC" if "z" in form else None
        read = written.str.to_datetime(form, strict=False, time_unit="us", time_zone=zone)
        readings.append(read.dt.replace_time_zone(None))
    return pl.select(pl.coalesce(readings)).to_series()


NUMBER = Form("number", r".*", _numbers)
QUARTER = Form("quarter", r"\d{4}[ -]?[Qq][1-4]", _quarters)
MONTH = Form("month", r"\d{4}-\d\d", partial(_dates, form="%Y-%m-%d", suffix="-01"))
DATE = Form("date", r"\d{4}-\d\d-\d\d", partial(_dates, form="%Y-%m-%d"))
CLOCK = Form(
    "time",
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:[0-5]\d(\.\d+)?)?([Zz]|[+-]\d\d(:?\d\d)?)?",
    _clocks,
)
# Times of day with the same precision throughout.
EVEN_CLOCKS = tuple(
    Form("time", CLOCK.shape, partial(_clocks, formats=(form,))) for form in CLOCK_FORMATS
)
EIGHT_DIGITS = Form("date", r"\d{8}", partial(_dates, form="%Y%m%d"))
# The same for years that a number of eight digits is likely to mean.
LIKELY_DATE = Form(
    "date",
    r"(1[5-9]|2[01])\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])",
    partial(_dates, form="%Y%m%d"),
)


def written_cells(column: pl.Series) -> pl.Series:
    """The cells of a column of times as texts: String, trimmed, blank ones null.

    Raises
    ------
    DataError
        The column holds something other than numbers and texts.
    """
    is_text = column.dtype in (pl.String, pl.Null) or is_category(column)
    if not (column.dtype.is_numeric() or is_text):
        raise DataError(
            "the column {column!r} holds {kind}, not times",
            fix="choose a column of numbers, dates or text",
            column=column.name,
            kind=str(column.dtype),
        )
    texts = column.cast(pl.String).str.strip_chars()
    return texts.set(texts == "", None)


def form_of(texts: pl.Series, forms: Iterable[Form]) -> Form | None:
    """The first form in which all cells are written; numbers must be readable as such."""
    for form in forms:
        if form is NUMBER:
            if NUMBER.read(texts).null_count() == texts.null_count():
                return form
        elif form.matches(texts).all():
            return form
    return None


def require_read(texts: pl.Series, values: pl.Series) -> pl.Series:
    """The values read from ``texts``.

    Raises
    ------
    DataError
        A cell could not be read.
    """
    if (unread := values.is_null() & texts.is_not_null()).any():
        row = int(unread.arg_max() or 0)
        raise not_in_order(texts.name, row, texts[row])
    return values


def moments_of(column: pl.Series) -> pl.Series:
    """A column of type Date or Datetime as Datetime in microseconds, UTC, without a zone."""
    if getattr(column.dtype, "time_zone", None):
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us"))


def is_category(column: pl.Series) -> bool:
    """Whether the cells are from a list of names (value labels, factors)."""
    return isinstance(column.dtype, pl.Categorical | pl.Enum)


def not_in_order(column: str, row: int, value: object) -> DataError:
    """The error for a value, in a row counted from 0, that is not a time."""
    return DataError(
        "{value!r} in the column {column!r} cannot be placed in time",
        "row {row}",
        "write all its values as numbers, or as dates of the same precision, such as 1999-12-31",
        value=value,
        column=column,
        row=row + 1,
    )
