"""Estimates of training time and memory, measured on a few batches before training."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from duree.network.batches import Examples
from duree.network.network import Network
from duree.recipe.settings import TrainingSettings
from duree.training.optimiser import make_optimiser, update

PROBES = 3
# Copies of the weights in memory: the network, gradient, two moments, average and best.
COPIES = 6


@dataclass(frozen=True)
class Estimate:
    """Expected time in seconds and memory in bytes of training."""

    seconds: float
    memory: int


def estimate(
    model: Network, examples: Examples, settings: TrainingSettings, steps: int
) -> Estimate:
    """Time updates of a copy of the network on batches of different lengths.

    Neither the network nor the global random state is changed.
    """
    batches = examples.batches(settings.batch_size, seed=0, epoch=0)
    batches.sort(key=examples.padded_steps)
    # The middle batch of each third: their mean is close to that of all.
    chosen = [batches[(2 * probe + 1) * len(batches) // (2 * PROBES)] for probe in range(PROBES)]
    trial = copy.deepcopy(model).train()
    optimiser = make_optimiser(trial, settings)
    seconds = []
    with torch.random.fork_rng(devices=[]):
        for rows in [chosen[-1], *chosen]:  # the first pass warms up caches and allocators
            began = time.perf_counter()
            trial.carried = {}  # of another batch
            update(trial, optimiser, examples.batch(rows), settings.clip_norm)
            seconds.append(time.perf_counter() - began)
    expected = float(np.mean(seconds[1:])) * steps
    if settings.max_minutes is not None:
        expected = min(expected, 60 * settings.max_minutes)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    largest = max(map(examples.padded_steps, batches))
    return Estimate(expected, COPIES * weights + largest * _step_bytes(model))


def _step_bytes(model: nn.Module) -> int:
    """Approximate bytes of one step of one row in training: the outputs of each layer."""
    recurrent = getattr(model, "recurrent", None)
    if recurrent is None:
        return 0
    gates = (recurrent.gates + 3) * recurrent.hidden_size * recurrent.directions
    return int(4 * (3 * recurrent.input_size + gates * recurrent.num_layers))
