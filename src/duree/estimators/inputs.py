"""Texts, labels and weights in the containers that users have."""

from __future__ import annotations

from collections.abc import Sized
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.utils.validation import column_or_1d

from duree.errors import DataError


def as_texts(X: Any) -> pl.Series | None:
    """Texts in any usual container as one Series; None if X holds something else.

    Raises
    ------
    DataError
        Some entries are texts and others are not; or X is no container of rows.
    """
    if isinstance(X, str | bytes):
        raise DataError("one text was given instead of a list of texts", fix="write [text]")
    if not isinstance(X, Sized) and not hasattr(X, "__array__"):
        raise DataError(
            "X is a {kind}, and no list or array of rows",
            fix="write list(X)",
            kind=type(X).__name__,
        )
    if isinstance(X, list | tuple) and not X:
        raise DataError("X has no rows", fix="give at least two texts or series")
    values = np.asarray(X, dtype=object) if isinstance(X, list | tuple) else np.asarray(X)
    if values.dtype.kind not in "OUST":
        return None
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    are_texts = [isinstance(value, str) for value in values.ravel()]
    if values.ndim == 2 and any(are_texts):
        raise DataError(
            "X has {columns} columns of texts, and one is read",
            fix="choose one, or join them into one text per row",
            columns=values.shape[1],
        )
    if values.ndim != 1 or not any(are_texts):
        if values.ndim == 1 and any(isinstance(value, bytes) for value in values):
            raise DataError("X holds bytes, and no texts", fix="decode them: value.decode()")
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


def as_labels(y: Any) -> NDArray[Any]:
    """Labels in any usual container as an array [rows], without missing ones.

    Raises
    ------
    DataError
        A row has no label: None, NaN, NaT, pandas.NA or a null of polars or Arrow.
    """
    cells = np.asarray(y.to_list() if isinstance(y, pl.Series) else y, dtype=object)
    if cells.ndim == 1 or cells.shape[1:] == (1,):
        for row, cell in enumerate(cells.ravel(), start=1):
            if _is_missing(cell):
                raise DataError(
                    "y has no label in row {row}",
                    fix="leave rows without a label out",
                    row=row,
                )
    labels = np.asarray(y)
    if labels.dtype == object and all(isinstance(label, date) for label in labels.ravel()):
        labels = labels.astype("datetime64")  # scikit-learn takes no objects but texts
    column: NDArray[Any] = column_or_1d(labels, warn=True)
    return column


def as_weights(sample_weight: Any, rows: int) -> NDArray[np.float32] | None:
    """Weights float32 [rows]; None if there are none.

    Raises
    ------
    DataError
        There are not as many as rows, some are no numbers from 0 on, or all are 0.
    """
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (rows,):
        raise DataError(
            "sample_weight has the shape {shape}, and X has {rows} rows",
            fix="give one weight per row",
            shape=weights.shape,
            rows=rows,
        )
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            "the weight of row {row} is {value:g}",
            fix="give numbers from 0 on; a row with 0 is left out",
            row=row + 1,
            value=weights[row],
        )
    if not weights.any():
        raise DataError("all sample weights are zero", fix="give some rows a weight")
    return weights.astype(np.float32)


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


def plain_labels(labels: NDArray[Any]) -> dict[str, Any]:
    """Labels as JSON data that ``restored_labels`` reads back with their type."""
    if labels.dtype.kind == "M":
        return {"classes": labels.astype(str).tolist(), "dtype": labels.dtype.str}
    return {"classes": labels.tolist(), "dtype": labels.dtype.str}


def restored_labels(stored: dict[str, Any]) -> NDArray[Any]:
    """Labels from the result of ``plain_labels``; models of version 0.1.0 have no type."""
    return np.array(stored["classes"], dtype=stored.get("dtype"))


def _is_missing(cell: object) -> bool:
    """Whether a cell holds one of the marks for a missing value."""
    if isinstance(cell, str):
        return False
    try:
        return cell is None or bool(cell != cell)  # NaN and NaT differ from themselves
    except (TypeError, ValueError):  # pandas.NA is neither true nor false
        return True
