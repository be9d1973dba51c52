"""What one says without reading: the commonest answer, or the mean."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray


class Majority:
    """Every row gets the shares of the classes (or labels) among the training rows."""

    name: ClassVar[str] = "majority"

    def __init__(self) -> None:
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: list[str],
        targets: NDArray[Any],
        validation_texts: list[str],
        validation_targets: NDArray[Any],
    ) -> None:
        """Count the answers; ``targets`` is int [rows] (one class a row) or 0/1 [rows, labels]."""
        self.shares = as_marks(np.concatenate([targets, validation_targets])).mean(axis=0)

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """The same shares for every row, float64 [rows, outputs]."""
        return np.tile(self.shares, (len(texts), 1)).astype(np.float64)


class Mean(Majority):
    """Every row gets the mean of the training rows."""

    name: ClassVar[str] = "mean"

    def fit(
        self,
        texts: list[str],
        targets: NDArray[Any],
        validation_texts: list[str],
        validation_targets: NDArray[Any],
    ) -> None:
        """Take the mean; ``targets`` is float [rows]."""
        self.shares = np.concatenate([targets, validation_targets]).mean(keepdims=True)


def as_marks(targets: NDArray[Any]) -> NDArray[Any]:
    """Class indices int [rows] as 0/1 [rows, classes]; 0/1 labels stay as they are."""
    return np.eye(int(targets.max()) + 1, dtype=np.int64)[targets] if targets.ndim == 1 else targets
