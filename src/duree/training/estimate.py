"""Estimates of training time and memory, measured on a few batches before training."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from duree.network.batches import Examples
from duree.network.network import Network
from duree.recipe.settings import TrainingSettings
from duree.sequences.ragged import Ragged
from duree.training.optimiser import make_optimiser, update

PROBES = 3
# Copies of the weights in memory: the network, gradient, two moments, average and best.
COPIES = 6
# Memory at the peak, as a multiple of what a loss keeps: gradients are of the same size.
AT_PEAK = 2


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
    sizes = np.array([_size(examples, rows) for rows in batches], dtype=np.float64)
    order = np.argsort(sizes, kind="stable")
    # The middle batch of each third of the sizes: their mean is close to that of all.
    middles = order[[(2 * probe + 1) * len(batches) // (2 * PROBES) for probe in range(PROBES)]]
    trial = copy.deepcopy(model).train()
    optimiser = make_optimiser(trial, settings)
    seconds = []
    with torch.random.fork_rng(devices=[]):
        # The first pass warms up caches and allocators; the largest batch needs most memory.
        saved = _Saved()
        with saved:
            _update(trial, optimiser, examples, batches[order[-1]], settings)
        for place in middles:
            began = time.perf_counter()
            _update(trial, optimiser, examples, batches[place], settings)
            seconds.append(time.perf_counter() - began)
    # A few long rows, between the middles, count by their size.
    expected = sum(seconds) / sizes[middles].sum() * sizes.mean() * steps
    if settings.max_minutes is not None:
        expected = min(expected, 60 * settings.max_minutes)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    return Estimate(float(expected), COPIES * weights + AT_PEAK * saved.bytes)


def _size(examples: Examples, rows: NDArray[np.int64]) -> int:
    """The padded steps of a batch, or their pairs with steps of the target."""
    steps = examples.padded_steps(rows)
    if not examples.transduced or not isinstance(examples.targets, Ragged):
        return steps
    return steps * max(int(examples.targets.lengths[rows].max()), 1)


def _update(
    model: Network,
    optimiser: torch.optim.Optimizer,
    examples: Examples,
    rows: NDArray[np.int64],
    settings: TrainingSettings,
) -> None:
    model.carried = {}  # of another batch
    update(model, optimiser, examples.batch(rows), settings.clip_norm)


class _Saved(torch.autograd.graph.saved_tensors_hooks):
    """Counts the bytes that a loss keeps for its gradient, each storage once."""

    def __init__(self) -> None:
        self.storages: dict[int, int] = {}
        super().__init__(self._count, lambda tensor: tensor)

    def _count(self, tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        self.storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    @property
    def bytes(self) -> int:
        return sum(self.storages.values())
