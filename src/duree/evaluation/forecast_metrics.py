"""The metrics of forecasts, as the M4 competition defines them, and those of their intervals.

sMAPE and MASE: Makridakis, Spiliotis & Assimakopoulos 2020; Hyndman & Koehler 2006. OWA is the mean
of both, each divided by that of Naive2 on the same rows. The CRPS is twice the pinball loss
over all levels (Gneiting & Ranjan 2011), here over the forecast levels, by the trapezoid rule; it
is in units of the mean change of the series, as MASE is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.metrics import MetricSet
from duree.evaluation.weighted_metrics import Floats, Weighted, mean, ratio
from duree.recipe.quantile_levels import BAND_80, BAND_95, LEVELS, MEDIAN
from duree.results.metric import (
    COVERAGE_80,
    COVERAGE_95,
    CRPS,
    MASE,
    OWA,
    PINBALL,
    SMAPE,
)

# Further columns of the targets, in this order.
FURTHER = ("scale", "naive_smape", "naive_mase")


@dataclass(frozen=True)
class Answers:
    """The targets of forecasts: the values after each origin, and the scales of errors.

    Attributes
    ----------
    values : float64 [rows, horizon]
        NaN where a value is missing.
    scale : float64 [rows]
        Mean absolute error of the seasonal naive forecast up to the origin.
    naive_smape, naive_mase : float64 [rows]
        The errors of Naive2 on the same values.
    """

    values: Floats
    scale: Floats
    naive_smape: Floats
    naive_mase: Floats

    @classmethod
    def of(cls, targets: NDArray[Any]) -> Answers:
        """From the result of ``table``."""
        horizon = targets.shape[1] - len(FURTHER)
        return cls(targets[:, :horizon], *targets[:, horizon:].T)

    def table(self) -> Floats:
        """All columns, float64 [rows, horizon + 3]."""
        return np.column_stack([self.values, self.scale, self.naive_smape, self.naive_mase])


def smape(forecast: Floats, actual: Floats) -> Floats:
    """Symmetric mean absolute percentage error of each row, 0 to 200; missing steps are left out.

    ``forecast`` and ``actual`` float64 [rows, horizon]. Where both are 0 the error is 0.
    """
    size = np.abs(forecast) + np.abs(actual)
    errors = 200 * np.abs(forecast - actual) / np.where(size == 0, 1.0, size)
    return mean_of_known(errors)


def mase(forecast: Floats, actual: Floats, scale: Floats) -> Floats:
    """Mean absolute scaled error of each row; NaN where the series never changed."""
    return _divided(mean_of_known(np.abs(forecast - actual)), scale)


def pinball(quantiles: Floats, actual: Floats) -> Floats:
    """The pinball loss of each row and level, [rows, levels], from [rows, horizon, levels]."""
    errors = actual[..., None] - quantiles
    levels = np.array(LEVELS)
    losses = np.maximum(levels * errors, (levels - 1) * errors)
    return np.stack([mean_of_known(losses[..., level]) for level in range(len(LEVELS))], axis=1)


def crps(losses: Floats) -> Floats:
    """The continuous ranked probability score of each row, from its pinball losses [rows, levels].

    Beyond the outermost levels the loss is taken to fall linearly to 0 at the levels 0 and 1.
    """
    inner = np.trapezoid(losses, LEVELS, axis=1)
    ends = LEVELS[0] * losses[:, 0] / 2 + (1 - LEVELS[-1]) * losses[:, -1] / 2
    return np.asarray(2 * (inner + ends))


def inside(quantiles: Floats, actual: Floats, band: tuple[int, int]) -> Floats:
    """The share of each row's values that lie within a band of levels, [rows]."""
    low, high = (quantiles[..., end] for end in band)
    within = np.where(np.isfinite(actual), (actual >= low) & (actual <= high), np.nan)
    return mean_of_known(within)


def mean_of_known(of_steps: Floats) -> Floats:
    """The mean of each row over its steps that are not missing; NaN where all are."""
    known = np.isfinite(of_steps)
    sums = np.where(known, of_steps, 0.0).sum(axis=1)
    return _divided(sums, known.sum(axis=1).astype(np.float64))


def quantiles_of(predictions: Floats) -> Floats:
    """Predictions [rows, horizon * levels] as [rows, horizon, levels]."""
    return predictions.reshape(len(predictions), -1, len(LEVELS))


def _forecasts(predictions: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
    answers, quantiles = Answers.of(targets), quantiles_of(predictions)
    point = quantiles[..., MEDIAN]
    relative = smape(point, answers.values)
    scaled = mase(point, answers.values, answers.scale)
    losses = _divided(pinball(quantiles, answers.values), answers.scale[:, None])
    own = [_of_defined(errors) for errors in (relative, scaled)]
    naive = [
        _of_defined(np.where(np.isfinite(errors), of_naive, np.nan))
        for errors, of_naive in ((relative, answers.naive_smape), (scaled, answers.naive_mase))
    ]

    def owa(weights: Floats) -> Floats:
        first, second = (ratio(o(weights), n(weights)) for o, n in zip(own, naive, strict=True))
        return np.asarray((first + second) / 2)

    return {
        "owa": owa,
        "smape": own[0],
        "mase": own[1],
        "crps": _of_defined(crps(losses)),
        "pinball": _of_defined(losses.mean(axis=1)),
        "coverage_80": _of_defined(inside(quantiles, answers.values, BAND_80)),
        "coverage_95": _of_defined(inside(quantiles, answers.values, BAND_95)),
    }


def _of_defined(of_rows: Floats) -> Weighted:
    """The mean over the rows for which the metric is defined."""
    known = np.isfinite(of_rows)
    if known.all():
        return mean(of_rows)
    filled, counted = np.where(known, of_rows, 0.0), known.astype(np.float64)
    return lambda weights: ratio(np.asarray(filled @ weights), np.asarray(counted @ weights))


def _divided(above: Floats, below: Floats) -> Floats:
    return ratio(above, np.broadcast_to(below, np.shape(above)))


# No metric has a chance level; an OWA is always above 0.
FORECASTS = MetricSet(
    (OWA, SMAPE, MASE, CRPS, PINBALL, COVERAGE_80, COVERAGE_95),
    ("owa", 0.0),
    True,
    _forecasts,
    counted="forecasts",
    grouped="series",
    replaceable=True,
)
