"""Attention: which steps of a source are read at each step of an output."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

# The score of a step that must not be read; finite, so that a row without steps gives no NaN.
NEVER = -1e9


class Source(NamedTuple):
    """What the decoder reads of a batch of sources.

    Attributes
    ----------
    codes : int64 [batch, steps]
    real : bool [batch, steps]
        False in padding.
    copied : bool [batch, steps]
        The steps that may be copied.
    keys : float [batch, steps, hidden]
        What the decoder's states are compared with.
    values : float [batch, steps, embedding]
        What is read of each step, in proportion to attention.
    """

    codes: Tensor
    real: Tensor
    copied: Tensor
    keys: Tensor
    values: Tensor

    def take(self, rows: Tensor) -> Source:
        """Some rows of the batch."""
        return Source(*(tensor[rows] for tensor in self))


class Attention(nn.Module):
    """Weights over the steps of a source, for each state of a decoder.

    Parameters
    ----------
    kind : {"dot", "additive"}
        dot: the product of state and projected memory, scaled by the root of its size ("general" in
        Luong et al. 2015, eq. 8; scale of Vaswani et al. 2017). additive: one hidden layer of both
        (Bahdanau et al. 2015, A.1.2), slower.
    state_size, memory_size : int
    """

    def __init__(self, kind: str, state_size: int, memory_size: int) -> None:
        super().__init__()
        self.kind = kind
        self.of_memory = nn.Linear(memory_size, state_size, bias=False)
        self.scale = state_size**-0.5
        if kind == "additive":
            self.of_state = nn.Linear(state_size, state_size)
            self.direction = nn.Parameter(torch.randn(state_size) * self.scale)

    def keys(self, memory: Tensor) -> Tensor:
        """What states are compared with, float [batch, source steps, state_size]."""
        keys: Tensor = self.of_memory(memory)
        return keys

    def scores(self, states: Tensor, keys: Tensor, real: Tensor) -> Tensor:
        """Scores float [batch, steps, source steps] of states [batch, steps, state_size].

        ``real`` bool [batch, source steps] marks the steps that may be read.
        """
        if self.kind == "additive":
            hidden = self.of_state(states)[:, :, None] + keys[:, None]  # (B, T, S, H)
            found = torch.tanh(hidden) @ self.direction
        else:
            found = torch.bmm(states * self.scale, keys.transpose(1, 2))
        return found.masked_fill(~real[:, None], NEVER)
