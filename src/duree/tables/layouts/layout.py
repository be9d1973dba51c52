"""Whole: a table as it was given becomes one with a row for each sequence, told in one column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from duree.recipe.settings import STATES, DataSettings
from duree.tables.columns import resolve_column
from duree.tables.layouts.events import gather_events
from duree.tables.layouts.numeric_series import with_numbers
from duree.tables.layouts.sentences import with_sentences
from duree.tables.layouts.spells import Grid, gather_spells
from duree.tables.layouts.states import lay_out, list_states, state_columns, with_states
from duree.tables.table import Table

ROLES = ("text", "target", "id", "group", "time", "weight")
# Of a person's rows each of these must say the same.
OF_PERSONS = ("target", "group", "time", "weight")
# Time points that a picture shows, and events of a person.
MOST_TIMES, MOST_EVENTS = 1000, 100


def whole(
    table: Table,
    data: DataSettings,
    earlier: Mapping[str, Any] | None = None,
    *,
    asked: bool = True,
) -> tuple[Table, dict[str, Any]]:
    """A table with a row for each sequence, which its column ``states`` or ``numbers`` tells.

    Parameters
    ----------
    table : Table
    data : DataSettings
        Says whether its rows are texts (nothing is done), time points side by side, spells, events,
        moments of series.
    kept : mapping, optional
        How an earlier table was read, so that this one is read alike.
    asked : bool
        Whether the answers are needed too: of several rows of a person, all must agree.

    Returns
    -------
    Table
    dict
        Plain JSON data for ``kept``.

    Raises
    ------
    DataError
        A column is missing, or its cells cannot be read as what they are said to be.
    """
    roles = {role: getattr(data, role) for role in OF_PERSONS if asked}
    roles |= {f"covariate {name}": name for name in data.covariate}
    needed = {role: name for role, name in roles.items() if name in table.frame.columns}
    if data.states:
        named = {role: getattr(data, role) for role in ROLES if role != "text"}
        others = {
            role: resolve_column(table, name)
            for role, name in named.items()
            if name and name != STATES
        }
        sequences = with_states(table, data.states, others)
        return sequences, {"states": state_columns(table, data.states)}
    if data.state is not None:
        grid = Grid(**earlier["spells"]) if earlier else None
        rows, grid = gather_spells(table, data, needed, grid)
        return rows, {"spells": asdict(grid)}
    if data.token is not None:
        return with_sentences(table, data), {}
    if data.reads_numbers:
        return with_numbers(table, data, {k: v for k, v in needed.items() if k != "time"}, earlier)
    if data.event:
        needed = {role: name for role, name in needed.items() if role != "time"}
        rows, kinds = gather_events(table, data, needed, (earlier or {}).get("attributes"))
        return rows, {"attributes": kinds} if kinds else {}
    return table, {}


def settings_of_rows(data: DataSettings) -> DataSettings:
    """The settings of a table that is whole: what was the time of events is none of a person."""
    of_steps = data.event or data.reads_numbers
    return data.model_copy(update={"time": None}) if of_steps else data


def time_points(
    table: Table, data: DataSettings, earlier: Mapping[str, Any]
) -> tuple[list[str], pl.Series]:
    """The states of a table that is whole, for pictures.

    Returns
    -------
    list of str
        What the time points are called.
    polars.Series of List(String) [rows]
        A state at each time point; null where one is missing, or the sequence has ended.
    """
    if data.states:
        return list(earlier["states"]), list_states(table, list(earlier["states"]))
    sequences = table.frame[STATES]
    longest = int(sequences.str.count_matches("›", literal=True).max() or 0) + 1  # type: ignore[arg-type]
    if data.event:
        longest = min(longest, MOST_EVENTS)
        return [str(place + 1) for place in range(longest)], lay_out(sequences, range(longest))
    places = range(0, longest, -(-longest // MOST_TIMES))
    names = Grid(**earlier["spells"]).labels(longest)
    return [names[place] for place in places], lay_out(sequences, places)
