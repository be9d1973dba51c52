"""The metric that early stopping uses on the validation set."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Watched(NamedTuple):
    """The metric that early stopping uses on the validation set.

    Attributes
    ----------
    name : str
        Its name in progress messages; higher values are better ("minus" something for an error).
    title : str
        Its name in the report.
    better : int
        1 if a higher value of ``title`` is better, otherwise -1.
    """

    name: str
    title: str
    better: int


def mean_of(values: NDArray[Any], *weights: NDArray[Any]) -> float:
    """The mean of one number per row, weighted if weights are given."""
    return float(np.average(values, weights=weights[0] if weights else None))
