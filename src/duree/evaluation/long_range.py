"""Long-range prediction: the state at the last time point, predicted from earlier ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.uncertainty import wilson
from duree.evaluation.weighted_metrics import Floats

# Shares of the time points that are observed.
SEEN = (1 / 3, 1 / 2, 2 / 3, 5 / 6)


def origins(times: int) -> list[int]:
    """Numbers of observed time points, out of ``times``; distinct, and fewer than all."""
    return sorted({max(1, round(share * times)) for share in SEEN} - {times})


def foreseen(
    found: Mapping[str, Floats], truth: NDArray[np.integer], weights: Floats | None = None
) -> dict[str, dict[str, float]]:
    """The accuracy of each model for the last state, with Wilson's 95 % interval on the effective
    number of rows (Kish 1965).

    Parameters
    ----------
    found : {model: float64 [rows, states]}
    truth : int [rows]
    weights : float64 [rows], optional
        Weights of the rows.

    Returns
    -------
    {model: {"value", "low", "high"}}
    """
    figures = {}
    rows = float(len(truth)) if weights is None else weights.sum() ** 2 / np.sum(weights**2)
    for name, shares in found.items():
        share = float(np.average(shares.argmax(axis=1) == truth, weights=weights))
        low, high = wilson(share * rows, rows)
        figures[name] = {"value": share, "low": low, "high": high}
    return figures
