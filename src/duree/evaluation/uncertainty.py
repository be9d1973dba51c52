"""Uncertainty: 95 % intervals and p-values from resamples.

Percentile intervals (Efron 1979), expanded for few units (Hesterberg 2015). A share of correct rows
has Wilson's interval (1927) instead, which keeps its level near 0 and 1, where all resamples of an
all-correct set are all correct and the bootstrap interval has no width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from duree.evaluation.resampling import Sample
from duree.evaluation.weighted_metrics import Floats
from duree.results.metric import CALIBRATION_ERROR, Metric

LEVEL = 0.95
TAIL = (1 - LEVEL) / 2
NORMAL = float(norm.ppf(1 - TAIL))

Interval = tuple[float, float]


def interval(drawn: Floats, units: int) -> Interval | None:
    """The 95 % interval of the defined values; None where there is none.

    Instead of the quantiles 0.025 and 0.975 it takes those at which the interval of a mean is as
    wide as Student's t interval: with 10 units, 0.009 and 0.991.
    """
    defined = drawn[np.isfinite(drawn)]
    if len(defined) == 0:
        return None
    tail = norm.cdf(t.ppf(TAIL, max(units - 1, 1)) * _expansion(units))
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def p_value(differences: Floats, units: int) -> float:
    """Two-sided p-value of no difference: the level at which ``interval`` would just reach 0.

    Source: Davison & Hinkley 1997, section 4.4.
    """
    defined = differences[np.isfinite(differences)]
    fewer = min((defined <= 0).sum(), (defined >= 0).sum())
    tail = min((fewer + 1) / (len(defined) + 1), 0.5)
    return float(2 * t.cdf(norm.ppf(tail) / _expansion(units), max(units - 1, 1)))


def wilson(successes: float, rows: float) -> Interval:
    """Wilson's interval of a share; ``rows`` may be an effective number."""
    share = successes / rows
    centre = share + NORMAL**2 / (2 * rows)
    half = NORMAL * np.sqrt(share * (1 - share) / rows + NORMAL**2 / (4 * rows**2))
    scale = 1 + NORMAL**2 / rows
    # Rounding must not push a share of 0 or 1 out of its own interval.
    low, high = max((centre - half) / scale, 0.0), min((centre + half) / scale, 1.0)
    return min(float(low), share), max(float(high), share)


def metric_interval(
    metric: Metric,
    value: float,
    drawn: Mapping[str, Floats],
    targets: NDArray[Any],
    sample: Sample,
    about: NDArray[np.bool_] | None = None,
) -> Interval | None:
    """The 95 % interval of one metric, by the appropriate method.

    A bounded metric that is perfect in every resample (an AUC of 1) has the interval of a perfect
    share among the units of the rows that it is ``about``, or else of the rarest class: wide, and
    never [1, 1].
    """
    found = drawn[metric.name]
    if metric.share:
        rows = effective_rows(value, found, sample)
        return wilson(value * rows, rows)
    if metric.bounded and value in (0, 1) and np.all(found[np.isfinite(found)] == value):
        rows = (
            units_of_rarest(targets, sample)
            if about is None
            else len(np.unique(sample.unit[about]))
        )
        return wilson(value * rows, rows)
    if metric.name == CALIBRATION_ERROR.name:
        return calibration_interval(value, found, drawn["calibration_noise"], sample.units)
    between = interval(found, sample.units)
    # On very few rows the value itself may lie outside the interval of the resamples.
    return between and (min(between[0], value), max(between[1], value))


def calibration_interval(value: float, drawn: Floats, noise: Floats, units: int) -> Interval:
    """The interval of a calibration error, which is biased upwards on few rows.

    Resamples add to the bias, so that their lower quantile would exclude the true error. But the
    value is at most the true error plus the mean noise of the bins (triangle inequality): the low
    end is the value minus the 97.5 % quantile of that noise.
    """
    (_, high), (_, most) = (interval(values, units) or (0.0, 1.0) for values in (drawn, noise))
    return max(0.0, value - most), max(high, value)


def effective_rows(share: float, drawn: Floats, sample: Sample) -> float:
    """The effective number of independent rows for a share, given groups and weights.

    Source: Kish 1965 (the design effect; where all rows are correct or all wrong, that of identical
    rows within groups), and Korn & Graubard 1998 (few groups: Student's t).
    """
    rows = len(sample.unit)
    if sample.is_plain:
        return float(rows)
    sizes = np.bincount(sample.unit, sample.weights)
    variance = float(np.var(drawn)) * _expansion(sample.units) ** 2
    alone = share * (1 - share) / variance if variance > 0 else sizes.sum() ** 2 / np.sum(sizes**2)
    return float(min(alone, rows) * (NORMAL / t.ppf(1 - TAIL, sample.units - 1)) ** 2)


def units_of_rarest(targets: NDArray[Any], sample: Sample) -> int:
    """The number of units with the rarest class (of labels: the rarest yes or no)."""
    columns = targets[:, None] if targets.ndim == 1 else targets
    return min(
        len(np.unique(sample.unit[column == value]))
        for column in columns.T
        for value in np.unique(column)
    )


def _expansion(units: int) -> float:
    """The factor for standard errors: a bootstrap variance is too small by (units - 1) / units."""
    return float(np.sqrt(units / max(units - 1, 1)))
