"""Events: tables with one row per event (who, what, when), such as clicks or posts.

The sequence of a person consists of the events in chronological order, written as states are (see
``duree.tables.layouts.states``). Steps are not equidistant: the time between events is a feature of
the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from duree.recipe.settings import STATES, DataSettings
from duree.tables.columns import as_text, is_blank, resolve_column, table_without_codes
from duree.tables.finding import Finding, listed
from duree.tables.layouts.persons import GAPS, Persons, one_row_each, without_bad
from duree.tables.layouts.state_names import check_names
from duree.tables.layouts.state_strings import ARROW, clean_states, states_at
from duree.tables.layouts.states import StateSequences
from duree.tables.layouts.step_attributes import (
    Kinds,
    attribute_findings,
    kinds_of,
    read_attributes,
    step_feature_names,
    without_infinite,
)
from duree.tables.source_rows import Rows, located
from duree.tables.table import Table
from duree.tables.time.calendar_units import days, read_times, written_as

# Maximum number of events per person in a figure.
MOST_EVENTS = 100
# The separator of the columns that form the name of an event.
AND = " · "

AS_NUMBERS = (
    "the times in {column!r} look like months or weeks, as in 199012, but are read as numbers: "
    "from 199012 to 199101 are 89 steps"
)
DATES = "write them as dates, such as 1990-12 or 1990-W52"
LENGTHS = "events per person: median {middle}, 95th percentile {most}, maximum {longest}"
UNSORTED = "events out of chronological order: {count} ({rows} ...); they were sorted"
AT_ONCE = (
    "events at the same time as the one before: {count} ({rows} ...); they keep the "
    "order of the table"
)


def gather_events(
    table: Table, data: DataSettings, needed: dict[str, str], earlier: Kinds | None = None
) -> tuple[Table, Kinds]:
    """The table with one row per person, whose events are in the column ``states``.

    If times are known, the column ``gaps`` holds the times since the previous event; each attribute
    has a column of lists, in the order of the events.

    Parameters
    ----------
    table : Table
        One row per event.
    data : DataSettings
        Names ``id``, the columns of ``event`` and optionally ``time`` and ``attribute``;
        ``drop_bad``.
    needed : {role: column}
        Columns that must be constant within each person.
    earlier : {column: kind}, optional
        Kinds of the attributes in the training table; inferred from this table if not given.

    Raises
    ------
    DataError
        A column or a cell is missing, a cell is not a time, or an attribute cannot be read.
    """
    name, when = resolve_column(table, str(data.id)), None
    events = [resolve_column(table, column) for column in data.event]
    attributes_ = [resolve_column(table, column) for column in data.attribute]
    table = table_without_codes(table, [*events, *attributes_], data.missing_codes)
    if data.time is not None:
        when = resolve_column(table, data.time)
    for column in filter(None, (name, events[0], when)):
        blank = is_blank(as_text(table, column))
        table = without_bad(table, blank, "missing", drop=data.drop_bad, column=column)
    taken = {column: role for role, column in needed.items()}
    taken |= {name: "id"} | dict.fromkeys(events, "event") | ({when: "time"} if when else {})
    kinds = kinds_of(table, data.attribute, taken, earlier)
    table = without_infinite(table, kinds, drop=data.drop_bad)
    persons = Persons.of(as_text(table, name).str.strip_chars())
    times = read_times(table, when) if when else None
    stamps = np.zeros(len(table)) if times is None else days(times).to_numpy()
    parts = [clean_states(as_text(table, column)) for column in events]
    event_names = pl.DataFrame(parts).select(
        pl.concat_str(pl.all(), separator=AND, ignore_nulls=True)
    )
    given = pl.DataFrame({"who": persons.codes, STATES: event_names.to_series(), GAPS: stamps})
    attributes = read_attributes(table, kinds)
    # Numbered, since their own names may clash with other columns.
    places = {f"attribute {place}": column for place, column in enumerate(attributes)}
    gathered = (
        given.with_columns(**places)[np.lexsort((stamps, persons.codes))]
        .with_columns(pl.col(GAPS).diff().over("who").fill_null(0.0))
        .group_by("who", maintain_order=True)
        .agg(pl.col(STATES).str.join(ARROW), pl.col(GAPS, *places))
        .drop("who", *([] if when else [GAPS]))
        .rename(dict(zip(places, kinds, strict=True)))
    )
    used = {*events, *kinds, *filter(None, [when])}
    whole = one_row_each(table, persons, name, used, needed)
    findings = [*whole.findings, *located(table, _findings(given, times, len(persons)))]
    if when and times is not None and times.dtype != pl.Datetime and written_as(table, when):
        findings.append(Finding("numbers_as_times", "warning", AS_NUMBERS, DATES, {"column": when}))
    findings += attribute_findings(attributes)
    frame = pl.concat([whole.frame, gathered], how="horizontal")
    return Table(frame, whole.sources, tuple(findings), origins=whole.origins), kinds


def _findings(given: pl.DataFrame, times: pl.Series | None, persons: int) -> list[Finding]:
    """Findings on the events: their number, types, lengths and order."""
    facts: dict[str, object] = {"events": given.height, "persons": persons}
    what = "{events} events of {persons} persons, in the order of the table"
    if times is not None:
        what = "{events} events of {persons} persons, from {first} to {last}"
        facts |= {"first": _time_label(times.min()), "last": _time_label(times.max())}
    counts = given[STATES].value_counts(sort=True)[STATES]
    named: dict[str, object] = {"count": len(counts), "listed": listed(counts.to_list(), 12)}
    lengths = given["who"].value_counts()["count"]
    shares = {"middle": 0.5, "most": 0.95, "longest": 1.0}
    long = {name: int(lengths.quantile(share, "nearest") or 0) for name, share in shares.items()}
    findings = [
        Finding("events", "ok", what, values=facts),
        Finding("states", "ok", "{count} types of events: {listed}", values=named),
        Finding("lengths", "ok", LENGTHS, values={**long}),
        *check_names(given[STATES].drop_nulls()),
    ]
    since = pl.col(GAPS).diff().over("who")
    for check, what, which in (("unsorted", UNSORTED, since < 0), ("at_once", AT_ONCE, since == 0)):
        rows = given.select(which.fill_null(False)).to_series().arg_true().to_numpy()
        if times is not None and len(rows):
            facts = {"count": len(rows), "rows": Rows(rows)}
            findings.append(Finding(check, "note", what, values=facts))
    return findings


def _time_label(time: object) -> str:
    return f"{time:g}" if isinstance(time, float) else str(time)


class Events(StateSequences):
    """Event sequences with one row per event."""

    name: ClassVar[str] = "events"

    @classmethod
    def claims(cls, data: DataSettings) -> bool:
        return bool(data.event)

    @property
    def is_long(self) -> bool:
        return True

    @property
    def settings(self) -> DataSettings:
        """The settings without the time column, which belongs to events and not to persons."""
        return self.data.model_copy(update={"time": None})

    @property
    def input_name(self) -> str:
        return ", ".join(self.data.event)

    @property
    def asked_columns(self) -> list[str]:
        named = (self.data.id, *self.data.event, self.data.time, *self.data.attribute)
        return [name for name in (*named, *self.data.covariate) if name]

    @property
    def added(self) -> list[str]:
        return [STATES, GAPS, *self.reading.get("attributes", ())]

    def lay_out(self, table: Table, *, with_answers: bool = True) -> tuple[Table, Self]:
        needed = self._answers(table, with_answers, "time")
        rows, kinds = gather_events(table, self.data, needed, self.reading.get("attributes"))
        known: Mapping[str, Any] = {"attributes": kinds} if kinds else {}
        return rows, replace(self, reading={**self.reading, **known})

    def step_features(self, table: Table) -> list[str]:
        return step_feature_names(table, self.reading.get("attributes", {}))

    def time_points(self, table: Table) -> tuple[list[str], pl.Series]:
        sequences = table.frame[STATES]
        found: Any = sequences.str.count_matches(ARROW.strip(), literal=True).max()
        places = range(min(int(found or 0) + 1, MOST_EVENTS))
        return [str(place + 1) for place in places], states_at(sequences, places)
