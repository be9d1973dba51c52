"""One recurrent layer with all its directions, forward and backward passes, by the kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from duree.network import kernels
from duree.network.cells import Weights
from duree.network.kernels import array
from duree.network.kernels.rows import sum_by_word

States = tuple[Tensor, ...]


class Words(NamedTuple):
    """Words instead of x, each projected once for all its occurrences.

    Attributes
    ----------
    tokens : int64 [batch, steps]
    projected : list of float32 [words, gates * hidden]
        W x + b of every word in ``tokens``, for each direction.
    """

    tokens: Tensor
    projected: list[Tensor]


def read_layer(
    cell: str,
    x: Tensor | Words,
    lengths: Tensor,
    began: States | None,
    weights: list[Weights],
    mask: Tensor | None = None,
    want_final: bool = True,
) -> tuple[Tensor, States]:
    """One layer over a batch.

    Parameters
    ----------
    cell : {"rnn_tanh", "rnn_relu", "gru", "lstm"}
    x : float32 [batch, steps, input], or Words
    lengths : int64 [batch]
    began : tuple of float32 [directions, batch, hidden], or None
        h, and for the LSTM c, before the first step; None for zeros.
    weights : list of Weights
        One for each direction, forward first.
    mask : float32 [directions, batch, hidden] or None
        What the gates' view of h is multiplied by at every step.
    want_final : bool
        Whether the final states are returned.

    Returns
    -------
    output : float32 [batch, steps, directions * hidden]
    finals : tuple of float32 [directions, batch, hidden]
        h, and for the LSTM c, after each row's last step.
    """
    words = x if isinstance(x, Words) else None
    inputs = words.projected if words else [x]
    flat = [tensor for direction in weights for tensor in direction]
    tensors = [*inputs, *(began or ()), *flat]
    layer = _Layer(
        cell,
        lengths,
        mask,
        words.tokens if words else None,
        len(began or ()),
        len(weights),
        torch.get_num_threads(),
        want_final,
    )
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        output, *finals = _Differentiable.apply(layer, *tensors)  # type: ignore[no-untyped-call]
    else:
        output, *finals = layer.forward(tensors, [])
    return output, tuple(finals)


def project(cell: str, vectors: Tensor, weights: Weights) -> Tensor:
    """W x + b of every vector [words, input]: float32 [words, gates * hidden].

    Unlike torch's product, the result of a word does not depend on the other words.
    """
    found: Tensor = _Projection.apply(cell, vectors, weights.weight_ih, weights.bias_ih)  # type: ignore[no-untyped-call]
    return found


class _Projection(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, cell: str, vectors: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        vectors, weight = vectors.contiguous(), weight.contiguous()
        projected = vectors.new_empty(len(vectors), len(weight))
        kernels.compiled.project(
            cell, *map(array, (vectors, weight, bias, projected)), torch.get_num_threads()
        )
        ctx.save_for_backward(vectors, weight)
        return projected

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        vectors, weight = ctx.saved_tensors
        return None, gradient @ weight, gradient.T @ vectors, gradient.sum(dim=0)


class _Layer(NamedTuple):
    """The arguments of ``read_layer`` other than its tensors (inputs, states, weights)."""

    cell: str
    lengths: Tensor
    mask: Tensor | None
    tokens: Tensor | None
    states: int
    directions: int
    threads: int
    want_final: bool

    def forward(self, tensors: Sequence[Tensor], saved: list[Tensor]) -> tuple[Tensor, ...]:
        """Output and finals; ``saved``, if not empty, is filled for the backward pass."""
        inputs, began, weights = self.parts(tensors)
        hidden = weights[0].weight_hh.shape[1]
        rows, steps = (inputs[0] if self.tokens is None else self.tokens).shape[:2]
        like = weights[0].weight_hh
        output = like.new_empty(rows, steps, self.directions * hidden)
        finals: list[Tensor] = []
        if self.want_final:
            shape = (2 if self.cell == "lstm" else 1, self.directions, rows, hidden)
            finals = list(like.new_empty(shape))
        for d in range(self.directions):
            kernels.compiled.forward(
                *self.arguments(d, inputs, began, weights),
                array(_half(output, d, hidden)),
                *_two(finals, d),
                array(saved[d]) if saved else None,
            )
        return (output, *finals)

    def backward(
        self,
        tensors: Sequence[Tensor],
        output: Tensor,
        saved: Sequence[Tensor],
        gradients: Sequence[Tensor | None],
        wanted: bool,
    ) -> list[Tensor | None]:
        """The gradients of the tensors; those of the inputs only if wanted."""
        inputs, began, weights = self.parts(tensors)
        hidden = weights[0].weight_hh.shape[1]
        d_output, *d_finals = (d if d is None else d.contiguous() for d in gradients)
        if self.tokens is None:
            d_inputs = [torch.empty_like(inputs[0])]
        else:  # at each occurrence of a word
            d_inputs = [output.new_empty(*output.shape[:2], t.shape[1]) for t in inputs]
        d_began = [torch.empty_like(state) for state in began]
        d_weights = [Weights(*map(torch.empty_like, direction)) for direction in weights]
        for d in range(self.directions):
            kernels.compiled.backward(
                *self.arguments(d, inputs, began, weights),
                array(_half(output, d, hidden)),
                array(saved[d]),
                None if d_output is None else array(_half(d_output, d, hidden)),
                *_two(d_finals, d),
                array(d_inputs[0 if self.tokens is None else d]) if wanted else None,
                d == 1 and self.tokens is None,  # both directions add to one x
                *_two(d_began, d),
                *self.arrays(d_weights[d]),
            )
        if self.tokens is not None and wanted:
            d_inputs = [
                sum_by_word(d, self.tokens, len(table))
                for d, table in zip(d_inputs, inputs, strict=True)
            ]
        flat = [
            None if self.tokens is not None and name.endswith("_ih") else gradient
            for direction in d_weights
            for name, gradient in direction._asdict().items()
        ]
        return [*(d_inputs if wanted else [None] * len(inputs)), *d_began, *flat]

    def parts(self, tensors: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor], list[Weights]]:
        """Inputs, states and each direction's weights, in the layout of the kernel."""
        first = 1 if self.tokens is None else self.directions
        inputs = [t if t.stride(-1) == 1 else t.contiguous() for t in tensors[:first]]
        rest = [tensor.contiguous() for tensor in tensors[first:]]
        flat, size = rest[self.states :], len(Weights._fields)
        weights = [Weights(*flat[i : i + size]) for i in range(0, len(flat), size)]
        return inputs, rest[: self.states], weights

    def arguments(
        self, d: int, inputs: list[Tensor], began: list[Tensor], weights: list[Weights]
    ) -> list[Any]:
        """The arguments of direction ``d`` common to forward and backward."""
        read = [array(inputs[0]), None, None]
        if self.tokens is not None:
            read = [None, self.tokens.numpy(), array(inputs[d])]
        return [
            self.cell,
            *read,
            self.lengths.numpy(),
            *self.arrays(weights[d]),
            *_two(began, d),
            None if self.mask is None else array(self.mask[d]),
            d == 1,
            self.threads,
        ]

    def arrays(self, weights: Weights) -> list[Any]:
        """A direction's weights, or their gradients; for words, without those of the input."""
        if self.tokens is None:
            return [array(tensor) for tensor in weights]
        return [None, array(weights.weight_hh), None, array(weights.bias_hh)]


class _Differentiable(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, layer: _Layer, *tensors: Tensor) -> tuple[Tensor, ...]:
        hidden = tensors[-3].shape[1]  # of the last direction's weight_hh
        floats = kernels.compiled.saved_floats(layer.cell, hidden, layer.lengths.numpy())
        saved = [tensors[-1].new_empty(floats) for _ in range(layer.directions)]
        output, *finals = layer.forward(tensors, saved)
        ctx.layer = layer
        ctx.save_for_backward(output, *saved, *tensors)
        ctx.set_materialize_grads(False)
        return (output, *finals)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "the compiled recurrence has no second derivative: take it in float64, "
                "which goes another way"
            )
        layer: _Layer = ctx.layer
        output, *rest = ctx.saved_tensors
        saved, tensors = rest[: layer.directions], rest[layer.directions :]
        wanted = ctx.needs_input_grad[1]
        return (None, *layer.backward(tensors, output, saved, gradients, wanted))


def _half(output: Tensor, direction: int, hidden: int) -> Tensor:
    """The output of one direction."""
    return output[:, :, direction * hidden : (direction + 1) * hidden]


def _two(states: Sequence[Tensor | None], direction: int) -> list[Any]:
    """h and c of one direction as arrays; None if absent."""
    arrays = [None if state is None else array(state[direction]) for state in states]
    return [*arrays, *[None] * (2 - len(arrays))]
