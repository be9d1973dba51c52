"""State sequences: life courses with one column for each time point, told as one column.

A sequence is told as its states with an arrow between them, so that whatever reads texts reads it
too: ``school › school › employment``. A state that is missing in between stands there as such; of
those missing at the end nothing was seen (right-censoring), and the sequence ends before them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.recipe.settings import STATES
from duree.tables.columns import as_text, resolve_column
from duree.tables.finding import Finding, listed
from duree.tables.table import Table

# What stands between two states, and in place of one that is not known.
# What encoders and tasks call steps that are no state of the table.
RESERVED = r"^(?:<(padding|unknown|empty)>|\((unseen)\))$"
ARROW, MISSING = " › ", "–"
MANY_STATES = 60
# What polars takes for space: all that Python does but four separators of old.
SPACE = "".join(
    sign for sign in map(chr, range(0x3001)) if sign.isspace() and not "\x1c" <= sign <= "\x1f"
)


def state_columns(table: Table, named: tuple[str, ...]) -> list[str]:
    """The columns that hold the states, in the order of time.

    Parameters
    ----------
    table : Table
    named : tuple of str
        Column names, ranges of them (``Jul.93:Jun.99``) or patterns (``month_*``).

    Raises
    ------
    DataError
        There is no such column, a range runs backwards, or a column is named twice.
    """
    found = [column for name in named for column in _named(table, name)]
    if twice := next((column for column in found if found.count(column) > 1), None):
        raise DataError(
            "the column {column!r} is named twice among the states",
            fix="give each time point once",
            column=twice,
        )
    return found


def with_states(table: Table, named: tuple[str, ...], roles: dict[str, str]) -> Table:
    """The table with a further column, ``states``, String: each row's sequence.

    ``roles`` tells which columns are something else (``{"target": "funemp"}``).

    Raises
    ------
    DataError
        A state column is missing or has another role too, or the table has a column called
        ``states`` already.
    """
    if STATES in table.frame.columns:
        raise DataError(
            "the table already has a column {column!r}, the name that the sequences get",
            fix="rename that column in the table",
            column=STATES,
        )
    columns = state_columns(table, named)
    for role, column in roles.items():
        if column in columns:
            raise DataError(
                "the column {column!r} is both the {role} and one of the states",
                fix="leave it out of the states",
                column=column,
                role=role,
            )
    sequences = join_states(table, columns)
    return Table(table.frame.with_columns(sequences), table.sources, table.findings)


def join_states(table: Table, columns: list[str]) -> pl.Series:
    """Each row's sequence as a text, String [rows], from the columns of its time points."""
    seen = _until_the_last(list_states(table, columns))
    return seen.list.eval(pl.element().fill_null(MISSING)).list.join(ARROW)


def list_states(table: Table, columns: list[str]) -> pl.Series:
    """Each row's states at all time points, List(String) [rows]; null where one is missing."""
    states = pl.DataFrame([clean_states(as_text(table, column)) for column in columns])
    return states.select(pl.concat_list(pl.all()).alias(STATES)).to_series()


def check_states(table: Table, columns: list[str]) -> list[Finding]:
    """How many states there are at how many time points, and what of them is missing."""
    states = _until_the_last(list_states(table, columns))
    counts = states.explode().drop_nulls().value_counts(sort=True)
    facts: dict[str, object] = {
        "count": counts.height,
        "times": len(columns),
        "listed": listed(counts[STATES].to_list(), 12),
    }
    what = "{times} time points from {first!r} to {last!r} have {count} states: {listed}"
    facts |= {"first": columns[0], "last": columns[-1]}
    findings = [Finding("states", "ok", what, values=facts), *check_number(counts.height)]
    gaps = states.list.eval(pl.element().is_null()).list.sum().fill_null(0)
    if rows := gaps.gt(0).arg_true().to_list():
        what = (
            "states missing within sequences: {count} in {rows} rows; they are read as a "
            "state of their own, {sign!r}"
        )
        facts = {"count": int(gaps.sum()), "rows": len(rows), "sign": MISSING}
        findings.append(Finding("missing_states", "note", what, "", facts, tuple(rows[:5])))
    ended = states.list.len().lt(len(columns))
    if rows := ended.arg_true().to_list():
        what = "sequences that end before the last time point: {count}"
        first = tuple(rows[:5])
        findings.append(Finding("ended", "note", what, "", {"count": len(rows)}, first))
    return findings


def check_number(count: int) -> list[Finding]:
    """A warning where there are too many states to be any."""
    if count <= MANY_STATES:
        return []
    what, fix = (
        "{count} different states are unusually many",
        "check that these columns hold states",
    )
    return [Finding("many_states", "warning", what, fix, {"count": count})]


def check_unseen(
    sequences: pl.Series, seen: NDArray[np.int64], test: NDArray[np.int64]
) -> list[Finding]:
    """States of the test rows that no row to learn from has: the network cannot know them."""
    known, tested = (
        set(sequences.gather(rows).str.split(ARROW).explode()) for rows in (seen, test)
    )
    if not (strange := sorted(tested - known - {None, ""})):
        return []
    what = (
        "states in the test rows that do not occur in training: {listed}; they are read as unknown"
    )
    rows = sequences.gather(test).str.split(ARROW).list.eval(pl.element().is_in(strange)).list.any()
    first = tuple(test[rows.to_numpy()][:5].tolist())
    return [Finding("unseen_states", "warning", what, "", {"listed": listed(strange)}, first)]


def lay_out(sequences: pl.Series, places: Sequence[int]) -> pl.Series:
    """Sequences that are told as texts as their states at some places, List(String) [rows].

    Null where a state is missing, or the sequence has ended.
    """
    states = sequences.str.split(ARROW).list.gather(list(places), null_on_oob=True)
    is_known = (pl.element() != MISSING) & (pl.element() != "")
    return states.list.eval(pl.when(is_known).then(pl.element()))


def join_row(states: Sequence[str | None]) -> str:
    """What ``tell_states`` makes of one row, a thousand times as fast as by way of a table."""
    plain = [(state or "").replace(ARROW.strip(), ">").strip(SPACE) for state in states]
    length = max((place for place, state in enumerate(plain, start=1) if state), default=0)
    return ARROW.join(state or MISSING for state in plain[:length])


def _until_the_last(states: pl.Series) -> pl.Series:
    """The same without those missing at the end."""
    place = pl.int_range(1, pl.len() + 1)
    known = pl.col(STATES).list.eval(pl.when(pl.element().is_not_null()).then(place).max())
    return (
        states.to_frame()
        .with_columns(known.list.first().fill_null(0).alias("length"))
        .select(pl.col(STATES).list.head(pl.col("length")))
        .to_series()
    )


def _named(table: Table, name: str) -> list[str]:
    columns = table.frame.columns
    if name in columns:
        return [name]
    if matching := [column for column in columns if fnmatchcase(column, name)]:
        return matching
    first, colon, last = name.partition(":")
    if not colon:
        return [resolve_column(table, name)]
    begin, end = (columns.index(resolve_column(table, one)) for one in (first, last))
    if begin > end:
        raise DataError(
            "the states {name!r} run backwards: {last!r} comes before {first!r} in the table",
            fix="give the earlier column first",
            name=name,
            first=first,
            last=last,
        )
    return columns[begin : end + 1]


def clean_states(states: pl.Series) -> pl.Series:
    """States without space around them, or the sign that stands between two; empty ones null.

    One that is called like what stands for no state of a table has other brackets: ``[unknown]``.
    """
    plain = states.str.replace_all(ARROW.strip(), ">", literal=True).str.strip_chars()
    return plain.set(plain == "", None).str.replace(RESERVED, "[${1}${2}]")


A_MONTH = (
    "jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|"
    "oct(ober)?|nov(ember)?|dec(ember)?"
)
MONTHS = re.compile(rf"(?<![a-z])({A_MONTH})(?![a-z])|\d{{4}}[-_./]\d\d$")
A_YEAR = 12


def period_of(named: Sequence[str]) -> int:
    """After how many time points the year begins again, as far as their names tell; else 0.

    ``named`` are columns, or ranges of them (``Jul.93:Jun.99``).
    """
    first = [name.partition(":")[0].lower() for name in named]
    return A_YEAR if first and all(MONTHS.search(name) for name in first) else 0
