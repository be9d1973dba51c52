"""The log-likelihood of outputs of a large linear layer, without a copy of its scores."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def log_likelihood(
    x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """log softmax(x W' + b) at the targets, and its mean over all outputs: float [rows] each.

    x is float [rows, size], weight [outputs, size], bias [outputs], targets int64 [rows]. For a
    target outside 0 ... outputs - 1 the first is undefined, and must have no gradient.
    """
    found: tuple[Tensor, Tensor] = _LogLikelihood.apply(x, weight, bias, targets)  # type: ignore[no-untyped-call]
    return found


class _LogLikelihood(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        scores = torch.addmm(bias, x, weight.T)
        within = targets.clamp(max=len(bias) - 1)[:, None]
        true = scores.gather(1, within)[:, 0]
        mean = torch.mv(x, weight.mean(0)) + bias.mean()
        most = scores.amax(1, keepdim=True)
        relative = scores.sub_(most).exp_()  # in place: the largest tensor of training
        total = relative.sum(1)
        normaliser = most[:, 0] + total.log()
        ctx.save_for_backward(x, weight, relative, total, within)
        return true - normaliser, mean - normaliser

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_true: Tensor, of_mean: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, relative, total, within = ctx.saved_tensors
        share = of_mean / relative.shape[1]
        d_scores = relative * (-(of_true + of_mean) / total)[:, None]
        d_scores += share[:, None]
        d_scores.scatter_add_(1, within, of_true[:, None])
        return d_scores @ weight, d_scores.T @ x, d_scores.sum(0), None
