"""Series from files: data files of any shape, and a test file with later values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError
from duree.recipe.settings import DataSettings, ForecastSettings
from duree.tables.columns import require_same_columns, resolve_column, table_without_codes
from duree.tables.files.read import read_tables
from duree.tables.finding import Finding
from duree.tables.layouts.column_order import check_order
from duree.tables.layouts.series import (
    ONLY,
    Covariates,
    SeriesSet,
    read_columns,
    read_long,
    read_wide,
)
from duree.tables.layouts.states import state_columns
from duree.tables.table import Source, Table, origins_with

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SeriesFiles:
    """Series read from files, and the names of their columns.

    Attributes
    ----------
    series : SeriesSet
        Those of the data files, continued by the test file.
    tested : int64 [series] or None
        Number of last steps of each series that are from the test file; None without one.
    sources : tuple of Source
    name, time, value : str
        The columns of the series' names, times and values, for tables of forecasts.
    """

    series: SeriesSet
    tested: Ints | None
    sources: tuple[Source, ...]
    name: str
    time: str
    value: str


def read_series(data: DataSettings, forecast: ForecastSettings) -> SeriesFiles:
    """Read the data files and the test file.

    With a time column, tables have one row per series and time, or one column per series; without
    one, they have one row per series.

    Raises
    ------
    DataError
        A table cannot be read as series, or the test file does not continue the data.
    """
    read = partial(
        read_tables,
        encoding=data.encoding,
        delimiter=data.delimiter,
        drop_bad=data.drop_bad,
        header=[name for name in (data.time, data.id, *data.series) if name],
    )
    tables = [read(data.files)]
    if data.test_file:
        tables.append(read([data.test_file]))
    first = tables[0]
    sources = tuple(source for table in tables for source in table.sources)
    if data.time is None:
        name = resolve_column(first, data.id) if data.id else first.frame.columns[0]
        series = _wide(first, data, forecast, name)
        value = data.target or "value"
        if data.test_file is None:
            return SeriesFiles(series, None, sources, name, "time", value)
        later = _wide(tables[1], data.model_copy(update={"series": ()}), forecast, name, ends=True)
        joined, tested = _continued(series, later)
        return SeriesFiles(joined, tested, sources, name, "time", value)
    series = _long(first, data, forecast)
    names = (data.id or ONLY, data.time, data.target or data.series[0])
    if data.test_file is None:
        return SeriesFiles(series, None, sources, *names)
    require_same_columns(tables[1], first.frame.columns, data.test_file)
    frame = first.frame.vstack(tables[1].frame.select(first.frame.columns))
    extended = Table(frame, sources, first.findings, origins=origins_with(first, tables[1]))
    whole = _long(extended, data, forecast)
    return SeriesFiles(whole, _lengthened(series, whole), sources, *names)


def _long(table: Table, data: DataSettings, forecast: ForecastSettings) -> SeriesSet:
    if not data.series:
        raise DataError("no {name} column was named", fix="add --{name} COLUMN", name="series")
    columns = state_columns(table, data.series)
    numbers = [resolve_column(table, name) for name in (*columns, *forecast.past, *forecast.known)]
    table = table_without_codes(table, numbers, data.missing_codes)
    covariates, time = Covariates(forecast.past, forecast.known), str(data.time)
    if len(columns) == 1:
        found = read_long(table, columns[0], time, data.id, covariates)
        if data.id is None:  # a single series, named after its column
            found = replace(found, names=columns)
    else:
        found = read_columns(table, columns, time, data.id, covariates)
    findings = [*table.findings, *found.findings, *_check_counts(found, forecast)]
    return replace(found, findings=findings)


def _wide(
    table: Table, data: DataSettings, forecast: ForecastSettings, name: str, *, ends: bool = False
) -> SeriesSet:
    columns = table.frame.columns
    name = resolve_column(table, name)
    chosen = state_columns(table, data.series) if data.series else columns
    steps = [column for column in chosen if column != name]
    table = table_without_codes(table, steps, data.missing_codes)
    found = read_wide(table, name, steps, whole=ends)
    findings = [*table.findings, *found.findings, *check_order(steps, data.series)]
    return replace(found, findings=[*findings, *_check_counts(found, forecast)])


def _check_counts(series: SeriesSet, forecast: ForecastSettings) -> list[Finding]:
    """A note if the values are counts, some of them 0, and their distribution is not chosen."""
    values = np.concatenate([own[np.isfinite(own)] for own in series.values] or [np.zeros(0)])
    is_count = len(values) > 0 and values.min() == 0 < values.max() and (values % 1 == 0).all()
    if not is_count or forecast.distribution == "negative_binomial":
        return []
    what = "the values are counts from 0 to {most:g}: forecasts are never below 0"
    fix = "to forecast their distribution as counts, add --set forecast.distribution={name}"
    facts = {"most": float(values.max()), "name": "negative_binomial"}
    return [Finding("counts", "note", what, fix, facts)]


def _continued(series: SeriesSet, later: SeriesSet) -> tuple[SeriesSet, Ints]:
    """Each series followed by its later values, matched by name, and the number of these."""
    after = dict(zip(later.names, later.values, strict=True))
    if lost := [name for name in series.names if name not in after]:
        raise DataError(
            "the test file has no row for the series {name!r} ({count} missing in all)",
            fix="give it one row for each series of the data, with the same name",
            name=lost[0],
            count=len(lost),
        )
    values, tested = [], []
    for name, own in zip(series.names, series.values, strict=True):
        values.append(np.concatenate([own, after[name]]))
        tested.append(len(after[name]))
    none = [np.zeros((len(own), 0)) for own in values]
    places = [np.arange(len(own), dtype=np.float64) for own in values]
    joined = replace(series, values=values, past=none, known=none, places=places)
    return joined, np.array(tested)


def _lengthened(series: SeriesSet, whole: SeriesSet) -> Ints:
    """The number of steps that the test file adds to each series."""
    before = dict(zip(series.names, series.values, strict=True))
    tested = []
    for name, values in zip(whole.names, whole.values, strict=True):
        own = before.get(name, np.zeros(0))
        if not np.array_equal(own, values[: len(own)], equal_nan=True):
            raise DataError(
                "the test file holds times of the series {name!r} that the data already cover",
                fix="give it only rows later than the data",
                name=name,
            )
        tested.append(len(values) - len(own))
    return np.array(tested)
