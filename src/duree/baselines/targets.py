"""Answers of any kind as columns of numbers, which is what the models learn, and back again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

# The least probability that is believed when a model is judged by its log-loss.
FLOOR = 1e-12


@dataclass(frozen=True)
class Answers:
    """What kind of answers the training rows have.

    Attributes
    ----------
    kind : {"classes", "labels", "numbers"}
    outputs : int
        Classes, labels, or 1.
    """

    kind: Literal["classes", "labels", "numbers"]
    outputs: int

    @classmethod
    def of(cls, targets: NDArray[Any]) -> Answers:
        """The kind of class indices int [rows], 0/1 labels int [rows, labels] or float [rows]."""
        if targets.ndim == 2:
            return cls("labels", targets.shape[1])
        if targets.dtype.kind == "f":
            return cls("numbers", 1)
        return cls("classes", int(targets.max()) + 1)

    def columns(self, targets: NDArray[Any]) -> NDArray[np.float64]:
        """One column for each question, float64 [rows, columns]; two classes are one question."""
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

    def log_loss(
        self,
        predictions: NDArray[np.float64],
        targets: NDArray[Any],
        weights: NDArray[np.float64] | None = None,
    ) -> float:
        """Mean surprise at the right classes or labels, in nats."""
        if self.kind == "classes":
            of_truth = predictions[np.arange(len(targets)), targets]
        else:
            of_truth = np.where(targets == 1, predictions, 1 - predictions)
        surprise = -np.log(np.maximum(of_truth, FLOOR))
        each = surprise if surprise.ndim == 1 else surprise.mean(axis=1)
        return float(np.average(each, weights=weights))


@dataclass(frozen=True)
class Counts:
    """How much each row counts.

    Attributes
    ----------
    train, validation : float64 [rows] or None
        Of the training rows, and of the validation rows; None: all alike.
    """

    train: NDArray[np.float64] | None = None
    validation: NDArray[np.float64] | None = None

    @property
    def every(self) -> NDArray[np.float64] | None:
        """Those of training and validation rows together."""
        if self.train is None or self.validation is None:
            return None
        return np.concatenate([self.train, self.validation])


ALIKE = Counts()
