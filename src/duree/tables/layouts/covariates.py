"""Covariates: what is known of somebody throughout, told before the sequence of states.

``female=yes › school › school › employment``: whatever reads the states reads the covariates too.
They are read as categories; a number with many values is to be grouped first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from duree.errors import DataError
from duree.tables.columns import as_text
from duree.tables.layouts.state_strings import ARROW, MISSING, clean_states, join_row
from duree.tables.table import Table

MOST_VALUES = 40
# What stands between the name of a covariate and its value.
IS = "="


def prepend_covariates(table: Table, columns: Mapping[str, str], sequences: pl.Series) -> pl.Series:
    """Each row's covariates, then its sequence as it is told, String [rows].

    Parameters
    ----------
    table : Table
    columns : {covariate: column}
        As training calls them, and as this table does.
    told : polars.Series of String [rows]
    """
    if not columns:
        return sequences
    heads = [
        (called(name) + clean_states(as_text(table, column)).fill_null(MISSING)).alias(f"{place}")
        for place, (name, column) in enumerate(columns.items())
    ]
    given = sequences.set(sequences == "", None).alias("told")
    joined = pl.concat_str(
        [*(head.name for head in heads), "told"], separator=ARROW, ignore_nulls=True
    )
    return pl.DataFrame([*heads, given]).select(joined.alias(sequences.name)).to_series()


def prepend_covariates_to_row(
    columns: Sequence[str], values: Sequence[str | None], sequences: str
) -> str:
    """What ``prepend_covariates`` makes of one row."""
    heads = [
        f"{called(name)}{join_row([value]) or MISSING}"
        for name, value in zip(columns, values, strict=True)
    ]
    return ARROW.join([*heads, sequences] if sequences else heads)


def check_covariates(table: Table, columns: Sequence[str], others: Mapping[str, str]) -> None:
    """Refuse covariates that cannot be read as categories, or that are something else.

    ``others`` are the columns that may be none, with what each is: ``{"funemp": "target"}``.

    Raises
    ------
    DataError
        One is another thing, is named twice, or has too many values.
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
    """What stands before the values of a covariate; an arrow in its name would part it."""
    return name.replace(ARROW.strip(), ">") + IS
