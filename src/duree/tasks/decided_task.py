"""DecidedTask: the base of tasks in which classes or labels are decided from probabilities."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.evaluation.decision import OF_DECISIONS, Decision, Marks, attainable, fit_decision
from duree.evaluation.metrics import MetricSet
from duree.tasks.row_task import RowTask


class DecidedTask(RowTask):
    """The base of the tasks for classes and labels.

    Attributes
    ----------
    labels : tuple of str
        The classes or labels, in alphabetical order.
    offsets : tuple of float
        See ``Decision``; empty: the most probable class, or labels from 0.5 on.
    exclusive : bool
        Whether a row has one class, and not any number of labels.
    """

    exclusive: ClassVar[bool]
    labels: tuple[str, ...]
    offsets: tuple[float, ...]

    @property
    def outputs(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.labels

    @property
    def decision(self) -> Decision | None:
        if self.metric not in OF_DECISIONS:
            return None
        return Decision(self.offsets or (0.0,) * self.outputs, self.exclusive)

    @property
    def metrics(self) -> MetricSet:  # type: ignore[override]
        metrics = super().metrics
        return metrics if self.decision is None else metrics.decided

    def progress(
        self, scores: NDArray[np.float32], targets: NDArray[Any], *weights: NDArray[Any]
    ) -> float:
        if self.metric is None or self.metric not in OF_DECISIONS:
            return super().progress(scores, targets, *weights)
        actual, found = self.indicators(targets), self.predictions(scores)
        return attainable(found, actual, self.metric, *weights, exclusive=self.exclusive)

    def fit_decision(
        self, predictions: NDArray[np.float64], targets: NDArray[Any], *weights: NDArray[Any]
    ) -> Decision | None:
        if self.metric is None or self.metric not in OF_DECISIONS:
            return None
        actual = self.indicators(targets)
        return fit_decision(predictions, actual, self.metric, *weights, exclusive=self.exclusive)

    def fit_offsets(
        self, scores: NDArray[np.float32], targets: NDArray[Any], *weights: NDArray[Any]
    ) -> tuple[float, ...]:
        """The offsets of calibrated scores; empty unless the user names a metric of decisions."""
        decision = self.fit_decision(self.predictions(scores), targets, *weights)
        return () if decision is None else decision.offsets

    def summarise(
        self, predictions: NDArray[np.float64], answers: NDArray[Any]
    ) -> NDArray[np.float64]:
        return predictions if self.decision is None else self.decision.joined(predictions)

    def given(self, predictions: NDArray[np.float64]) -> Marks:
        unmoved = Decision.unmoved(self.outputs, exclusive=self.exclusive)
        return (self.decision or unmoved).given(predictions)

    def chosen(self, predictions: NDArray[np.float64]) -> NDArray[np.int64]:
        if self.exclusive:
            return np.asarray(self.given(predictions).argmax(axis=1))
        return np.asarray(predictions.argmax(axis=1))

    def columns(self, predictions: NDArray[np.float64]) -> list[pl.Series]:
        return self.named(predictions, self.given(predictions))

    def summary_columns(
        self, predictions: NDArray[np.float64], inputs: pl.Series
    ) -> list[pl.Series]:
        if self.decision is None:
            return self.columns(predictions)
        probabilities, given = np.split(predictions, 2, axis=1)
        return self.named(probabilities, given > 0)

    def named(self, probabilities: NDArray[np.float64], given: Marks) -> list[pl.Series]:
        """The columns of the names of what is predicted, and of the probabilities."""
        return [
            pl.Series("prediction", self.names_of(given), dtype=pl.String),
            *(
                pl.Series(f"probability_{label}", probabilities[:, place])
                for place, label in enumerate(self.labels)
            ),
        ]

    @abstractmethod
    def names_of(self, given: Marks) -> list[str]:
        """The cell of each row that names what is predicted."""

    def named_metric(self) -> dict[str, Any]:
        """What ``to_dict`` adds where the user names a metric."""
        if self.metric is None:
            return {}
        return {"metric": self.metric, "offsets": list(self.offsets)}

    @classmethod
    def read_named_metric(cls, state: dict[str, Any]) -> tuple[str | None, tuple[float, ...]]:
        """What ``named_metric`` wrote; ValueError if it is not known."""
        metric, offsets = cls.read_metric(state), tuple(map(float, state.get("offsets", ())))
        names = state.get("classes") or state.get("labels") or ()
        if len(offsets) not in (0, len(names)) or not np.isfinite(offsets).all():
            raise ValueError(f"task.offsets: {len(names)} numbers are needed")
        return metric, offsets
