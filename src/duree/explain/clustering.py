"""Clustering of sequences into types by partitioning around medoids.

Sources: L. Kaufman & P. J. Rousseeuw (1990), Finding Groups in Data, chapters 2 and 3 (PAM, and
CLARA for many rows); the exchange step in the form of E. Schubert & P. J. Rousseeuw (2021), Fast
and eager k-medoids clustering, Information Systems 101; P. J. Rousseeuw (1987), Silhouettes,
Journal of Computational and Applied Mathematics 20.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

MOST_TYPES = 8
# The most objects whose distances are held at once; of more, so many samples are drawn.
SAMPLE, SAMPLES = 2000, 5
# The least relative gain of an exchange, so that rounding cannot cause an endless loop.
LEAST_GAIN = 1e-9


@dataclass(frozen=True)
class Partition:
    """A partition of objects into types, the largest type first.

    Attributes
    ----------
    types : int64 [objects]
        From 0.
    medoids : int64 [types]
        The most central object of each type.
    silhouettes : float64 [objects]
        How much nearer each object is to its own type than to the next, from -1 to 1; NaN where
        not computed, outside a sample.
    widths : {number of types: mean silhouette}
        For all numbers of types that were tried.
    """

    types: Ints
    medoids: Ints
    silhouettes: NDArray[np.float64]
    widths: dict[int, float]

    def __len__(self) -> int:
        return len(self.medoids)


def part_distances(
    distances: Floats, weights: NDArray[np.float64], kinds: int | None = None
) -> Partition:
    """Types from distances [objects, objects].

    Parameters
    ----------
    weights : float64 [objects]
        Frequencies of the objects.
    kinds : int, optional
        Number of types; if not given, the number from 2 to 8 with the largest mean silhouette.
    """
    return _part(distances, weights, _numbers(len(distances), kinds), kinds)


def part_vectors(
    vectors: Floats, weights: NDArray[np.float64], kinds: int | None = None, seed: int = 0
) -> Partition:
    """Types from vectors [objects, size], by their Euclidean distances; see ``part_distances``.

    If there are more than 2,000 objects, samples are partitioned and the other objects assigned to
    the nearest medoid; of five samples, the one with the smallest total distance is used (CLARA).
    """
    if len(vectors) <= SAMPLE:
        return part_distances(_euclidean(vectors, vectors), weights, kinds)
    rng, alike = np.random.default_rng(seed), np.ones(SAMPLE)
    tried, widths = _numbers(SAMPLE, kinds), dict[int, float]()
    found: list[tuple[float, Partition]] = []
    for _ in range(SAMPLES):
        # Objects sampled in proportion to their weights have equal weights in the sample.
        rows = np.sort(rng.choice(len(vectors), SAMPLE, replace=False, p=weights / weights.sum()))
        sample = vectors[rows]
        partition = _part(_euclidean(sample, sample), alike, tried, kinds)
        # The first sample determines the number of types.
        kinds, widths = len(partition), widths or partition.widths
        tried = {kinds}
        own, far = _nearest(vectors, sample[partition.medoids])
        each = np.full(len(vectors), np.nan)
        each[rows] = partition.silhouettes
        of_all = Partition(own, rows[partition.medoids], each, widths)
        found.append((float(far @ weights), of_all))
    return _largest_first(min(found, key=lambda one: one[0])[1], weights)


def silhouettes(
    distances: Floats, types: Ints, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Rousseeuw's silhouette of each object, float64 [objects]; 0 if it is alone in its type.

    ``weights`` are frequencies: equivalent to repeating each object.
    """
    marks = np.eye(int(types.max()) + 1)[types] * weights[:, None]
    sums, sizes = distances @ marks, marks.sum(axis=0)
    rows, count = np.arange(len(types)), len(sizes)
    if count == 1:
        return np.zeros(len(types))
    others = sizes[types] - 1
    inside = sums[rows, types] / np.maximum(others, 1e-12)
    means = sums / sizes
    means[rows, types] = np.inf
    outside = means.min(axis=1)
    widest = np.maximum(np.maximum(inside, outside), 1e-12)
    return np.where(others > 0, (outside - inside) / widest, 0.0)


def match_types(types: Ints, like: Ints) -> Ints:
    """The types renumbered to share as many objects as possible with those of another partition.

    Types without a counterpart get the remaining numbers (Kuhn 1955, as implemented by SciPy).
    """
    count = int(max(types.max(), like.max())) + 1
    shared = np.zeros((count, count))
    np.add.at(shared, (types, like), 1)
    _, numbers = linear_sum_assignment(-shared)
    return np.asarray(numbers[types], dtype=np.int64)


def _numbers(objects: int, kinds: int | None) -> set[int]:
    """The numbers of types that are tried."""
    numbers = {1} if objects < 3 else {*range(2, min(MOST_TYPES, objects - 1) + 1)}
    return numbers | {kinds} if kinds else numbers


def _part(
    distances: Floats, weights: NDArray[np.float64], numbers: set[int], kinds: int | None
) -> Partition:
    """Partitions for each number of types; returns the requested or the best one."""
    found: dict[int, tuple[Ints, NDArray[np.float64]]] = {}
    for number in sorted(numbers):
        medoids = _medoids(distances, weights, number)
        own = distances[:, medoids].argmin(axis=1)
        found[number] = medoids, silhouettes(distances, own, weights)
    widths = {
        number: float(np.average(each, weights=weights)) for number, (_, each) in found.items()
    }
    medoids, each = found[kinds or max(widths, key=widths.__getitem__)]
    own = distances[:, medoids].argmin(axis=1)
    return _largest_first(Partition(own, medoids, each, widths), weights)


def _medoids(distances: Floats, weights: NDArray[np.float64], kinds: int) -> Ints:
    """PAM: medoids are chosen one by one, then exchanged while this reduces the cost."""
    near = np.full(len(distances), np.inf)
    chosen: list[int] = []
    for _ in range(kinds):
        costs = weights @ np.minimum(near[:, None], distances)
        costs[chosen] = np.inf
        chosen.append(int(costs.argmin()))
        near = np.minimum(near, distances[:, chosen[-1]])
    medoids = np.array(chosen)
    while kinds < len(distances):
        to_medoids = distances[:, medoids]
        own = to_medoids.argmin(axis=1)
        first = to_medoids[np.arange(len(own)), own]
        to_medoids[np.arange(len(own)), own] = np.inf
        second = to_medoids.min(axis=1)
        # What each object saves with a new medoid, and loses without its own.
        saved = np.minimum(distances - first[:, None], 0.0)
        lost = np.minimum(distances, second[:, None]) - first[:, None] - saved
        of_types = np.eye(kinds)[own] * weights[:, None]
        changes = weights @ saved + of_types.T @ lost  # [types, objects]
        changes[:, medoids] = np.inf
        kind, candidate = np.unravel_index(changes.argmin(), changes.shape)
        if changes[kind, candidate] > -LEAST_GAIN * max(float(weights @ first), 1e-12):
            break
        medoids[kind] = candidate
    return medoids


def _largest_first(found: Partition, weights: NDArray[np.float64]) -> Partition:
    sizes = np.bincount(found.types, weights, minlength=len(found))
    order = np.argsort(-sizes, kind="stable")
    places = np.argsort(order)
    return Partition(places[found.types], found.medoids[order], found.silhouettes, found.widths)


def _euclidean(one: Floats, other: Floats) -> Floats:
    return np.asarray(cdist(one, other), dtype=np.float32)


def _nearest(vectors: Floats, medoids: Floats) -> tuple[Ints, NDArray[np.float64]]:
    """The nearest medoid of each vector and its distance, in blocks to bound memory."""
    own, far = np.zeros(len(vectors), dtype=np.int64), np.zeros(len(vectors))
    for begin in range(0, len(vectors), SAMPLE):
        block = cdist(vectors[begin : begin + SAMPLE], medoids)
        own[begin : begin + SAMPLE] = block.argmin(axis=1)
        far[begin : begin + SAMPLE] = block.min(axis=1)
    return own, far
