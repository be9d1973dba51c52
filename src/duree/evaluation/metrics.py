"""Metrics of each kind of question, written so that they can be taken under row weights.

A bootstrap asks for every metric under thousands of resamples. Each metric is therefore prepared
once for a set of rows, as a function from weights float [resamples, rows] (how often each row was
drawn) to values [resamples]; under weights of 1 it is the plain metric. A value that the rows do not
define (an AUC where one class is absent) is NaN here, and left out of what is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
Weighted = Callable[[Floats], Floats]
Prepare = Callable[[Floats, NDArray[Any]], dict[str, Weighted]]

# A probability of exactly 0 for what then happened would make the log-loss infinite.
FLOOR = 1e-15
# Equal-width bins of the calibration error (Guo et al. 2017 use 15).
BINS = 15


@dataclass(frozen=True)
class MetricSet:
    """The metrics of one kind of question.

    Attributes
    ----------
    primary : str
        The metric that the verdict is about.
    lower_is_better : frozenset of str
    numeric : bool
        Whether targets are quantities rather than classes.
    prepare : (predictions, targets) -> {metric: function of weights}
    """

    primary: str
    lower_is_better: frozenset[str]
    numeric: bool
    prepare: Prepare

    def values(self, predictions: Floats, targets: NDArray[Any]) -> dict[str, float]:
        """Every metric on these rows, each counted once."""
        ones = np.ones((1, len(targets)))
        return {name: float(f(ones)[0]) for name, f in self.prepare(predictions, targets).items()}

    def gain(self, name: str) -> float:
        """1 where a higher value of the metric is better, else -1."""
        return -1.0 if name in self.lower_is_better else 1.0


def _mean(contributions: Floats) -> Weighted:
    """The weighted mean of one number a row."""
    return lambda weights: weights @ contributions / weights.sum(axis=1)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


def _macro_f1(predicted: NDArray[np.bool_], actual: NDArray[np.bool_]) -> Weighted:
    """Mean F1 over classes that occur among answers or predictions; [rows, classes] marks each."""
    both = (predicted & actual).astype(np.float64)
    either = predicted.astype(np.float64) + actual

    def metric(weights: Floats) -> Floats:
        f1 = _ratio(2 * (weights @ both), weights @ either)
        occurs = ~np.isnan(f1)
        return _ratio(np.nansum(f1, axis=1), occurs.sum(axis=1).astype(np.float64))

    return metric


def _auc(scores: Floats, positive: NDArray[np.bool_]) -> Weighted:
    """Area under the ROC curve by weighted ranks; ties count half (Hanley & McNeil 1982)."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    sign = positive[order].astype(np.float64)

    def metric(weights: Floats) -> Floats:
        sorted_weights = weights[:, order]
        ups = np.add.reduceat(sorted_weights * sign, starts, axis=1)
        downs = np.add.reduceat(sorted_weights * (1 - sign), starts, axis=1)
        below = np.cumsum(downs, axis=1) - downs
        wins = (ups * (below + 0.5 * downs)).sum(axis=1)
        return _ratio(wins, ups.sum(axis=1) * downs.sum(axis=1))

    return metric


def _mean_auc(scores: Floats, marks: NDArray[np.bool_]) -> Weighted:
    """Mean over the outputs; where there are two classes the second alone says it all."""
    outputs = [1] if scores.shape[1] == 2 and (marks.sum(axis=1) == 1).all() else None
    each = [_auc(scores[:, k], marks[:, k]) for k in outputs or range(scores.shape[1])]
    return lambda weights: np.mean([metric(weights) for metric in each], axis=0)


def _calibration_error(confidence: Floats, right: Floats) -> Weighted:
    """Expected calibration error (Naeini et al. 2015): mean gap of confidence and accuracy."""
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = np.eye(BINS)[bins] * (confidence - right)[:, None]
    return lambda weights: np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)


def _classification(predictions: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
    classes = np.arange(predictions.shape[1])
    chosen = predictions.argmax(axis=1)
    actual = targets[:, None] == classes
    of_truth = np.clip(predictions[np.arange(len(targets)), targets], FLOOR, 1.0)
    right = (chosen == targets).astype(np.float64)
    return {
        "accuracy": _mean(right),
        "macro_f1": _macro_f1(chosen[:, None] == classes, actual),
        "log_loss": _mean(-np.log(of_truth)),
        "brier": _mean(((predictions - actual) ** 2).sum(axis=1)),
        "auc": _mean_auc(predictions, actual),
        "calibration_error": _calibration_error(predictions.max(axis=1), right),
    }


def _multilabel(predictions: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
    actual = targets.astype(bool)
    given = predictions >= 0.5
    clipped = np.clip(np.where(actual, predictions, 1 - predictions), FLOOR, 1.0)
    both, either = (given & actual).sum(axis=1), given.sum(axis=1) + actual.sum(axis=1)
    return {
        "macro_f1": _macro_f1(given, actual),
        "micro_f1": lambda w: _ratio(2 * (w @ both.astype(float)), w @ either.astype(float)),
        "subset_accuracy": _mean((given == actual).all(axis=1).astype(np.float64)),
        "log_loss": _mean(-np.log(clipped).mean(axis=1)),
        "brier": _mean(((predictions - actual) ** 2).mean(axis=1)),
        "auc": _mean_auc(predictions, actual),
    }


def _regression(predictions: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
    predicted, actual = predictions[:, 0], targets.astype(np.float64)
    squared = (predicted - actual) ** 2
    # Ranks of the whole set stand in for those of each resample (as good for n over about 20).
    ranks = rankdata(predicted), rankdata(actual)
    mean_squared = _mean(squared)

    def r2(weights: Floats) -> Floats:
        total = weights.sum(axis=1)
        mean = weights @ actual / total
        spread = weights @ actual**2 / total - mean**2
        return 1 - _ratio(mean_squared(weights), spread)

    def spearman(weights: Floats) -> Floats:
        total = weights.sum(axis=1)
        means = [weights @ r / total for r in ranks]
        covariance = weights @ (ranks[0] * ranks[1]) / total - means[0] * means[1]
        variances = [weights @ r**2 / total - m**2 for r, m in zip(ranks, means, strict=True)]
        return _ratio(covariance, np.sqrt(np.maximum(variances[0] * variances[1], 0.0)))

    return {
        "mae": _mean(np.abs(predicted - actual)),
        "rmse": lambda weights: np.sqrt(mean_squared(weights)),
        "r2": r2,
        "spearman": spearman,
    }


LOSSES = frozenset({"log_loss", "brier", "calibration_error", "mae", "rmse"})
CLASSIFICATION = MetricSet("accuracy", LOSSES, False, _classification)
MULTILABEL = MetricSet("macro_f1", LOSSES, False, _multilabel)
REGRESSION = MetricSet("mae", LOSSES, True, _regression)


def per_class(
    predictions: Floats, targets: NDArray[Any], names: tuple[str, ...]
) -> dict[str, Mapping[str, float]]:
    """Precision, recall, F1 and support of every class; a ratio of nothing is 0."""
    chosen = predictions.argmax(axis=1)
    table = {}
    for place, name in enumerate(names):
        predicted, actual = chosen == place, targets == place
        hits = float((predicted & actual).sum())
        precision, recall = hits / max(predicted.sum(), 1), hits / max(actual.sum(), 1)
        table[name] = {
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(2 * hits / max(predicted.sum() + actual.sum(), 1)),
            "support": int(actual.sum()),
        }
    return table
