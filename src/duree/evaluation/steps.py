"""Metrics of what comes next: how surprising each step was, and how often it was foreseen.

Where most steps repeat the last one, the share of right steps says nothing: the bits, and the share
of the steps at which something changed, do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.evaluation import weighted
from duree.evaluation.metrics import FLOOR, MetricSet
from duree.evaluation.weighted import Floats, Weighted

# Among so many likeliest states the true one may be; with no more states than that, it always is.
AMONG = 3


def ranks(predictions: Floats, targets: NDArray[np.int64]) -> Floats:
    """The place of the true state among all, from 1; states as likely as it share their mean."""
    of_truth = predictions[np.arange(len(targets)), targets][:, None]
    above = (predictions > of_truth).sum(axis=1)
    alike = (predictions == of_truth).sum(axis=1)
    return np.asarray(above + (alike + 1) / 2)


def _next(predictions: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
    """Of ``targets`` [answers, 2]: the state that came, and the one before it."""
    came, before = targets[:, 0], targets[:, 1]
    of_truth = np.clip(predictions[np.arange(len(came)), came], FLOOR, 1.0)
    place, changed = ranks(predictions, came), came != before
    right = (predictions.argmax(axis=1) == came).astype(np.float64)
    metrics = {
        "bits": weighted.mean(-np.log2(of_truth)),
        "accuracy": weighted.mean(right),
        "change_accuracy": weighted.mean_among(right, changed),
        "change_bits": weighted.mean_among(-np.log2(of_truth), changed),
        "mrr": weighted.mean(1 / place),
    }
    if predictions.shape[1] > AMONG + 1:  # one column is for states that nobody has seen
        metrics["top3_accuracy"] = weighted.mean((place <= AMONG).astype(np.float64))
    return metrics


NEXT = MetricSet("bits", ("change_accuracy", 0.0), False, _next, counted="steps")
