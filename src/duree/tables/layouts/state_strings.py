"""State sequences as texts: the states, separated by arrows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from duree.recipe.settings import STATES
from duree.tables.columns import as_text, without_codes
from duree.tables.table import Table

# Names that encoders and tasks use for steps without a state of the table.
RESERVED = r"^(?:<(padding|unknown|empty)>|\((unseen)\))$"
# The separator of states, and the sign for a missing one.
ARROW, MISSING = " › ", "–"
# White space as polars defines it: as in Python, except for four control characters.
SPACE = "".join(
    sign for sign in map(chr, range(0x3001)) if sign.isspace() and not "\x1c" <= sign <= "\x1f"
)


# A whole number that a program wrote with a decimal point.
WHOLE = re.compile(r"(-?\d+)\.0+")


@dataclass(frozen=True)
class Cells:
    """How cells are read as states.

    Attributes
    ----------
    missing_codes : tuple of str
        Cells that are missing states.
    whole_numbers : bool
        Whether 1.0 is the state 1; it is another state in runs of version 0.1.0.
    """

    missing_codes: tuple[str, ...] = ()
    whole_numbers: bool = True

    def clean(self, cells: pl.Series) -> pl.Series:
        """The states in a column, String; missing ones are null."""
        states = clean_states(without_codes(cells, self.missing_codes))
        if not self.whole_numbers:
            return states
        return states.str.replace(f"^{WHOLE.pattern}$", "$1")

    def clean_one(self, cell: str | None) -> str:
        """The same for one cell, without a table; nothing if it is missing."""
        state = (cell or "").replace(ARROW.strip(), ">").strip(SPACE)
        whole = WHOLE.fullmatch(state)
        plain = whole[1] if whole else state
        if {state, plain} & set(self.missing_codes):
            return ""
        return plain if self.whole_numbers else state


CELLS = Cells()


def join_states(table: Table, columns: list[str], cells: Cells = CELLS) -> pl.Series:
    """The sequence of each row as a text, String [rows], from the columns of the time points."""
    seen = until_the_last(list_states(table, columns, cells))
    return seen.list.eval(pl.element().fill_null(MISSING)).list.join(ARROW)


def list_states(table: Table, columns: list[str], cells: Cells = CELLS) -> pl.Series:
    """The states of each row at all time points, List(String) [rows]; null if missing."""
    states = pl.DataFrame([cells.clean(as_text(table, column)) for column in columns])
    return states.select(pl.concat_list(pl.all()).alias(STATES)).to_series()


def states_at(sequences: pl.Series, places: Sequence[int]) -> pl.Series:
    """The states of joined sequences at some positions, List(String) [rows].

    Null if a state is missing or the sequence has ended.
    """
    states = sequences.str.split(ARROW).list.gather(list(places), null_on_oob=True)
    is_known = (pl.element() != MISSING) & (pl.element() != "")
    return states.list.eval(pl.when(is_known).then(pl.element()))


def join_row(states: Sequence[str | None], cells: Cells = CELLS) -> str:
    """``join_states`` for one row, without a table: a thousand times as fast."""
    plain = [cells.clean_one(state) for state in states]
    length = max((place for place, state in enumerate(plain, start=1) if state), default=0)
    return ARROW.join(state or MISSING for state in plain[:length])


def until_the_last(states: pl.Series) -> pl.Series:
    """The states of each row without the missing ones at its end."""
    place = pl.int_range(1, pl.len() + 1)
    known = pl.col(STATES).list.eval(pl.when(pl.element().is_not_null()).then(place).max())
    return (
        states.to_frame()
        .with_columns(known.list.first().fill_null(0).alias("length"))
        .select(pl.col(STATES).list.head(pl.col("length")))
        .to_series()
    )


def clean_states(states: pl.Series) -> pl.Series:
    """States without surrounding white space or arrows; empty ones become null.

    States with a reserved name get other brackets: ``<unknown>`` becomes ``[unknown]``.
    """
    plain = states.str.replace_all(ARROW.strip(), ">", literal=True).str.strip_chars()
    return plain.set(plain == "", None).str.replace(RESERVED, "[${1}${2}]")
