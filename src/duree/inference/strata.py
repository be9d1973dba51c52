"""Strata of a sample: fifths of a column, and how many units each of them gives."""

from __future__ import annotations

import heapq
from math import ceil

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError

FIFTHS = (0.2, 0.4, 0.6, 0.8)
FEWEST = 2  # units of a stratum: fewer give no variance


def edges_of(by: NDArray[np.float64]) -> list[float]:
    """The inner edges of fifths: values of ``by`` [units], each below the next.

    There are fewer than four where a fifth or more of the values are equal; no stratum is empty.
    """
    edges = np.unique(np.quantile(by, FIFTHS, method="inverted_cdf"))
    return [float(edge) for edge in edges if edge < by.max()]


def strata_of(
    by: NDArray[np.float64] | None, edges: list[float] | None, n: int
) -> NDArray[np.intp]:
    """intp [n]: the stratum of each unit, from 0; a value that equals an edge lies below it."""
    if by is None or edges is None:
        return np.zeros(n, dtype=np.intp)
    return np.searchsorted(np.asarray(edges, dtype=np.float64), by, side="left")


def spread_of(by: NDArray[np.float64] | None, stratum: NDArray[np.intp]) -> NDArray[np.float64]:
    """float64 [strata]: how uncertain the units of each stratum are.

    √ mean p(1 - p) where all values are probabilities, otherwise the standard deviation.
    """
    count = int(stratum.max()) + 1
    if by is None:
        return np.ones(count)
    within = [by[stratum == one] for one in range(count)]
    if is_probability(by):
        return np.array([np.sqrt(np.mean(p * (1 - p))) for p in within])
    return np.array([np.std(values) for values in within])


def is_probability(by: NDArray[np.float64]) -> bool:
    """Whether all values lie between 0 and 1."""
    return bool(((by >= 0) & (by <= 1)).all())


def allocate(
    n: int, sizes: NDArray[np.int64], spread: NDArray[np.float64], rows: float = 1.0
) -> NDArray[np.int64]:
    """int64 [strata]: the number of units drawn from each stratum, ``n`` in all.

    Proportional to N_h (1/3 + 2/3 S_h / S), with S the mean of S_h over the units: a compromise
    between proportional and Neyman allocation. Units are given one by one to the stratum with the
    largest share per unit (Sainte-Laguë), so that no stratum's number falls when ``n`` grows. Each
    stratum gives at least 2 units, or all it has.

    Parameters
    ----------
    n : int
    sizes, spread : [strata]
        N_h and S_h.
    rows : float
        Mean number of rows in a unit: errors speak of rows.

    Raises
    ------
    DataError
        ``n`` is more than there are, or fewer than 2 a stratum.
    """
    least = np.minimum(FEWEST, sizes)
    if n > sizes.sum():
        raise DataError(
            "{n} rows are to be drawn, but the population has {all}",
            fix="choose a smaller -n",
            n=round(n * rows),
            all=round(sizes.sum() * rows),
        )
    if n < least.sum():
        raise DataError(
            "{n} rows are too few for {strata} strata",
            fix="choose at least -n {least}, or leave out --by",
            n=round(n * rows),
            strata=len(sizes),
            least=ceil(least.sum() * rows),
        )
    mean = float((sizes * spread).sum() / sizes.sum())
    weights = sizes * (1 / 3 + 2 / 3 * (spread / mean if mean > 0 else np.ones(len(sizes))))
    drawn = least.astype(np.int64)
    waiting = [(-weights[h] / (2 * drawn[h] + 1), h) for h in np.flatnonzero(drawn < sizes)]
    heapq.heapify(waiting)
    for _ in range(n - int(drawn.sum())):
        _, h = heapq.heappop(waiting)
        drawn[h] += 1
        if drawn[h] < sizes[h]:
            heapq.heappush(waiting, (-weights[h] / (2 * drawn[h] + 1), h))
    return drawn


def mixed_order(added: NDArray[np.int64]) -> list[int]:
    """The strata of units that are coded one after another, given the number of each stratum.

    Any beginning holds the strata in about the same proportions as the whole.
    """
    places = [((j + 0.5) / count, h) for h, count in enumerate(added) for j in range(count)]
    return [h for _, h in sorted(places)]
