"""A linear layer over many outputs with softmax and cross-entropy, without a matrix of scores.

The compiled kernels compute scores by tiles that stay in cache. For a loss, the pass over some rows
computes their gradients as well, so that the scores of these rows are all that is in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
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
# Scores that are kept for the backward pass, 64 MB; more of them are computed again.
MOST_KEPT = 16_000_000


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
    weights = x.new_ones(len(x)) if weights is None else weights
    if bool(real.all()):
        return _losses(x, weight, bias, targets, weights)
    found = _losses(x[real], weight, bias, targets[real], weights[real])
    return x.new_zeros(len(x)).masked_scatter(real, found)


def log_likelihood(
    x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """log softmax(x W' + b) at the targets, and its mean over all outputs: float [rows] each.

    Parameters are those of ``cross_entropy``, but for a target that is no output the first is 0.
    """
    of_targets, normalisers = log_softmax_at(x, weight, bias, targets)
    # The mean score needs no scores: it is that of the mean weights.
    return of_targets, torch.mv(x, weight.mean(0)) + bias.mean() - normalisers


def _losses(x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """The losses of ``cross_entropy`` where no target is ignored."""
    layer = (x, weight, bias)
    if not _learns(*layer) or not kernels.serves(*layer, weights):
        return -weights * log_softmax_at(*layer, targets)[0]
    losses: Tensor = _CrossEntropy.apply(*layer, targets, weights)  # type: ignore[no-untyped-call]
    return losses


def log_softmax_at(
    x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """log softmax(x W' + b) at the targets (0 for none), and log sum exp: float [rows] each."""
    if not kernels.serves(x, weight, bias):
        return _by_torch(x, weight, bias, targets)
    keep = _learns(x, weight, bias) and len(x) * len(weight) <= MOST_KEPT
    found: tuple[Tensor, Tensor] = _Softmax.apply(x, weight, bias, targets, keep)  # type: ignore[no-untyped-call]
    return found


def _learns(*layer: Tensor) -> bool:
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in layer)


def _by_torch(x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    scores = torch.addmm(bias, x, weight.T)
    most = scores.detach().amax(1, keepdim=True)
    relative = scores - most
    total = relative.exp().sum(1).log()
    known = (targets >= 0) & (targets < len(weight))
    at_target = relative.gather(1, targets.where(known, 0)[:, None])[:, 0]
    return (at_target - total).where(known, 0.0), most[:, 0] + total


class _Softmax(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, keep: bool
    ) -> tuple[Tensor, Tensor]:
        given = _given(x, weight, bias, targets)
        found = x.new_empty(4, len(x))  # at the target, normaliser; largest score, sum of the rest
        kept, ctx.threads, ctx.size = None, torch.get_num_threads(), x.shape[1]
        if keep:
            kept = x.new_empty(kernels.compiled.output_kept_floats(len(x), len(bias)))
        kernels.compiled.output_forward(
            *map(array, (*given, found)), None if kept is None else array(kept), ctx.threads
        )
        ctx.save_for_backward(*given, found, kept)
        return found[0], found[1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_targets: Tensor, of_normalisers: Tensor) -> tuple[Tensor | None, ...]:
        *given, found, kept = ctx.saved_tensors
        gradients = (of_targets, of_normalisers)
        dx, d_weight, d_bias = _backward(given, found, gradients, kept, ctx.threads)
        return dx[:, : ctx.size], d_weight[:, : ctx.size], d_bias, None, None


class _CrossEntropy(torch.autograd.Function):
    """The forward pass computes gradients as well, for a sum or mean of the losses."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, weights: Tensor
    ) -> Tensor:
        given = _given(x, weight, bias, targets)
        found = x.new_empty(4, len(x))
        of_losses = (-weights, torch.zeros_like(weights))
        gradients = _backward(given, found, of_losses, both=True)
        ctx.size = x.shape[1]
        ctx.save_for_backward(*given, weights, found, *gradients)
        return -weights * found[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        *given, weights, found, dx, d_weight, d_bias = ctx.saved_tensors
        if len(gradient) and bool((gradient == gradient[0]).all()):
            dx, d_weight, d_bias = (sums * gradient[0] for sums in (dx, d_weight, d_bias))
        else:
            of_losses = (-weights * gradient, torch.zeros_like(weights))
            dx, d_weight, d_bias = _backward(given, found, of_losses)
        return dx[:, : ctx.size], d_weight[:, : ctx.size], d_bias, None, None


def _given(x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
    """What the kernels read."""
    return _filled(x), _filled(weight), bias.contiguous(), targets.contiguous()


def _backward(
    given: Sequence[Tensor],
    found: Tensor,
    of_found: tuple[Tensor, Tensor],
    kept: Tensor | None = None,
    threads: int | None = None,
    both: bool = False,
) -> list[Tensor]:
    """The gradients of x, weight and bias, from those of ``log_softmax_at``.

    ``found`` and ``kept`` are the forward pass's, with as many threads; ``both`` includes it.
    """
    sums = [torch.zeros_like(tensor) for tensor in given[:3]]
    kernels.compiled.output_backward(
        *map(array, (*given, found)),
        None if kept is None else array(kept),
        *(array(gradient.contiguous()) for gradient in of_found),
        *map(array, sums),
        both,
        threads or torch.get_num_threads(),
    )
    return sums


def _filled(vectors: Tensor) -> Tensor:
    """The vectors [any, size], with zeros up to a multiple of ``MULTIPLE``."""
    missing = -vectors.shape[1] % MULTIPLE
    return pad(vectors, (0, missing)) if missing else vectors.contiguous()
