"""Covariates: what is known of somebody throughout, told before the sequence of states.

``female=yes › school › school › employment``: whatever reads the states reads the covariates too.
They are read as categories; a number with many values is to be grouped first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from duree.errors import DataError
from duree.tables.columns import as_text
from duree.tables.states import ARROW, MISSING, clean_states, tell_row
from duree.tables.table import Table

MOST_VALUES = 40
# What stands between the name of a covariate and its value.
IS = "="


def tell_covariates(table: Table, columns: Mapping[str, str], told: pl.Series) -> pl.Series:
    """Each row's covariates, then its sequence as it is told, String [rows].

    Parameters
    ----------
    table : Table
    columns : {covariate: column}
        As training calls them, and as this table does.
    told : polars.Series of String [rows]
    """
    if not columns:
        return told
    heads = [
        (f"{name}{IS}" + clean_states(as_text(table, column)).fill_null(MISSING)).alias(f"{place}")
        for place, (name, column) in enumerate(columns.items())
    ]
    given = told.set(told == "", None).alias("told")
    joined = pl.concat_str(
        [*(head.name for head in heads), "told"], separator=ARROW, ignore_nulls=True
    )
    return pl.DataFrame([*heads, given]).select(joined.alias(told.name)).to_series()


def tell_covariates_of_row(columns: Sequence[str], values: Sequence[str | None], told: str) -> str:
    """What ``tell_covariates`` makes of one row."""
    heads = [
        f"{name}{IS}{tell_row([value]) or MISSING}"
        for name, value in zip(columns, values, strict=True)
    ]
    return ARROW.join([*heads, told] if told else heads)


def check_covariates(table: Table, columns: Sequence[str]) -> None:
    """Refuse covariates that cannot be read as categories.

    Raises
    ------
    DataError
        One has too many values.
    """
    for name in columns:
        count = as_text(table, name).n_unique()
        if count > MOST_VALUES:
            raise DataError(
                "the covariate {column!r} has {count} different values, and covariates are read as "
                "categories",
                fix="group its values first (ages in tens, say), or leave it out",
                column=name,
                count=count,
            )
