"""Rates by group: sums over the units of documents, compared between groups of documents.

A rate is a ratio of sums, such as bits per character. Documents are what was sampled: intervals
resample them (Efron 1979), and tests permute them. The permuted statistic is the difference in
standard errors, so that a test keeps its level, with many documents, also where groups differ in
spread or in the lengths of their documents (Janssen 1997; Chung & Romano 2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from duree.evaluation.comparison import holm
from duree.evaluation.uncertainty import interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES, ORDERS = 1000, 1999
# With fewer documents in a group, or in the rest, a group is neither tested nor given an interval.
FEWEST = 3
# Resampled or permuted values at once.
MOST_VALUES = 2_000_000


@dataclass(frozen=True)
class GroupRate:
    """The rate of one group.

    Attributes
    ----------
    name : str
    documents : int
    rate : float
    low, high : float or None
        The 95 % interval; None with fewer than three documents.
    difference : float
        From the rate of all other documents.
    p_value : float or None
        Of no difference from all other documents, adjusted for the number of groups (Holm 1979);
        None where it was not tested.
    """

    name: str
    documents: int
    rate: float
    low: float | None
    high: float | None
    difference: float
    p_value: float | None


@dataclass(frozen=True)
class Trend:
    """Spearman's rank correlation between the documents' rates and an ordered column."""

    correlation: float
    p_value: float


def rates_by_group(
    sums: Floats, counts: Floats, codes: Ints, names: Sequence[str], seed: int
) -> list[GroupRate]:
    """The rate of each group, beside that of all other documents.

    Parameters
    ----------
    sums, counts : float64 [documents]
        Numerator and denominator of each document's rate; every count is positive.
    codes : int64 [documents]
        The group of each document; every group has some.
    names : sequence of str
    seed : int

    Returns
    -------
    list of GroupRate, in the order of ``names``
    """
    sizes = np.bincount(codes, minlength=len(names))
    tested = [
        code
        for code in range(len(names))
        if len(names) > 1 and sizes[code] >= FEWEST and len(codes) - sizes[code] >= FEWEST
    ]
    p_values = _permuted(sums, counts, codes, tested, seed)
    adjusted = holm({str(code): p for code, p in p_values.items()})
    found = []
    for code, name in enumerate(names):
        own = codes == code
        low, high = _resampled(sums[own], counts[own], (seed, code))
        rate = float(sums[own].sum() / counts[own].sum())
        others = float(sums[~own].sum() / counts[~own].sum()) if (~own).any() else rate
        p = adjusted.get(str(code))
        found.append(GroupRate(name, int(sizes[code]), rate, low, high, rate - others, p))
    return found


def trend(sums: Floats, counts: Floats, values: Floats, seed: int) -> Trend | None:
    """The rank correlation of the documents' rates with ``values`` float64 [documents], and its
    p-value when values are permuted; None with fewer than three documents or distinct values."""
    if len(sums) < FEWEST or len(np.unique(values)) < FEWEST:
        return None
    one, other = (_standard(rankdata(given)) for given in (sums / counts, values))
    observed, rng = float(one @ other), np.random.default_rng((seed, 2))
    as_large = 0
    for size in _blocks(ORDERS, len(one)):
        drawn = rng.permuted(np.tile(other, (size, 1)), axis=1) @ one
        as_large += int((np.abs(drawn) >= abs(observed) * (1 - 1e-9)).sum())
    return Trend(observed, (as_large + 1) / (ORDERS + 1))


def _resampled(
    sums: Floats, counts: Floats, seed: tuple[int, int]
) -> tuple[float, float] | tuple[None, None]:
    """The 95 % interval of a rate."""
    documents = len(sums)
    if documents < FEWEST:
        return None, None
    rng, drawn = np.random.default_rng(seed), []
    for size in _blocks(RESAMPLES, documents):
        rows = rng.integers(documents, size=(size, documents))
        drawn.append(sums[rows].sum(axis=1) / counts[rows].sum(axis=1))
    return interval(np.concatenate(drawn), documents) or (None, None)


def _permuted(
    sums: Floats, counts: Floats, codes: Ints, tested: list[int], seed: int
) -> dict[int, float]:
    """The p-value of each tested group, all from the same permutations of the documents."""
    if not tested:
        return {}
    observed = _differences(sums, counts, codes[None], tested)[0]
    rng, as_large = np.random.default_rng((seed, 1)), np.zeros(len(tested))
    for size in _blocks(ORDERS, len(codes)):
        drawn = rng.permuted(np.tile(codes, (size, 1)), axis=1)
        found = _differences(sums, counts, drawn, tested)
        as_large += (np.abs(found) >= np.abs(observed) * (1 - 1e-9)).sum(axis=0)
    p_values = ((as_large + 1) / (ORDERS + 1)).tolist()
    return dict(zip(tested, p_values, strict=True))


def _differences(sums: Floats, counts: Floats, codes: Ints, tested: list[int]) -> Floats:
    """The difference of each tested group from all others, in standard errors.

    The variance of a ratio of sums is that of its linearisation (Cochran 1977, section 6.3).

    Parameters
    ----------
    codes : int64 [orders, documents]

    Returns
    -------
    float64 [orders, tested]
    """
    products = np.stack([sums, counts, sums**2, sums * counts, counts**2], axis=1)
    total, found = products.sum(axis=0), np.zeros((len(codes), len(tested)))
    for place, code in enumerate(tested):
        own = (codes == code).astype(np.float64)
        size, inside = own.sum(axis=1), own @ products
        rate, variance = _ratio(inside, size)
        others, of_others = _ratio(total - inside, codes.shape[1] - size)
        spread = np.sqrt(np.maximum(variance + of_others, 1e-300))
        found[:, place] = (rate - others) / spread
    return found


def _ratio(products: Floats, size: Floats) -> tuple[Floats, Floats]:
    """A ratio of sums and its variance, from sums of products [orders, 5] over ``size``
    documents [orders]."""
    above, below, squares, mixed, of_counts = products.T
    rate = above / below
    deviations = np.maximum(squares - 2 * rate * mixed + rate**2 * of_counts, 0.0)
    # Rounding may leave a little where all documents have the same rate.
    deviations[deviations < 1e-12 * squares] = 0.0
    return rate, deviations * size / np.maximum(size - 1, 1) / below**2


def _standard(values: Floats) -> Floats:
    """Values with mean 0 and norm 1."""
    centred = values - values.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-300))


def _blocks(draws: int, documents: int) -> list[int]:
    """``draws`` in blocks of at most ``MOST_VALUES`` values."""
    size = max(1, MOST_VALUES // documents)
    return [min(size, draws - start) for start in range(0, draws, size)]
