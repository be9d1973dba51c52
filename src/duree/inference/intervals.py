"""Standard errors, degrees of freedom and t intervals, and what more labels would bring.

Source of the degrees of freedom: Satterthwaite's, with the fourth moments of the labelled units,
which few labels estimate badly; Bell & McCaffrey (2002) and Imbens & Kolesár (2016) for the reason.
Power: Egami, Hinck, Stewart & Wei (2023), section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from duree.inference.families import Floats, Ints
from duree.inference.moments import Moments, inverted
from duree.results.estimates import Method, Term

CONFIDENCE = 0.95
# Fewer degrees of freedom, or labelled clusters, are too few for any interval.
FEWEST_DF, FEWEST_CLUSTERS = 4.0, 5


@dataclass(frozen=True)
class DrawnUnits:
    """The labelled units (rows or clusters) as they were drawn.

    Attributes
    ----------
    stratum : int [units]
    probability : float [units]
    fixed : bool
        Whether a fixed number was drawn in each stratum, all with the same chance: only deviations
        from the stratum's mean vary then.
    """

    stratum: Ints
    probability: Floats
    fixed: bool


class Variance:
    """The variance of the estimates of all splits, now and with more labels.

    Parameters
    ----------
    moments : Moments
    clustered : bool
    drawn : DrawnUnits or None
        For a finite population, of which only the choice of the labelled units varies.
    units : int, optional
        Number of units, if not that of the labelled ones.
    """

    def __init__(
        self,
        moments: Moments,
        *,
        clustered: bool,
        drawn: DrawnUnits | None,
        units: int | None = None,
    ) -> None:
        self.b = np.median(moments.b, axis=0)
        self.spread = (moments.b - self.b) ** 2
        self.labelled_units = moments.scores.shape[1]
        self.units = self.labelled_units if units is None else units
        inverse = np.stack([inverted(one) for one in moments.jacobian])
        self.correction = self.units / max(self.units - 1, 1)
        turned = inverse.transpose(0, 2, 1)
        if drawn is None:
            scores = moments.scores @ turned
            self.total = _diagonal(inverse @ moments.meat @ turned)
            self.sampled = ((moments.corrections @ turned) ** 2).sum(axis=1)
            self.remaining = None
        else:
            scores, self.remaining = _design_scores(moments.corrections @ turned, drawn)
            self.correction = 1.0
            self.total = self.sampled = (scores**2).sum(axis=1)
            self._squares, self._probability = scores**2, drawn.probability
        self.df = np.median(self._degrees(scores, clustered=clustered), axis=0)

    def _degrees(self, scores: Floats, *, clustered: bool) -> Floats:
        """Degrees of freedom [splits, coefficients]."""
        squares = (scores**2).sum(axis=1)
        unequal = (scores**4).sum(axis=1) - squares**2 / self.units
        with np.errstate(divide="ignore"):
            df = 2 * self.total**2 / np.maximum(unequal, np.finfo(float).tiny)
        return np.asarray(np.clip(df, 1.0, max(self.units - 1, 1) if clustered else np.inf))

    def se(self, factor: float = 1.0) -> Floats:
        """Standard errors [coefficients] with ``factor`` times the labels.

        The variance of a split and its distance from the median of all splits are added.
        """
        if self.remaining is None:
            total = self.sampled / factor + (self.total - self.sampled)
            total = np.maximum(total, self.total / factor)  # more labels bring no more than that
        else:
            left = np.maximum(1 - factor * self._probability, 0) / self.remaining / factor
            total = (self._squares * left[None, :, None]).sum(axis=1)
        return np.asarray(np.sqrt(np.median(total * self.correction + self.spread, axis=0)))


def _diagonal(matrices: Floats) -> Floats:
    return np.asarray(np.diagonal(matrices, axis1=1, axis2=2))


def _design_scores(influence: Floats, drawn: DrawnUnits) -> tuple[Floats, Floats]:
    """Scores whose squares sum to the design variance, and 1 - pi of each unit."""
    scores = influence.copy()
    remaining = np.maximum(1 - drawn.probability, np.finfo(float).tiny)
    for stratum in np.unique(drawn.stratum):
        units = drawn.stratum == stratum
        count = int(units.sum())
        if drawn.fixed:
            scores[:, units] -= influence[:, units].mean(axis=1, keepdims=True)
        scores[:, units] *= np.sqrt(count / max(count - 1, 1))
    return scores * np.sqrt(remaining)[None, :, None], remaining


@dataclass(frozen=True)
class Intervals:
    """t intervals and two-sided p-values of estimates, each [coefficients]; NaN if withheld."""

    low: Floats
    high: Floats
    p: Floats


def t_intervals(estimate: Floats, se: Floats, df: Floats, clusters: int | None) -> Intervals:
    """The 95 % intervals; withheld with fewer than 4 degrees of freedom or 5 clusters."""
    half = student.ppf(0.5 + CONFIDENCE / 2, df) * se
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * student.sf(np.abs(estimate / se), df)
    withheld = (df < FEWEST_DF) | (clusters is not None and clusters < FEWEST_CLUSTERS)
    low, high = (np.where(withheld, np.nan, end) for end in (estimate - half, estimate + half))
    return Intervals(low, high, np.where(withheld, np.nan, p))


def terms_with(
    names: Sequence[str],
    estimate: Floats,
    se: Floats,
    found: Intervals,
    df: Floats,
    method: Method = "dsl",
) -> list[Term]:
    """Terms as they are reported; what is not finite is None."""
    return [
        Term(
            term=name,
            estimate=float(estimate[at]),
            se=float(se[at]),
            low=none_if_nan(found.low[at]),
            high=none_if_nan(found.high[at]),
            p=none_if_nan(found.p[at]),
            df=none_if_nan(df[at]),
            method=method,
        )
        for at, name in enumerate(names)
    ]


def none_if_nan(value: float) -> float | None:
    """The number, or None if it is infinite or not a number."""
    return float(value) if np.isfinite(value) else None
