"""Operations on the rows of tables that occur in a batch: look-up, sums by word, and Adam."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from duree.network import kernels
from duree.network.kernels import array


def look_up(vectors: Tensor, tokens: Tensor) -> Tensor:
    """``vectors[tokens]``, float32 [batch, steps, size], with a fast gradient."""
    found: Tensor = _LookUp.apply(vectors, tokens)  # type: ignore[no-untyped-call]
    return found


class _LookUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, tokens: Tensor) -> Tensor:
        ctx.save_for_backward(tokens)
        ctx.words = len(vectors)
        return vectors.index_select(0, tokens.flatten()).view(*tokens.shape, vectors.shape[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (tokens,) = ctx.saved_tensors
        return sum_by_word(gradient, tokens, ctx.words), None


def sum_by_word(values: Tensor, tokens: Tensor, words: int) -> Tensor:
    """Sums of values [batch, steps, size] over each word's occurrences: float32 [words, size]."""
    sums = values.new_empty(words, values.shape[2])
    flat = values.contiguous().flatten(0, 1)
    kernels.compiled.sum_rows(
        tokens.flatten().numpy(), array(flat), array(sums), torch.get_num_threads()
    )
    return sums


def adam_rows(
    table: Tensor,
    mean: Tensor,
    square: Tensor,
    gradient: Tensor,
    *,
    step: int,
    rate: float,
    betas: tuple[float, float],
    epsilon: float,
) -> None:
    """Update number ``step`` of Adam (Kingma & Ba 2015), in place, for the rows of the gradient."""
    correction = math.sqrt(1 - betas[1] ** step)
    kernels.compiled.adam_rows(
        *map(array, (table, mean, square, gradient._indices()[0], gradient._values())),
        rate * correction / (1 - betas[0] ** step),
        *betas,
        epsilon * correction,
        torch.get_num_threads(),
    )
