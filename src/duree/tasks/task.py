"""What a kind of question must tell the workflow; each file beside this one is one kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from torch import Tensor

from duree.baselines import Baseline
from duree.evaluation.metrics import MetricSet
from duree.recipe import Recipe

Loss = Callable[[Tensor, Tensor], Tensor]
Units = Callable[[str], list[str]]


class Link(NamedTuple):
    """How predictions follow from scores: ``function(scores * scale + offset)``.

    ``function`` is an ONNX operator: "Softmax" (over the outputs), "Sigmoid" or "Identity".
    """

    function: str
    scale: float
    offset: float


class Task(Protocol):
    """A kind of question together with its possible answers, as learned from the target column.

    ``scores`` are what the network gives, float32 [rows, outputs]; ``predictions`` are what a
    reader wants of them (probabilities, numbers), float64 [rows, outputs]. ``stratify`` tells
    whether parts are to have the same shares of answers, ``watched`` what ``progress`` is called.
    """

    name: ClassVar[str]
    metrics: ClassVar[MetricSet]
    stratify: ClassVar[bool]
    watched: ClassVar[str]

    @classmethod
    def from_target(cls, target: pl.Series, recipe: Recipe) -> Self:
        """Learn the possible answers from the target column (no nulls)."""
        ...

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for a row."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """What each output is called; nothing for numbers."""
        ...

    def encode(self, target: pl.Series) -> NDArray[Any]:
        """The target column as numbers, one entry a row.

        Raises
        ------
        DataError
            An answer that ``from_target`` did not see.
        """
        ...

    def marks(self, targets: NDArray[Any]) -> NDArray[np.bool_]:
        """Which rows speak for each output, bool [rows, outputs]."""
        ...

    def loss(self, targets: NDArray[Any], recipe: Recipe) -> Loss:
        """The training loss ``(scores, targets) -> mean``; ``targets`` are the training rows'."""
        ...

    def settle(self, scores: NDArray[np.float32], targets: NDArray[Any]) -> Self:
        """Learn from the validation part how sure the scores are."""
        ...

    def predictions(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores as probabilities or numbers."""
        ...

    @property
    def link(self) -> Link:
        """What ``predictions`` does, for those who compute them elsewhere."""
        ...

    def explained(self, scores: Tensor, outputs: Tensor) -> Tensor:
        """What an explanation explains of each row, [batch]; ``outputs`` int64 [batch] says of
        which of its answers: the answer's log-odds, or the number itself."""
        ...

    def chosen(self, predictions: NDArray[np.float64]) -> NDArray[np.int64]:
        """The answer that each row is explained for if none is asked for, int64 [rows]."""
        ...

    def progress(self, scores: NDArray[np.float32], targets: NDArray[Any]) -> float:
        """The figure that early stopping watches on the validation part; higher is better."""
        ...

    def calibration(
        self, predictions: NDArray[np.float64], targets: NDArray[Any]
    ) -> list[dict[str, Any]]:
        """The points of a reliability diagram, where the task has one."""
        ...

    def columns(self, predictions: NDArray[np.float64]) -> list[pl.Series]:
        """The columns that ``predict`` adds to a table: ``prediction``, then how sure it is."""
        ...

    def baselines(self, recipe: Recipe, units: Units) -> Sequence[Baseline]:
        """What anyone should try first, not yet trained; ``units`` parts a text into its units."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        ...

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """Make the task that ``to_dict`` described."""
        ...
