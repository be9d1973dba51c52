"""The compiled recurrence: one layer, all its directions, forwards and backwards, in float32.

The C++ beside this file is bound to NumPy arrays and knows nothing of PyTorch. Where it was not
built or cannot be loaded, ``compiled`` is None and ``torch.nn`` does the work.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from duree.network.cells import Weights

compiled: Any = None
missing = ""
try:  # after torch, whose OpenMP threads it then shares
    compiled = import_module("duree.network.kernels.compiled")
except ImportError as error:
    missing = str(error)


def serves(*tensors: Tensor) -> bool:
    """Whether the compiled recurrence can take these: float32 in the processor's own memory."""
    return compiled is not None and all(
        tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in tensors
    )


class Words(NamedTuple):
    """Words in place of x, each projected once, wherever it stands.

    Attributes
    ----------
    tokens : int64 [batch, steps]
    projected : list of float32 [words, gates * hidden]
        W x + b of every word that ``tokens`` may name, for each direction.
    """

    tokens: Tensor
    projected: list[Tensor]


def read_layer(
    cell: str,
    x: Tensor | Words,
    lengths: Tensor,
    began: tuple[Tensor, ...],
    weights: list[Weights],
    mask: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One layer over a batch.

    Parameters
    ----------
    cell : {"rnn_tanh", "rnn_relu", "gru", "lstm"}
    x : float32 [batch, steps, input], or Words
    lengths : int64 [batch]
    began : tuple of float32 [directions, batch, hidden]
        h, and for the LSTM c, before the first step.
    weights : list of Weights
        One for each direction, forward first.
    mask : float32 [directions, batch, hidden] or None
        What the gates' view of h is multiplied by at every step.

    Returns
    -------
    output : float32 [batch, steps, directions * hidden]
    finals : tuple of float32 [directions, batch, hidden], one for each of ``began``
    """
    tokens, inputs = (x.tokens, x.projected) if isinstance(x, Words) else (None, [x])
    flat = [tensor for direction in weights for tensor in direction]
    output, *finals = _Layer.apply(cell, lengths, mask, tokens, began, *inputs, *began, *flat)  # type: ignore[no-untyped-call]
    return output, tuple(finals)


def look_up(vectors: Tensor, tokens: Tensor) -> Tensor:
    """``vectors[tokens]``, float32 [batch, steps, size], with a quick way back."""
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
    """Sums of values [batch, steps, size] over the places of each word: float32 [words, size]."""
    sums = values.new_empty(words, values.shape[2])
    flat = values.contiguous().flatten(0, 1)
    compiled.sum_rows(tokens.flatten().numpy(), _array(flat), _array(sums), torch.get_num_threads())
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
    """Adam's update number ``step`` (Kingma & Ba 2015), in place, of a sparse gradient's rows."""
    rate *= math.sqrt(1 - betas[1] ** step) / (1 - betas[0] ** step)
    compiled.adam_rows(
        *map(_array, (table, mean, square, gradient._indices()[0], gradient._values())),
        rate,
        *betas,
        epsilon * math.sqrt(1 - betas[1] ** step),
        torch.get_num_threads(),
    )


class _Layer(torch.autograd.Function):
    """``read_layer`` for autograd, which wants its tensors flat: inputs, states, weights."""

    @staticmethod
    def forward(
        ctx: Any,
        cell: str,
        lengths: Tensor,
        mask: Tensor | None,
        tokens: Tensor | None,
        began: tuple[Tensor, ...],
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        call = _Call(cell, len(began), len(began[0]), torch.get_num_threads(), tokens is not None)
        inputs, began, weights = call.parts(tensors)
        steps = inputs[0].shape[1] if tokens is None else tokens.shape[1]
        directions, rows, hidden = began[0].shape
        output = began[0].new_empty(rows, steps, directions * hidden)
        finals = tuple(torch.empty_like(state) for state in began)
        floats = compiled.saved_floats(cell, hidden, lengths.numpy())
        kept = [output.new_empty(floats) for _ in weights] if any(ctx.needs_input_grad) else []
        for d in range(directions):
            compiled.forward(
                *call.arguments(d, inputs, tokens, lengths, began, weights, mask),
                _array(_half(output, d, hidden)),
                *_two(finals, d),
                _array(kept[d]) if kept else None,
            )
        ctx.call = call
        ctx.save_for_backward(
            lengths, mask, tokens, output, *kept, *inputs, *tensors[len(inputs) :]
        )
        return (output, *finals)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "the compiled recurrence has no second derivative: take it in float64, "
                "which goes another way"
            )
        call: _Call = ctx.call
        lengths, mask, tokens, output, *rest = ctx.saved_tensors
        kept, tensors = rest[: call.directions], rest[call.directions :]
        inputs, began, weights = call.parts(tensors)
        hidden = began[0].shape[2]
        d_output, *d_finals = (gradient.contiguous() for gradient in gradients)
        d_inputs = [call.like_input(one, output) for one in inputs]
        wanted = ctx.needs_input_grad[5]
        d_began = tuple(torch.empty_like(state) for state in began)
        d_weights = [Weights(*map(torch.empty_like, direction)) for direction in weights]
        for d in range(call.directions):
            d_input = d_inputs[d if call.projected else 0]
            compiled.backward(
                *call.arguments(d, inputs, tokens, lengths, began, weights, mask),
                _array(_half(output, d, hidden)),
                _array(kept[d]),
                _array(_half(d_output, d, hidden)),
                *_two(tuple(d_finals), d),
                _array(d_input) if wanted else None,
                d == 1 and not call.projected,
                *_two(d_began, d),
                *call.weights(d_weights[d]),
            )
        if call.projected and wanted:
            # What every place of a word wants of its projection, summed.
            d_inputs = [
                sum_by_word(d, tokens, len(table))
                for d, table in zip(d_inputs, inputs, strict=True)
            ]
        flat = [
            None if call.projected and name.endswith("_ih") else gradient
            for d in d_weights
            for name, gradient in d._asdict().items()
        ]
        return (None,) * 5 + (*(d_inputs if wanted else [None] * len(inputs)), *d_began, *flat)


class _Call(NamedTuple):
    """How one layer is read."""

    cell: str
    states: int
    directions: int
    threads: int
    projected: bool

    def parts(
        self, tensors: Sequence[Tensor]
    ) -> tuple[list[Tensor], tuple[Tensor, ...], list[Weights]]:
        """Inputs, states and each direction's weights, in the layout that the kernel takes."""
        first = self.directions if self.projected else 1
        inputs = [t if t.stride(-1) == 1 else t.contiguous() for t in tensors[:first]]
        rest = [tensor.contiguous() for tensor in tensors[first:]]
        began, flat = tuple(rest[: self.states]), rest[self.states :]
        size = len(Weights._fields)
        return inputs, began, [Weights(*flat[i : i + size]) for i in range(0, len(flat), size)]

    def arguments(
        self,
        direction: int,
        inputs: list[Tensor],
        tokens: Tensor | None,
        lengths: Tensor,
        began: tuple[Tensor, ...],
        weights: list[Weights],
        mask: Tensor | None,
    ) -> list[Any]:
        """What forward and backward are both told."""
        return [
            self.cell,
            None if self.projected else _array(inputs[0]),
            None if tokens is None else tokens.numpy(),
            _array(inputs[direction]) if self.projected else None,
            lengths.numpy(),
            *self.weights(weights[direction]),
            *_two(began, direction),
            None if mask is None else _array(mask[direction]),
            direction == 1,
            self.threads,
        ]

    def weights(self, weights: Weights) -> list[Any]:
        """A direction's weights, or their gradients, as arrays."""
        arrays = [_array(tensor) for tensor in weights]
        return [None, arrays[1], None, arrays[3]] if self.projected else arrays

    def like_input(self, given: Tensor, output: Tensor) -> Tensor:
        """Room for the gradient of an input; of projected words, at each of their places."""
        if not self.projected:
            return torch.empty_like(given)
        return output.new_empty(*output.shape[:2], given.shape[1])


def _half(output: Tensor, direction: int, hidden: int) -> Tensor:
    """One direction's part of the output."""
    return output[:, :, direction * hidden : (direction + 1) * hidden]


def _array(tensor: Tensor) -> Any:
    return tensor.detach().numpy()


def _two(states: tuple[Tensor, ...], direction: int) -> list[Any]:
    """h and c of one direction as arrays, None for what the cell has not."""
    arrays = [_array(state[direction]) for state in states]
    return [*arrays, *[None] * (2 - len(arrays))]
