"""Predictions that do not depend on the input: the shares of the classes, or the mean."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from duree.baselines.targets import EQUAL_WEIGHTS, CaseWeights, Targets


class Majority:
    """The shares of the classes or labels among training and validation rows, or the mean.

    Parameters
    ----------
    name, title, description : str
        See ``Baseline``.
    """

    def __init__(self, name: str, title: str, description: str) -> None:
        self.name, self.title, self.description = name, title, description
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: Any,
        targets: NDArray[Any],
        validation_texts: Any,
        validation_targets: NDArray[Any],
        weights: CaseWeights = EQUAL_WEIGHTS,
    ) -> Self:
        """Average the targets of training and validation rows."""
        kind = Targets.of(targets)
        known = np.average(kind.columns(targets), axis=0, weights=weights.train)
        self.held_out = np.repeat(kind.predictions(known[None]), len(validation_targets), axis=0)
        columns = kind.columns(np.concatenate([targets, validation_targets]))
        shares = np.average(columns, axis=0, weights=weights.every)
        self.shares = kind.predictions(shares[None])
        return self

    def predict(self, texts: Any) -> NDArray[np.float64]:
        """The same for every row, float64 [rows, outputs]."""
        return np.repeat(self.shares, len(texts), axis=0)
