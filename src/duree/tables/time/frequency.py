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
from duree.tables.time.notation import TEMPLATES, offset_of, template_of, write_times
from duree.tables.time.order import time_order
from duree.tables.time.parse import (
    CLOCK,
    DATE,
    EIGHT_DIGITS,
    FISCAL_YEAR,
    MONTH,
    NUMBER,
    QUARTER,
    WEEK,
    Form,
    form_of,
    moments_of,
    number_form,
    require_read,
    whole,
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
FORMS = (QUARTER, MONTH, WEEK, DATE, CLOCK, EIGHT_DIGITS, NUMBER)
# Numbers that are years; their steps have no season.
YEARS = range(1000, 2200)
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
        The name of their form.
    template, zone : str
        How the latest of them is written; see ``write_times``.
    """

    moments: Floats
    written: str
    template: str = ""
    zone: str = ""

    def in_steps(self, unit: str, every: float = 0.0, day: int = 0) -> Frequency:
        """The grid of such steps from the first of the times."""
        first = float(np.nanmin(self.moments))
        return Frequency(unit, every, first, self.written, self.template, self.zone, day)


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
    written, template, zone : str
        See ``Times``.
    day : int
        The day of each month; 31 for its last; 0 for that of the first moment, or the last of each
        month if the first moment is one.
    """

    unit: str
    every: float
    origin: float
    written: str
    template: str = ""
    zone: str = ""
    day: int = 0

    @property
    def period(self) -> int:
        """Steps in a seasonal cycle; 1 if there is none."""
        return PERIODS.get(self.unit, 1)

    @property
    def has_calendar(self) -> bool:
        """Whether the unit says what the seasonal cycle is: not for numbered or uncommon steps."""
        if self.unit != "step":
            return True
        return self.written == NUMBER.name and self.every == 1 and self.origin in YEARS

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
            steps = np.rint(np.asarray(places) * MONTHS[self.unit]).astype("timedelta64[M]")
            months = first.astype("datetime64[M]") + steps
            last = (months + 1).astype("datetime64[D]") - months.astype("datetime64[D]") - 1
            day = self.day or (31 if _are_month_ends(first).all() else _days_of_month(first)[0])
            on = np.minimum(np.timedelta64(day - 1, "D"), last)
            return _seconds(months.astype("datetime64[D]") + on)
        if self.unit == "weekday":
            first = _as("D", np.array([self.origin]))[0]
            return _seconds(np.busday_offset(first, np.rint(places).astype(int), roll="forward"))
        return self.origin + np.asarray(places) * self.every

    def labels(self, places: Floats) -> list[str]:
        """The times of steps, written as in the table."""
        moments = self.moments(places)
        if self.written == NUMBER.name:
            return [_number(moment) for moment in moments.tolist()]
        return write_times(moments, self.template or TEMPLATES[self.written], self.zone)

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


def read_times(column: pl.Series, *, as_numbers: bool = False) -> Times:
    """The moments of a column of numbers, dates, or texts that are one or the other.

    ``as_numbers``: numbers are not months, weeks or dates, as in the runs of earlier versions.

    Raises
    ------
    DataError
        The values cannot be ordered in time, or have only an order (as ``"2001 spring"``).
    """
    if column.dtype.is_temporal():
        zone = str(getattr(column.dtype, "time_zone", None) or "")
        written = DATE.name if column.dtype == pl.Date else CLOCK.name
        template = TEMPLATES[written] + ("{offset}" if zone else "")
        return Times(_seconds_of(moments_of(column)), written, template, zone)
    texts = written_cells(whole(column))
    form = form_of(texts, (NUMBER,)) if as_numbers else None
    form = form or _form_of(texts)
    if form is not None and form is not NUMBER:
        moments = _seconds_of(require_read(texts, form.read(texts)))
        latest = texts[int(np.nanargmax(moments))]
        zone = offset_of(latest) if form is CLOCK else ""
        return Times(moments, form.name, template_of(form.name, latest), zone)
    time_order(column)  # refuses what cannot be ordered, and gives the row
    if form is None:
        numbers = NUMBER.read(texts)
        raise DataError(
            "the times in {column!r} are neither numbers nor dates: {value!r}",
            fix="write them as 1999, 1999-Q4, 1999-12, 1999-12-31 or 1999-12-31 18:00",
            column=column.name,
            value=texts.filter(numbers.is_null() & texts.is_not_null())[0],
        )
    numbers = column.cast(pl.Float64) if column.dtype.is_numeric() else NUMBER.read(texts)
    return Times(_floats(numbers), NUMBER.name)


def find_frequency(series: list[Floats], times: Times) -> Frequency | None:
    """The grid on which the times of all series lie; None if there is none.

    ``series`` are the ascending moments of each series; ``times`` is their column.
    """
    moments = np.concatenate(series)
    apart = np.concatenate([np.diff(times) for times in series])
    if len(apart) == 0:
        return None
    usual = float(np.quantile(apart, 0.5, method="lower"))
    found = []
    if times.written != NUMBER.name:
        days = usual / DAY
        found += [
            times.in_steps(unit, day=_day_of_month(moments))
            for unit, (low, high) in DISTANCES.items()
            if low <= round(days) <= high
        ]
        if days == 1 and np.is_busday(_as("D", moments)).all():
            found.append(times.in_steps("weekday"))
    unit = "step" if times.written == NUMBER.name else UNIT_NAMES.get(usual, "step")
    found.append(times.in_steps(unit, usual))
    return next((frequency for frequency in found if _fits(frequency, series)), None)


def _fits(frequency: Frequency, series: list[Floats]) -> bool:
    """Whether every time is a different step, and most neighbours are one step apart."""
    places = [frequency.places(times) for times in series]
    steps = np.concatenate([np.diff(found) for found in places])
    whole = all(np.allclose(found, np.rint(found), atol=1e-6) for found in places)
    return whole and bool((steps > 0.5).all()) and float(np.mean(steps < 1.5)) >= REGULAR


def _form_of(texts: pl.Series) -> Form | None:
    """The form of all cells; NUMBER where there are none."""
    cells = texts.drop_nulls()
    if cells.is_empty():
        return NUMBER
    if _are_fiscal_years(cells):
        return FISCAL_YEAR
    form = number_form(cells) or form_of(cells, FORMS)
    if form is EIGHT_DIGITS and form.read(cells).null_count():
        return NUMBER
    return form


def _are_fiscal_years(cells: pl.Series) -> bool:
    """Whether all cells are like 2009/10 or 2009-10; two cells may as well be months."""
    is_fiscal = FISCAL_YEAR.matches(cells).all() and not FISCAL_YEAR.read(cells).null_count()
    return is_fiscal and (cells.n_unique() > 2 or not MONTH.matches(cells).all())


def _number(value: float) -> str:
    return f"{value:.0f}" if value % 1 == 0 and abs(value) < 1e15 else f"{value:.10g}"


def _day_of_month(moments: Floats) -> int:
    """The day that all moments have, where their month is long enough; 31 if all are last days."""
    days = _as("D", moments)
    if _are_month_ends(days).all():
        return 31
    at_first = _days_of_month(_as("D", np.array([moments.min()])))[0]
    # A first moment at the end of a short month does not show the day.
    is_short = _are_month_ends(_as("D", np.array([moments.min()])))[0]
    return int(_days_of_month(days).max() if is_short else at_first)


def _are_month_ends(days: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    return np.asarray((days + 1).astype("datetime64[M]") > days.astype("datetime64[M]"))


def _days_of_month(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    of_month = days - days.astype("datetime64[M]").astype("datetime64[D]")
    return np.asarray(of_month.astype(np.int64) + 1)


def _seconds_of(moments: pl.Series) -> Floats:
    return _floats(moments.cast(pl.Int64).cast(pl.Float64) / 1e6)


def _floats(column: pl.Series) -> Floats:
    return column.to_numpy().astype(np.float64)


def _as(precision: str, moments: Floats) -> NDArray[np.datetime64]:
    seconds = np.rint(moments).astype("datetime64[s]")
    return seconds.astype(f"datetime64[{precision}]")


def _seconds(days: NDArray[np.datetime64]) -> Floats:
    return days.astype("datetime64[s]").astype(np.int64).astype(np.float64)
