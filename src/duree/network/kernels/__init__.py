"""The compiled recurrence: one layer, all its directions, forwards and backwards, in float32.

The C++ beside this file is bound to NumPy arrays and knows nothing of PyTorch. Where it was not
built or cannot be loaded, ``compiled`` is None and ``torch.nn`` does the work.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor

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


def read_layer(
    cell: str,
    x: Tensor,
    lengths: Tensor,
    began: tuple[Tensor, ...],
    weights: list[Weights],
    mask: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One layer over a batch.

    Parameters
    ----------
    cell : {"rnn_tanh", "rnn_relu", "gru", "lstm"}
    x : float32 [batch, steps, input]
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
    flat = [tensor for direction in weights for tensor in direction]
    output, *finals = _Layer.apply(cell, x, lengths, mask, len(began), *began, *flat)  # type: ignore[no-untyped-call]
    return output, tuple(finals)


class _Layer(torch.autograd.Function):
    """``read_layer`` for autograd: inputs flat, states first, then the directions' weights."""

    @staticmethod
    def forward(
        ctx: Any,
        cell: str,
        x: Tensor,
        lengths: Tensor,
        mask: Tensor | None,
        states: int,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        x = x if x.stride(2) == 1 else x.contiguous()
        tensors = tuple(tensor.contiguous() for tensor in tensors)
        began, weights = tensors[:states], _by_direction(tensors[states:])
        directions, rows, hidden = began[0].shape
        output = x.new_empty(rows, x.shape[1], directions * hidden)
        finals = tuple(torch.empty_like(state) for state in began)
        floats = compiled.saved_floats(cell, hidden, lengths.numpy())
        kept = [x.new_empty(floats) for _ in range(directions)] if any(ctx.needs_input_grad) else []
        threads = torch.get_num_threads()
        for d in range(directions):
            compiled.forward(
                cell,
                _array(x),
                lengths.numpy(),
                *map(_array, weights[d]),
                *_two(began, d),
                None if mask is None else _array(mask[d]),
                d == 1,
                threads,
                _array(output[:, :, d * hidden : (d + 1) * hidden]),
                *_two(finals, d),
                _array(kept[d]) if kept else None,
            )
        ctx.cell, ctx.states, ctx.threads = cell, states, threads
        ctx.save_for_backward(x, lengths, mask, output, *kept, *tensors)
        return (output, *finals)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "the compiled recurrence has no second derivative: take it in float64, "
                "which goes another way"
            )
        x, lengths, mask, output, *rest = ctx.saved_tensors
        d_output, *d_finals = (gradient.contiguous() for gradient in gradients)
        directions, hidden = d_finals[0].shape[0], d_finals[0].shape[2]
        kept, tensors = rest[:directions], rest[directions:]
        began, weights = tensors[: ctx.states], _by_direction(tensors[ctx.states :])
        dx = torch.empty_like(x) if ctx.needs_input_grad[1] else None
        d_began = tuple(torch.empty_like(state) for state in began)
        d_weights = [Weights(*map(torch.empty_like, direction)) for direction in weights]
        for d in range(directions):
            part = slice(d * hidden, (d + 1) * hidden)
            compiled.backward(
                ctx.cell,
                _array(x),
                lengths.numpy(),
                *map(_array, weights[d]),
                *_two(began, d),
                None if mask is None else _array(mask[d]),
                d == 1,
                ctx.threads,
                _array(output[:, :, part]),
                _array(kept[d]),
                _array(d_output[:, :, part]),
                *_two(tuple(d_finals), d),
                None if dx is None else _array(dx),
                d == 1,
                *_two(d_began, d),
                *map(_array, d_weights[d]),
            )
        flat = [gradient for direction in d_weights for gradient in direction]
        return (None, dx, None, None, None, *d_began, *flat)


def _array(tensor: Tensor) -> Any:
    return tensor.detach().numpy()


def _two(states: tuple[Tensor, ...], direction: int) -> list[Any]:
    """h and c of one direction as arrays, None for what the cell has not."""
    arrays = [_array(state[direction]) for state in states]
    return [*arrays, *[None] * (2 - len(arrays))]


def _by_direction(flat: tuple[Tensor, ...]) -> list[Weights]:
    size = len(Weights._fields)
    return [Weights(*flat[start : start + size]) for start in range(0, len(flat), size)]
