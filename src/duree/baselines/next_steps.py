"""Steps: what baselines of the next step learn from, and how they become baselines of texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from duree.baselines.targets import EQUAL_WEIGHTS, FLOOR, CaseWeights
from duree.sequences.ragged import Ragged

Floats = NDArray[np.float64]
Read = Callable[[Any], Ragged]


@dataclass(frozen=True)
class Steps:
    """Sequences, of which every step after the first is a target.

    Attributes
    ----------
    rows : Ragged of int32 [steps] or [steps, 1 + features]
        The state of each step, as a number, then its features.
    weights : float64 [rows] or None
        The weight of each row, at each of its steps; None: all equal.
    """

    rows: Ragged
    weights: Floats | None = None

    @property
    def states(self) -> Ragged:
        """The states alone."""
        values = self.rows.values
        return self.rows if values.ndim == 1 else Ragged(values[:, 0], self.rows.offsets)

    @property
    def targets(self) -> NDArray[np.int64]:
        """The state at every step after the first, int64 [targets]."""
        return self.states.values[steps_after_the_first(self.rows)].astype(np.int64)

    @property
    def target_weights(self) -> Floats | None:
        """The weight of each target, float64 [targets]; None: all equal."""
        if self.weights is None:
            return None
        return np.repeat(self.weights, np.maximum(self.rows.lengths - 1, 0))

    def followed_by(self, other: Steps) -> Steps:
        """The rows of both."""
        both = self.rows.followed_by(other.rows)
        if self.weights is None or other.weights is None:
            return Steps(both)
        return Steps(both, np.concatenate([self.weights, other.weights]))

    def sample(self, most: int, seed: int) -> Steps:
        """Random rows with so many steps together at most; one row at least."""
        rows = some_rows(self.rows, most, seed)
        return Steps(self.rows.take(rows), None if self.weights is None else self.weights[rows])

    def log_loss(self, predictions: Floats) -> float:
        """Mean log-loss of predictions [targets, states], in nats."""
        of_truth = predictions[np.arange(len(predictions)), self.targets]
        return mean_log_loss(of_truth, self.target_weights)


@dataclass(frozen=True)
class Sample:
    """A sample of the training and validation sequences, for models that are slow on many steps.

    Attributes
    ----------
    train, validation : Steps
        All sequences.
    most : int
        How many steps a sample has at most.
    seed : int
    """

    train: Steps
    validation: Steps
    most: int
    seed: int

    @property
    def fitted(self) -> Steps:
        """Training sequences."""
        return self.train.sample(self.most, self.seed)

    @property
    def held_out(self) -> Steps:
        """Validation sequences."""
        return self.validation.sample(self.most, self.seed)

    @property
    def every(self) -> Steps:
        """Sequences of both."""
        return self.train.followed_by(self.validation).sample(self.most, self.seed)

    @property
    def notes(self) -> list[str]:
        """A note for the reader where not all training sequences are in the sample."""
        few, many = len(some_rows(self.train.rows, self.most, self.seed)), len(self.train.rows)
        return [] if few == many else [f"learned from {few} of {many} sequences"]


class StepModel(Protocol):
    """A model of the next step; see ``Baseline`` for its attributes."""

    name: str
    title: str
    description: str
    choices: dict[str, Any]
    notes: list[str]

    def learn(self, train: Steps, validation: Steps) -> None:
        """Tune on the validation sequences, then fit to all sequences."""
        ...

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at each target, float64 [targets, states]."""
        ...


class StepBaseline:
    """A model of steps as a ``Baseline`` of texts.

    Parameters
    ----------
    model : StepModel
    read : texts -> Ragged of int32
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
        weights: CaseWeights = EQUAL_WEIGHTS,
    ) -> Self:
        """Fit the model; the sequences are their own targets."""
        train = Steps(self.read(texts), weights.train)
        self.model.learn(train, Steps(self.read(validation_texts), weights.validation))
        self.choices, self.notes = self.model.choices, self.model.notes
        return self

    def predict(self, texts: Any) -> Floats:
        """Probabilities of the states at every step after the first, float64 [targets, states]."""
        return self.model.predict(Steps(self.read(texts)))


def steps_after_the_first(rows: Ragged) -> NDArray[np.int64]:
    """The position among the values of every step that has one before it in its row."""
    first = np.zeros(len(rows.values), dtype=bool)
    first[rows.offsets[:-1][rows.lengths > 0]] = True
    return np.flatnonzero(~first)


def some_rows(rows: Ragged, most: int, seed: int) -> NDArray[np.int64]:
    """Random rows in ascending order, with so many steps together at most; one row at least."""
    order = np.random.default_rng(seed).permutation(len(rows))
    steps = np.cumsum(rows.lengths[order])
    return np.sort(order[: max(int(np.searchsorted(steps, most, "right")), 1)])


def mean_log_loss(of_truth: Floats, weights: Floats | None) -> float:
    """Mean log-loss in nats, from the probabilities of what was true [targets]."""
    return float(np.average(-np.log(np.maximum(of_truth, FLOOR)), weights=weights))
