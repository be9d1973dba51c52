"""Plan: what a training is given and does not change, and who follows it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from duree.network.batches import Examples, epoch_batches
from duree.network.contracts import Criterion
from duree.recipe.settings import DEFAULT_BUDGET, EpochBudget, TrainingSettings
from duree.training.estimate import Estimate

Figure = Callable[..., float]

# Where the recipe leaves the epochs open there are so many at least.
FEWEST_EPOCHS = 5


class Progress(Protocol):
    """Who follows a training."""

    def start(self, steps: int, done: int, expected: Estimate) -> None:
        """Training is about to begin: steps in all, those done before, and what it will take."""
        ...

    def step(self, loss: float, rows: int) -> None:
        """One batch of ``rows`` sequences is done; ``loss`` is the epoch's mean so far."""
        ...

    def epoch(self, record: dict[str, Any]) -> None:
        """One epoch is done."""
        ...

    def should_stop(self) -> bool:
        """Whether training shall end here, and keep the best weights it has."""
        ...

    def message(self, message: str) -> None:
        """Something worth a line."""
        ...

    def end(self) -> None:
        """Nothing more will come, however the training ended; also where it never started."""
        ...


@dataclass(frozen=True)
class Plan:
    """What does not change while a network trains.

    Attributes
    ----------
    examples, validation : Examples
        What to learn from, and what to choose the best epoch by.
    criterion : (scores, targets) -> mean over the batch
        Of padded batches, where each step has an answer: see ``batch_of``.
    figure : (scores, targets) -> float
        What early stopping watches on ``validation``; higher is better.
    settings : TrainingSettings
    seed : int
    epoch_budget : EpochBudget
    """

    examples: Examples
    validation: Examples
    criterion: Criterion
    figure: Figure
    settings: TrainingSettings
    seed: int
    epoch_budget: EpochBudget = DEFAULT_BUDGET

    def batches(self, epoch: int) -> list[NDArray[np.int64]]:
        """The batches of one epoch, in order; rows without a step have nothing to teach."""
        lengths = self.examples.sequences.lengths
        rows = np.flatnonzero(lengths)
        batches = epoch_batches(lengths[rows], self.settings.batch_size, self.seed, epoch)
        return [rows[batch] for batch in batches]

    @property
    def epochs(self) -> int:
        """How many epochs at most."""
        open_epochs = math.ceil(self.epoch_budget.steps / len(self.batches(0)))
        return self.settings.epochs or min(
            max(open_epochs, FEWEST_EPOCHS), self.epoch_budget.epochs
        )
