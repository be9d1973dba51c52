"""The update rules by name, one update, and how the learning rate moves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from duree.recipe import TrainingSettings

Loss = Callable[[Tensor, Tensor], Tensor]

# The first steps are taken with care: Adam's second moments are still rough (Ma & Yarats 2021).
WARM_UP_STEPS = 100


def make_optimiser(
    parameters: Iterable[nn.Parameter], settings: TrainingSettings
) -> torch.optim.Optimizer:
    """The optimiser called ``adam``, ``adamw``, ``sgd`` (with momentum 0.9) or ``rmsprop``."""
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimiser == "sgd":
        return torch.optim.SGD(parameters, rate, momentum=0.9, weight_decay=decay, fused=True)
    if settings.optimiser == "rmsprop":
        return torch.optim.RMSprop(parameters, rate, weight_decay=decay)
    rule = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.AdamW
    return rule(parameters, rate, betas=(0.9, 0.99), weight_decay=decay, fused=True)


def learning_rate(settings: TrainingSettings, step: int, steps: int) -> float:
    """The rate at ``step`` of ``steps``: a short linear warm-up, then the schedule."""
    warm_up = min(WARM_UP_STEPS, max(1, steps // 10))
    rise = min(1.0, (step + 1) / warm_up)
    # An epoch may have a few batches more than the first one, by which ``steps`` was reckoned.
    done = min(1.0, step / max(steps, 1))
    fall = {
        "constant": 1.0,
        "linear": 1.0 - done,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * done)),
    }[settings.schedule]
    return settings.learning_rate * rise * fall


def update(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    loss: Loss,
    batch: tuple[Tensor, Tensor, Tensor],
    clip_norm: float,
) -> float:
    """One update of the weights from (values, lengths, targets); returns the batch's loss.

    Where the loss is not a finite number, nothing is changed.
    """
    values, lengths, targets = batch
    batch_loss = loss(model(values, lengths), targets)
    value = float(batch_loss.detach())
    if math.isfinite(value):
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(batch_loss)
        if clip_norm > 0:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimiser.step()
    return value
