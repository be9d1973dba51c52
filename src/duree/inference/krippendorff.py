"""Krippendorff's alpha, for any number of coders, missing codings and four levels of measurement.

Source: Krippendorff (2019), Content Analysis, 4th ed., ch. 12; Hayes & Krippendorff (2007),
Answering the call for a standard reliability measure for coding data, Communication Methods and
Measures 1 (1). The interval is the jackknife's over units: Efron & Stein (1981), The jackknife
estimate of variance, Annals of Statistics 9 (3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from duree.inference.codebook import Level

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Alpha:
    """An agreement with its 95 % interval.

    ``alpha`` is None where all codings are the same: agreement beyond chance is then undefined.
    ``low`` and ``high`` are None with fewer than three units.
    """

    alpha: float | None
    low: float | None
    high: float | None
    units: int
    codings: int


def krippendorff_alpha(counts: Floats, values: Floats, level: Level) -> Alpha:
    """Krippendorff's alpha of units that several coders coded, with a jackknife interval.

    alpha = 1 - D_o / D_e, with D_o the mean difference within units, and D_e that between any two
    codings.

    Parameters
    ----------
    counts : float64 [units, values]
        How many coders gave each value to each unit; units with fewer than two are left out.
    values : float64 [values]
        The values as numbers, ascending; for nominal values their numbers do not matter.
    level : {"nominal", "ordinal", "interval", "ratio"}
    """
    counts = counts[counts.sum(axis=1) >= 2]
    units, codings = len(counts), int(counts.sum())
    totals = counts.sum(axis=0)
    alpha = _alpha(counts, totals, values, level)
    if alpha is None or units < 3:
        return Alpha(alpha, None, None, units, codings)
    left_out = _without_each(counts, totals, values, level)
    left_out = left_out[~np.isnan(left_out)]
    if len(left_out) < units:  # all variation lies in one unit: there is no interval
        return Alpha(alpha, None, None, units, codings)
    spread = np.sqrt((units - 1) / units * ((left_out - left_out.mean()) ** 2).sum())
    half = float(t.ppf(0.975, units - 1) * spread)
    return Alpha(alpha, alpha - half, min(alpha + half, 1.0), units, codings)


def count_values(codings: Sequence[Sequence[int]], values: int) -> Floats:
    """float64 [units, values]: the codings of each unit, given as places of values, counted."""
    counts = np.zeros((len(codings), values))
    for unit, given in enumerate(codings):
        np.add.at(counts[unit], list(given), 1.0)
    return counts


def differences(totals: Floats, values: Floats, level: Level) -> Floats:
    """float64 [values, values]: the squared difference of each two values.

    Source: Krippendorff (2019), section 12.3.3. The ordinal one depends on how often each value
    occurs (``totals``): (sum of n_g from c to k - (n_c + n_k) / 2)^2.
    """
    first, second = values[:, None], values[None, :]
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "interval":
        return np.asarray((first - second) ** 2)
    if level == "ratio":
        total = first + second
        return np.divide(first - second, total, out=np.zeros_like(total), where=total != 0) ** 2
    # The ranks in the middle of each value: their distance is the sum between.
    middle = np.cumsum(totals) - totals / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2)


def _alpha(counts: Floats, totals: Floats, values: Floats, level: Level) -> float | None:
    delta = differences(totals, values, level)
    observed = float(_within(counts, delta).sum())
    expected = float(totals @ delta @ totals)
    n = totals.sum()
    return None if expected == 0 else 1.0 - (n - 1) * observed / expected


def _within(counts: Floats, delta: Floats) -> Floats:
    """float64 [units]: the differences of the pairs in each unit, by the number of its codings."""
    pairs = np.einsum("uc,ck,uk->u", counts, delta, counts, optimize=True)
    return np.asarray(pairs / (counts.sum(axis=1) - 1))


def _without_each(counts: Floats, totals: Floats, values: Floats, level: Level) -> Floats:
    """float64 [units]: alpha without each unit; NaN where it is undefined."""
    if level == "ordinal":  # the differences depend on all codings
        found = [
            _alpha(np.delete(counts, unit, axis=0), totals - counts[unit], values, level)
            for unit in range(len(counts))
        ]
        return np.array([np.nan if one is None else one for one in found])
    delta = differences(totals, values, level)
    within = _within(counts, delta)
    to_all = counts @ delta @ totals
    own = np.einsum("uc,ck,uk->u", counts, delta, counts, optimize=True)
    expected = totals @ delta @ totals - 2 * to_all + own
    n = totals.sum() - counts.sum(axis=1)
    observed = within.sum() - within
    ratio = np.divide(
        (n - 1) * observed, expected, out=np.full(len(n), np.nan), where=expected > 1e-12
    )
    return np.asarray(1.0 - ratio)
