"""Contracts between tasks and training, explanations, simulation and export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from duree.sequences.ragged import Ragged

# (scores, targets) or (scores, targets, weights of the rows) -> mean.
Criterion = Callable[..., Tensor]


class Explanation(NamedTuple):
    """The quantity that is explained for each row.

    Attributes
    ----------
    explained : (scores float [batch, outputs], outputs int64 [batch]) -> float [batch]
        The log-odds of each row's output, or the predicted number.
    chosen : (predictions float64 [rows, outputs]) -> int64 [rows]
        The output that is explained by default.
    indicators : (targets) -> bool [rows, outputs]
        The true outputs of each row.
    """

    explained: Callable[[Tensor, Tensor], Tensor]
    chosen: Callable[[NDArray[np.float64]], NDArray[np.int64]]
    indicators: Callable[[NDArray[Any]], NDArray[np.bool_]]


class Link(NamedTuple):
    """How predictions follow from scores: ``function(scores * scale + offset)``.

    ``function`` is an ONNX operator: "Softmax" (over the outputs), "Sigmoid" or "Identity".
    """

    function: str
    scale: float
    offset: float


@dataclass(frozen=True)
class Simulated:
    """The inputs of a simulation: a network, and rows whose beginnings it continues.

    Attributes
    ----------
    network : nn.Module
    sequences : Ragged
        All rows, as encoded.
    train, test : int64
        The rows of the training set and of the test set.
    seed : int
    weights : float64 [rows] or None
        How much each row counts.
    times : list of str
        The names of the time points that the sequences share; empty where they share none.
    """

    network: nn.Module
    sequences: Ragged
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    seed: int
    weights: NDArray[np.float64] | None
    times: list[str]
