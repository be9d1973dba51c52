"""Persons: the units of a table with several rows each, and the columns constant within them.

A person is any unit that the id identifies: a user, a village, a firm.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError, Phrase
from duree.recipe.settings import STATES
from duree.tables.columns import is_blank
from duree.tables.finding import Finding, listed
from duree.tables.source_rows import named_rows
from duree.tables.table import Table

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
# The columns that hold the sequences of persons: the states and, for events, the time since the
# previous one, List(Float64), in days if the times are dates; 0 for the first.
GAPS = "gaps"
OURS = (STATES, GAPS)

BAD = {
    "missing": "{count} rows have no {column!r}",
    "backwards": "spells that end before they start: {count}",
    "empty": "rows whose series has no value: {count}",
    "infinite": "infinite numbers in the attribute {column!r}: {count}",
}
LEFT_OUT = {
    "missing": "{count} rows without {column!r} were left out: {rows} ...",
    "backwards": "spells that end before they start were left out: {count} ({rows} ...)",
    "empty": "rows whose series has no value were left out: {count} ({rows} ...)",
    "infinite": (
        "events with an infinite number in {column!r} were left out: {count} ({rows} ...)"
    ),
}
REMEDY = {
    "missing": "fill them in, or leave them out with --drop-bad",
    "backwards": "correct them, or leave them out with --drop-bad",
    "empty": "fill them in, or leave them out with --drop-bad",
    "infinite": "correct them, or leave them out with --drop-bad",
}


@dataclass(frozen=True)
class Persons:
    """The person that each row belongs to.

    Attributes
    ----------
    names : polars.Series of String [persons]
        In the order of the table.
    codes : int64 [rows]
        The person of each row, from 0.
    """

    names: pl.Series
    codes: Ints

    @classmethod
    def of(cls, ids: pl.Series) -> Persons:
        """The persons in a column of ids, String without nulls."""
        names = ids.unique(maintain_order=True)
        codes = ids.cast(pl.Enum(names)).to_physical().cast(pl.Int64).to_numpy()
        return cls(names, codes)

    def __len__(self) -> int:
        return len(self.names)

    def gather(self, column: pl.Series) -> tuple[pl.Series, Ints]:
        """The first filled cell of each person, and the rows with a different value."""
        known = np.flatnonzero(~is_blank(column))
        first = np.full(len(self), len(column), dtype=np.int64)
        first[self.codes[known[::-1]]] = known[::-1]
        found = column.extend_constant(None, 1).gather(first)
        differs = column.gather(known) != found.gather(self.codes[known])
        return found, known[differs.to_numpy()]


def one_row_each(
    table: Table,
    persons: Persons,
    name: str,
    used: Collection[str],
    needed: dict[str, str],
    ours: Collection[str] = OURS,
) -> Table:
    """A table with one row per person, of the columns that are constant within each person.

    Parameters
    ----------
    table : Table
    persons : Persons
    name : str
        The column of ids.
    used : collection of str
        Columns that become part of the sequences.
    needed : {role: column}
        Columns that must be constant within each person.
    ours : collection of str
        Names of the columns of sequences, which the table must not have.

    Raises
    ------
    DataError
        A person has several values of a needed column.
    """
    roles = {column: role for role, column in needed.items()}
    same, left = [persons.gather(table.frame[name])[0]], []
    for column in table.frame.drop(name, *used, strict=False):
        found, others = persons.gather(column)
        if not len(others):
            same.append(found)
        elif column.name not in roles:
            left.append(column.name)
        else:
            rows = named_rows(table, others)
            raise _several(column, persons, others, (name, roles[column.name]), rows)
    if taken := [column.name for column in same if column.name in ours]:
        raise DataError(
            "the table already has a column {column!r}, the name that the sequences get",
            fix="rename that column in the table",
            column=taken[0],
        )
    findings = table.findings
    if left:
        what = "columns that vary within {column!r} are left out: {columns}"
        facts: dict[str, object] = {"column": name, "columns": listed(left, 10)}
        findings += (Finding("varying_columns", "note", what, values=facts),)
    first = np.unique(persons.codes, return_index=True)[1]
    origins = None if table.origins is None else table.origins.select(pl.all().gather(first))
    return Table(pl.DataFrame(same), table.sources, findings, table.bare, origins)


def without_bad(table: Table, bad: Flags, kind: str, *, drop: bool, column: str = "") -> Table:
    """The table without its bad rows, with a finding about them.

    Raises
    ------
    DataError
        There are bad rows and ``drop`` is false, or all rows are bad.
    """
    rows = np.flatnonzero(bad)
    if not len(rows):
        return table
    facts = {"count": len(rows), "column": column, "rows": named_rows(table, rows)}
    if not drop or len(rows) == len(bad):
        raise DataError(BAD[kind], "first at {rows}", REMEDY[kind], **facts)
    finding = Finding(f"{kind}_left_out", "warning", LEFT_OUT[kind], values=facts)
    return table.only(~bad, finding)


def _several(
    column: pl.Series, persons: Persons, rows: Ints, named: tuple[str, str], where: Phrase
) -> DataError:
    name, role = named
    person = persons.codes[rows[0]]
    values = column.filter(persons.codes == person).drop_nulls().unique(maintain_order=True)
    return DataError(
        "the {role} {column!r} must be the same in all rows of one {name!r}, but {count} "
        "have several: {person!r} has {values}",
        "first at {rows}",
        "give all rows of one {name!r} the same value",
        count=len(np.unique(persons.codes[rows])),
        name=name,
        column=column.name,
        role=role,
        person=persons.names[int(person)],
        values=listed([str(value) for value in values]),
        rows=where,
    )
