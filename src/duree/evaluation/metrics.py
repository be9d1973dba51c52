"""The metrics of each task.

Values equal those of scikit-learn's metrics with their defaults. A class that does not occur in the
evaluated rows counts as 0 in macro-F1 if it was predicted, and is left out of it if not; AUC leaves
it out. A metric that is not defined (Spearman's correlation of a constant) is left out, never
written as 0 or NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from duree.evaluation import weighted_metrics as weighted
from duree.evaluation.weighted_metrics import Floats, Weighted
from duree.results.metric import (
    ACCURACY,
    AUC,
    BRIER,
    CALIBRATION_ERROR,
    LOG_LOSS,
    MACRO_F1,
    MAE,
    MICRO_F1,
    R2,
    RMSE,
    SPEARMAN,
    SUBSET_ACCURACY,
    Metric,
)

Prepare = Callable[[Floats, NDArray[Any]], dict[str, Weighted]]
Marks = NDArray[np.bool_]

# Bins of the calibration error: as many as in Guo et al. 2017, but none of fewer rows than this.
BINS, BIN_ROWS = 15, 20
# A probability of exactly 0 for the true answer would make the log-loss infinite.
FLOOR = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class MetricSet:
    """The metrics of a task.

    Attributes
    ----------
    metrics : tuple of Metric
        The first is the primary metric, used for early stopping, tests and the verdict.
    ranking : (str, float)
        A metric that is informative even if the primary one is not (as with a rare class), and its
        value at chance.
    numeric : bool
        Whether targets are quantities, not classes.
    prepare : (predictions [rows, outputs], targets) -> {name: function of weights}
        Values are [resamples]. Names that are not in ``metrics`` are auxiliary: they help with an
        interval, or count by class, [classes, resamples].
    right : (predictions, targets) -> bool [rows], or None
        Which rows are correct, where the primary metric is their share: for McNemar's test.
    counted : str
        The noun for the targets that are counted.
    grouped : {"groups", "series"}
        The noun for targets that are resampled together.
    sums : int
        Number of columns in the input of ``prepare`` that can be summed over targets that are
        resampled together, if every metric is a ratio of sums; otherwise 0.
    replaceable : bool
        Whether the first metric that is defined stands in for a primary one that is not.
    rows_of : (name, targets) -> bool [rows], or None
        The rows that a metric is about, which set its interval if it is perfect in every resample;
        None: those of the rarest class or mark among the targets do.
    of_given : (probabilities, marks bool [rows, outputs], targets) -> as ``prepare``, or None
        The same where the predicted class or labels are marked, and need not be the most probable.
    """

    metrics: tuple[Metric, ...]
    ranking: tuple[str, float]
    numeric: bool
    prepare: Prepare
    right: Callable[[Floats, NDArray[Any]], NDArray[np.bool_]] | None = None
    counted: str = "rows"
    grouped: Literal["groups", "series"] = "groups"
    sums: int = 0
    replaceable: bool = False
    rows_of: Callable[[str, NDArray[Any]], NDArray[np.bool_]] | None = None
    of_given: Callable[[Floats, Marks, NDArray[Any]], dict[str, Weighted]] | None = None

    def __getitem__(self, name: str) -> Metric:
        """The metric of this name."""
        return next(metric for metric in self.metrics if metric.name == name)

    @property
    def primary(self) -> str:
        """The name of the primary metric."""
        return self.metrics[0].name

    @property
    def choices(self) -> tuple[str, ...]:
        """The names of metrics that may be made the primary one."""
        # A constant prediction has a calibration error of about 0.
        return tuple(m.name for m in self.metrics if m.name != CALIBRATION_ERROR.name)

    def led_by(self, name: str) -> MetricSet:
        """The same metrics, with this one in front, and another in its place if it is undefined."""
        metrics = tuple(sorted(self.metrics, key=lambda metric: metric.name != name))
        right = self.right if name == self.primary else None
        return replace(self, metrics=metrics, right=right, replaceable=True)

    @property
    def decided(self) -> MetricSet:
        """The same metrics, of predictions as ``Decision.joined`` gives them."""
        of_given, right = self.of_given, self.right
        assert of_given is not None  # numbers are not decided

        def prepare(predictions: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
            probabilities, given = np.split(predictions, 2, axis=1)
            return of_given(probabilities, given > 0, targets)

        def right_of_given(predictions: Floats, targets: NDArray[Any]) -> Marks:
            assert right is not None
            return right(np.split(predictions, 2, axis=1)[1], targets)

        return replace(self, prepare=prepare, right=right_of_given if right else None)

    def led_by_defined(self, values: Mapping[str, float]) -> MetricSet:
        """The same metrics, with the first that has a value in front if that may be so."""
        if self.primary in values or not self.replaceable:
            return self
        return replace(
            self, metrics=tuple(sorted(self.metrics, key=lambda m: m.name not in values))
        )

    def plain(
        self, predictions: Floats, targets: NDArray[Any], weights: Floats | None = None
    ) -> dict[str, Floats]:
        """All values of ``prepare``, with each row counted once or by its weight."""
        counts = np.ones((len(targets), 1)) if weights is None else weights[:, None]
        return {name: f(counts) for name, f in self.prepare(predictions, targets).items()}

    def defined(self, plain: Mapping[str, Floats]) -> dict[str, float]:
        """The metrics among the results of ``plain``, without undefined ones."""
        names = [metric.name for metric in self.metrics if metric.name in plain]
        values = {name: float(plain[name][0]) for name in names}
        return {name: value for name, value in values.items() if np.isfinite(value)}

    def values(
        self, predictions: Floats, targets: NDArray[Any], weights: Floats | None = None
    ) -> dict[str, float]:
        """All metrics that are defined for these rows."""
        return self.defined(self.plain(predictions, targets, weights))


def _classification(predictions: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
    most_probable = predictions.argmax(axis=1)[:, None] == np.arange(predictions.shape[1])
    return _of_classes(predictions, most_probable, targets)


def _of_classes(predictions: Floats, given: Marks, targets: NDArray[Any]) -> dict[str, Weighted]:
    rows, outputs = predictions.shape
    actual = targets[:, None] == np.arange(outputs)
    of_truth = np.clip(predictions[np.arange(rows), targets], FLOOR, 1.0)
    squares = ((predictions - actual) ** 2).sum(axis=1)
    # Both of two classes have the same error: as usual, one of them is scored.
    scored = slice(1, 2) if outputs == 2 else slice(None)
    bins = min(BINS, max(1, rows // BIN_ROWS))
    metrics = {
        "accuracy": weighted.mean((given & actual).any(axis=1).astype(np.float64)),
        "macro_f1": weighted.macro_f1(given, actual),
        "log_loss": weighted.mean(-np.log(of_truth)),
        "brier": weighted.mean(squares / 2 if outputs == 2 else squares),
        "auc": weighted.mean_auc(predictions[:, scored], actual[:, scored]),
    }
    # Probabilities are calibrated if the most probable class is right as often as they say.
    metrics |= weighted.calibration(predictions.max(axis=1), _right(predictions, targets), bins)
    return metrics | weighted.class_counts(given, actual)


def _multilabel(predictions: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
    return _of_labels(predictions, predictions >= 0.5, targets)


def _of_labels(predictions: Floats, given: Marks, targets: NDArray[Any]) -> dict[str, Weighted]:
    actual = targets.astype(bool)
    of_truth = np.clip(np.where(actual, predictions, 1 - predictions), FLOOR, 1.0)
    return {
        "macro_f1": weighted.macro_f1(given, actual),
        "micro_f1": weighted.micro_f1(given, actual),
        "subset_accuracy": weighted.mean((given == actual).all(axis=1).astype(np.float64)),
        "log_loss": weighted.mean(-np.log(of_truth).mean(axis=1)),
        "brier": weighted.mean(((predictions - actual) ** 2).mean(axis=1)),
        "auc": weighted.mean_auc(predictions, actual),
    } | weighted.class_counts(given, actual)


def _regression(predictions: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
    predicted, actual = predictions[:, 0], targets.astype(np.float64)
    squared = weighted.mean((predicted - actual) ** 2)
    return {
        "mae": weighted.mean(np.abs(predicted - actual)),
        "rmse": lambda weights: np.sqrt(squared(weights)),
        "r2": weighted.r2(predicted, actual),
        "spearman": weighted.spearman(predicted, actual),
    }


def _right(predictions: Floats, targets: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(predictions.argmax(axis=1) == targets)


CLASSIFICATION = MetricSet(
    (ACCURACY, MACRO_F1, LOG_LOSS, BRIER, AUC, CALIBRATION_ERROR),
    ("auc", 0.5),
    False,
    _classification,
    _right,
    of_given=_of_classes,
)
MULTILABEL = MetricSet(
    (MACRO_F1, MICRO_F1, SUBSET_ACCURACY, LOG_LOSS, BRIER, AUC),
    ("auc", 0.5),
    False,
    _multilabel,
    of_given=_of_labels,
)
REGRESSION = MetricSet((MAE, RMSE, R2, SPEARMAN), ("spearman", 0.0), True, _regression)
