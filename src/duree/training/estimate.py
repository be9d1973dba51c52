"""What a training will take: measured on a few batches before it begins, without touching it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from duree.network.recurrent import Recurrent
from duree.training.batches import Examples, cut_by_length, pad

PROBES = 3
# Copies of the weights held at once: the network, its gradient, two moments, the average, the best.
COPIES = 6


@dataclass(frozen=True)
class Estimate:
    """Expected time in seconds and memory in bytes of a whole training."""

    seconds: float
    memory: int


def estimate(
    model: nn.Module,
    examples: Examples,
    loss: Callable[[Tensor, Tensor], Tensor],
    batch_size: int,
    steps: int,
) -> Estimate:
    """Time a forward and a backward pass on batches of short, middling and long rows.

    Only gradients change, and they are cleared. Dropout draws from the global generator, which the
    caller seeds anew before every real step.
    """
    lengths = examples.sequences.lengths
    batches = cut_by_length(np.arange(len(examples)), lengths, batch_size)
    chosen = [batches[place * (len(batches) - 1) // (PROBES - 1)] for place in range(PROBES)]
    model.train()
    seconds = []
    for rows in [chosen[-1], *chosen]:  # the first pass warms caches and allocators up
        began = time.perf_counter()
        values, row_lengths = pad(examples.sequences, rows)
        targets = torch.from_numpy(examples.targets[rows])
        torch.autograd.backward(loss(model(values, row_lengths), targets))
        model.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - began)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    longest = sum(int(lengths[rows].max()) * len(rows) for rows in chosen[-1:])
    return Estimate(
        float(np.mean(seconds[1:])) * steps, COPIES * weights + longest * _step_bytes(model)
    )


def _step_bytes(model: nn.Module) -> int:
    """Bytes that one step of one row keeps for the backward pass, roughly: all layers' outputs."""
    recurrent = getattr(model, "recurrent", None)
    if not isinstance(recurrent, Recurrent):
        return 0
    gates = (recurrent.gates + 3) * recurrent.hidden_size * recurrent.directions
    return 4 * (3 * recurrent.input_size + gates * recurrent.num_layers)
