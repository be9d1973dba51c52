"""Texts, labels and weights in the containers that users have."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError


def as_texts(X: Any) -> pl.Series | None:
    """Texts in any usual container as one Series; None if X holds something else.

    Raises
    ------
    DataError
        Some entries are texts and others are not.
    """
    if isinstance(X, str):
        raise DataError("one text was given instead of a list of texts", fix="write [text]")
    values = np.asarray(X, dtype=object) if isinstance(X, list | tuple) else np.asarray(X)
    if values.dtype.kind not in "OUST":
        return None
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    are_texts = [isinstance(value, str) for value in values.ravel()]
    if values.ndim != 1 or not any(are_texts):
        return None
    if not all(are_texts):
        row = are_texts.index(False)
        raise DataError(
            "row {row} is {value!r}, and no text",
            fix="fill missing texts in, or leave the row out",
            row=row + 1,
            value=values[row],
        )
    return pl.Series("text", [str(value) for value in values], dtype=pl.String)


def check_size(rows: pl.Series | NDArray[Any], targets: NDArray[Any]) -> None:
    """Require as many targets as rows, and at least two rows, for training and validation."""
    if len(rows) == 1:
        raise DataError("one sample is too few", fix="give at least two")
    if len(rows) != len(targets):
        raise DataError(
            "X has {rows} rows and y has {targets}",
            fix="give one answer a row",
            rows=len(rows),
            targets=len(targets),
        )
