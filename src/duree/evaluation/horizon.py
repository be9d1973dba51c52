"""How far ahead a model sees: the state at the last time point, foretold from earlier ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.uncertainty import wilson
from duree.evaluation.weighted import Floats

# The parts of the time that are seen.
SEEN = (1 / 3, 1 / 2, 2 / 3, 5 / 6)


def origins(times: int) -> list[int]:
    """How many time points are seen, of ``times``; each number once, and none of all."""
    return sorted({max(1, round(share * times)) for share in SEEN} - {times})


def foreseen(found: Mapping[str, Floats], truth: NDArray[np.integer]) -> dict[str, Any]:
    """The share of rows whose last state each model foretold, with its 95 % interval (Wilson).

    Parameters
    ----------
    found : {model: float64 [rows, states]}
    truth : int [rows]

    Returns
    -------
    {model: {"value", "low", "high"}}
    """
    figures = {}
    for name, shares in found.items():
        share = float(np.mean(shares.argmax(axis=1) == truth))
        low, high = wilson(share * len(truth), len(truth))
        figures[name] = {"value": share, "low": low, "high": high}
    return figures
