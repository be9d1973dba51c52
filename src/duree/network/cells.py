"""One step of each recurrent cell, as equations: the reference for tests and explanations.

Gate order and symbols are those of PyTorch and cuDNN. ``a`` is the projected input, W_ih x + b_ih,
float [batch, gates * hidden] (independent of the state, so all steps are projected at once); ``h``
and ``c`` are float [batch, hidden]. ``seen`` is the h that the gates use: h itself, or h under a
dropout mask.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear


class Weights(NamedTuple):
    """The parameters of one layer in one direction."""

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor


class RNNStep(NamedTuple):
    """h' = tanh(W x + b + U h + d), or the same with max(., 0). Source: Elman 1990."""

    h: Tensor


class GRUStep(NamedTuple):
    """r, z, n and the new h. Source: Cho et al. 2014; the reset gate acts after the product."""

    h: Tensor
    r: Tensor
    z: Tensor
    n: Tensor


class LSTMStep(NamedTuple):
    """i, f, g, o and the new h and c. Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000."""

    h: Tensor
    c: Tensor
    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor


def rnn_step(
    a: Tensor,
    h: Tensor,
    weights: Weights,
    seen: Tensor | None = None,
    nonlinearity: str = "tanh",
) -> RNNStep:
    """One step of the simple recurrent network; ``nonlinearity`` is "tanh" or "relu"."""
    squash = torch.tanh if nonlinearity == "tanh" else torch.relu
    return RNNStep(squash(a + _recur(h, weights, seen)))


def gru_step(a: Tensor, h: Tensor, weights: Weights, seen: Tensor | None = None) -> GRUStep:
    """One step of the gated recurrent unit."""
    a_r, a_z, a_n = a.chunk(3, dim=1)
    u_r, u_z, u_n = _recur(h, weights, seen).chunk(3, dim=1)
    r = torch.sigmoid(a_r + u_r)
    z = torch.sigmoid(a_z + u_z)
    n = torch.tanh(a_n + r * u_n)
    return GRUStep((1 - z) * n + z * h, r, z, n)


def lstm_step(
    a: Tensor, h: Tensor, c: Tensor, weights: Weights, seen: Tensor | None = None
) -> LSTMStep:
    """One step of the long short-term memory cell."""
    i, f, g, o = (a + _recur(h, weights, seen)).chunk(4, dim=1)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    c = f * c + i * g
    return LSTMStep(o * torch.tanh(c), c, i, f, g, o)


def _recur(h: Tensor, weights: Weights, seen: Tensor | None) -> Tensor:
    return linear(h if seen is None else seen, weights.weight_hh, weights.bias_hh)
