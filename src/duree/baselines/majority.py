"""What one says without reading: the shares of the classes, or the mean."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from duree.baselines.targets import ALIKE, Answers, Counts


class Majority:
    """Gives every row the shares of the classes or labels among the known rows, or their mean."""

    def __init__(self, name: str, title: str, description: str) -> None:
        self.name, self.title, self.description = name, title, description
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: list[str],
        targets: NDArray[Any],
        validation_texts: list[str],
        validation_targets: NDArray[Any],
        counts: Counts = ALIKE,
    ) -> Self:
        """Count the answers of training and validation rows; see ``Baseline``."""
        answers = Answers.of(targets)
        columns = answers.columns(np.concatenate([targets, validation_targets]))
        shares = np.average(columns, axis=0, weights=counts.every)
        self.shares = answers.predictions(shares[None])
        return self

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """The same for every row, float64 [rows, outputs]."""
        return np.repeat(self.shares, len(texts), axis=0)
