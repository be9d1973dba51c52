"""Alignment of the units of pairs of sequences, learned without examples of alignments.

Every pair is cut into chunks: one source unit with none, one or several target units, or two source
units with none or one. The probability of a pair is the sum, over all ways to cut it, of the
product of the probabilities of its chunks, which are estimated by expectation maximisation.

Source: Jiampojamarn, Kondrak & Sherif 2007, "Applying many-to-many alignments and hidden Markov
models to letter-to-phoneme conversion"; Bisani & Ney 2008, "Joint-sequence models for
grapheme-to-phoneme conversion".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Units = tuple[str, ...]
Chunk = tuple[Units, Units]

# Source units of a chunk, at most; target units likewise, if that suffices for almost all pairs.
MOST_SOURCE, MOST_TARGET, LARGEST_TARGET = 2, 3, 5
# The share of the pairs that the target units of a chunk must suffice for.
SUFFICES = 0.99
# Passes over the data, and what a chunk weighs at first for each unit that it has more or less than
# one of both sides: few large chunks would otherwise explain rare words.
PASSES, FIRST = 10, 0.01
# Cells (rows x source units x target units) that are aligned at once.
CELLS = 400_000
TINY = 1e-300


def most_target_units(sources: Sequence[Units], targets: Sequence[Units]) -> int:
    """The target units that a chunk may have, so that almost all pairs can be aligned."""
    lengths = [(len(one), len(other)) for one, other in zip(sources, targets, strict=True) if one]
    for most in range(MOST_TARGET, LARGEST_TARGET):
        fits = sum(target <= most * source for source, target in lengths)
        if fits >= SUFFICES * len(lengths):
            return most
    return LARGEST_TARGET


def align(
    sources: Sequence[Units], targets: Sequence[Units], counts: Sequence[int]
) -> list[tuple[Chunk, ...] | None]:
    """The most probable chunks of each pair.

    Parameters
    ----------
    sources, targets : sequences of tuples of units
    counts : sequence of int
        How often each pair occurs.

    Returns
    -------
    list of tuple of (source units, target units), or None
        None for a pair whose target is too long for its source, or whose source is empty.
    """
    most = most_target_units(sources, targets)
    batches = _batches(sources, targets, most)
    chances = _estimate(batches, np.asarray(counts, dtype=np.float64))
    found: list[tuple[Chunk, ...] | None] = [None] * len(sources)
    for batch in batches:
        for row, sizes in zip(batch.rows.tolist(), batch.best(chances), strict=True):
            found[row] = tuple(cut(sources[row], targets[row], sizes)) if sizes else None
    return found


def cut(source: Units, target: Units, sizes: Sequence[Sequence[int]]) -> Iterator[Chunk]:
    """The chunks of a pair, from their numbers of source and target units."""
    begin, other = 0, 0
    for length, width in sizes:
        yield source[begin : begin + length], target[other : other + width]
        begin, other = begin + length, other + width


@dataclass(frozen=True)
class _Batch:
    """Pairs of similar lengths.

    Attributes
    ----------
    rows : int64 [pairs]
        Which these are.
    ends : int64 [2, pairs]
        Their numbers of source and target units, S and T at most.
    chunks : dict of (source units, target units) to int64 [S, pairs, T + 1]
        For each size of a chunk, the number of the chunk of that size that ends after so many
        source units (from 1) and target units (from 0); -1 where there is none.
    """

    rows: Integers
    ends: Integers
    chunks: dict[tuple[int, int], Integers]

    def expected(self, chances: Floats, scale: float, weights: Floats) -> tuple[Floats, float]:
        """How often each chunk is expected to occur, float64 [chunks + 1]; the log-likelihood.

        ``chances`` has a 0 at its end, for no chunk. As all ways to cut a source have the same
        number of units, chunks may be weighed by ``scale`` for each of theirs: with a fitting one,
        the sums over long sources stay within the range of numbers.
        """
        of_size = {
            size: chances[numbers] * scale ** size[0] for size, numbers in self.chunks.items()
        }
        places = np.arange(len(self.rows))
        length, width = self._shape
        forward = np.zeros((length + 1, len(self.rows), width))
        forward[0, :, 0] = 1.0
        for end in range(1, length + 1):
            for (source, target), chance in of_size.items():
                if source <= end:
                    before = forward[end - source, :, : width - target]
                    forward[end, :, target:] += before * chance[end - 1, :, target:]
        total = forward[self.ends[0], places, self.ends[1]]
        possible = total > 0
        backward = np.zeros_like(forward)
        backward[self.ends[0], places, self.ends[1]] = np.where(
            possible, weights[self.rows] / np.where(possible, total, 1.0), 0.0
        )
        for begin in range(length - 1, -1, -1):
            for (source, target), chance in of_size.items():
                if begin + source <= length:
                    after = backward[begin + source, :, target:]
                    after = after * chance[begin + source - 1, :, target:]
                    backward[begin, :, : width - target] += after
        found = np.zeros(len(chances))
        for (source, target), chance in of_size.items():
            often = forward[: length + 1 - source, :, : width - target]
            often = often * chance[source - 1 :, :, target:] * backward[source:, :, target:]
            numbers = self.chunks[source, target][source - 1 :, :, target:]
            found += np.bincount(
                numbers.ravel() % len(chances), often.ravel(), minlength=len(chances)
            )
        likelihood = weights[self.rows][possible] @ np.log(total[possible])
        return found, float(likelihood)

    def best(self, chances: Floats) -> list[list[tuple[int, int]]]:
        """The sizes of the most probable chunks of each pair; empty if there are none."""
        logs = np.log(chances, where=chances > 0, out=np.full(len(chances), -np.inf))
        length, width = self._shape
        reached = np.full((length + 1, len(self.rows), width), -np.inf)
        reached[0, :, 0] = 0.0
        sizes = list(self.chunks)
        came = np.full(reached.shape, -1, dtype=np.int8)
        for end in range(1, length + 1):
            for size, (source, target) in enumerate(sizes):
                if source > end:
                    continue
                path = reached[end - source, :, : width - target]
                path = path + logs[self.chunks[source, target][end - 1, :, target:]]
                is_better = path > reached[end, :, target:]
                reached[end, :, target:][is_better] = path[is_better]
                came[end, :, target:][is_better] = size
        return [
            _walk_back(came[:, pair], sizes, source, target)
            for pair, (source, target) in enumerate(self.ends.T.tolist())
        ]

    @property
    def _shape(self) -> tuple[int, int]:
        """S and T + 1."""
        length, _, width = next(iter(self.chunks.values())).shape
        return length, width


def _estimate(batches: list[_Batch], weights: Floats) -> Floats:
    """The probabilities of all chunks, and a 0 for no chunk: float64 [chunks + 1]."""
    size = 1 + max(
        (int(numbers.max()) for batch in batches for numbers in batch.chunks.values()), default=-1
    )
    chances = np.append(np.full(size, 1.0), 0.0)
    for batch in batches:
        for (source, target), numbers in batch.chunks.items():
            chances[numbers[numbers >= 0]] = FIRST ** (abs(source - 1) + abs(target - 1))
    scale = 1 / (MOST_SOURCE * (MOST_TARGET + 1))
    units = sum(float(weights[batch.rows] @ batch.ends[0]) for batch in batches)
    for _ in range(PASSES):
        expected, likelihood = np.zeros(size + 1), 0.0
        for batch in batches:
            of_batch, of_pairs = batch.expected(chances, scale, weights)
            expected += of_batch
            likelihood += of_pairs
        chances = expected / max(expected[:-1].sum(), TINY)
        chances[-1] = 0.0
        scale = float(np.exp(np.log(scale) - likelihood / max(units, 1.0)))
    return chances


def _batches(sources: Sequence[Units], targets: Sequence[Units], most: int) -> list[_Batch]:
    """The pairs that can be aligned, those of similar lengths together."""
    lengths = np.array(
        [(len(one), len(other)) for one, other in zip(sources, targets, strict=True)],
        dtype=np.int64,
    ).reshape(-1, 2)
    fits = (lengths[:, 0] > 0) & (lengths[:, 1] <= most * lengths[:, 0])
    fits &= lengths[:, 0] * (lengths[:, 1] + 1) <= CELLS
    order = np.lexsort((lengths[:, 1], lengths[:, 0]))
    order = order[fits[order]]
    of_sources, of_targets = _Numbers(), _Numbers()
    found, begin = [], 0
    for end in range(1, len(order) + 1):
        if end < len(order):
            cells = (end + 1 - begin) * np.prod(lengths[order[begin : end + 1]].max(axis=0) + 1)
            if cells <= CELLS:
                continue
        rows = order[begin:end]
        source_runs = of_sources.runs([sources[row] for row in rows], MOST_SOURCE)
        target_runs = of_targets.runs([targets[row] for row in rows], most)
        found.append((rows, source_runs, target_runs))
        begin = end
    return _numbered(
        [
            _Batch(rows, lengths[rows].T, _sizes(of_source, of_target, len(of_targets)))
            for rows, of_source, of_target in found
        ]
    )


class _Numbers(dict[Units, int]):
    """Numbers for runs of units; 0 for the empty run."""

    def __init__(self) -> None:
        super().__init__({(): 0})

    def runs(self, rows: list[Units], most: int) -> Integers:
        """The number of each run by length, row and first unit, int64 [most + 1, rows, units + 1].

        Runs that would end outside their row are -1.
        """
        found = np.full((most + 1, len(rows), 1 + max(map(len, rows))), -1)
        found[0] = 0
        for row, units in enumerate(rows):
            for length in range(1, most + 1):
                for begin in range(len(units) + 1 - length):
                    run = units[begin : begin + length]
                    found[length, row, begin] = self.setdefault(run, len(self))
        return found


def _sizes(sources: Integers, targets: Integers, count: int) -> dict[tuple[int, int], Integers]:
    """The keys of the chunks of each size by their ends; see ``_Batch``."""
    (_, pairs, length), width = sources.shape, targets.shape[2]
    found = {}
    for source, target in itertools.product(range(1, len(sources)), range(len(targets))):
        if source >= length or target >= width:
            continue
        if source > 1 and target > 1:
            continue  # two chunks say it, and rare chunks would take the place of frequent ones
        ends = np.full((length - 1, pairs, width), -1)
        left = sources[source].T[: length - source, :, None]
        right = targets[target][None, :, : width - target]
        keys = np.where((left >= 0) & (right >= 0), left * count + right, -1)
        ends[source - 1 :, :, target:] = keys
        found[source, target] = ends
    return found


def _numbered(batches: list[_Batch]) -> list[_Batch]:
    """The same with numbers from 0 on in place of keys."""
    keys = [numbers.ravel() for batch in batches for numbers in batch.chunks.values()]
    if not keys:
        return batches
    every, numbers = np.unique(np.concatenate(keys), return_inverse=True)
    numbers -= np.count_nonzero(every < 0)
    begin = 0
    for batch in batches:
        for of_size in batch.chunks.values():
            of_size[...] = numbers[begin : begin + of_size.size].reshape(of_size.shape)
            begin += of_size.size
    return batches


def _walk_back(
    came: NDArray[np.int8], sizes: list[tuple[int, int]], source: int, target: int
) -> list[tuple[int, int]]:
    """The sizes of the chunks that lead to an end; empty if none do."""
    found = []
    while source:
        size = int(came[source, target])
        if size < 0:
            return []
        found.append(sizes[size])
        source, target = source - sizes[size][0], target - sizes[size][1]
    return found[::-1]
