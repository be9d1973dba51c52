"""Log-linear choice among candidates: weights that make the right ones most probable.

Source: Och & Ney 2002, "Discriminative training and maximum entropy models for statistical machine
translation".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from duree.sequences.ragged import offsets_of

Floats = NDArray[np.float64]


def fit_weights(
    features: Sequence[Floats], right: Sequence[int], counts: Sequence[int], prior: Floats
) -> Floats:
    """The most probable weights of features, under a normal prior.

    The prior has mean ``prior``, and standard deviation 1 for features scaled to standard
    deviation 1: few rows leave the weights as they were.

    Parameters
    ----------
    features : sequence of float64 [candidates, features]
        Of each row's candidates.
    right : sequence of int
        The right candidate of each row; -1 if it is not among them, where nothing can be learned.
    counts : sequence of int
        How often each row occurs.
    prior : float64 [features]

    Returns
    -------
    float64 [features]
    """
    rows = [row for row, place in enumerate(right) if place >= 0]
    if not rows:
        return prior.copy()
    every = np.concatenate([features[row] for row in rows])
    scale = np.maximum(every.std(axis=0), 1e-6)
    scaled, mean = every / scale, prior * scale
    offsets = offsets_of([len(features[row]) for row in rows])
    lengths, begins = np.diff(offsets), offsets[:-1]
    truths = begins + np.array([right[row] for row in rows])
    often = np.array([counts[row] for row in rows], dtype=np.float64)

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = scaled @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, begins), lengths)
        chances = np.exp(scores)
        total = np.add.reduceat(chances, begins)
        chances *= np.repeat(often / total, lengths)
        likelihood = often @ (scores[truths] - np.log(total))
        slope = scaled[truths].T @ often - scaled.T @ chances
        apart = weights - mean
        return 0.5 * float(apart @ apart) - float(likelihood), apart - slope

    found = minimize(loss, mean, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return np.asarray(found.x / scale)
