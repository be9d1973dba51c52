"""Time to evaluate five models on 25,000 rows with 2,000 resamples, compared with a loop.

    OMP_NUM_THREADS=2 taskset -c 0,1 python benchmarks/evaluation_speed.py

The loop computes the same five metrics with scikit-learn for one model and 20 of the same
resamples; its total time is extrapolated from that, and both must give the same values.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    roc_auc_score,
)

from duree.evaluation.evaluate import evaluate_models
from duree.evaluation.metrics import CLASSIFICATION, MULTILABEL, REGRESSION, MetricSet
from duree.evaluation.resampling import Sample, Trial

ROWS, RESAMPLES, LOOPED = 25_000, 2_000, 20
NAMES = ("network", "majority", "tfidf_logistic", "nb_svm", "random_forest")
Models = dict[str, NDArray[np.float64]]


def main() -> None:
    """Print the times."""
    rng = np.random.default_rng(0)
    print(
        f"{len(NAMES)} models, {ROWS:,} rows, {RESAMPLES:,} resamples; wall and processor seconds"
    )
    for classes in (2, 5, 20):
        models, targets = some_classes(rng, classes)
        measure(f"{classes} classes", models, targets, CLASSIFICATION)
        if classes == 2:
            groups = rng.integers(2_500, size=ROWS)
            measure("2 classes, 2,500 groups", models, targets, CLASSIFICATION, groups)
            compare_with_loop(models["network"], targets)
    indicators = (rng.random((ROWS, 6)) < 0.2).astype(np.int64)
    labelled = {
        name: expit(2 * indicators - 1 + rng.normal(size=indicators.shape)) for name in NAMES
    }
    measure("6 labels", labelled, indicators, MULTILABEL)
    numbers = rng.normal(size=ROWS)
    guesses = {name: (numbers + rng.normal(size=ROWS))[:, None] for name in NAMES}
    measure("numbers", guesses, numbers, REGRESSION)


def some_classes(rng: np.random.Generator, classes: int) -> tuple[Models, NDArray[np.int64]]:
    """Models with some signal about the targets, and one with constant predictions."""
    targets = rng.integers(classes, size=ROWS)
    signal = 1.5 * np.eye(classes)[targets]
    models = {name: softmax(signal + rng.normal(size=signal.shape), axis=1) for name in NAMES}
    models["majority"] = np.full(signal.shape, 1 / classes)
    return models, targets


def measure(
    name: str,
    models: Models,
    targets: NDArray[Any],
    metrics: MetricSet,
    groups: NDArray[np.int64] | None = None,
) -> None:
    """Print the time of one evaluation."""
    wall, processor = time.perf_counter(), time.process_time()
    evaluate_models(models, targets, metrics, groups=groups, resamples=RESAMPLES)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{name:28} {wall:6.1f} {processor:6.1f}")


def compare_with_loop(predictions: NDArray[np.float64], targets: NDArray[np.int64]) -> None:
    """Print the time of a loop, and its largest difference from our values."""
    trial = Trial(targets, CLASSIFICATION, Sample.of(ROWS, None), LOOPED, 0)
    ours = trial.resampled({"network": predictions})["network"]
    weights = np.concatenate(list(trial.weights()), axis=1).astype(np.int64)
    began, furthest = time.perf_counter(), 0.0
    for place in range(LOOPED):
        rows = np.repeat(np.arange(ROWS), weights[:, place])
        for name, value in looped(predictions[rows], targets[rows]).items():
            furthest = max(furthest, abs(value - ours[name][place]))
    seconds = (time.perf_counter() - began) / LOOPED * RESAMPLES * len(NAMES)
    print(
        f"{'  loop with scikit-learn':28} {seconds:6.0f} (extrapolated; difference {furthest:.0e})"
    )


def looped(p: NDArray[np.float64], y: NDArray[np.int64]) -> dict[str, float]:
    """The metrics of one resample by scikit-learn."""
    metrics: dict[str, Callable[[], float]] = {
        "accuracy": lambda: accuracy_score(y, p.argmax(axis=1)),
        "macro_f1": lambda: f1_score(y, p.argmax(axis=1), average="macro"),
        "log_loss": lambda: log_loss(y, p),
        "brier": lambda: brier_score_loss(y, p[:, 1]),
        "auc": lambda: roc_auc_score(y, p[:, 1]),
    }
    return {name: metric() for name, metric in metrics.items()}


if __name__ == "__main__":
    main()
