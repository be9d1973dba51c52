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
from duree.tables.source_rows import Rows

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
        ``"number"``, ``"fiscal year"``, ``"quarter"``, ``"month"``, ``"week"``, ``"date"`` or
        ``"time"``.
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
    year = texts.str.extract(r"(\d{4})").cast(pl.Int32)
    month = texts.str.extract(r"[Qq](\d)").cast(pl.Int32) * 3 - 2
    frame = pl.DataFrame({"year": year, "month": month})
    return frame.select(pl.date("year", "month", 1)).to_series().cast(pl.Datetime("us"))


def _months(texts: pl.Series) -> pl.Series:
    return _dates(
        texts.str.replace(r"\.1$", ".10").str.replace(".", "", literal=True), "%Y%m%d", "01"
    )


def _weeks(texts: pl.Series) -> pl.Series:
    """The Monday of each ISO week; null for a week 53 that its year does not have."""
    return _dates(texts.str.replace_all(r"\D", ""), "%G%V%u", "1")


def _fiscal_years(texts: pl.Series) -> pl.Series:
    """The first of January of the year in which each fiscal year begins."""
    year, end = (texts.str.extract(r"^(\d{4}).(\d\d)?(\d\d)$", part) for part in (1, 3))
    follows = (year.cast(pl.Int64) + 1) % 100 == end.cast(pl.Int64)
    return _dates(year.set(~follows.fill_null(False), None), "%Y%m%d", "0101")


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
QUARTER = Form("quarter", r"\d{4}[ :-]?[Qq][1-4]|[Qq][1-4][ /-]?\d{4}", _quarters)
WEEK = Form("week", r"\d{4}-?[Ww](0[1-9]|[1-4]\d|5[0-3])", _weeks)
FISCAL_YEAR = Form("fiscal year", r"\d{4}[/–-]\d\d(\d\d)?", _fiscal_years)
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
LIKELY_YEAR = r"(1[5-9]|2[01])\d\d"
LIKELY_MONTH = Form("month", rf"{LIKELY_YEAR}(0[1-9]|1[0-2])", _months)
# 1990.1 is October where a program dropped the last zero of 1990.10.
POINT_MONTH = Form("month", rf"{LIKELY_YEAR}\.(0[1-9]|1[0-2]|1)", _months)
LIKELY_WEEK = Form("week", rf"{LIKELY_YEAR}(0[1-9]|[1-4]\d|5[0-3])", _weeks)
# The same for years that a number of eight digits is likely to mean.
LIKELY_DATE = Form(
    "date",
    rf"{LIKELY_YEAR}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])",
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


def whole(column: pl.Series) -> pl.Series:
    """Whole numbers stored as floats as integers, other columns as they are."""
    if column.dtype.is_float() and (column.drop_nulls() % 1 == 0).all():
        return column.cast(pl.Int64, strict=False)
    return column


def form_of(texts: pl.Series, forms: Iterable[Form]) -> Form | None:
    """The first form in which all cells are written; numbers must be readable as such."""
    for form in forms:
        if form is NUMBER:
            if NUMBER.read(texts).null_count() == texts.null_count():
                return form
        elif form.matches(texts).all():
            return form
    return None


def number_form(texts: pl.Series) -> Form | None:
    """The form of numbers that are months (199012, 1990.12) or weeks (199052), or None.

    Six digits are weeks only if they span several years: within one, they may as well be counts.
    """
    cells = texts.drop_nulls()
    if cells.is_empty():
        return None
    if LIKELY_MONTH.matches(cells).all():
        return LIKELY_MONTH
    if POINT_MONTH.matches(cells).all():
        ends = cells.str.slice(5).unique().to_list()
        is_month = any(len(end) == 2 for end in ends) and not {"1", "10"} <= set(ends)
        return POINT_MONTH if is_month else None
    if LIKELY_WEEK.matches(cells).all() and cells.str.slice(0, 4).n_unique() > 1:
        return LIKELY_WEEK
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
        "{value!r} in the column {column!r}, {rows}, cannot be placed in time",
        fix="write all its values as numbers, or as dates of the same precision, such as "
        "1999-12-31",
        value=value,
        column=column,
        rows=Rows([row]),
    )
