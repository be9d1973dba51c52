"""Pooling of the states of all steps; padding is ignored, and empty rows give zeros."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LastPooling(nn.Module):
    """The last real state of the forward direction, the first of the backward one."""

    def __init__(self, size: int, directions: int) -> None:
        super().__init__()
        self.forward_size = size // directions

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """[batch, steps, size] to [batch, size]."""
        if len(lengths) == 1:  # a single text, as in serving: a slice is faster than an index
            last = states[:, max(int(lengths) - 1, 0)]
        else:
            rows = torch.arange(len(lengths), device=lengths.device)
            last = states[rows, (lengths - 1).clamp(min=0)]
        if self.forward_size == states.shape[2]:
            return last
        ahead, back = last[:, : self.forward_size], states[:, 0, self.forward_size :]
        return torch.cat([ahead, back], dim=1)


class MeanPooling(nn.Module):
    """The mean of the real states. States are zero past each length, so a sum needs no mask."""

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """[batch, steps, size] to [batch, size]."""
        return states.sum(dim=1) / lengths.clamp(min=1)[:, None]


class MaxPooling(nn.Module):
    """The largest real value in each channel."""

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """[batch, steps, size] to [batch, size]."""
        real = states.detach().masked_fill(_padding(states, lengths)[:, :, None], float("-inf"))
        if states.requires_grad:  # the gradient of a gather is faster than that of a maximum
            largest = states.gather(1, real.max(dim=1, keepdim=True).indices)[:, 0]
        else:
            largest = real.amax(dim=1)
        return largest.masked_fill((lengths == 0)[:, None], 0.0)


class AttentionPooling(nn.Module):
    """A weighted mean, with a softmax of learned scores as weights (Yang et al. 2016)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Linear(size, 1, bias=False))

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """[batch, steps, size] to [batch, size]."""
        scores = self.score(states)[:, :, 0]
        # A finite floor: for an empty row, the softmax of -inf alone would be NaN.
        lowest = torch.finfo(scores.dtype).min
        weights = scores.masked_fill(_padding(states, lengths), lowest).softmax(dim=1)
        mean: Tensor = (weights[:, :, None] * states).sum(dim=1)
        return mean


def make_pooling(name: str, size: int, directions: int) -> nn.Module:
    """The pooling called ``last``, ``mean``, ``max`` or ``attention`` for states of ``size``."""
    if name == "last":
        return LastPooling(size, directions)
    if name == "attention":
        return AttentionPooling(size)
    return {"mean": MeanPooling, "max": MaxPooling}[name]()


def _padding(states: Tensor, lengths: Tensor) -> Tensor:
    """True past each length, bool [batch, steps]."""
    return torch.arange(states.shape[1], device=states.device) >= lengths[:, None]
