"""The most units of an output, by the length of its source."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class LengthLimit(NamedTuple):
    """The most units of an output: ``base + per_unit * source length``, at most ``longest``."""

    base: int
    per_unit: float
    longest: int

    @classmethod
    def fit(cls, sources: NDArray[np.int64], targets: NDArray[np.int64]) -> Self:
        """A limit above all targets of training, from lengths int64 [rows], without END.

        Each unit of a source allows twice the usual ratio; ``base`` includes every training row.
        """
        ratios = targets / np.maximum(sources, 1)
        per_unit = 2 * float(np.median(ratios)) if len(ratios) else 2.0
        base = int(np.ceil(np.max(targets - per_unit * sources, initial=0)))
        return cls(base + 5, per_unit, 2 * int(np.max(targets, initial=0)) + 5)

    def is_short_of(self, lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether outputs of the usual length for such sources would be longer than the limit."""
        return np.asarray(self.per_unit / 2 * lengths > self.longest)

    def of(self, lengths: Tensor) -> Tensor:
        """The most units of outputs for sources of these lengths: int64 [rows]."""
        return (self.base + self.per_unit * lengths).long().clamp(1, self.longest)
