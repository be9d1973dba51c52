"""State sequences from tables with one column per time point, joined into one text per row.

A sequence is written as its states, separated by arrows (``school › school › employment``), so that
code for texts can process it. A state missing within a sequence is written as ``–``; states missing
at its end are unobserved (right-censoring) and left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.recipe.faults import Contradiction
from duree.recipe.recipe import Recipe
from duree.recipe.settings import STATES, DataSettings
from duree.results.nouns import STATES as OF_STATES
from duree.results.nouns import Nouns
from duree.results.run_files import Record
from duree.tables.checks.check_table import check_table
from duree.tables.columns import ROLES, as_text, resolve_column
from duree.tables.describe.states import describe_states
from duree.tables.finding import Finding, listed
from duree.tables.layouts.column_order import check_order
from duree.tables.layouts.covariates import called
from duree.tables.layouts.layout import Checked, Layout
from duree.tables.layouts.state_names import check_names
from duree.tables.layouts.state_strings import (
    ARROW,
    CELLS,
    MISSING,
    Cells,
    join_row,
    join_states,
    list_states,
    until_the_last,
)
from duree.tables.layouts.step_attributes import sequences_of
from duree.tables.layouts.typed_input import TypedInput
from duree.tables.table import Table

# Separators accepted between states that a user types.
SEPARATORS = re.compile(r"[›,;\t\n]")
BOTH = (
    "data.text and states or events are both given: choose one of --text, --states, --state and "
    "--event"
)


def state_columns(table: Table, named: tuple[str, ...]) -> list[str]:
    """The columns of the states, in the order given.

    Parameters
    ----------
    table : Table
    named : tuple of str
        Column names, ranges of them (``Jul.93:Jun.99``) or patterns (``month_*``).

    Raises
    ------
    DataError
        A column does not exist or is named twice, or the ends of a range are reversed.
    """
    found = [column for name in named for column in _named(table, name)]
    if twice := next((column for column in found if found.count(column) > 1), None):
        raise DataError(
            "the column {column!r} is named twice among the states",
            fix="give each time point once",
            column=twice,
        )
    return found


def with_states(
    table: Table, named: tuple[str, ...], roles: dict[str, str], cells: Cells = CELLS
) -> Table:
    """The table with an additional column ``states``, String: the sequence of each row.

    ``roles`` gives the columns with other roles (``{"target": "funemp"}``).

    Raises
    ------
    DataError
        A state column is missing or also has another role, or the table already has a column
        ``states``.
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
    sequences = join_states(table, columns, cells)
    return replace(table, frame=table.frame.with_columns(sequences))


def check_states(
    table: Table, columns: list[str], cells: Cells = CELLS, named: Sequence[str] = ()
) -> list[Finding]:
    """The number of states and of time points, and the missing states.

    ``named`` are the columns as the user named them.
    """
    states = until_the_last(list_states(table, columns, cells))
    known = states.explode().drop_nulls()
    counts = known.value_counts(sort=True)
    facts: dict[str, object] = {
        "count": counts.height,
        "times": len(columns),
        "listed": listed(counts[STATES].to_list(), 12),
    }
    what = "{times} time points from {first!r} to {last!r} have {count} states: {listed}"
    facts |= {"first": columns[0], "last": columns[-1]}
    findings = [Finding("states", "ok", what, values=facts), *check_names(known)]
    findings += check_order(columns, named)
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


def check_unseen(
    sequences: pl.Series, seen: NDArray[np.int64], test: NDArray[np.int64]
) -> list[Finding]:
    """States of the test rows that do not occur in training or validation rows."""
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


A_MONTH = (
    "jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|"
    "oct(ober)?|nov(ember)?|dec(ember)?"
)
MONTHS = re.compile(rf"(?<![a-z])({A_MONTH})(?![a-z])|\d{{4}}[-_./]\d\d$")
A_YEAR = 12


def period_of(named: Sequence[str]) -> int:
    """The number of time points in a year if the names are months, otherwise 0.

    ``named`` are columns or ranges of columns (``Jul.93:Jun.99``).
    """
    first = [name.partition(":")[0].lower() for name in named]
    return A_YEAR if first and all(MONTHS.search(name) for name in first) else 0


class StateSequences(Layout):
    """The base of layouts whose sequences are made of states."""

    takes_covariates: ClassVar[bool] = True
    nouns: ClassVar[Nouns] = OF_STATES
    counted: ClassVar[str] = "sequences"
    made: ClassVar[tuple[str, ...]] = (STATES,)

    @classmethod
    def fill(cls, recipe: Recipe) -> Recipe:
        filled = recipe.with_defaults({"text": {"lowercase": False}, "data": {"text": STATES}})
        if filled.text.segmenter == "auto":
            filled = filled.replace({"text.segmenter": "states"})
        return filled if filled.data.text else filled.replace({"data.text": STATES})

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        if recipe.data.text != STATES:
            raise Contradiction(BOTH)
        super().check_recipe(recipe)

    @classmethod
    def named_in_vain(cls, recipe: Recipe, read: type[Layout]) -> Contradiction | None:
        return Contradiction(BOTH)

    def plain(self, table: Table) -> pl.Series:
        return as_text(table, STATES).fill_null("")

    def example_row(self, units: Sequence[str]) -> dict[str, Any]:
        heads = {name: called(name) for name in self.covariates}
        states = [unit for unit in units if not unit.startswith((*heads.values(),))]
        row = dict.fromkeys(self.inputs, states[-1])
        for name, head in heads.items():
            values = (unit for unit in units if unit.startswith(head))
            row[name] = next(values, "").removeprefix(head)
        return row

    def row_of_text(self, text: str, given: Mapping[str, str]) -> dict[str, str | None]:
        states = self.typed_units(text)
        if not states:
            raise DataError(
                "no states were given", fix="write states in order, separated by commas"
            )
        known: dict[str, str | None] = {name: given.get(name) or None for name in self.covariates}
        return known | self._row_of_states(states)

    def typed_units(self, text: str) -> list[str]:
        return [state for part in SEPARATORS.split(text) if (state := part.strip())]

    def _row_of_states(self, states: list[str]) -> dict[str, str | None]:
        return {STATES: ARROW.join(states)}

    @classmethod
    def typed_input(cls, recipe: Recipe) -> TypedInput | None:
        if recipe.data.attribute:
            return None
        return TypedInput(
            "Try your own sequence",
            "States in order, separated by commas",
            covariates=recipe.data.covariate,
        )

    def portable(self) -> dict[str, Any]:
        states = self.inputs[: len(self.inputs) - len(self.covariates)]
        covariates = {name: called(name) for name in self.covariates}
        joined: dict[str, Any] = {"states": states, "separator": ARROW, "missing": MISSING}
        joined |= asdict(self.cells)
        return joined | {"covariates": covariates}

    def check_split(
        self, sequences: pl.Series, seen: NDArray[np.int64], test: NDArray[np.int64]
    ) -> list[Finding]:
        return check_unseen(sequences_of(sequences), seen, test)

    def describe(
        self,
        table: Table,
        sequences: pl.Series,
        classes: pl.Series | None,
        seed: int,
        weights: NDArray[np.float64] | None,
    ) -> dict[str, Record]:
        found = self.time_points(table)
        if found is None:
            return {}
        times, states = found
        return {"states.json": describe_states(states, times, classes, seed, weights)}


class States(StateSequences):
    """State sequences with one column for each time point."""

    name: ClassVar[str] = "states"

    @classmethod
    def claims(cls, data: DataSettings) -> bool:
        return bool(data.states)

    @property
    def inputs(self) -> list[str]:
        return [*self.reading["states"], *self.covariates]

    @property
    def input_name(self) -> str:
        return ", ".join(self.data.states)

    @property
    def asked_columns(self) -> list[str]:
        return [*self.data.states, *self.data.covariate]

    @property
    def step_columns(self) -> list[str]:
        return list(self.reading["states"])

    def lay_out(self, table: Table, *, with_answers: bool = True) -> tuple[Table, Self]:
        named = {role: getattr(self.data, role) for role in ROLES if role != "text"}
        others = {
            role: resolve_column(table, name)
            for role, name in named.items()
            if name and name != STATES
        }
        laid_out = with_states(table, self.data.states, others, self.cells)
        columns = state_columns(table, self.data.states)
        reading = {"states": columns, "whole_numbers": self.cells.whole_numbers}
        return laid_out, replace(self, reading=reading)

    def plain(self, table: Table) -> pl.Series:
        columns = [resolve_column(table, name) for name in self.reading["states"]]
        return join_states(table, columns, self.cells)

    def join_row(self, cells: Sequence[str | None]) -> str:
        return join_row(cells, self.cells)

    def _row_of_states(self, states: list[str]) -> dict[str, str | None]:
        columns = self.step_columns
        if len(states) > len(columns):
            raise DataError(
                "{count} states are more than the {most} time points of the table",
                fix="shorten the sequence",
                count=len(states),
                most=len(columns),
            )
        missing = [None] * (len(columns) - len(states))
        return dict(zip(columns, [*states, *missing], strict=True))

    def time_points(self, table: Table) -> tuple[list[str], pl.Series]:
        names = list(self.reading["states"])
        return names, list_states(table, names, self.cells)

    def check(self, table: Table, given: Checked) -> list[Finding]:
        return self._checked(
            table,
            given.data,
            test_rows=given.test_rows,
            duplicates=given.duplicates,
            numeric=given.numeric,
        )

    def look_over(self, table: Table, test_rows: NDArray[np.bool_] | None) -> list[Finding]:
        return self._checked(table, self.settings, test_rows=test_rows)

    def _checked(self, table: Table, data: DataSettings, **known: Any) -> list[Finding]:
        steps = state_columns(table, data.states)
        return check_table(
            table,
            data,
            made=self.made,
            steps=steps,
            check_steps=partial(check_states, table, steps, self.cells, data.states),
            **known,
        )

    def _no_covariates(self) -> dict[str, str]:
        return super()._no_covariates() | dict.fromkeys(self.reading["states"], "state")
