"""Rows that are lists themselves: of states, or of numbers in different lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.tables.layouts.state_strings import ARROW


def as_lists(X: Any) -> pl.Series | None:
    """Lists of states as one text per row, series of different lengths as lists; None otherwise.

    Lists with one text each are a column of texts, and series of the same shape an array.

    Raises
    ------
    DataError
        A row is empty, a state is no text, or the series differ in their channels.
    """
    rows = X.to_list() if hasattr(X, "to_list") else X
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1:
        rows = X.tolist()
    if not isinstance(rows, list | tuple) or not rows or not all(map(_is_list, rows)):
        return None
    for number, row in enumerate(rows, start=1):
        if len(row) == 0:
            raise DataError("row {row} has no steps", fix="leave it out", row=number)
    if any(isinstance(cell, str) for row in rows for cell in row):
        return None if all(len(row) == 1 for row in rows) else _states(rows)
    series = [_numbers(row, number) for number, row in enumerate(rows, start=1)]
    return None if len({one.shape for one in series}) == 1 else _series(series)


def _is_list(row: object) -> bool:
    return isinstance(row, list | tuple | pl.Series) or (
        isinstance(row, np.ndarray) and row.ndim > 0
    )


def _states(rows: Sequence[Sequence[Any]]) -> pl.Series:
    """The states of each row, joined."""
    for number, row in enumerate(rows, start=1):
        for step, state in enumerate(row, start=1):
            if not isinstance(state, str) or ARROW in state or not state.strip():
                raise DataError(
                    "step {step} of row {row} is {value!r}, and no state",
                    fix="write every state as a text, also a missing one",
                    step=step,
                    row=number,
                    value=state,
                )
    return pl.Series("states", [ARROW.join(row) for row in rows], dtype=pl.String)


def _numbers(row: Any, number: int) -> NDArray[np.float64]:
    """A series as float64 [steps] or [steps, channels]."""
    try:
        values = np.asarray(row, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.zeros(())
    if values.ndim not in (1, 2):
        raise DataError(
            "row {row} is no series of numbers",
            fix="give a list of numbers, or of lists with one number per channel",
            row=number,
        )
    return values


def _series(series: list[NDArray[np.float64]]) -> pl.Series:
    """Series [steps] or [steps, channels] as lists of steps, each a list of channels."""
    laid = [one[:, None] if one.ndim == 1 else one for one in series]
    if len(widths := sorted({one.shape[1] for one in laid})) > 1:
        raise DataError(
            "the series have different numbers of channels: {widths}",
            fix="give all of them the same channels, NaN where a value is missing",
            widths=", ".join(map(str, widths)),
        )
    kind = pl.List(pl.Array(pl.Float64, widths[0]))
    return pl.Series("series", [one.tolist() for one in laid], dtype=kind)
