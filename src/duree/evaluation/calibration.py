"""Calibration: how far the probabilities can be taken at their word, and how to mend them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from duree.evaluation.metrics import Floats
from duree.evaluation.uncertainty import wilson

CURVE_BINS = 10


def fit_temperature(scores: NDArray[Any], targets: NDArray[Any]) -> float:
    """The temperature that minimises the log-loss of ``softmax(scores / temperature)``.

    ``scores`` is float [rows, classes], ``targets`` int [rows]. Source: Guo et al. 2017, section 4.2.
    """
    rows = np.arange(len(targets))
    scores = scores.astype(np.float64)

    def log_loss(log_temperature: float) -> float:
        return -float(log_softmax(scores / np.exp(log_temperature), axis=1)[rows, targets].mean())

    return float(np.exp(minimize_scalar(log_loss, bounds=(-3.0, 3.0), method="bounded").x))


def reliability(predictions: Floats, targets: NDArray[Any]) -> list[dict[str, float]]:
    """Of the rows said to be right with about this confidence, how many are.

    Ten bins of equal width over the chosen class's probability; empty ones are left out. Each has
    rows, mean confidence, observed share, and that share's Wilson interval.
    """
    confidence = predictions.max(axis=1)
    right = predictions.argmax(axis=1) == targets
    bins = np.minimum((confidence * CURVE_BINS).astype(np.int64), CURVE_BINS - 1)
    curve = []
    for place in np.unique(bins):
        inside = bins == place
        low, high = wilson(float(right[inside].sum()), int(inside.sum()))
        curve.append(
            {
                "rows": int(inside.sum()),
                "confidence": float(confidence[inside].mean()),
                "observed": float(right[inside].mean()),
                "low": low,
                "high": high,
            }
        )
    return curve
