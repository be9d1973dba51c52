"""A linear layer over many outputs with softmax and cross-entropy, without a matrix of scores.

The compiled kernel computes scores by tiles that stay in cache: the forward pass keeps two numbers
of each row, and the backward pass computes each tile again. That is a fourth product, where torch
has three but writes and reads a matrix of rows x outputs several times.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from duree.network import kernels
from duree.network.batches import IGNORED
from duree.network.kernels import array

# The kernel reads vectors in multiples of this; zeros fill the last one.
MULTIPLE = 16


def cross_entropy(
    x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, weights: Tensor | None = None
) -> Tensor:
    """-log softmax(x W' + b) at the targets, in nats: float [rows].

    A row's loss depends neither on the other rows nor on the number of threads.

    Parameters
    ----------
    x : float [rows, size]
    weight : float [outputs, size]
    bias : float [outputs]
    targets : int64 [rows]
        From 0 to outputs - 1, or IGNORED, whose loss is 0.
    weights : float [rows] or None
        What each loss is multiplied by; None: 1.

    Raises
    ------
    ValueError
        If a target is neither an output nor IGNORED.
    """
    real = targets != IGNORED
    wrong = real & ((targets < 0) | (targets >= len(weight)))
    if bool(wrong.any()):
        raise ValueError(f"target {int(targets[wrong][0])} is none of {len(weight)} outputs")
    if bool(real.all()):
        losses = -_softmax(x, weight, bias, targets)[0]
    else:
        found = -_softmax(x[real], weight, bias, targets[real])[0]
        losses = x.new_zeros(len(x)).masked_scatter(real, found)
    return losses if weights is None else losses * weights


def log_likelihood(
    x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """log softmax(x W' + b) at the targets, and its mean over all outputs: float [rows] each.

    Parameters are those of ``cross_entropy``, but for a target that is no output the first is 0.
    """
    of_targets, normalisers = _softmax(x, weight, bias, targets)
    # The mean score needs no scores: it is that of the mean weights.
    return of_targets, torch.mv(x, weight.mean(0)) + bias.mean() - normalisers


def _softmax(x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """log softmax(x W' + b) at the targets (0 for none), and log sum exp: float [rows] each."""
    if not kernels.serves(x, weight, bias):
        return _by_torch(x, weight, bias, targets)
    found: tuple[Tensor, Tensor] = _OutputLayer.apply(x, weight, bias, targets)  # type: ignore[no-untyped-call]
    return found


def _by_torch(x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    scores = torch.addmm(bias, x, weight.T)
    most = scores.detach().amax(1, keepdim=True)
    relative = scores - most
    total = relative.exp().sum(1).log()
    known = (targets >= 0) & (targets < len(weight))
    at_target = relative.gather(1, targets.where(known, 0)[:, None])[:, 0]
    return (at_target - total).where(known, 0.0), most[:, 0] + total


class _OutputLayer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        ctx.size = x.shape[1]
        given = (_filled(x), _filled(weight), bias.contiguous(), targets.contiguous())
        found = x.new_empty(4, len(x))  # at the target, normaliser; largest score, sum of the rest
        kernels.compiled.output_forward(*map(array, (*given, found)), torch.get_num_threads())
        ctx.save_for_backward(*given, found)
        return found[0], found[1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, targets, found = ctx.saved_tensors
        sums = [torch.zeros_like(tensor) for tensor in (x, weight, bias)]
        kernels.compiled.output_backward(
            *map(array, (x, weight, bias, targets, found)),
            *(array(gradient.contiguous()) for gradient in gradients),
            *map(array, sums),
            torch.get_num_threads(),
        )
        dx, d_weight, d_bias = sums
        return dx[:, : ctx.size], d_weight[:, : ctx.size], d_bias, None


def _filled(vectors: Tensor) -> Tensor:
    """The vectors [any, size], with zeros up to a multiple of ``MULTIPLE``."""
    missing = -vectors.shape[1] % MULTIPLE
    return pad(vectors, (0, missing)) if missing else vectors.contiguous()
