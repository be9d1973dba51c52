"""Time series from a long table (id, time, value) or a wide one (one row per series).

Steps are placed on a regular grid inferred from the times. A step without a value is missing; no
steps are added after the last value of a series.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.recipe.settings import VALUE
from duree.tables.columns import as_numbers, as_text, resolve_column
from duree.tables.finding import Finding, listed
from duree.tables.layouts.series_times import (
    numbers_read_as,
    refuse_sparse,
    refuse_twice,
    refuse_two_digit_years,
    unsorted,
)
from duree.tables.source_rows import located, locating, named_rows
from duree.tables.table import Table
from duree.tables.time.frequency import Frequency, find_frequency, read_times

Floats = NDArray[np.float64]

# The distance between steps, by the unit of the frequency.
STEPS = {
    "year": "a step is one year",
    "quarter": "a step is one quarter",
    "month": "a step is one month",
    "week": "a step is one week",
    "day": "a step is one day",
    "weekday": "a step is one weekday",
    "hour": "a step is one hour",
    "step": "steps are {every:g} apart (in seconds where times are dates)",
}
# The name of a single series without a column of names.
ONLY = "series"


@dataclass(frozen=True)
class Covariates:
    """Columns of covariates: known up to the origin (past), or also in advance (known).

    Attributes
    ----------
    past, known : tuple of str
    """

    past: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True)
class SeriesSet:
    """Series on a common grid, in the order of the table.

    Attributes
    ----------
    names : list of str
    values : list of float64 [steps]
        NaN if a step has no value; the first and the last step have one.
    past : list of float64 [steps, covariates]
        NaN if missing.
    known : list of float64 [steps or more, covariates]
        Extends beyond the last value if the table has further rows.
    places : list of float64 [steps]
        The position of each step on the grid.
    frequency : Frequency or None
        None: steps are numbered and have no times.
    findings : list of Finding
    """

    names: list[str]
    values: list[Floats]
    past: list[Floats]
    known: list[Floats]
    places: list[Floats]
    frequency: Frequency | None
    findings: list[Finding] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def period(self) -> int:
        """Steps in a seasonal cycle of the calendar; 1 if there is none."""
        return self.frequency.period if self.frequency else 1

    @property
    def has_calendar(self) -> bool:
        """Whether the times say what the seasonal cycle is."""
        return self.frequency is not None and self.frequency.has_calendar

    def label(self, series: int, step: int) -> str:
        """The time of a step, which may be after the last one; steps are counted from 0."""
        places = self.places[series]
        if self.frequency is None:
            return str(step + 1)
        if step < len(places):
            return self.frequency.labels(places[step : step + 1])[0]
        beyond = places[-1] + step - len(places) + 1
        return self.frequency.labels(np.array([beyond]))[0]

    def take(self, chosen_rows: list[int]) -> SeriesSet:
        """Some of the series."""
        parts = ("names", "values", "past", "known", "places")
        chosen = {part: [getattr(self, part)[place] for place in chosen_rows] for part in parts}
        return SeriesSet(**chosen, frequency=self.frequency)


def read_long(
    table: Table, value: str, time: str, names: str | None, covariates: Covariates
) -> SeriesSet:
    """The series of a table with one row per series and time.

    Parameters
    ----------
    table : Table
    value, time : str
        The columns of values and of times.
    names : str or None
        The column that identifies the series; None: there is a single one.
    covariates : Covariates

    Raises
    ------
    DataError
        A column is missing or holds no numbers; a time is missing or cannot be ordered; a series
        has two rows for the same time.
    """
    column = resolve_column(table, time)
    with locating(table):
        times = read_times(table.frame[column])
    _refuse_missing(table, np.isnan(times.moments), column)
    numbers = as_numbers(table, value).to_numpy()
    if not np.isfinite(numbers).any():
        raise DataError("the column {column!r} holds no numbers", fix=NUMBERS, column=value)
    of_rows = as_text(table, names).fill_null("") if names else pl.Series([ONLY] * len(table))
    kinds = of_rows.unique(maintain_order=True).to_list()
    codes = of_rows.replace_strict(kinds, range(len(kinds)), return_dtype=pl.Int64).to_numpy()
    covariates_ = [
        np.stack([as_numbers(table, name).to_numpy() for name in which], axis=1)
        if which
        else np.zeros((len(table), 0))
        for which in (covariates.past, covariates.known)
    ]
    order = np.lexsort((times.moments, codes))
    with locating(table):
        refuse_two_digit_years(table.frame[column], codes)
    findings = [
        *numbers_read_as(times, table.frame[column]),
        *located(table, unsorted(codes, times.moments, column)),
    ]
    codes, moments, numbers = codes[order], times.moments[order], numbers[order]
    past, known = (found[order] for found in covariates_)
    same = (np.diff(codes) == 0) & (np.diff(moments) == 0)
    if same.any():
        with locating(table):
            refuse_twice(table.frame[column], order, same, kinds, codes, names)
    begins = np.flatnonzero(np.diff(codes, prepend=-1))
    rows = np.split(np.arange(len(codes)), begins[1:])
    frequency = find_frequency([moments[own] for own in rows], times)
    if frequency is None and len(codes) > len(kinds):
        findings.append(_irregular(column))
    if frequency is not None:
        ends = [frequency.places(moments[own[[0, -1]]]) for own in rows]
        refuse_sparse(ends, len(codes), column)
    found: dict[str, list[Any]] = {part: [] for part in ("names", "values", "past", "known")}
    found["places"] = []
    empty = []
    for own in rows:
        name = kinds[codes[own[0]]]
        seen = own[np.isfinite(numbers[own])]
        if len(seen) == 0:
            empty.append(name)
            continue
        places = frequency.places(moments[own]) if frequency else np.arange(len(own), dtype=float)
        places = np.rint(places) - np.rint(places[seen[0] - own[0]])
        first = frequency.places(moments[seen[:1]])[0] if frequency else 0.0
        grid = places.astype(np.int64)
        steps = int(grid[seen[-1] - own[0]]) + 1
        for part, cells, length in (
            ("values", numbers[:, None], steps),
            ("past", past, steps),
            ("known", known, int(grid[-1]) + 1),
        ):
            laid = np.full((length, cells.shape[1]), np.nan)
            inside = (grid >= 0) & (grid < length)
            laid[grid[inside]] = cells[own[inside]]
            found[part].append(laid[:, 0] if part == "values" else laid)
        found["names"].append(name)
        found["places"].append(np.rint(first) + np.arange(steps))
    if empty:
        what = "series without any value, left out: {count} ({listed})"
        facts: dict[str, object] = {"count": len(empty), "listed": listed(empty)}
        findings.append(Finding("empty_series", "warning", what, values=facts))
    series = SeriesSet(**found, frequency=frequency)
    return replace(series, findings=[*findings, *describe(series)])


def read_columns(
    table: Table, columns: list[str], time: str, names: str | None, covariates: Covariates
) -> SeriesSet:
    """The series of a table with one row per time and one column per series.

    Raises
    ------
    DataError
        See ``read_long``.
    """
    keys = [resolve_column(table, name) for name in (time, names) if name]
    for name in columns:
        as_numbers(table, name)
    frame = table.frame.select(
        *keys,
        *(pl.col(name).cast(pl.String) for name in columns),
        *covariates.past,
        *covariates.known,
    ).unpivot(
        columns,
        index=[*keys, *covariates.past, *covariates.known],
        variable_name=COLUMN,
        value_name=VALUE,
    )
    if names:
        frame = frame.with_columns(pl.concat_str([pl.col(keys[1]), pl.col(COLUMN)], separator=" "))
        # Two keys identify a series: their combined name replaces both.
        frame = frame.drop(COLUMN).rename({keys[1]: COLUMN})
    origins = None if table.origins is None else pl.concat([table.origins] * len(columns))
    long = Table(frame, table.sources, table.findings, origins=origins)
    return read_long(long, VALUE, keys[0], COLUMN, covariates)


def read_wide(table: Table, names: str, columns: list[str], *, whole: bool = False) -> SeriesSet:
    """The series of a table with one row per series, with values from left to right.

    A series begins with its first value or, if ``whole``, with its first cell, since it continues
    another table.

    Raises
    ------
    DataError
        Two rows have the same name, or a cell is not a number.
    """
    named = as_text(table, names).fill_null("")
    refuse_twins(named)
    cells = np.stack([as_numbers(table, name).to_numpy() for name in columns], axis=1)
    filled = np.isfinite(cells)
    chosen_rows = filled.any(axis=1)
    if not chosen_rows.any():
        raise DataError("the table has no numbers besides {column!r}", fix=NUMBERS, column=names)
    values = [
        row[0 if whole else int(seen.argmax()) : len(row) - int(seen[::-1].argmax())]
        for row, seen in zip(cells[chosen_rows], filled[chosen_rows], strict=True)
    ]
    none = [np.zeros((len(row), 0)) for row in values]
    places = [np.arange(len(row), dtype=np.float64) for row in values]
    series = SeriesSet(named.filter(chosen_rows).to_list(), values, none, none, places, None)
    findings = describe(series)
    if lost := named.filter(~chosen_rows).to_list():
        what = "series without any value, left out: {count} ({listed})"
        facts: dict[str, object] = {"count": len(lost), "listed": listed(lost)}
        findings.append(Finding("empty_series", "warning", what, values=facts))
    return replace(series, findings=findings)


COLUMN = "series"
NUMBERS = "give a column of plain numbers with a decimal point: --series COL"


def describe(series: SeriesSet) -> list[Finding]:
    """Findings: the number of series, their lengths, their frequency and missing values."""
    lengths = np.array([len(values) for values in series.values])
    if len(lengths) == 0:
        return []
    facts: dict[str, object] = {
        "count": len(series),
        "shortest": int(lengths.min()),
        "median": round(float(np.median(lengths))),
        "longest": int(lengths.max()),
    }
    what = "series: {count}, of {shortest} to {longest} steps (median {median})"
    if facts["shortest"] == facts["longest"]:
        what = "series: {count}, of {longest} steps each"
    findings = [Finding("series", "ok", what, values=facts)]
    if frequency := series.frequency:
        what = STEPS[frequency.unit]
        facts = {"unit": frequency.unit, "every": frequency.every}
        findings.append(Finding("frequency", "ok", what, values=facts))
    gaps = [int(np.isnan(values).sum()) for values in series.values]
    if sum(gaps):
        what = (
            "steps without a value: {count}, in {series} series ({listed}); they are read as "
            "missing, and not imputed"
        )
        within = [name for name, gap in zip(series.names, gaps, strict=True) if gap]
        facts = {"count": sum(gaps), "series": len(within), "listed": listed(within)}
        findings.append(Finding("gaps", "warning", what, values=facts))
    if 2 * sum(gaps) > lengths.sum():
        what = "most steps have no value: {count} of {steps}"
        fix = "check that the times are read as they are meant, and that no series has a stray one"
        facts = {"count": sum(gaps), "steps": int(lengths.sum())}
        findings.append(Finding("mostly_empty", "warning", what, fix, facts))
    return findings


def _refuse_missing(table: Table, missing: NDArray[np.bool_], column: str) -> None:
    if missing.any():
        raise DataError(
            "{count} rows have no {column!r}",
            "first at {rows}",
            "fill them in, or remove those rows",
            count=int(missing.sum()),
            column=column,
            rows=named_rows(table, np.flatnonzero(missing)),
        )


def refuse_twins(names: pl.Series) -> None:
    """Refuse a wide table in which two rows have the same name."""
    if names.n_unique() == len(names):
        return
    twice = names.filter(names.is_duplicated())[0]
    raise DataError(
        "{count} rows are named {name!r}: a wide table has one row per series",
        fix="give them different names; for one row per time, give the columns: --series COL "
        "--time COL",
        count=int((names == twice).sum()),
        name=twice,
    )


def _irregular(column: str) -> Finding:
    what = (
        "the times in {column!r} have no regular step: rows are taken in order, each as one "
        "step, and forecasts are for the next rows, whenever they come"
    )
    fix = "aggregate the table to one row per day, month or year if the time between rows matters"
    return Finding("irregular", "warning", what, fix, {"column": column})
