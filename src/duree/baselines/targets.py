"""Conversion of targets to the columns of numbers that models are fitted to, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

# Probabilities are raised to this before their logarithm is taken.
FLOOR = 1e-12


@dataclass(frozen=True)
class Targets:
    """The kind of the targets.

    Attributes
    ----------
    kind : {"classes", "labels", "numbers"}
    outputs : int
        Classes, labels, or 1.
    """

    kind: Literal["classes", "labels", "numbers"]
    outputs: int

    @classmethod
    def of(cls, targets: NDArray[Any]) -> Targets:
        """The kind of class indices int [rows], 0/1 labels int [rows, labels] or float [rows]."""
        if targets.ndim == 2:
            return cls("labels", targets.shape[1])
        if targets.dtype.kind == "f":
            return cls("numbers", 1)
        return cls("classes", int(targets.max()) + 1)

    def columns(self, targets: NDArray[Any]) -> NDArray[np.float64]:
        """One column for each model to fit, float64 [rows, columns]; two classes need one."""
        if self.kind != "classes":
            return np.asarray(targets.reshape(len(targets), self.outputs), dtype=np.float64)
        marks: NDArray[np.float64] = np.eye(self.outputs)[targets]
        return marks[:, 1:] if self.outputs == 2 else marks

    def predictions(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Numbers or probabilities [rows, outputs]; those of classes add up to 1 in each row."""
        if self.kind != "classes":
            return columns
        if self.outputs == 2:
            return np.concatenate([1 - columns, columns], axis=1)
        return np.asarray(columns / np.maximum(columns.sum(axis=1, keepdims=True), FLOOR))

    def loss(
        self,
        predictions: NDArray[np.float64],
        targets: NDArray[Any],
        weights: NDArray[np.float64] | None = None,
    ) -> float:
        """Mean log-loss of the true classes or labels, in nats; of numbers, mean squared error."""
        if self.kind == "numbers":
            return float(np.average((predictions[:, 0] - targets) ** 2, weights=weights))
        if self.kind == "classes":
            of_truth = predictions[np.arange(len(targets)), targets]
        else:
            of_truth = np.where(targets == 1, predictions, 1 - predictions)
        losses = -np.log(np.maximum(of_truth, FLOOR))
        each = losses if losses.ndim == 1 else losses.mean(axis=1)
        return float(np.average(each, weights=weights))


@dataclass(frozen=True)
class CaseWeights:
    """Weights of the rows.

    Attributes
    ----------
    train, validation : float64 [rows] or None
        Of the training rows, and of the validation rows; None: all equal.
    """

    train: NDArray[np.float64] | None = None
    validation: NDArray[np.float64] | None = None

    @property
    def every(self) -> NDArray[np.float64] | None:
        """Those of training and validation rows together."""
        if self.train is None or self.validation is None:
            return None
        return np.concatenate([self.train, self.validation])


EQUAL_WEIGHTS = CaseWeights()
