"""Frequency: the distance between steps of a series, and the step of each time.

Years, quarters and months are counted by the calendar, so that the last days of two months are one
step apart; weekdays skip Saturday and Sunday; everything else is counted in equal steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.tables.time.order import time_order
from duree.tables.time.parse import (
    CLOCK,
    DATE,
    EIGHT_DIGITS,
    MONTH,
    NUMBER,
    QUARTER,
    form_of,
    moments_of,
    written_cells,
)

Floats = NDArray[np.float64]

DAY = 86_400.0
# Months in a step of each unit that the calendar counts.
MONTHS = {"year": 12, "quarter": 3, "month": 1}
# Steps in a seasonal cycle.
PERIODS = {"quarter": 4, "month": 12, "week": 52, "day": 7, "weekday": 5, "hour": 24}
# The usual distance between neighbours, in days, of each unit that the calendar counts.
DISTANCES = {"year": (365, 366), "quarter": (90, 92), "month": (28, 31)}
# The forms in which times are written, by precedence.
FORMS = (QUARTER, MONTH, DATE, CLOCK, EIGHT_DIGITS, NUMBER)
# The least share of neighbours that must be one step apart for a grid to fit.
REGULAR = 0.5
UNIT_NAMES = {DAY: "day", 7 * DAY: "week", 3600.0: "hour"}


@dataclass(frozen=True)
class Times:
    """A column of times, read.

    Attributes
    ----------
    moments : float64 [rows]
        Seconds since 1970, or the numbers themselves; NaN where missing.
    written : str
        The name of their form: one of ``FORMS``.
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
        Seconds, or numbers, in a step; not used for units that the calendar counts.
    origin : float
        The first moment.
    written : str
        See ``Times``.
    """

    unit: str
    every: float
    origin: float
    written: str

    @property
    def period(self) -> int:
        """Steps in a seasonal cycle; 1 if there is none."""
        return PERIODS.get(self.unit, 1)

    def places(self, moments: Floats) -> Floats:
        """Steps of each moment after the first; integers where the grid fits."""
        if self.unit in MONTHS:
            months = _as("M", moments) - _as("M", np.array([self.origin]))
            return np.asarray(months.astype(np.float64) / MONTHS[self.unit])
        if self.unit == "weekday":
            first = _as("D", np.array([self.origin]))[0]
            return np.busday_count(first, _as("D", moments)).astype(np.float64)
        return np.asarray((moments - self.origin) / self.every)

    def moments(self, places: Floats) -> Floats:
        """The moment of each step; months have the day of the first moment, or their last day."""
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
        """The times of steps, written as in the table."""
        moments = self.moments(places)
        if self.written == "number":
            return [f"{moment:.10g}" for moment in moments]
        if self.written == "quarter":
            months = _as("M", moments).astype(np.int64)
            return [f"{1970 + month // 12}-Q{month % 12 // 3 + 1}" for month in months]
        precision = {"month": "M", "date": "D"}.get(self.written, "s")
        return [str(moment) for moment in _as(precision, moments)]

    def calendar(self, places: Floats) -> Floats:
        """Positions of the steps in the year, the week and the day: float64 [steps, channels].

        Each is a point on a circle (sine, cosine); cycles of one step are left out.
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
    """The moments of a column of numbers, dates, or texts that are one or the other.

    Raises
    ------
    DataError
        The values cannot be ordered in time, or have only an order (as ``"2001 spring"``).
    """
    time_order(column)  # refuses what cannot be ordered, and gives the row
    if column.dtype.is_temporal():
        return Times(_seconds_of(moments_of(column)), _precision(column))
    if column.dtype.is_numeric():
        return Times(_floats(column.cast(pl.Float64)), NUMBER.name)
    texts = written_cells(column)
    form = form_of(texts, FORMS) if texts.null_count() < texts.len() else NUMBER
    if form is EIGHT_DIGITS and form.read(texts).null_count() > texts.null_count():
        form = NUMBER
    if form is None:
        numbers = NUMBER.read(texts)
        raise DataError(
            "the times in {column!r} are neither numbers nor dates: {value!r}",
            fix="write them as 1999, 1999-Q4, 1999-12, 1999-12-31 or 1999-12-31 18:00",
            column=column.name,
            value=texts.filter(numbers.is_null() & texts.is_not_null())[0],
        )
    values = form.read(texts)
    return Times(_floats(values) if form is NUMBER else _seconds_of(values), form.name)


def find_frequency(series: list[Floats], written: str) -> Frequency | None:
    """The grid on which the times of all series lie; None if there is none.

    ``series`` are the ascending moments of each series.
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
    """Whether every time is a different step, and most neighbours are one step apart."""
    places = [frequency.places(times) for times in series]
    steps = np.concatenate([np.diff(found) for found in places])
    whole = all(np.allclose(found, np.rint(found), atol=1e-6) for found in places)
    return whole and bool((steps > 0.5).all()) and float(np.mean(steps < 1.5)) >= REGULAR


def _precision(column: pl.Series) -> str:
    return DATE.name if column.dtype == pl.Date else CLOCK.name


def _seconds_of(moments: pl.Series) -> Floats:
    return _floats(moments.cast(pl.Int64).cast(pl.Float64) / 1e6)


def _floats(column: pl.Series) -> Floats:
    return column.to_numpy().astype(np.float64)


def _as(precision: str, moments: Floats) -> NDArray[np.datetime64]:
    seconds = np.rint(moments).astype("datetime64[s]")
    return seconds.astype(f"datetime64[{precision}]")


def _seconds(days: NDArray[np.datetime64]) -> Floats:
    return days.astype("datetime64[s]").astype(np.int64).astype(np.float64)
