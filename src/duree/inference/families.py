"""Types of arrays, and the families of regressions: the mean of y given eta = x'b."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Of many rows in several splits: half the memory, and any rounding is corrected like other errors.
Predictions = NDArray[np.float32] | NDArray[np.float64]

# Rows at a time: their products stay in the processor's cache.
CHUNK = 8192


@dataclass(frozen=True)
class Family:
    """A regression: the mean of y given eta = x'b, and its derivative given the mean."""

    mean: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]


FAMILIES = {
    "lm": Family(lambda eta: eta, np.ones_like),
    "logit": Family(expit, lambda mean: mean * (1 - mean)),
    "poisson": Family(np.exp, lambda mean: mean),
}


def chunks(rows: int) -> Iterator[slice]:
    """Slices of ``CHUNK`` rows."""
    for begin in range(0, rows, CHUNK):
        yield slice(begin, min(begin + CHUNK, rows))
