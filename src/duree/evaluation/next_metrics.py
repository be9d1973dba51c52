"""Metrics of what comes next: how surprising each step was, and how often it was foreseen.

Where most steps repeat the last one, the share of right steps says nothing: the bits, and the share
of the steps at which something changed, do.
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

# Among so many likeliest states the true one may be; with no more states than that, it always is.
AMONG = 3


def ranks(predictions: Floats, targets: NDArray[np.int64]) -> Floats:
    """The place of the true state among all, from 1; states as likely as it share their mean."""
    of_truth = predictions[np.arange(len(targets)), targets][:, None]
    above = (predictions > of_truth).sum(axis=1)
    alike = (predictions == of_truth).sum(axis=1)
    return np.asarray(above + (alike + 1) / 2)


def terms(predictions: Floats, targets: NDArray[Any]) -> Floats:
    """What each answer adds to the sums of which every metric is a ratio: see ``SUMS``.

    Parameters
    ----------
    predictions : float64 [answers, states]
    targets : int [answers, 2]
        The state that came, and the one before it.

    Returns
    -------
    float64 [answers, len(SUMS)]
    """
    came, before = targets[:, 0], targets[:, 1]
    bits = -np.log2(np.clip(predictions[np.arange(len(came)), came], FLOOR, 1.0))
    place, changed = ranks(predictions, came), came != before
    right = predictions.argmax(axis=1) == came
    # One column is for states that nobody has seen.
    asked = np.full(len(came), predictions.shape[1] > AMONG + 1)
    among = asked & (place <= AMONG)
    found = (np.ones(len(came)), bits, right, 1 / place, changed, changed * bits, changed & right)
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
    """Metrics of terms [answers, k], or of their sums over some: of two columns the ratio."""

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


# Of predictions; and of their terms, which stand first in what is judged.
NEXT = MetricSet(
    (BITS, STEP_ACCURACY, CHANGE_ACCURACY, CHANGE_BITS, TOP3_ACCURACY, MRR),
    ("change_accuracy", 0.0),
    False,
    _next,
    counted="steps",
)
NEXT_IN_TERMS = replace(NEXT, prepare=_ratios, sums=len(SUMS))
