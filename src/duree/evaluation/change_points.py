"""Change points: where the mean of a sequence of numbers shifts.

Source: binary segmentation, Vostrikova 1981; each cut by a permutation test, as in Matteson & James
2014: it is made only where a shift of this size is rare among the same numbers in random order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Orders that are drawn, and the level of each cut: a strict one, since many are tested.
ORDERS, LEVEL = 999, 0.01
# The fewest numbers on either side of a change point.
LEAST = 3
# Orders drawn at once have at most so many numbers.
MOST_VALUES = 2_000_000


def change_points(curve: Floats, rng: np.random.Generator) -> list[int]:
    """The places that begin a new level, ascending.

    Neighbours that resemble each other pass for shifts: let each number stand for a long stretch.

    Parameters
    ----------
    curve : float64 [places]
    rng : numpy.random.Generator
        Draws the orders.
    """
    return sorted(_changes(curve, rng, 0))


def _changes(curve: Floats, rng: np.random.Generator, begin: int) -> Iterator[int]:
    if len(curve) < 2 * LEAST:
        return
    shifts = _shifts(curve[None])[0]
    least, size = shifts.max() * (1 - 1e-9), max(1, MOST_VALUES // len(curve))
    as_large = 0
    for start in range(0, ORDERS, size):
        orders = np.tile(curve, (min(size, ORDERS - start), 1))
        as_large += int((_shifts(rng.permuted(orders, axis=1)).max(axis=1) >= least).sum())
    if (as_large + 1) / (ORDERS + 1) > LEVEL:
        return
    cut = LEAST + int(shifts.argmax())
    yield begin + cut
    yield from _changes(curve[:cut], rng, begin)
    yield from _changes(curve[cut:], rng, begin + cut)


def _shifts(rows: Floats) -> Floats:
    """Differences between the means before and after each place, in standard errors."""
    count = rows.shape[1]
    before = np.cumsum(rows, axis=1)[:, LEAST - 1 : count - LEAST]
    sizes = np.arange(LEAST, count - LEAST + 1)
    means = before / sizes, (rows.sum(axis=1, keepdims=True) - before) / (count - sizes)
    return np.asarray(np.abs(means[0] - means[1]) * np.sqrt(sizes * (count - sizes) / count))
