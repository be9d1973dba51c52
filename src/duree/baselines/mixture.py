"""The weight of two models in a mixture, fitted on held-out data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS, TOLERANCE = 100, 1e-5


def mixture_share(first: Floats, second: Floats) -> float:
    """The share of the first model in the mixture that makes held-out data most probable.

    ``first`` and ``second`` are the log-probabilities of the same units, in nats.

    Source: Jelinek & Mercer 1980, by expectation maximisation (Dempster, Laird & Rubin 1977).
    """
    if not len(first):
        return 0.5
    ratio = np.exp(np.clip(second - first, -700, 700))
    share = 0.5
    for _ in range(STEPS):
        before, share = share, float(np.mean(share / (share + (1 - share) * ratio)))
        if abs(share - before) < TOLERANCE:
            break
    return share


def mixed(first: Floats, second: Floats, share: float) -> Floats:
    """The log-probabilities of a mixture, in which the first model has this share."""
    with np.errstate(divide="ignore"):
        shares = np.log([share, 1 - share])
    return np.asarray(np.logaddexp(first + shares[0], second + shares[1]))
