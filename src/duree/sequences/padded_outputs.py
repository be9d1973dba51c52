"""Outputs as rows of numbers: the probability, the number of codes, and the codes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Rows begin with the probability of the output and its number of codes.
HEAD = 2


def padded_outputs(
    outputs: Sequence[tuple[Sequence[int] | NDArray[np.int64], float]], longest: int
) -> NDArray[np.float64]:
    """Outputs with their probabilities, float64 [rows, HEAD + longest]; 0 after the last code.

    Parameters
    ----------
    outputs : sequence of (codes, probability)
    longest : int
        The most codes of a row; longer outputs are cut.
    """
    found = np.zeros((len(outputs), HEAD + longest))
    for row, (codes, chance) in enumerate(outputs):
        written = codes[:longest]
        found[row, :HEAD] = chance, len(written)
        found[row, HEAD : HEAD + len(written)] = written
    return found
