"""Metrics of the next step: surprisal, and the share of correct predictions.

Where most steps repeat the last one, accuracy is uninformative: bits, and accuracy at the steps
with a change, are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.evaluation import weighted_metrics as weighted
from duree.evaluation.metrics import FLOOR, MetricSet, Prepare
from duree.evaluation.weighted_metrics import Floats, Weighted
from duree.results.metric import (
    BITS,
    CHANGE_ACCURACY,
    CHANGE_BITS,
    MRR,
    STEP_ACCURACY,
    TOP3_ACCURACY,
)

# The k of top-k accuracy, which is not defined for so few states that it would always be 1.
AMONG = 3


def ranks(predictions: Floats, targets: NDArray[np.int64]) -> Floats:
    """The rank of the true state by probability, from 1; ties share their mean rank."""
    of_truth = predictions[np.arange(len(targets)), targets][:, None]
    above = (predictions > of_truth).sum(axis=1)
    tied = (predictions == of_truth).sum(axis=1)
    return np.asarray(above + (tied + 1) / 2)


def terms(predictions: Floats, targets: NDArray[Any]) -> Floats:
    """The terms of each target in the sums of which metrics are ratios; see ``SUMS``.

    Parameters
    ----------
    predictions : float64 [answers, states]
    targets : int [answers, 2]
        The true state, and the one before it.

    Returns
    -------
    float64 [answers, len(SUMS)]
    """
    true, before = targets[:, 0], targets[:, 1]
    bits = -np.log2(np.clip(predictions[np.arange(len(true)), true], FLOOR, 1.0))
    rank, changed = ranks(predictions, true), true != before
    right = predictions.argmax(axis=1) == true
    # One column is for unknown states.
    asked = np.full(len(true), predictions.shape[1] > AMONG + 1)
    among = asked & (rank <= AMONG)
    found = (np.ones(len(true)), bits, right, 1 / rank, changed, changed * bits, changed & right)
    return np.stack([*found, asked, among], axis=1, dtype=np.float64)


SUMS = ("steps", "bits", "right", "mrr", "changes", "change_bits", "change_right", "asked", "among")
RATIOS = {
    "bits": ("bits", "steps"),
    "accuracy": ("right", "steps"),
    "change_accuracy": ("change_right", "changes"),
    "change_bits": ("change_bits", "changes"),
    "mrr": ("mrr", "steps"),
    "top3_accuracy": ("among", "asked"),
}


def ratios_of(columns: Mapping[str, tuple[int, int]]) -> Prepare:
    """Metrics that are ratios of two columns of terms [answers, k], or of their sums."""

    def prepare(of_answers: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
        sums = np.ascontiguousarray(of_answers.T)
        return {
            name: weighted.mean_of_sums(sums[above], sums[below])
            for name, (above, below) in columns.items()
        }

    return prepare


_ratios = ratios_of({name: (SUMS.index(a), SUMS.index(b)) for name, (a, b) in RATIOS.items()})


def _next(predictions: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
    return _ratios(terms(predictions, targets), targets)


# Computed from predictions; and from their terms, the first columns of ``Task.summarise``.
NEXT = MetricSet(
    (BITS, STEP_ACCURACY, CHANGE_ACCURACY, CHANGE_BITS, TOP3_ACCURACY, MRR),
    ("change_accuracy", 0.0),
    False,
    _next,
    counted="steps",
)
NEXT_IN_TERMS = replace(NEXT, prepare=_ratios, sums=len(SUMS))
