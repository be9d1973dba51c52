"""Which part each unit of rows goes to, so that the parts get their shares of every class.

A unit is a set of rows that must stay together: a group, a cluster of near-duplicates, one row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_ROWS = 2

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def assign_units(
    units: Ints, classes: Ints, shares: Floats, rng: np.random.Generator
) -> Ints:
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
        quota = _quota(int(counts[label]), wished[:, label] - filled[:, label], filled[:, label])
        part[by_class[begin:end]] = np.repeat(np.arange(len(quota)), quota)
        filled[:, label] += quota


def _quota(count: int, need: Floats, filled: Floats) -> Ints:
    """Part ``count`` rows by need, by largest remainders, leaving no part under MIN_ROWS."""
    need = np.maximum(need, 0)
    # All filled beyond their wish (a unit was larger than that): the first part takes the rest.
    ideal = count * (need / need.sum() if need.sum() > 0 else np.eye(len(need))[0])
    quota = np.floor(ideal).astype(np.int64)
    quota[np.argsort(quota - ideal, kind="stable")[: count - quota.sum()]] += 1
    for poor in np.argsort(filled + quota):
        while filled[poor] + quota[poor] < MIN_ROWS:
            rich = int(np.argmax(np.where(quota > 0, filled + quota, 0)))
            if filled[rich] + quota[rich] <= MIN_ROWS:
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
