"""RowTask: the base of tasks with one prediction per row, with explanations and export."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from torch import Tensor

from duree.errors import DataError
from duree.evaluation.metrics import MetricSet
from duree.network.contracts import Explanation, Link
from duree.recipe.space import TUNED
from duree.tables.table import Table
from duree.tasks.task import Task, read_answers
from duree.tasks.watched import Watched

# How early stopping calls a metric that the user names.
NAMED = {
    "accuracy": Watched("accuracy", "accuracy on validation", 1),
    "macro_f1": Watched("macro-F1", "macro-F1 on validation", 1),
    "micro_f1": Watched("micro-F1", "micro-F1 on validation", 1),
    "subset_accuracy": Watched("subset accuracy", "subset accuracy on validation", 1),
    "log_loss": Watched("minus log-loss", "log-loss on validation", -1),
    "brier": Watched("minus Brier score", "Brier score on validation", -1),
    "auc": Watched("AUC", "AUC on validation", 1),
    "mae": Watched("minus MAE", "MAE on validation", -1),
    "rmse": Watched("minus RMSE", "RMSE on validation", -1),
    "r2": Watched("R²", "R² on validation", 1),
    "spearman": Watched("Spearman’s ρ", "Spearman’s ρ on validation", 1),
}


class RowTask(Task):
    """The base of the tasks for classes, labels and numbers.

    Attributes
    ----------
    all_metrics : MetricSet
        Its metrics, if the user names none; the first is the primary one.
    usually_watched : Watched
        The metric of early stopping then.
    metric : str or None
        The metric that the user names (``evaluation.metric``).
    """

    layouts: ClassVar[tuple[str, ...]] = ("states", "spells", "events", "numeric_series", "texts")

    is_exported: ClassVar[bool] = True
    tuned: ClassVar[tuple[str, ...]] = (*TUNED, "model.pooling", "training.batch_size")
    all_metrics: ClassVar[MetricSet]
    usually_watched: ClassVar[Watched]
    metric: str | None

    @classmethod
    def read_target(cls, table: Table, column: str) -> pl.Series:
        return read_answers(table, column, numeric=cls.all_metrics.numeric)

    @classmethod
    def metric_choices(cls) -> tuple[str, ...]:
        return cls.all_metrics.choices

    @classmethod
    def ever_watched(cls) -> Iterator[Watched]:
        yield cls.usually_watched
        yield from (NAMED[name] for name in cls.all_metrics.choices)

    @classmethod
    def read_metric(cls, state: dict[str, Any]) -> str | None:
        """The metric that the user names, as stored; ValueError if it is not known."""
        metric: str | None = state.get("metric")
        if metric is not None and metric not in cls.metric_choices():
            raise ValueError(f"task.metric: {metric!r} is unknown")
        return metric

    @property
    def metrics(self) -> MetricSet:  # type: ignore[override]
        return self.all_metrics if self.metric is None else self.all_metrics.led_by(self.metric)

    @property
    def watched(self) -> Watched:  # type: ignore[override]
        return self.usually_watched if self.metric is None else NAMED[self.metric]

    def progress(
        self, scores: NDArray[np.float32], targets: NDArray[Any], *weights: NDArray[Any]
    ) -> float:
        """The metric that the user names; higher is better."""
        if self.metric is None:
            return self.usual_progress(scores, targets, *weights)
        chance = dict([self.all_metrics.ranking])
        found = chance | self.all_metrics.values(self.predictions(scores), targets, *weights)
        if self.metric not in found:
            raise DataError(
                "the metric {metric} is not defined on the {rows} validation rows",
                fix="name another with --metric",
                metric=self.metric,
                rows=len(targets),
            )
        return self.all_metrics[self.metric].worth(found[self.metric])

    @abstractmethod
    def usual_progress(
        self, scores: NDArray[np.float32], targets: NDArray[Any], *weights: NDArray[Any]
    ) -> float:
        """``progress`` if the user names no metric."""

    @property
    def explanation(self) -> Explanation:
        return Explanation(self.explained, self.chosen, self.indicators)

    @property
    @abstractmethod
    def export(self) -> Link:
        """How predictions follow from scores."""

    @abstractmethod
    def explained(self, scores: Tensor, outputs: Tensor) -> Tensor:
        """See ``Explanation``."""

    @abstractmethod
    def chosen(self, predictions: NDArray[np.float64]) -> NDArray[np.int64]:
        """See ``Explanation``."""

    @abstractmethod
    def indicators(self, targets: NDArray[Any]) -> NDArray[np.bool_]:
        """See ``Explanation``."""
