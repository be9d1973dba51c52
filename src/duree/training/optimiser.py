"""The update rules by name, and how the learning rate moves."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from duree.recipe import TrainingSettings

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
    done = step / max(steps, 1)
    fall = {
        "constant": 1.0,
        "linear": 1.0 - done,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * done)),
    }[settings.schedule]
    return settings.learning_rate * rise * fall
