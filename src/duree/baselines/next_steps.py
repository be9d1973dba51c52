"""Steps: what rivals for what comes next learn from, and how they are asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from duree.baselines.targets import ALIKE, FLOOR, Counts
from duree.sequences.ragged import Ragged

Floats = NDArray[np.float64]
Read = Callable[[Any], Ragged]


@dataclass(frozen=True)
class Steps:
    """Sequences, of which every step after the first is an answer to be foretold.

    Attributes
    ----------
    rows : Ragged of int32 [steps] or [steps, 1 + others]
        Each step as the number of its state, then what else is known of it.
    weights : float64 [rows] or None
        How much each row counts, at each of its steps; None: all alike.
    """

    rows: Ragged
    weights: Floats | None = None

    @property
    def codes(self) -> Ragged:
        """The numbers of the states alone."""
        values = self.rows.values
        return self.rows if values.ndim == 1 else Ragged(values[:, 0], self.rows.offsets)

    @property
    def came(self) -> NDArray[np.int64]:
        """The state that each answer was, int64 [answers]."""
        return self.codes.values[steps_after_the_first(self.rows)].astype(np.int64)

    @property
    def counts(self) -> Floats | None:
        """How much each answer counts, float64 [answers]; None: all alike."""
        if self.weights is None:
            return None
        return np.repeat(self.weights, np.maximum(self.rows.lengths - 1, 0))

    def followed_by(self, other: Steps) -> Steps:
        """The rows of both."""
        both = self.rows.followed_by(other.rows)
        if self.weights is None or other.weights is None:
            return Steps(both)
        return Steps(both, np.concatenate([self.weights, other.weights]))

    def some(self, most: int, seed: int) -> Steps:
        """Rows at random, as many as hold so many steps together; at least one."""
        rows = some_rows(self.rows, most, seed)
        return Steps(self.rows.take(rows), None if self.weights is None else self.weights[rows])

    def surprise(self, found: Floats) -> float:
        """How much the answers surprise on average, in nats, whom [answers, states] tells."""
        of_truth = found[np.arange(len(found)), self.came]
        return mean_surprise(of_truth, self.counts)


class StepModel(Protocol):
    """A model of the next step; see ``Baseline`` for its attributes."""

    name: str
    title: str
    description: str
    choices: dict[str, Any]
    notes: list[str]

    def learn(self, train: Steps, validation: Steps) -> None:
        """Choose on the validation sequences, then learn from all."""
        ...

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at each answer, float64 [answers, states]."""
        ...


class StepBaseline:
    """A model of steps as a ``Baseline``, which is given texts.

    Parameters
    ----------
    model : StepModel
    read : texts, or what stands for them -> Ragged of int32
        Each sequence as a row of ``Steps``.
    """

    def __init__(self, model: StepModel, read: Read) -> None:
        self.model, self.read = model, read
        self.name, self.title, self.description = model.name, model.title, model.description
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: Any,
        targets: Any,
        validation_texts: Any,
        validation_targets: Any,
        counts: Counts = ALIKE,
    ) -> Self:
        """Let the model learn; the sequences are their own answers."""
        train = Steps(self.read(texts), counts.train)
        self.model.learn(train, Steps(self.read(validation_texts), counts.validation))
        self.choices, self.notes = self.model.choices, self.model.notes
        return self

    def predict(self, texts: Any) -> Floats:
        """Probabilities of the states at every step after the first, float64 [answers, states]."""
        return self.model.predict(Steps(self.read(texts)))


def steps_after_the_first(codes: Ragged) -> NDArray[np.int64]:
    """The place among the values of every step that has one before it in its row."""
    first = np.zeros(len(codes.values), dtype=bool)
    first[codes.offsets[:-1][codes.lengths > 0]] = True
    return np.flatnonzero(~first)


def some_rows(codes: Ragged, most: int, seed: int) -> NDArray[np.int64]:
    """Rows at random in ascending order, as many as hold so many steps together; at least one."""
    order = np.random.default_rng(seed).permutation(len(codes))
    steps = np.cumsum(codes.lengths[order])
    return np.sort(order[: max(int(np.searchsorted(steps, most, "right")), 1)])


def mean_surprise(of_truth: Floats, counts: Floats | None) -> float:
    """How much what came surprises on average, in nats, of probabilities [answers]."""
    return float(np.average(-np.log(np.maximum(of_truth, FLOOR)), weights=counts))


def note_of(learned: Steps, every: Steps) -> list[str]:
    """What a reader must know where not all sequences were learned from."""
    few, many = len(learned.rows), len(every.rows)
    return [] if few == many else [f"learned from {few} of {many} sequences"]
