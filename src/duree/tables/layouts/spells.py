"""Spells: tables with one row per stay in a state (who, which state, start, end).

The sequence of a person begins with the first spell and has one state per time step. It is written
as for tables with one column per time point (see ``duree.tables.layouts.states``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from duree.errors import DataError
from duree.recipe.settings import STATES, DataSettings
from duree.tables.columns import as_text, is_blank, resolve_column
from duree.tables.finding import Finding, listed
from duree.tables.layouts.persons import Persons, one_row_each, without_bad
from duree.tables.layouts.state_names import check_names
from duree.tables.layouts.state_strings import ARROW, CELLS, MISSING, Cells, states_at
from duree.tables.layouts.states import StateSequences
from duree.tables.source_rows import Rows, located, locating
from duree.tables.table import Table
from duree.tables.time.calendar_units import UNITS, Clock, read_times, written_as

# Above these limits the time unit is too fine, or an end such as 9999-12-31 means "unknown".
MOST_STEPS, LONGEST = 50_000_000, 100_000
ENDS = {
    True: "the end of a spell is its last step",
    False: "the end of a spell is the step after its last",
}
# Maximum number of time points in a figure.
MOST_TIMES = 1000
# Notes on some rows of the table.
OPEN = (
    "spells without an end: {count} ({rows} ...); they last until the next begins, a person's "
    "last one until {last}, the last time in the table"
)
GAPS = (
    "gaps between spells: {count} in {persons} persons, {steps} steps in all (before "
    "{rows} ...); they are read as a state of their own, {sign!r}"
)
UNKNOWN = (
    "spells without a state: {count} ({rows} ...); they are read as gaps, or skipped "
    "where no spell follows"
)
JOINED = "spells that overlap another of the same state: {count} ({rows} ...); they are merged"
NO_TIME = "spells that end in the step in which they begin: {count} ({rows} ...); they are skipped"
LATE = (
    "persons whose first spell begins after {first}: {count}; each sequence begins with its "
    "own first spell"
)


@dataclass(frozen=True)
class Grid:
    """How the spells of the training table were converted to time steps, for use with other tables.

    Attributes
    ----------
    unit : str
        The unit of a time step; see ``Clock``.
    closed : bool
        Whether the end of a spell is its last step, not the step after it.
    first : int or None
        The first step, if all sequences begin with it.
    """

    unit: str
    closed: bool
    first: int | None = None

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The grid from the result of ``asdict``."""
        return cls(**state)

    def labels(self, steps: int) -> list[str]:
        """The names of the first ``steps`` steps of the sequences."""
        if self.first is None:
            return [str(step) for step in range(1, steps + 1)]
        clock = Clock(self.unit)
        return [clock.label(self.first + step) for step in range(steps)]


def gather_spells(
    table: Table,
    data: DataSettings,
    needed: dict[str, str],
    grid: Grid | None = None,
    cells: Cells = CELLS,
) -> tuple[Table, Grid]:
    """The table with one row per person, whose sequence is in the column ``states``.

    Parameters
    ----------
    table : Table
        One row per spell.
    data : DataSettings
        Names ``id``, ``state``, ``start`` and optionally ``end``; ``drop_bad``.
    needed : {role: column}
        Columns that must be constant within each person.
    grid : Grid, optional
        The grid of the training table; inferred from this table if not given.
    cells : Cells, optional

    Raises
    ------
    DataError
        A column is missing, a cell is not a time, a spell ends before it starts, or spells with
        different states overlap.
    """
    names = {role: getattr(data, role) for role in ("id", "state", "start", "end")}
    named = {role: resolve_column(table, name) for role, name in names.items() if name}
    for role in ("id", "start"):
        blank = is_blank(as_text(table, named[role]))
        table = without_bad(table, blank, "missing", drop=data.drop_bad, column=named[role])
    # A run of an earlier version may count months such as 199012 as numbers.
    as_numbers = grid is not None and grid.unit == "step"
    starts = read_times(table, named["start"], as_numbers=as_numbers)
    ends = _ends(table, named.get("end"), as_numbers=as_numbers)
    are_weeks = written_as(table, named["start"]) == "week"
    clock = Clock(grid.unit) if grid else Clock.of(starts, ends, are_weeks=are_weeks)
    with locating(table):
        begin, end = clock.count(starts), clock.count(ends)
    backwards = (end < begin).fill_null(False)
    table = without_bad(table, backwards.to_numpy(), "backwards", drop=data.drop_bad)
    persons = Persons.of(as_text(table, named["id"]).str.strip_chars())
    spells = (
        pl.DataFrame({"begin": begin, "end": end})
        .filter(~backwards)
        .with_columns(
            pl.Series("who", persons.codes),
            cells.clean(as_text(table, named["state"])).alias("state"),
        )
        .with_row_index("row")
        .sort("who", "begin", "row")
    )
    if spells["state"].null_count() == spells.height:
        raise DataError(
            "the column {column!r} holds no states",
            fix="give the column that holds the states",
            column=named["state"],
        )
    closed = grid.closed if grid else _are_closed(spells)
    spells = _lay_out(spells, closed)
    with locating(table):
        _refuse_two_at_once(spells, persons, clock)
        _refuse_too_many(spells, persons)
    columns = set(named.values()) - {named["id"]}
    whole = one_row_each(table, persons, named["id"], columns, needed)
    sequences = _as_sequences(spells, len(persons))
    origins = spells.group_by("who").agg(pl.col("begin").min())["begin"]
    first = int(origins[0]) if origins.n_unique() == 1 else None
    found = located(table, _findings(spells, clock, closed, "end" in named, origins))
    frame = whole.frame.with_columns(sequences)
    return (
        Table(frame, whole.sources, (*whole.findings, *found), origins=whole.origins),
        Grid(clock.unit, closed, first),
    )


def _ends(table: Table, name: str | None, *, as_numbers: bool) -> pl.Series:
    if name is not None:
        return read_times(table, name, as_numbers=as_numbers)
    return pl.Series("end", [None] * len(table), dtype=pl.Float64)


def _are_closed(spells: pl.DataFrame) -> bool:
    """Whether most spells end one step before the next begins, rather than in the same step.

    Ties count as true.
    """
    after = pl.col("begin").shift(-1).over("who") - pl.col("end")
    count = spells.select((after == 0).sum().alias("touch"), (after == 1).sum().alias("follow"))
    return int(count["touch"][0]) <= int(count["follow"][0])


def _lay_out(spells: pl.DataFrame, closed: bool) -> pl.DataFrame:
    """The spells with ``stop`` (the step after the last), ``reach`` (the largest ``stop`` of the
    person's earlier spells), ``gap`` (steps after ``reach``) and ``steps`` (from ``reach`` on)."""
    stops = spells.with_columns((pl.col("end") + int(closed)).alias("stop"))
    last = stops.select(pl.max_horizontal(pl.col("begin").max() + 1, pl.col("stop").max()))
    following = pl.col("begin").shift(-1).over("who")
    reach = pl.col("stop").cum_max().shift(1).over("who")
    return (
        stops.with_columns(pl.col("stop").fill_null(following).fill_null(last.item()))
        .with_columns(reach.alias("reach"))
        .with_columns(
            (pl.col("begin") - pl.col("reach")).clip(lower_bound=0).fill_null(0).alias("gap"),
            (pl.col("stop") - pl.max_horizontal("begin", "reach"))
            .clip(lower_bound=0)
            .alias("steps"),
        )
    )


def _refuse_two_at_once(spells: pl.DataFrame, persons: Persons, clock: Clock) -> None:
    before = pl.col("state").shift(1).over("who")
    others = spells.with_columns(
        before.alias("before"), pl.col("row").shift(1).over("who").alias("earlier")
    ).filter((pl.col("reach") > pl.col("begin")) & before.ne_missing(pl.col("state")))
    if not others.height:
        return
    one = others.row(0, named=True)
    raise DataError(
        "overlapping spells: {count}, in {persons} persons; {person!r} is in {before!r} and "
        "{state!r} at the same time, {time}",
        "at {rows}",
        "end each spell before the next begins, or keep only one of the two",
        count=others.height,
        persons=others["who"].n_unique(),
        person=persons.names[one["who"]],
        before=one["before"] or MISSING,
        state=one["state"] or MISSING,
        time=clock.label(one["begin"]),
        rows=Rows([one["earlier"], one["row"]]),
    )


def _refuse_too_many(spells: pl.DataFrame, persons: Persons) -> None:
    steps = int((spells["steps"] + spells["gap"]).sum())
    longest = spells.row(int((spells["steps"] + spells["gap"]).arg_max() or 0), named=True)
    if steps <= MOST_STEPS and longest["steps"] + longest["gap"] <= LONGEST:
        return
    raise DataError(
        "the spells add up to {steps} time steps; the longest, of {person!r}, has {own}",
        "at {rows}",
        "leave unknown ends empty; write long periods in months (2003-06) or years",
        steps=steps,
        person=persons.names[longest["who"]],
        own=longest["steps"] + longest["gap"],
        rows=Rows([longest["row"]]),
    )


def _as_sequences(spells: pl.DataFrame, persons: int) -> pl.Series:
    """The sequence of each person as a text, String [persons], up to the last known state."""
    place = pl.int_range(pl.len()) * 2
    gaps = spells.select("who", pl.lit(None, pl.String).alias("state"), "gap", place.alias("place"))
    stays = spells.select("who", "state", "steps", (place + 1).alias("place"))
    pieces = pl.concat([gaps.rename({"gap": "steps"}), stays]).filter(pl.col("steps") > 0)
    is_known = pl.col("state").is_not_null().cast(pl.Int8)
    lasting = pl.col("state").fill_null(MISSING).repeat_by("steps").list.join(ARROW)
    sequences = (
        pieces.sort("place")
        .filter(is_known.cum_max(reverse=True).over("who") == 1)
        .group_by("who", maintain_order=True)
        .agg(lasting.str.join(ARROW).alias(STATES))
    )
    everybody = pl.DataFrame({"who": np.arange(persons)})
    return everybody.join(sequences, on="who", how="left", maintain_order="left")[STATES].fill_null(
        ""
    )


def _findings(
    spells: pl.DataFrame, clock: Clock, closed: bool, has_ends: bool, origins: pl.Series
) -> list[Finding]:
    """Findings on the spells: their number, time unit, states and irregularities."""
    span = spells["begin"].min(), spells["stop"].max()
    first, last = clock.label(int(span[0])), clock.label(int(span[1]) - 1)  # type: ignore[arg-type]
    facts: dict[str, object] = {"spells": spells.height, "persons": len(origins)}
    facts |= {"first": first, "last": last}
    counts = spells["state"].drop_nulls().value_counts(sort=True)["state"]
    named: dict[str, object] = {"count": len(counts), "listed": listed(counts.to_list(), 12)}
    what = "{spells} spells of {persons} persons, from {first} to {last}"
    findings = [
        Finding("spells", "ok", what, values=facts),
        Finding("time_unit", "ok", UNITS[clock.unit]),
        Finding("states", "ok", "{count} states: {listed}", values=named),
        *check_names(spells["state"].drop_nulls()),
    ]
    if has_ends:
        findings.append(Finding("ends", "ok", ENDS[closed]))
    noted: list[tuple[str, pl.Expr, str]] = [
        ("open_spells", pl.col("end").is_null(), OPEN),
        ("gaps", pl.col("gap") > 0, GAPS),
        ("unknown_spells", pl.col("state").is_null(), UNKNOWN),
        ("joined_spells", pl.col("reach") > pl.col("begin"), JOINED),
        ("no_time", pl.col("stop") == pl.col("begin"), NO_TIME),
    ]
    for check, which, what in noted:
        found = spells.filter(which)
        if found.height:
            rows = found["row"].to_numpy()
            facts = {"count": found.height, "rows": Rows(rows), "last": last, "sign": MISSING}
            facts |= {"persons": found["who"].n_unique(), "steps": int(found["gap"].sum())}
            findings.append(Finding(check, "note", what, values=facts))
    later = int((origins > origins.min()).sum())
    if later:
        facts = {"count": later, "first": first}
        findings.append(Finding("late_starts", "note", LATE, values=facts))
    return findings


class Spells(StateSequences):
    """State sequences with one row per spell."""

    name: ClassVar[str] = "spells"

    @classmethod
    def claims(cls, data: DataSettings) -> bool:
        return data.state is not None

    @property
    def is_long(self) -> bool:
        return True

    @property
    def input_name(self) -> str:
        return self.data.state or ""

    @property
    def asked_columns(self) -> list[str]:
        named = (self.data.id, self.data.state, self.data.start, self.data.end)
        return [name for name in (*named, *self.data.covariate) if name]

    @property
    def added(self) -> list[str]:
        return [STATES]

    def lay_out(self, table: Table, *, with_answers: bool = True) -> tuple[Table, Self]:
        grid = Grid(**self.reading["spells"]) if "spells" in self.reading else None
        cells = self.cells
        needed = self._answers(table, with_answers)
        rows, grid = gather_spells(table, self.data, needed, grid, cells)
        known = {"spells": asdict(grid), "whole_numbers": cells.whole_numbers}
        return rows, replace(self, reading={**self.reading, **known})

    def time_points(self, table: Table) -> tuple[list[str], pl.Series]:
        sequences = table.frame[STATES]
        longest = _longest(sequences)
        places = range(0, longest, -(-longest // MOST_TIMES))
        names = Grid(**self.reading["spells"]).labels(longest)
        return [names[place] for place in places], states_at(sequences, places)


def _longest(sequences: pl.Series) -> int:
    """The length of the longest sequence."""
    found: Any = sequences.str.count_matches(ARROW.strip(), literal=True).max()
    return int(found or 0) + 1
