"""Covariates: columns that are constant within a sequence, written before its states.

``female=yes › school › school › employment``: code that processes states also processes covariates.
They are categories; numbers with many values must be grouped first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from duree.errors import DataError
from duree.tables.columns import as_text
from duree.tables.layouts.state_strings import ARROW, CELLS, MISSING, Cells
from duree.tables.table import Table

MOST_VALUES = 40
# The separator of a covariate's name and its value.
IS = "="


def prepend_covariates(
    table: Table, columns: Mapping[str, str], sequences: pl.Series, cells: Cells = CELLS
) -> pl.Series:
    """The covariates of each row, then its sequence, String [rows].

    Parameters
    ----------
    table : Table
    columns : {covariate: column}
        Names in the training table, and in this table.
    sequences : polars.Series of String [rows]
    cells : Cells
    """
    if not columns:
        return sequences
    heads = [
        (called(name) + cells.clean(as_text(table, column)).fill_null(MISSING)).alias(f"{place}")
        for place, (name, column) in enumerate(columns.items())
    ]
    given = sequences.set(sequences == "", None).alias("sequence")
    joined = pl.concat_str(
        [*(head.name for head in heads), "sequence"], separator=ARROW, ignore_nulls=True
    )
    return pl.DataFrame([*heads, given]).select(joined.alias(sequences.name)).to_series()


def prepend_covariates_to_row(
    columns: Sequence[str], values: Sequence[str | None], sequences: str, cells: Cells = CELLS
) -> str:
    """``prepend_covariates`` for one row."""
    heads = [
        f"{called(name)}{cells.clean_one(value) or MISSING}"
        for name, value in zip(columns, values, strict=True)
    ]
    return ARROW.join([*heads, sequences] if sequences else heads)


def check_covariates(table: Table, columns: Sequence[str], others: Mapping[str, str]) -> None:
    """Refuse covariates that cannot be read as categories or have another role.

    ``others`` are the columns with other roles: ``{"funemp": "target"}``.

    Raises
    ------
    DataError
        A covariate has another role, is named twice, or has too many values.
    """
    for name in columns:
        if name in others:
            raise DataError(
                "the column {column!r} is both the {role} and a covariate",
                fix="leave it out of the covariates",
                column=name,
                role=others[name],
            )
        if columns.count(name) > 1:
            raise DataError(
                "the covariate {column!r} is named twice", fix="give it once", column=name
            )
        count = as_text(table, name).n_unique()
        if count > MOST_VALUES:
            raise DataError(
                "the covariate {column!r} has {count} different values, but covariates are "
                "read as categories",
                fix="group its values first (ages in tens, say), or leave it out",
                column=name,
                count=count,
            )


def called(name: str) -> str:
    """The prefix of a covariate's values; an arrow in its name would be read as a separator."""
    return name.replace(ARROW.strip(), ">") + IS
