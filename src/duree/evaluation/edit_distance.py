"""Edit distance: the fewest substitutions, insertions and deletions between two sequences.

Source: Levenshtein 1966; the table of Wagner & Fischer 1974, filled row by row for many pairs of
sequences at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Rows = Sequence[Sequence[int]]

# Cells of tables that are filled at once: 8 MB.
CELLS = 1_000_000
# What pads sequences; units are 0 or larger, and different paddings keep the ends apart.
PADDING_ONE, PADDING_OTHER = -1, -2


class Step(NamedTuple):
    """One step of an alignment: a unit of each sequence; -1 where there is none."""

    one: int
    other: int


def edit_distances(one: Rows, other: Rows) -> Ints:
    """The edit distance of each pair of sequences, int64 [rows].

    Parameters
    ----------
    one, other : sequence of sequences of int
        As many of the one as of the other; units are 0 or larger.
    """
    found = np.zeros(len(one), dtype=np.int64)
    for rows in _batches(one, other):
        first, first_lengths = _padded([one[row] for row in rows], PADDING_ONE)
        second, second_lengths = _padded([other[row] for row in rows], PADDING_OTHER)
        places = np.arange(len(rows))
        for step, distances in enumerate(_tables(first, second)):
            ends = first_lengths == step
            found[rows[ends]] = distances[places[ends], second_lengths[ends]]
    return found


def alignments(one: Rows, other: Rows) -> list[list[Step]]:
    """For each pair of sequences the steps of a shortest edit of ``one`` into ``other``.

    Of several, the one with a substitution where others have an insertion and a deletion, and with
    edits as early as possible.

    Parameters
    ----------
    one, other : sequence of sequences of int
        As many of the one as of the other; units are 0 or larger.
    """
    found: list[list[Step]] = [[] for _ in one]
    for rows in _batches(one, other):
        first, _ = _padded([one[row] for row in rows], PADDING_ONE)
        second, _ = _padded([other[row] for row in rows], PADDING_OTHER)
        tables = np.stack(list(_tables(first, second)), axis=1)
        for row, table in zip(rows.tolist(), tables, strict=True):
            found[row] = _path(table, one[row], other[row])
    return found


def _batches(one: Rows, other: Rows) -> Iterator[Ints]:
    """Rows of similar lengths, as many as fit."""
    sizes = np.array([(len(a), len(b)) for a, b in zip(one, other, strict=True)], dtype=np.int64)
    order, begin = np.lexsort(sizes.reshape(-1, 2).T), 0
    while begin < len(order):
        end, size = begin + 1, _cells(sizes[order[begin : begin + 1]])
        while end < len(order) and size <= CELLS:
            # Doubling keeps the search short; the last batch that fits is taken.
            further = min(2 * end - begin, len(order))
            size = _cells(sizes[order[begin:further]])
            if size <= CELLS:
                end = further
        yield order[begin:end]
        begin = end


def _cells(sizes: Ints) -> int:
    longest = sizes.max(axis=0) + 1
    return int(len(sizes) * longest[0] * longest[1])


def _padded(rows: Rows, padding: int) -> tuple[Ints, Ints]:
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    values = np.full((len(rows), int(lengths.max())), padding, dtype=np.int64)
    values[np.arange(values.shape[1]) < lengths[:, None]] = [unit for row in rows for unit in row]
    return values, lengths


def _tables(one: Ints, other: Ints) -> Iterator[Ints]:
    """The rows of the tables: the distances of the first ``i`` units of ``one`` to the first ``j``
    of ``other``, int64 [rows, units of other + 1], for i from 0 on."""
    places = np.arange(other.shape[1] + 1)
    distances = np.broadcast_to(places, (len(one), len(places)))
    yield distances
    for step in range(one.shape[1]):
        without = distances + 1
        swapped = distances[:, :-1] + (one[:, step, None] != other)
        without[:, 1:] = np.minimum(without[:, 1:], swapped)
        # The best over any number of insertions after it: the least of what lies before each place.
        distances = np.minimum.accumulate(without - places, axis=1) + places
        yield distances


def _path(table: Ints, one: Sequence[int], other: Sequence[int]) -> list[Step]:
    """The steps of one alignment, from the end of its table to the begin."""
    first, second, path = len(one), len(other), list[Step]()
    while first or second:
        here = table[first, second]
        if first and second:
            equal = one[first - 1] == other[second - 1]
            if here == table[first - 1, second - 1] + (not equal):
                first, second = first - 1, second - 1
                path.append(Step(one[first], other[second]))
                continue
        if first and here == table[first - 1, second] + 1:
            first -= 1
            path.append(Step(one[first], -1))
        else:
            second -= 1
            path.append(Step(-1, other[second]))
    return path[::-1]
