"""Case weights, as in surveys: the number of people that a row represents."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.tables.columns import as_text
from duree.tables.finding import Finding
from duree.tables.source_rows import named_rows
from duree.tables.table import Table


def read_weights(table: Table, name: str) -> NDArray[np.float64]:
    """A column of case weights, float64 [rows].

    Raises
    ------
    DataError
        There is no such column, or a cell is not a positive number.
    """
    numbers = as_text(table, name).str.strip_chars().cast(pl.Float64, strict=False)
    bad = (~(numbers.is_finite() & (numbers > 0)).fill_null(False)).arg_true()
    if len(bad):
        raise DataError(
            "weights in {column!r} that are missing or not positive: {count} ({rows} ...)",
            fix="give each row a positive weight, or remove rows without weight from the table",
            column=name,
            count=len(bad),
            rows=named_rows(table, bad.to_numpy()),
        )
    return numbers.to_numpy()


def check_weights(table: Table, name: str) -> list[Finding]:
    """The range of the weights, and the effective sample size (Kish 1965)."""
    try:
        weights = read_weights(table, name)
    except DataError as error:
        return [Finding("bad_weights", "error", error.what, error.fix, error.values)]
    what = (
        "weights in {column!r} range from {low:.3g} to {high:.3g}: the effective sample size "
        "is {alike}"
    )
    facts: dict[str, object] = {"column": name, "low": weights.min(), "high": weights.max()}
    facts["alike"] = round(weights.sum() ** 2 / np.sum(weights**2))
    return [Finding("weights", "ok", what, values=facts)]
