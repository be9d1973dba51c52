"""Edit operations between many pairs of sequences at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Units = Sequence[str]

# Bits for each count of operations: a path has fewer than 2**15 of them.
BITS = 15
# Pairs that are compared at once.
MOST_PAIRS = 20_000


def edit_operations(pairs: Sequence[tuple[Units, Units]]) -> NDArray[np.int64]:
    """Substitutions, insertions and deletions from the first to the second sequence of each pair.

    They are those of a path with the fewest operations, and of these with the fewest
    substitutions (Levenshtein 1966).

    Returns
    -------
    int64 [pairs, 3]
    """
    order = sorted(range(len(pairs)), key=lambda pair: (len(pairs[pair][0]), len(pairs[pair][1])))
    found = np.zeros((len(pairs), 3), dtype=np.int64)
    for begin in range(0, len(order), MOST_PAIRS):
        rows = order[begin : begin + MOST_PAIRS]
        found[rows] = _compared([pairs[row] for row in rows])
    return found


def base_letter(unit: str) -> str:
    """A unit without its accents, in lower case; unchanged if nothing else is left of it."""
    letters = unicodedata.normalize("NFD", unit)
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return bare.casefold() or unit


def _compared(pairs: Sequence[tuple[Units, Units]]) -> NDArray[np.int64]:
    """``edit_operations`` of pairs of similar lengths."""
    numbers: dict[str, int] = {}
    left, right = (_padded([pair[side] for pair in pairs], numbers) for side in (0, 1))
    lengths = np.array([(len(one), len(other)) for one, other in pairs])
    # One number holds the counts of a path, so that the least number is the best path.
    change, insertion, deletion = ((1 << 3 * BITS) + (1 << place * BITS) for place in (2, 1, 0))
    before = np.arange(right.shape[1] + 1)[:, None] * np.full(len(pairs), insertion)
    found = np.where(lengths[:, 0] == 0, before[lengths[:, 1], np.arange(len(pairs))], 0)
    for end in range(1, left.shape[1] + 1):
        here = np.empty_like(before)
        here[0] = end * deletion
        differs = (right != left[:, end - 1 : end]).T * change
        for other in range(1, len(here)):
            here[other] = np.minimum(
                np.minimum(before[other - 1] + differs[other - 1], before[other] + deletion),
                here[other - 1] + insertion,
            )
        ends = np.flatnonzero(lengths[:, 0] == end)
        found[ends] = here[lengths[ends, 1], ends]
        before = here
    mask = (1 << BITS) - 1
    return np.stack([found >> place * BITS & mask for place in (2, 1, 0)], axis=1)


def _padded(rows: Sequence[Units], numbers: dict[str, int]) -> NDArray[np.int64]:
    """Numbers of units, int64 [rows, longest]; -1 after the end of a row."""
    found = np.full((len(rows), max(map(len, rows), default=0)), -1)
    for row, units in enumerate(rows):
        found[row, : len(units)] = [numbers.setdefault(unit, len(numbers)) for unit in units]
    return found
