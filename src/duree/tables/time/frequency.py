"""Frequency: how far apart the steps of a series are, and which step each time is.

Years, quarters and months are counted by the calendar, so that the last days of two months are one
step apart; weekdays leave Saturday and Sunday out; all else is counted in equal steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.tables.time.order import time_order

Floats = NDArray[np.float64]

DAY = 86_400.0
# Months in a step of each unit that the calendar counts.
MONTHS = {"year": 12, "quarter": 3, "month": 1}
# Steps until the season comes round again.
PERIODS = {"quarter": 4, "month": 12, "week": 52, "day": 7, "weekday": 5, "hour": 24}
# The usual distance of neighbours, in days, by which a unit that the calendar counts is known.
DISTANCES = {"year": (365, 366), "quarter": (90, 92), "month": (28, 31)}
# How moments are written, and how they are read: each way has one shape.
SHAPES: dict[str, str] = {
    "quarter": r"\d{4}[ -]?[Qq][1-4]",
    "month": r"\d{4}-\d\d",
    "date": r"\d{4}-\d\d-\d\d",
    "time": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*",
}
# Of the steps between neighbours, so many must be one for a grid to fit.
REGULAR = 0.5
UNIT_NAMES = {DAY: "day", 7 * DAY: "week", 3600.0: "hour"}


@dataclass(frozen=True)
class Times:
    """A column of times, read.

    Attributes
    ----------
    moments : float64 [rows]
        Seconds since 1970, or the numbers themselves; NaN where there is none.
    written : str
        "number", or how dates are written: one of ``SHAPES``.
    """

    moments: Floats
    written: str


@dataclass(frozen=True)
class Frequency:
    """A grid of times.

    Attributes
    ----------
    unit : str
        "year", "quarter", "month", "week", "day", "weekday", "hour"; "step" for any other.
    every : float
        Seconds, or whole numbers, in a step; units that the calendar counts do without.
    origin : float
        The first moment of all.
    written : str
        See ``Times``.
    """

    unit: str
    every: float
    origin: float
    written: str

    @property
    def period(self) -> int:
        """Steps until the season comes round again; 1 where there is none."""
        return PERIODS.get(self.unit, 1)

    def places(self, moments: Floats) -> Floats:
        """How many steps each moment lies after the first of all; whole where the grid fits."""
        if self.unit in MONTHS:
            months = _as("M", moments) - _as("M", np.array([self.origin]))
            return np.asarray(months.astype(np.float64) / MONTHS[self.unit])
        if self.unit == "weekday":
            first = _as("D", np.array([self.origin]))[0]
            return np.busday_count(first, _as("D", moments)).astype(np.float64)
        return np.asarray((moments - self.origin) / self.every)

    def moments(self, places: Floats) -> Floats:
        """The moment of each step; months keep the day of the first, or are told by their last."""
        if self.unit in MONTHS:
            first = _as("D", np.array([self.origin]))
            day = first - _as("M", np.array([self.origin])).astype("datetime64[D]")
            steps = np.rint(np.asarray(places) * MONTHS[self.unit]).astype("timedelta64[M]")
            months = first.astype("datetime64[M]") + steps
            last = (months + 1).astype("datetime64[D]") - months.astype("datetime64[D]") - 1
            ends = (first + 1).astype("datetime64[M]") > first.astype("datetime64[M]")
            return _seconds(
                months.astype("datetime64[D]") + np.where(ends, last, np.minimum(day, last))
            )
        if self.unit == "weekday":
            first = _as("D", np.array([self.origin]))[0]
            return _seconds(np.busday_offset(first, np.rint(places).astype(int), roll="forward"))
        return self.origin + np.asarray(places) * self.every

    def labels(self, places: Floats) -> list[str]:
        """The times of steps, as the table writes them."""
        moments = self.moments(places)
        if self.written == "number":
            return [f"{moment:.10g}" for moment in moments]
        if self.written == "quarter":
            months = _as("M", moments).astype(np.int64)
            return [f"{1970 + month // 12}-Q{month % 12 // 3 + 1}" for month in months]
        precision = {"month": "M", "date": "D"}.get(self.written, "s")
        return [str(moment) for moment in _as(precision, moments)]

    def calendar(self, places: Floats) -> Floats:
        """Where in the year, the week and the day each step lies: float64 [steps, channels].

        Each is a point on a circle (sine, cosine); a cycle of one step is left out.
        """
        if self.written == "number":
            return np.zeros((len(places), 0))
        moments = self.moments(places)
        days = moments / DAY
        begins = _as("Y", moments).astype("datetime64[D]").astype(np.float64)
        cycles = []
        if self.unit != "year":
            cycles.append((days - begins) / 365.25)
        if self.unit in ("day", "weekday", "hour"):
            cycles.append(days / 7)
        if self.unit == "hour":
            cycles.append(days)
        circles = [wave(2 * np.pi * cycle) for cycle in cycles for wave in (np.sin, np.cos)]
        return np.stack(circles, axis=1) if circles else np.zeros((len(places), 0))


def read_times(column: pl.Series) -> Times:
    """The moments of a column of numbers, dates, or texts that tell one or the other.

    Raises
    ------
    DataError
        The values cannot be placed in time, or only in an order (as ``"2001 spring"``).
    """
    time_order(column)  # refuses what cannot be ordered, and names the row
    if column.dtype.is_temporal():
        moments = column.cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64) / 1e6
        return Times(_floats(moments), "date" if column.dtype == pl.Date else "time")
    if column.dtype.is_numeric():
        return Times(_floats(column.cast(pl.Float64)), "number")
    texts = column.cast(pl.String).str.strip_chars()
    texts = texts.set(texts == "", None)
    known = texts.drop_nulls()
    for written, shape in SHAPES.items():
        if known.len() and known.str.contains(f"^(?:{shape})$").all():
            return Times(_floats(READERS[written](texts)), written)
    if known.len() and known.str.contains(r"^\d{8}$").all():
        dates = texts.str.to_date("%Y%m%d", strict=False)
        if dates.null_count() == texts.null_count():
            return read_times(dates.alias(column.name))
    numbers = texts.cast(pl.Float64, strict=False)
    if numbers.null_count() > texts.null_count():
        raise DataError(
            "the times in {column!r} are neither numbers nor dates: {value!r}",
            fix="write them as 1999, 1999-Q4, 1999-12, 1999-12-31 or 1999-12-31 18:00",
            column=column.name,
            value=next(text for text, number in zip(texts, numbers, strict=True) if number is None),
        )
    return Times(_floats(numbers), "number")


def find_frequency(series: list[Floats], written: str) -> Frequency | None:
    """The grid on which the times of all series lie; None where there is none.

    ``series`` holds the moments of each series, rising.
    """
    moments = np.concatenate(series)
    apart = np.concatenate([np.diff(times) for times in series])
    if len(apart) == 0:
        return None
    usual = float(np.quantile(apart, 0.5, method="lower"))
    first = float(moments.min())
    found = []
    if written != "number":
        days = usual / DAY
        found += [
            Frequency(unit, 0.0, first, written)
            for unit, (low, high) in DISTANCES.items()
            if low <= round(days) <= high
        ]
        if days == 1 and np.is_busday(_as("D", moments)).all():
            found.append(Frequency("weekday", 0.0, first, written))
    unit = "step" if written == "number" else UNIT_NAMES.get(usual, "step")
    found.append(Frequency(unit, usual, first, written))
    return next((frequency for frequency in found if _fits(frequency, series)), None)


def _fits(frequency: Frequency, series: list[Floats]) -> bool:
    """Whether every time is a step of its own, and most neighbours are one step apart."""
    places = [frequency.places(times) for times in series]
    steps = np.concatenate([np.diff(found) for found in places])
    whole = all(np.allclose(found, np.rint(found), atol=1e-6) for found in places)
    return whole and bool((steps > 0.5).all()) and float(np.mean(steps < 1.5)) >= REGULAR


def _quarters(texts: pl.Series) -> pl.Series:
    year = texts.str.slice(0, 4).cast(pl.Int32)
    month = texts.str.slice(-1).cast(pl.Int32) * 3 - 2
    frame = pl.DataFrame({"year": year, "month": month})
    return _epoch(frame.select(pl.date("year", "month", 1)).to_series())


def _epoch(moments: pl.Series) -> pl.Series:
    return moments.cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64) / 1e6


def _with_clock(texts: pl.Series) -> pl.Series:
    """Seconds since 1970; a time without a zone is taken as UTC."""
    plain = texts.str.replace(" ", "T", literal=True)
    if plain.drop_nulls().str.contains(r"(?:Z|[+-]\d\d:?\d\d)$").all():
        return _epoch(plain.str.to_datetime(time_zone="UTC").dt.replace_time_zone(None))
    return _epoch(plain.str.to_datetime(time_unit="us"))


READERS: dict[str, Callable[[pl.Series], pl.Series]] = {
    "quarter": _quarters,
    "month": lambda texts: _epoch((texts + "-01").str.to_date("%Y-%m-%d")),
    "date": lambda texts: _epoch(texts.str.to_date("%Y-%m-%d")),
    "time": _with_clock,
}


def _floats(column: pl.Series) -> Floats:
    return column.to_numpy().astype(np.float64)


def _as(precision: str, moments: Floats) -> NDArray[np.datetime64]:
    seconds = np.rint(moments).astype("datetime64[s]")
    return seconds.astype(f"datetime64[{precision}]")


def _seconds(days: NDArray[np.datetime64]) -> Floats:
    return days.astype("datetime64[s]").astype(np.int64).astype(np.float64)
