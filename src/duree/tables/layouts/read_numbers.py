"""Numeric series to classify or regress, read into one column with a list of steps per row.

A table is long (one row per series and time, one column per channel) or wide (one row per series,
one column per time point). Missing cells remain NaN, since missingness may be informative; the
encoder imputes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.recipe.settings import NUMBERS, VALUE, DataSettings
from duree.tables.columns import (
    as_numbers,
    as_text,
    is_blank,
    resolve_column,
    table_without_codes,
)
from duree.tables.describe.series import check_channels, check_steps
from duree.tables.finding import Finding
from duree.tables.layouts.column_order import check_order
from duree.tables.layouts.persons import Persons, one_row_each, without_bad
from duree.tables.layouts.series import refuse_twins
from duree.tables.layouts.series_times import (
    numbers_read_as,
    refuse_twice,
    refuse_two_digit_years,
    unsorted,
)
from duree.tables.layouts.states import state_columns
from duree.tables.source_rows import located, locating
from duree.tables.table import Table
from duree.tables.time.frequency import Frequency, Times, find_frequency, read_times

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A row of fewer numbers is not a series, but probably one time of a long table.
FEWEST_TIMES = 3
# The name of the channel with the time since the previous step.
SINCE = "time since the step before"


def with_numbers(
    table: Table,
    data: DataSettings,
    needed: dict[str, str],
    earlier: Mapping[str, Any] | None = None,
) -> tuple[Table, dict[str, Any]]:
    """The table with one row per series, whose values are in the column ``numbers``.

    The column is List(Array(Float64, channels)), with NaN for missing cells. If the steps of a long
    table are not evenly spaced, there is an additional last channel: log(1 + t), with t the time
    since the previous step in units of the usual one; 0 at the first step.

    Parameters
    ----------
    table : Table
    data : DataSettings
        Names ``series`` and, in a long table, ``id`` and ``time``; ``drop_bad``.
    needed : {role: column}
        Columns of a long table that must be constant within each series.
    earlier : mapping, optional
        How the training table was read; this table is read in the same way.

    Returns
    -------
    Table
    dict
        Plain JSON data for ``earlier``. Of a wide table: ``series``, the columns of the time
        points. Of a long one: ``channels``, its columns of values; its ``frequency``; whether steps
        are ``even``; the ``first`` moment, if all series begin with it.

    Raises
    ------
    DataError
        A column is missing or has another role; a cell is not a number; a series has two rows for
        the same time, or no values; a row has no id or no time.
    """
    if NUMBERS in table.frame.columns:
        raise DataError(
            "the table already has a column {column!r}, the name that the sequences get",
            fix="rename that column in the table",
            column=NUMBERS,
        )
    if data.time is None:
        return _wide(table, data, earlier)
    return _long(table, data, needed, earlier)


def list_numbers(table: Table, columns: list[str]) -> pl.Series:
    """The series of a wide table, List(Array(Float64, 1)) [rows].

    Each ends with its last value; missing values before it are NaN.

    Raises
    ------
    DataError
        A cell is not a number, or a row has no values.
    """
    cells = _cells(table, columns)
    lengths = _lengths(cells)
    empty = np.flatnonzero(lengths == 0)
    if len(empty):
        without_bad(table, lengths == 0, "empty", drop=False)
    inside = np.arange(cells.shape[1]) < lengths[:, None]
    return _listed(np.repeat(np.arange(len(cells)), lengths), cells[inside][:, None])


def measured(earlier: Mapping[str, Any]) -> list[str]:
    """The names of the channels, without that of the time between steps."""
    return [VALUE] if "series" in earlier else list(earlier["channels"])


def channel_names(earlier: Mapping[str, Any]) -> list[str]:
    """The names of all channels, including that of the time between steps."""
    return [*measured(earlier), *([] if earlier.get("even", True) else [SINCE])]


def step_names(earlier: Mapping[str, Any], steps: int) -> list[str]:
    """The names of the first ``steps`` steps."""
    if "series" in earlier:
        return list(earlier["series"][:steps])
    if earlier["first"] is None:
        return [str(step + 1) for step in range(steps)]
    frequency = Frequency(**earlier["frequency"])
    begin = frequency.places(np.array([earlier["first"]]))[0]
    return frequency.labels(begin + np.arange(steps))


def _wide(
    table: Table, data: DataSettings, earlier: Mapping[str, Any] | None
) -> tuple[Table, dict[str, Any]]:
    columns = state_columns(table, tuple(earlier["series"]) if earlier else data.series)
    _refuse_other_roles(table, columns, data)
    table = table_without_codes(table, columns, data.missing_codes)
    if len(columns) < FEWEST_TIMES:
        raise DataError(
            "each row would be a series of only {count} numbers",
            fix="for a table with one row per time, add --id and --time; otherwise give the "
            "columns of all time points, as in --series 't1:t140'",
            count=len(columns),
        )
    if data.id is not None:
        refuse_twins(as_text(table, data.id).fill_null(""))
    empty = _lengths(_cells(table, columns)) == 0
    table = without_bad(table, empty, "empty", drop=data.drop_bad)
    lists = list_numbers(table, columns)
    findings = located(table, check_steps(lists, len(columns)))
    findings += check_channels(lists, [VALUE])
    findings += check_order(columns, data.series)
    frame = table.frame.drop(columns).with_columns(lists)
    found = (*table.findings, *findings)
    return Table(frame, table.sources, found, origins=table.origins), {"series": columns}


def _long(
    table: Table, data: DataSettings, needed: dict[str, str], earlier: Mapping[str, Any] | None
) -> tuple[Table, dict[str, Any]]:
    name, when = (resolve_column(table, str(column)) for column in (data.id, data.time))
    channels = state_columns(table, tuple(earlier["channels"]) if earlier else data.series)
    _refuse_other_roles(table, channels, data)
    table = table_without_codes(table, channels, data.missing_codes)
    for column in (name, when):
        blank = is_blank(as_text(table, column))
        table = without_bad(table, blank, "missing", drop=data.drop_bad, column=column)
    numbers = _cells(table, channels)
    persons = Persons.of(as_text(table, name).str.strip_chars())
    known = np.isfinite(numbers).any(axis=1)
    empty = np.bincount(persons.codes[known], minlength=len(persons))[persons.codes] == 0
    if empty.any():
        table = without_bad(table, empty, "empty", drop=data.drop_bad)
        numbers = numbers[~empty]
        persons = Persons.of(as_text(table, name).str.strip_chars())
    as_before = earlier is not None and earlier["frequency"]["written"] == "number"
    with locating(table):
        times, codes = read_times(table.frame[when], as_numbers=as_before), persons.codes
    order = np.lexsort((times.moments, codes))
    own, moments = codes[order], times.moments[order]
    same = (np.diff(own) == 0) & (np.diff(moments) == 0)
    if same.any():
        with locating(table):
            refuse_twice(table.frame[when], order, same, persons.names.to_list(), own, name)
    _refuse_single(len(own), len(persons), name)
    with locating(table):
        refuse_two_digit_years(table.frame[when], codes)
    findings = numbers_read_as(times, table.frame[when])
    findings += located(table, unsorted(codes, times.moments, when))
    frequency, even, since = _spaced(own, moments, times, when, earlier)
    laid = numbers[order]
    if not even:
        laid = np.concatenate([laid, np.log1p(since)[:, None]], axis=1)
    if not (even if earlier is None else np.allclose(since[since > 0], 1)):
        findings.append(_uneven(when, since, even))
    lists = _listed(own, laid)
    begun = np.unique(moments[np.flatnonzero(np.diff(own, prepend=-1))])
    first = float(begun[0]) if len(begun) == 1 and even else None
    reading = {
        "channels": channels,
        "frequency": asdict(frequency),
        "even": even,
        "first": first,
    }
    used = {*channels, when}
    whole = one_row_each(table, persons, name, used, needed, ours=(NUMBERS,))
    found_steps = located(whole, check_steps(lists))
    findings = [*found_steps, *findings, *check_channels(lists, channels)]
    frame = whole.frame.with_columns(lists)
    found = (*whole.findings, *findings)
    return Table(frame, whole.sources, found, origins=whole.origins), reading


def _spaced(
    codes: Ints, moments: Floats, times: Times, column: str, earlier: Mapping[str, Any] | None
) -> tuple[Frequency, bool, Floats]:
    """The frequency, whether all steps are evenly spaced, and the time since the previous step."""
    begins = np.flatnonzero(np.diff(codes, prepend=-1))
    if earlier is not None:
        frequency = Frequency(**earlier["frequency"])
        if (frequency.written == "number") != (times.written == "number"):
            raise DataError(
                "the times in {column!r} are numbers, but those of the training table are dates"
                if times.written == "number"
                else "the times in {column!r} are dates, but those of the training table are "
                "numbers",
                fix="write the times as in the training table",
                column=column,
            )
    else:
        apart = np.delete(np.diff(moments), begins[1:] - 1)
        usual = float(np.quantile(apart, 0.5, method="lower"))
        found = find_frequency(np.split(moments, begins[1:]), times)
        frequency = found or times.in_steps("step", usual)
    since = np.diff(frequency.places(moments), prepend=0.0)
    since[begins] = 0.0
    even = bool(earlier["even"]) if earlier else np.allclose(np.delete(since, begins), 1)
    return frequency, even, since


def _uneven(column: str, since: Floats, even: bool) -> Finding:
    steps = since[since > 0]
    facts: dict[str, object] = {
        "column": column,
        "share": float(np.mean(~np.isclose(steps, 1))),
        "low": float(steps.min()),
        "high": float(steps.max()),
    }
    what = (
        "steps in {column!r} are unevenly spaced ({share:.0%} differ from the usual step, "
        "from {low:.3g} to {high:.3g} times its length): the time since the previous step is "
        "read as an additional channel"
    )
    if even:  # the training table was evenly spaced
        what = (
            "steps in {column!r} are unevenly spaced ({share:.0%} differ from the usual "
            "step, from {low:.3g} to {high:.3g} times its length), but were even in the "
            "training table: the network does not see the difference"
        )
    return Finding("uneven_steps", "warning" if even else "note", what, values=facts)


def _refuse_single(rows: int, series: int, name: str) -> None:
    if rows == series:
        raise DataError(
            "no {column!r} has more than one row, but a series needs several",
            fix="give the column that identifies the series of each row: --id COLUMN; if "
            "each row is a whole series, leave --time out",
            column=name,
        )


def _refuse_other_roles(table: Table, columns: list[str], data: DataSettings) -> None:
    """Refuse columns of series that also have another role."""
    roles = ("target", "id", "group", "time", "weight")
    named = {role: name for role in roles if (name := getattr(data, role)) is not None}
    for role, name in named.items():
        if name in table.frame.columns and name in columns:
            raise DataError(
                "the column {column!r} is both the {role} and one of the series",
                fix="leave it out of the series; to forecast it, add --task forecast",
                column=name,
                role=role,
            )


def _cells(table: Table, columns: list[str]) -> Floats:
    """The numbers of some columns, float64 [rows, columns]; NaN if missing."""
    is_text = table.frame.select(columns).select(pl.selectors.string()).columns
    stripped = pl.col(is_text).str.strip_chars()
    filled = table.frame.with_columns(pl.when(stripped != "").then(stripped))
    table = replace(table, frame=filled)
    cells = [as_numbers(table, column).to_numpy() for column in columns]
    return np.stack(cells, axis=1).astype(np.float64)


def _lengths(cells: Floats) -> Ints:
    """The length of each row up to its last value, int64 [rows]."""
    known = np.isfinite(cells)
    last = cells.shape[1] - known[:, ::-1].argmax(axis=1)
    return np.where(known.any(axis=1), last, 0)


def _listed(rows: Ints, steps: Floats) -> pl.Series:
    """Steps float64 [steps, channels] as one list per row; ``rows`` is the row of each step."""
    laid = pl.DataFrame({"row": rows, NUMBERS: steps})
    lists = laid.group_by("row", maintain_order=True).agg(pl.col(NUMBERS))
    return lists[NUMBERS]
