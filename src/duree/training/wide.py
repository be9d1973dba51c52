"""Training of the wide part, and of its final refit on training and validation rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor, nn

from duree.network.batches import Examples
from duree.network.contracts import Criterion
from duree.network.scoring import scores
from duree.network.wide import JoinedModel, WideModel
from duree.recipe.settings import TrainingSettings
from duree.training.loop import Plan, train

WIDE_TRAINING = TrainingSettings(
    learning_rate=2e-3, schedule="constant", batch_size=64, patience=3, averaging=True
)
# The share of the recipe's time limit for each of the two trainings.
WIDE_SHARE = 0.1
# Scores of a wide part that was best after its first epoch are small.
MOST_SHARE = 100.0


def train_wide(wide: WideModel, plan: Plan, indicators: NDArray[np.bool_]) -> int:
    """Train on the plan's examples; returns how many epochs did best on its validation rows.

    ``indicators`` is bool [rows, outputs]: the positive examples of each output.
    """
    wide.weigh(plan.examples.sequences, indicators)
    history = train(wide, _of_wide(plan))
    return int(min(history, key=lambda record: record["validation_loss"])["epoch"])


def refit_wide(wide: WideModel, plan: Plan, indicators: NDArray[np.bool_], epochs: int) -> None:
    """Train again for the best number of epochs, on training and validation rows together.

    The baselines are refitted in the same way. ``indicators`` are those of all rows.
    """
    rows = Examples(
        plan.examples.sequences.followed_by(plan.validation.sequences),
        np.concatenate([plan.examples.targets, plan.validation.targets]),
        None
        if plan.examples.weights is None or plan.validation.weights is None
        else np.concatenate([plan.examples.weights, plan.validation.weights]),
    )
    nn.init.zeros_(wide.weight)
    nn.init.zeros_(wide.bias)
    wide.weigh(rows.sequences, indicators)
    first = _of_wide(plan)
    # The learning rates are those of the first training, so that scores have the same scale.
    settings = first.settings.model_copy(update={"epochs": first.epochs})
    again = replace(first, examples=rows, validation=rows, settings=settings, last_epoch=epochs)
    train(wide, again)


def time_for_the_rest(plan: Plan) -> Plan:
    """The plan with the time that both trainings of the wide part leave."""
    minutes = plan.settings.max_minutes
    left = None if minutes is None else (1 - 2 * WIDE_SHARE) * minutes
    return replace(plan, settings=plan.settings.model_copy(update={"max_minutes": left}))


def _of_wide(plan: Plan) -> Plan:
    """The plan of the wide part, whose best epoch is that of the least validation loss.

    Of few rows, metrics such as accuracy are too coarse to choose by: they are best by chance in
    the first epochs, before the scores have their scale.
    """
    minutes = plan.settings.max_minutes
    allowed = None if minutes is None else WIDE_SHARE * minutes
    settings = WIDE_TRAINING.model_copy(update={"max_minutes": allowed})
    return replace(plan, settings=settings, figure=lambda scores, targets, *weights: 0.0)


def join(model: JoinedModel, validation: Examples, criterion: Criterion) -> None:
    """Fit the shares of both parts, and of each alone, to the least validation loss.

    Shares are not negative.
    """
    parts = [
        torch.from_numpy(scores(part, validation.sequences)) for part in (model.deep, model.wide)
    ]
    answers = [torch.from_numpy(one) for one in (validation.targets, *validation.weighed)]

    def best(parts: list[Tensor]) -> list[float]:
        def loss_of(shares: np.ndarray) -> float:
            joined = sum(float(share) * part for share, part in zip(shares, parts, strict=True))
            return float(criterion(joined, *answers))

        start = np.full(len(parts), 1.0 / len(parts))
        # Few parameters: a simplex search needs no gradient and is deterministic.
        found = minimize(
            loss_of, start, method="Nelder-Mead", bounds=[(0.0, MOST_SHARE)] * len(parts)
        )
        return [float(share) for share in found.x]

    model.shares.copy_(torch.tensor(best(parts)))
    model.alone.copy_(torch.tensor([best([part])[0] for part in parts]))
