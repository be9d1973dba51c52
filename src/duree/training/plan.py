"""Plan: the fixed inputs of training, and the interface of its listeners."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from duree.network.batches import Examples
from duree.network.contracts import Criterion
from duree.recipe.settings import DEFAULT_BUDGET, EpochBudget, TrainingSettings
from duree.results.run_files import Epoch
from duree.training.estimate import Estimate

Figure = Callable[..., float]

# The fewest epochs where the recipe sets none.
FEWEST_EPOCHS = 5


class Progress(Protocol):
    """A listener of training."""

    def start(self, steps: int, done: int, expected: Estimate) -> None:
        """Training begins: total steps, steps already done, and the expected cost."""
        ...

    def step(self, loss: float, rows: int) -> None:
        """One batch of ``rows`` sequences is done; ``loss`` is the epoch's mean so far."""
        ...

    def epoch(self, record: Epoch) -> None:
        """One epoch is done."""
        ...

    def should_stop(self) -> bool:
        """Whether training should stop with the best weights so far."""
        ...

    def message(self, message: str) -> None:
        """A message for the user."""
        ...

    def end(self) -> None:
        """Training has ended, in whatever way; called even if it never started."""
        ...


@dataclass(frozen=True)
class Plan:
    """The inputs of training that do not change.

    Attributes
    ----------
    examples, validation : Examples
        The training set, and the validation set by which the best epoch is chosen.
    criterion : (scores, targets) -> mean over the batch
        Of padded batches, where each step has an answer: see ``batch_of``.
    figure : (scores, targets) -> float
        The metric on ``validation`` for early stopping; higher is better.
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
        """The batches of one epoch, in order: see ``Examples.batches``."""
        return self.examples.batches(self.settings.batch_size, self.seed, epoch)

    @cached_property
    def all_rows(self) -> Examples:
        """The training rows, then the validation rows."""
        return self.examples.followed_by(self.validation)

    @property
    def epochs(self) -> int:
        """The maximum number of epochs."""
        open_epochs = math.ceil(self.epoch_budget.steps / len(self.batches(0)))
        return self.settings.epochs or min(
            max(open_epochs, FEWEST_EPOCHS), self.epoch_budget.epochs
        )
