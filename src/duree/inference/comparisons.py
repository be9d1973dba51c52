"""Estimates for comparison: with predictions taken for the truth, and from labelled rows alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from duree.errors import DataError
from duree.inference.families import Family, Floats, Ints
from duree.inference.fixed_effects import projected
from duree.inference.intervals import (
    CONFIDENCE,
    DrawnUnits,
    Intervals,
    Variance,
    t_intervals,
    terms_with,
)
from duree.inference.moments import Labelled, Moments, solve
from duree.inference.units import Units
from duree.results.estimates import Term

# Of an estimate: a standard error that is smaller is 0.
ROUNDING = 1e-10


def naive_terms(
    family: Family,
    x: Floats,
    y: Floats,
    cluster: Ints | None,
    groups: list[Ints],
    names: list[str],
    start: Floats,
) -> list[Term]:
    """The usual regression on predictions, with robust standard errors; empty if singular.

    Intervals without width are withheld.
    """
    size = x.shape[1]
    nothing = Labelled(
        np.zeros(0, dtype=np.int64),
        np.zeros((0, size)),
        np.zeros((0, 1)),
        np.zeros((0, size)),
        np.zeros((0, 1)),
        np.zeros(0),
    )
    if groups:
        x, y = x - projected(x, groups), y - projected(y[:, None], groups)[:, 0]
    try:
        moments = solve(family, x, y[:, None], nothing, Units(cluster), start)
        units = len(y) if cluster is None else int(cluster.max()) + 1
        variance = Variance(moments, clustered=cluster is not None, drawn=None, units=units)
    except DataError:
        return []
    se = variance.se()
    df = max(len(y) - size, 1) if cluster is None else max(units - 1, 1)
    half = student.ppf(0.5 + CONFIDENCE / 2, df) * se
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * student.sf(np.abs(variance.b / se), df)
    # A group that is one cluster, or all of whose predictions are alike, does not vary.
    vary = _vary(se, variance.b)
    half, p = np.where(vary, half, np.nan), np.where(vary, p, np.nan)
    found = Intervals(variance.b - half, variance.b + half, p)
    return terms_with(names, variance.b, se, found, np.full(size, float(df)), "naive")


def labelled_moments(
    family: Family, x: Floats, y: Floats, weight: Floats, cluster: Ints | None, groups: list[Ints]
) -> Moments:
    """The weighted regression on labelled rows alone: moments without predictions."""
    if groups:
        x = x - projected(x, groups, weight)
        y = y - projected(y[:, None], groups, weight)[:, 0]
    labelled = Labelled(
        np.arange(len(y)), x, y[:, None], np.zeros_like(x), np.zeros((len(y), 1)), weight
    )
    empty = np.zeros((0, x.shape[1]))
    return solve(family, empty, np.zeros((0, 1)), labelled, Units(cluster))


def labelled_terms(
    moments: Moments, names: list[str], *, clustered: bool, drawn: DrawnUnits | None
) -> list[Term]:
    """Terms of ``labelled_moments``.

    Intervals without width are withheld, unless all rows of a finite population are labelled.
    """
    variance = Variance(moments, clustered=clustered, drawn=drawn)
    se = variance.se()
    found = t_intervals(variance.b, se, variance.df, variance.units if clustered else None)
    vary = _vary(se, variance.b) if drawn is None else np.ones(len(se), dtype=bool)
    shown = Intervals(*(np.where(vary, one, np.nan) for one in (found.low, found.high, found.p)))
    return terms_with(names, variance.b, se, shown, variance.df, "labelled_only")


def _vary(se: Floats, b: Floats) -> NDArray[np.bool_]:
    """Whether standard errors are more than rounding."""
    return np.asarray(se > ROUNDING * np.abs(b))
