"""Which part each unit of rows goes to, so that the parts get their shares of every class.

A unit is a set of rows that must stay together: a group, a cluster of near-duplicates, one row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from duree.tables.split.split import LEFT_OUT

MIN_ROWS = 2
# Near-duplicates can tie all groups into one heap; from this share of the rows on, groups go first.
LARGEST_UNIT = 0.5

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def assign_units(units: Ints, classes: Ints, shares: Floats, rng: np.random.Generator) -> Ints:
    """Part the rows so that every part comes near its share of every class.

    Units of several rows are placed first, the largest before the smaller, each where it lowers
    the chi-square distance from the wished counts most; single rows then fill each class up to
    its shares. Where a class has fewer than ``MIN_ROWS`` rows in a part, a small unit is moved.

    Parameters
    ----------
    units, classes : int64 [rows]
        Codes from 0, without gaps.
    shares : float64 [parts]
        Sum to one.

    Returns
    -------
    int64 [rows]
        The part of each row.
    """
    contents = _Contents.of(units, classes)
    wished = shares[:, None] * np.bincount(classes)
    part = np.full(contents.count, -1)
    filled = np.zeros_like(wished)
    for unit in _largest_first(contents.sizes, rng):
        what, rows = contents[unit]
        cost = rows * (2 * (filled[:, what] - wished[:, what]) + rows) / wished[:, what]
        part[unit] = chosen = int(np.argmin(cost.sum(axis=1)))
        filled[chosen, what] += rows
    _fill_with_singles(part, contents, wished, filled, rng)
    _mend(part, contents, filled)
    return part[units]


@dataclass(frozen=True)
class _Contents:
    """How many rows of each class each unit holds; entries of one unit lie side by side."""

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
    """The units of several rows by falling size, those of one size in random order."""
    several = rng.permutation(np.flatnonzero(sizes > 1))
    return several[np.argsort(-sizes[several], kind="stable")]


def _fill_with_singles(
    part: Ints, contents: _Contents, wished: Floats, filled: Floats, rng: np.random.Generator
) -> None:
    singles = rng.permutation(np.flatnonzero(contents.sizes == 1))
    what = contents.what[contents.starts[singles]]
    by_class = singles[np.argsort(what, kind="stable")]
    counts = np.bincount(what, minlength=wished.shape[1])
    end = 0
    for label in np.flatnonzero(counts):
        begin, end = end, end + counts[label]
        need = wished[:, label] - filled[:, label]
        quota = share_out(int(counts[label]), need, filled[:, label], MIN_ROWS)
        part[by_class[begin:end]] = np.repeat(np.arange(len(quota)), quota)
        filled[:, label] += quota


def share_out(count: int, need: Floats, filled: Floats, least: int) -> Ints:
    """Part ``count`` things by need, by largest remainders; none short of ``least`` if it can be.

    ``filled`` are those that each part has already. Returns int64 [parts], of sum ``count``.
    """
    need = np.maximum(need, 0)
    # All filled beyond their wish (a unit was larger than that): the first part takes the rest.
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


def _mend(part: Ints, contents: _Contents, filled: Floats) -> None:
    """Move small units to the parts that have fewer than MIN_ROWS rows of a class."""
    for poor, label in np.argwhere(filled < MIN_ROWS):
        holders = contents.unit[contents.what == label]
        for unit in holders[np.argsort(contents.sizes[holders], kind="stable")]:
            if filled[poor, label] >= MIN_ROWS:
                break
            what, rows = contents[unit]
            left = filled[part[unit], what] - rows
            if part[unit] != poor and np.all(left >= MIN_ROWS):
                filled[part[unit], what] = left
                filled[poor, what] += rows
                part[unit] = poor


def tie_units(groups: Ints, clusters: Ints) -> Ints:
    """Code the rows that must stay together: tied by a group, a cluster, or a chain of both."""
    groups, clusters = _recode(groups), _recode(clusters)
    count = int(groups.max()) + 1
    size = count + int(clusters.max()) + 1
    ties = coo_array((np.ones(len(groups)), (groups, count + clusters)), shape=(size, size))
    units = _recode(connected_components(ties, directed=False)[1][groups])
    largest = max(np.bincount(groups).max(), np.bincount(clusters).max())
    heap = np.bincount(units).max()
    return groups if heap > max(largest, LARGEST_UNIT * len(units)) else units


def home_groups(part: Ints, groups: Ints, shares: Floats, rng: np.random.Generator) -> Ints:
    """Give each group that time spreads over several parts one of them; its other rows stay out."""
    groups = _recode(groups)
    present = np.zeros((int(groups.max()) + 1, LEFT_OUT + 1), dtype=bool)
    present[groups, part] = True
    present = present[:, : len(shares)]
    home = present.argmax(axis=1)
    for where in np.unique(present[present.sum(axis=1) > 1], axis=0):
        spread = rng.permutation(np.flatnonzero((present == where).all(axis=1)))
        parts = np.flatnonzero(where)
        quota = share_out(len(spread), shares[parts], np.zeros(len(parts)), least=1)
        home[spread] = np.repeat(parts, quota)
    return np.where(part == home[groups], part, LEFT_OUT)


def keep_earliest(part: Ints, clusters: Ints) -> Ints:
    """Leave out the near-duplicates of a row in an earlier part."""
    clusters = _recode(clusters)
    earliest = np.full(int(clusters.max()) + 1, LEFT_OUT)
    np.minimum.at(earliest, clusters, part)
    return np.where(part == earliest[clusters], part, LEFT_OUT)


def _recode(codes: Ints) -> Ints:
    codes, recoded = np.unique(codes, return_inverse=True)
    return recoded
