"""The representation of sequences: concatenated values, and the offsets of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError

# Reserved token indices: padding; units outside the vocabulary; texts without units, so that every
# row has at least one step.
PADDING, UNKNOWN, EMPTY = 0, 1, 2
# The end of a target that is a sequence of units.
END = 3


@dataclass(frozen=True)
class Ragged:
    """Rows of unequal length, without padding.

    Attributes
    ----------
    values : int32 [total_steps] (tokens, states), int32 [total_steps, k] or
        float32 [total_steps, channels]
    offsets : int64 [rows + 1]
        Row ``i`` is ``values[offsets[i]:offsets[i + 1]]``.

    Both may be memory-mapped.
    """

    values: NDArray[Any]
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        offsets, total = self.offsets, len(self.values)
        if offsets.ndim != 1 or len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != total:
            raise DataError(
                "offsets must be one-dimensional, from 0 to the number of steps ({total})",
                total=total,
            )
        if np.any(np.diff(offsets) < 0):
            raise DataError("offsets must not decrease")

    @classmethod
    def from_rows(cls, rows: Iterable[Sequence[int] | NDArray[Any]]) -> Ragged:
        """Join token rows into one Ragged."""
        arrays = [np.asarray(row, dtype=np.int32) for row in rows]
        values = np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int32)
        return cls(values, offsets_of([len(array) for array in arrays]))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Steps in each row, int64 [rows]."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[Any]:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        row %= len(self)
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def take(self, rows: NDArray[np.int64]) -> Ragged:
        """The given rows, in the given order, as a Ragged of their own."""
        return self.stretches(self.offsets[:-1][rows], self.lengths[rows])

    def distinct(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first of each group of equal rows, in order, and the group of each row."""
        groups: dict[bytes, int] = {}
        first: list[int] = []
        group = np.empty(len(self), dtype=np.int64)
        for row in range(len(self)):
            key = self[row].tobytes()
            group[row] = groups.setdefault(key, len(groups))
            if group[row] == len(first):
                first.append(row)
        return np.array(first, dtype=np.int64), group

    @property
    def steps(self) -> NDArray[np.int64]:
        """The position of each value in its row, from 0: int64 [total_steps]."""
        return np.arange(len(self.values)) - np.repeat(self.offsets[:-1], self.lengths)

    def places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The indices, among the values, of the steps of the given rows, row by row."""
        return _spans(self.offsets[:-1][rows], offsets_of(self.lengths[rows]))

    def stretches(self, begins: NDArray[np.int64], lengths: NDArray[np.int64]) -> Ragged:
        """Slices of the values as rows, given their begins and lengths; they may overlap."""
        offsets = offsets_of(lengths)
        return Ragged(self.values[_spans(begins, offsets)], offsets)

    def followed_by(self, *others: Ragged) -> Ragged:
        """The rows of this and the others, concatenated."""
        every = (self, *others)
        values = np.concatenate([rows.values for rows in every])
        return Ragged(values, offsets_of(np.concatenate([rows.lengths for rows in every])))

    def sums(self) -> NDArray[np.float64]:
        """The sum of each row, float64 [rows] or [rows, k]; 0 without steps."""
        found = np.zeros((len(self), *self.values.shape[1:]))
        real = self.lengths > 0
        if real.any():
            begins = self.offsets[:-1][real]
            found[real] = np.add.reduceat(self.values, begins, dtype=np.float64)
        return found

    def means(self) -> NDArray[np.float64]:
        """The mean of each row of numbers, float64 [rows]; NaN without steps."""
        lengths = self.lengths
        return np.where(lengths > 0, self.sums() / np.maximum(lengths, 1), np.nan)

    def save(self, folder: Path) -> None:
        """Write ``values.npy`` and ``offsets.npy`` into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "values.npy", self.values)
        np.save(folder / "offsets.npy", self.offsets)

    @classmethod
    def load(cls, folder: Path) -> Ragged:
        """Memory-map what ``save`` wrote."""
        values = np.load(folder / "values.npy", mmap_mode="r", allow_pickle=False)
        return cls(values, np.load(folder / "offsets.npy", allow_pickle=False))


def offsets_of(lengths: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """The offsets of rows with these lengths: int64 [rows + 1]."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def evenly_spaced(count: int, most: int) -> NDArray[np.int64]:
    """The indices of evenly spaced rows among ``count``, at most so many: int64, ascending."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.int64))


def pieces(lengths: NDArray[np.int64], most: int) -> Iterator[NDArray[np.int64]]:
    """Row indices in order, in groups of at most ``most`` steps and at least one row."""
    ends, start = offsets_of(lengths), 0
    while start < len(lengths):
        stop = max(int(np.searchsorted(ends, ends[start] + most, "right")) - 1, start + 1)
        yield np.arange(start, stop)
        start = stop


def _spans(begins: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The index of each step in the source: the begin of its row plus its position in the row."""
    return np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], np.diff(offsets))


def unknown_shares(tokens: Ragged) -> NDArray[np.float64]:
    """The share of each row's steps that are ``UNKNOWN``, float64 [rows]; NaN without steps."""
    return Ragged(tokens.values == UNKNOWN, tokens.offsets).means()
