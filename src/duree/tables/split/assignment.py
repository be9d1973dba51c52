"""Stratified assignment of units of rows to the sets of a split.

A unit is one or more rows that must stay together: a group, a cluster of near-duplicates, one row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from duree.tables.split.split import LEFT_OUT

MIN_ROWS = 2
# Near-duplicates can tie most groups into one unit; above this share of rows, only groups count.
LARGEST_UNIT = 0.5

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def assign_units(units: Ints, classes: Ints, shares: Floats, rng: np.random.Generator) -> Ints:
    """Assign the rows so that every set comes near its share of every class.

    Units of several rows are assigned first, in order of size, each where it reduces the
    chi-square distance from the wanted counts most; single rows then fill each class up to its
    shares. Where a class has fewer than ``MIN_ROWS`` rows in a set, small units are moved.

    Parameters
    ----------
    units, classes : int64 [rows]
        Codes from 0, without gaps.
    shares : float64 [sets]
        Sum to one.

    Returns
    -------
    int64 [rows]
        The set of each row.
    """
    contents = _Contents.of(units, classes)
    wanted = shares[:, None] * np.bincount(classes)
    assigned = np.full(contents.count, -1)
    filled = np.zeros_like(wanted)
    for unit in _largest_first(contents.sizes, rng):
        what, rows = contents[unit]
        cost = rows * (2 * (filled[:, what] - wanted[:, what]) + rows) / wanted[:, what]
        assigned[unit] = chosen = int(np.argmin(cost.sum(axis=1)))
        filled[chosen, what] += rows
    _fill_with_singles(assigned, contents, wanted, filled, rng)
    _move_to_minimum(assigned, contents, filled)
    return assigned[units]


@dataclass(frozen=True)
class _Contents:
    """Number of rows of each class in each unit; entries of one unit are adjacent."""

    unit: Ints
    what: Ints
    rows: Ints
    starts: Ints
    sizes: Ints

    @classmethod
    def of(cls, units: Ints, classes: Ints) -> _Contents:
        count = int(classes.max()) + 1
        pairs, rows = np.unique(units * count + classes, return_counts=True)
        unit = pairs // count
        sizes = np.bincount(units)
        starts = np.searchsorted(unit, np.arange(len(sizes) + 1))
        return cls(unit, pairs % count, rows, starts, sizes)

    @property
    def count(self) -> int:
        return len(self.sizes)

    def __getitem__(self, unit: int) -> tuple[Ints, Ints]:
        entries = slice(self.starts[unit], self.starts[unit + 1])
        return self.what[entries], self.rows[entries]


def _largest_first(sizes: Ints, rng: np.random.Generator) -> Ints:
    """The units of several rows by decreasing size, those of equal size in random order."""
    several = rng.permutation(np.flatnonzero(sizes > 1))
    return several[np.argsort(-sizes[several], kind="stable")]


def _fill_with_singles(
    assigned: Ints, contents: _Contents, wanted: Floats, filled: Floats, rng: np.random.Generator
) -> None:
    singles = rng.permutation(np.flatnonzero(contents.sizes == 1))
    what = contents.what[contents.starts[singles]]
    by_class = singles[np.argsort(what, kind="stable")]
    counts = np.bincount(what, minlength=wanted.shape[1])
    end = 0
    for label in np.flatnonzero(counts):
        begin, end = end, end + counts[label]
        need = wanted[:, label] - filled[:, label]
        quota = share_out(int(counts[label]), need, filled[:, label], MIN_ROWS)
        assigned[by_class[begin:end]] = np.repeat(np.arange(len(quota)), quota)
        filled[:, label] += quota


def share_out(count: int, need: Floats, filled: Floats, least: int) -> Ints:
    """Apportion ``count`` items by need (largest remainders), each ``least`` if possible.

    ``filled`` are the items that each set already has. Returns int64 [sets], with sum ``count``.
    """
    need = np.maximum(need, 0)
    # All sets exceed their need (a unit was larger than that): the first takes the rest.
    ideal = count * (need / need.sum() if need.sum() > 0 else np.eye(len(need))[0])
    quota: Ints = np.floor(ideal).astype(np.int64)
    quota[np.argsort(quota - ideal, kind="stable")[: count - quota.sum()]] += 1
    for poor in np.argsort(filled + quota, kind="stable"):
        while filled[poor] + quota[poor] < least:
            rich = int(np.argmax(np.where(quota > 0, filled + quota, 0)))
            if filled[rich] + quota[rich] <= least:
                break
            quota[rich] -= 1
            quota[poor] += 1
    return quota


def _move_to_minimum(assigned: Ints, contents: _Contents, filled: Floats) -> None:
    """Move small units to the sets that have fewer than MIN_ROWS rows of a class."""
    for poor, label in np.argwhere(filled < MIN_ROWS):
        holders = contents.unit[contents.what == label]
        for unit in holders[np.argsort(contents.sizes[holders], kind="stable")]:
            if filled[poor, label] >= MIN_ROWS:
                break
            what, rows = contents[unit]
            left = filled[assigned[unit], what] - rows
            if assigned[unit] != poor and np.all(left >= MIN_ROWS):
                filled[assigned[unit], what] = left
                filled[poor, what] += rows
                assigned[unit] = poor


def tie_units(groups: Ints, clusters: Ints) -> Ints:
    """Codes of the rows that must stay together: of a group, a cluster, or a chain of both."""
    groups, clusters = _recode(groups), _recode(clusters)
    count = int(groups.max()) + 1
    size = count + int(clusters.max()) + 1
    ties = coo_array((np.ones(len(groups)), (groups, count + clusters)), shape=(size, size))
    units = _recode(connected_components(ties, directed=False)[1][groups])
    largest = max(np.bincount(groups).max(), np.bincount(clusters).max())
    biggest = np.bincount(units).max()
    return groups if biggest > max(largest, LARGEST_UNIT * len(units)) else units


def keep_groups_whole(
    assigned: Ints, groups: Ints, shares: Floats, rng: np.random.Generator
) -> Ints:
    """Assign each group that time spreads over several sets to one; leave its other rows out."""
    groups = _recode(groups)
    present = np.zeros((int(groups.max()) + 1, LEFT_OUT + 1), dtype=bool)
    present[groups, assigned] = True
    present = present[:, : len(shares)]
    chosen = present.argmax(axis=1)
    for where in np.unique(present[present.sum(axis=1) > 1], axis=0):
        spread = rng.permutation(np.flatnonzero((present == where).all(axis=1)))
        sets = np.flatnonzero(where)
        quota = share_out(len(spread), shares[sets], np.zeros(len(sets)), least=1)
        chosen[spread] = np.repeat(sets, quota)
    return np.where(assigned == chosen[groups], assigned, LEFT_OUT)


def keep_earliest(assigned: Ints, clusters: Ints) -> Ints:
    """Leave out the near-duplicates of a row in an earlier set."""
    clusters = _recode(clusters)
    earliest = np.full(int(clusters.max()) + 1, LEFT_OUT)
    np.minimum.at(earliest, clusters, assigned)
    return np.where(assigned == earliest[clusters], assigned, LEFT_OUT)


def _recode(codes: Ints) -> Ints:
    codes, recoded = np.unique(codes, return_inverse=True)
    return recoded
