"""Calibration: how reliable probabilities are, and a temperature to correct them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from duree.evaluation.uncertainty import wilson
from duree.evaluation.weighted_metrics import Floats, equal_mass_bins
from duree.results.run_files import Bin

CURVE_BINS = 10
# Scores that are processed at once: 0.5 MB in float64.
CACHED = 65_536


def fit_temperature(
    scores: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None = None
) -> float:
    """The temperature at which ``softmax(scores / temperature)`` is calibrated best.

    It minimises the summed ``smoothed_loss`` plus half the square of its own logarithm. The second
    term (a standard normal prior, worth about one row) keeps it at 1 for uninformative scores.

    Parameters
    ----------
    scores : float [rows, classes]
        Of rows that the model was not trained on.
    targets : int [rows]
    weights : float [rows], optional
        Weights of the rows.

    Source: Guo et al. 2017, section 4.2; the prior is ours.
    """
    rows = len(targets) if weights is None else float(weights.sum())

    def cost(log_temperature: float) -> float:
        loss = smoothed_loss(scores, targets, weights, temperature=np.exp(log_temperature))
        return float(log_temperature**2 / 2 + rows * loss)

    found = minimize_scalar(cost, bounds=(-5.0, 5.0), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def smoothed_loss(
    scores: NDArray[Any],
    targets: NDArray[Any],
    weights: NDArray[Any] | None = None,
    *,
    temperature: float = 1.0,
) -> float:
    """The mean log-loss of ``softmax(scores / temperature)``, with targets that are not certain.

    After n rows, the true class has the target probability (n + 2) / (n + 4), and the others share
    the rest. Without it, few rows that are all correct make scores grow without bound.

    Parameters
    ----------
    scores : float [rows, classes]
    targets : int [rows]
    weights : float [rows], optional
        Weights of the rows; n is their sum.

    Source: Platt 1999, section 2.2, whose targets these are for two equally frequent classes.
    """
    counts = np.ones(len(targets)) if weights is None else weights
    total, classes = float(counts.sum()), scores.shape[1]
    others = 2.0 / (total + 4.0) / (classes - 1)
    loss = 0.0
    for rows, logs, own in _log_probabilities(scores, targets, temperature):
        expected = others * logs.sum(axis=1) + (1.0 - others * classes) * own
        loss -= float(expected @ counts[rows])
    return loss / total


def log_of_truth(
    scores: NDArray[Any], targets: NDArray[Any], temperature: float = 1.0
) -> NDArray[np.float64]:
    """``log_softmax(scores / temperature)`` at the target of each row, float64 [rows]."""
    found = np.empty(len(targets))
    for rows, _, own in _log_probabilities(scores, targets, temperature):
        found[rows] = own
    return found


def _log_probabilities(
    scores: NDArray[Any], targets: NDArray[Any], temperature: float
) -> Iterator[tuple[slice, Floats, Floats]]:
    """Blocks of rows that fit the processor's cache: their places, the logarithms of all
    probabilities, and those of the targets."""
    size = max(1, CACHED // max(scores.shape[1], 1))
    for start in range(0, len(targets), size):
        rows = slice(start, start + size)
        logs = log_softmax(scores[rows].astype(np.float64) / temperature, axis=1)
        yield rows, logs, np.take_along_axis(logs, targets[rows, None], axis=1)[:, 0]


def reliability(predictions: Floats, targets: NDArray[Any]) -> list[Bin]:
    """``reliability_of`` the most probable class of each row."""
    return reliability_of(predictions.max(axis=1), predictions.argmax(axis=1) == targets)


def reliability_of(confidence: Floats, right: NDArray[np.bool_]) -> list[Bin]:
    """The points of a reliability diagram: the share of correct rows, by confidence.

    At most ten bins over the probability of the predicted class, with as equal numbers of rows as
    ties allow. Each has rows, mean confidence, observed share of correct rows, and the Wilson
    interval of that share.

    Source: Guo et al. 2017, figure 1; equal numbers: Nguyen & O'Connor 2015.
    """
    place = equal_mass_bins(confidence, CURVE_BINS)
    curve = []
    for inside in (place == number for number in np.unique(place)):
        low, high = wilson(float(right[inside].sum()), float(inside.sum()))
        curve.append(
            Bin(
                rows=int(inside.sum()),
                confidence=float(confidence[inside].mean()),
                observed=float(right[inside].mean()),
                low=low,
                high=high,
            )
        )
    return curve
