"""Sample paths of forecasts, whose steps are correlated as the errors on validation are.

A Gaussian copula (Sklar 1959; Nelsen 2006): the marginal distribution of each step is the forecast,
and the correlations are those of the normal scores of the true values on the validation set.
Between and beyond the forecast levels, quantiles are interpolated linearly in normal scores.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from duree.recipe.quantile_levels import LEVELS

Floats = NDArray[np.float64]

NORMAL = stats.norm.ppf(LEVELS)
# Normal scores are clipped at this value, which one in thirty million exceeds.
FARTHEST = 5.5
# The weight of the prior (a random walk), in rows per step.
ROWS_PER_STEP = 4


def normal_scores(values: Floats, quantiles: Floats) -> Floats:
    """The positions of values in their distributions, as normal scores; NaN for missing values.

    ``values`` float64 [rows, horizon], ``quantiles`` [rows, horizon, levels].
    """
    scores = _run(values, quantiles, np.broadcast_to(NORMAL, quantiles.shape))
    return np.clip(scores, -FARTHEST, FARTHEST)


def at_scores(scores: Floats, quantiles: Floats) -> Floats:
    """The values at normal scores: the inverse of ``normal_scores``, of the same shapes."""
    return _run(scores, np.broadcast_to(NORMAL, quantiles.shape), quantiles)


def correlation(scores: Floats) -> Floats:
    """Correlations of the steps, float64 [horizon, horizon], from normal scores [rows, horizon].

    With few rows they are shrunk towards those of a random walk, ``sqrt(earlier / later)``, which
    are also used if a step has no known values.
    """
    horizon = scores.shape[1]
    steps = np.arange(1, horizon + 1)
    walk = np.sqrt(np.minimum.outer(steps, steps) / np.maximum.outer(steps, steps))
    known = scores[np.isfinite(scores).all(axis=1)]
    if len(known) < 2:
        return walk
    deviations = known.std(axis=0)
    if (deviations == 0).any():
        return walk
    found = np.corrcoef(known, rowvar=False).reshape(horizon, horizon)
    share = len(known) / (len(known) + ROWS_PER_STEP * horizon)
    return np.asarray(share * found + (1 - share) * walk)


def draw_scores(rows: int, count: int, correlations: Floats, seed: int) -> Floats:
    """Normal scores of ``count`` paths for each row, float64 [rows, count, horizon]."""
    values, vectors = np.linalg.eigh(correlations)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    drawn = np.random.default_rng(seed).normal(size=(rows, count, len(correlations)))
    return np.asarray(drawn @ root.T)


def _run(at: Floats, places: Floats, values: Floats) -> Floats:
    """Linear interpolation through (places, values), extrapolated beyond both ends."""
    right = np.clip((places < at[..., None]).sum(axis=-1), 1, places.shape[-1] - 1)[..., None]
    x0, x1 = (np.take_along_axis(places, end, axis=-1)[..., 0] for end in (right - 1, right))
    y0, y1 = (np.take_along_axis(values, end, axis=-1)[..., 0] for end in (right - 1, right))
    width = x1 - x0
    share = (at - x0) / np.where(width > 0, width, 1.0)
    return np.where(width > 0, y0 + share * (y1 - y0), (y0 + y1) / 2)
