"""Recurrent layers over sequences of unequal length: ``(values, lengths) -> states``.

Padding is at the end, so a forward layer reads it only after the row. The backward direction reads
each row reversed within its own length. Sequences are not packed, since packing costs several times
the arithmetic on a CPU. Weights have ``torch.nn``'s names and layout.

In float32 on a CPU the compiled kernels are used where available; in float64, and on other devices,
torch's own operators.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from duree.network import kernels
from duree.network.cells import (
    GRUStep,
    LSTMStep,
    RNNStep,
    Weights,
    gru_step,
    lstm_step,
    rnn_step,
)
from duree.network.kernels.layer import Words, project, read_layer

State = tuple[Tensor, ...]
Step = RNNStep | GRUStep | LSTMStep

# The last arguments of torch's fused operators: biases, one layer, no dropout, training (for
# gradients), one direction, batch first.
ONE_LAYER = (True, 1, 0.0, True, False, True)


class Recurrent(nn.Module):
    """The base of the three cells: layers, directions, dropout and parameters.

    Parameters
    ----------
    input_size, hidden_size : int
        Channels of the input and of the state.
    num_layers : int
        Number of stacked layers.
    bidirectional : bool
        Read in both directions; outputs are concatenated, forward first.
    dropout : float
        Dropout between layers, with one mask for all steps of a sequence.
    recurrent_dropout : float
        Dropout on the previous hidden state, with one mask (Gal & Ghahramani 2016; as in Keras).

    Notes
    -----
    Call ``layer(x, lengths, initial=None)`` with x float [batch, steps, input] and lengths int64
    [batch], each from 0 to steps. ``output`` is [batch, steps, directions * hidden], zero past each
    length; ``final`` (and ``initial``) are [num_layers * directions, batch, hidden], for the LSTM a
    pair (h, c). The final state of a row of length 0 is its initial state.
    """

    kind: str  # the cell's name in ``kernels``
    gates: ClassVar[int]
    states: ClassVar[int] = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bidirectional, self.dropout = bidirectional, dropout
        self.recurrent_dropout = recurrent_dropout
        width = input_size
        for layer in range(num_layers):
            for suffix in self._suffixes(layer):
                rows = self.gates * hidden_size
                shapes = Weights((rows, width), (rows, hidden_size), (rows,), (rows,))  # type: ignore[arg-type]
                for name, shape in shapes._asdict().items():
                    self.register_parameter(name + suffix, nn.Parameter(torch.empty(shape)))
            width = hidden_size * self.directions
        self.reset_parameters()

    @property
    def directions(self) -> int:
        """1, or 2 if bidirectional."""
        return 2 if self.bidirectional else 1

    def weights(self, layer: int) -> list[Weights]:
        """The parameters of one layer, from 0: one Weights per direction, forward first."""
        return [
            Weights(*(getattr(self, name + suffix) for name in Weights._fields))
            for suffix in self._suffixes(layer)
        ]

    def reset_parameters(self) -> None:
        """Orthogonal recurrent blocks (Saxe et al. 2014), Glorot-uniform input blocks, no bias."""
        for name, parameter in self.named_parameters():
            if name.startswith("bias"):
                nn.init.zeros_(parameter)
                continue
            fill = nn.init.orthogonal_ if "_hh" in name else nn.init.xavier_uniform_
            for block in parameter.data.chunk(self.gates):
                fill(block)

    def forward(
        self, x: Tensor, lengths: Tensor, initial: Tensor | State | None = None
    ) -> tuple[Tensor, Tensor | State]:
        """Every hidden state and the final states; see the class notes for shapes."""
        return self._with_finals(x, lengths, initial)

    def forward_of_words(
        self,
        tokens: Tensor,
        projected: list[Tensor],
        lengths: Tensor,
        initial: Tensor | State | None = None,
    ) -> tuple[Tensor, Tensor | State]:
        """``forward(vectors[tokens], lengths, initial)``; ``projected`` is ``project(vectors)``.

        For the compiled kernels only.
        """
        return self._with_finals(Words(tokens, projected), lengths, initial)

    def _with_finals(
        self, x: Tensor | Words, lengths: Tensor, initial: Tensor | State | None
    ) -> tuple[Tensor, Tensor | State]:
        output, finals = self._run(x, lengths, initial, want_final=True)
        final = tuple(torch.cat(states) for states in zip(*finals, strict=True))
        return output, final if self.states > 1 else final[0]

    def hidden_states(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The output alone, which is faster than with the final states."""
        return self._run(x, lengths, None, want_final=False)[0]

    @torch.no_grad()
    def trace(self, x: Tensor, lengths: Tensor) -> list[list[Step]]:
        """Gates and states at every step, by the reference cell, without dropout.

        For each layer and, within it, each direction (forward first) one Step, whose fields are
        [batch, steps, hidden] in the order of the sequence, and zero past each length.
        """
        layers = []
        for layer in range(self.num_layers):
            directions = [
                self._trace_direction(x, lengths, weights, backward=place == 1)
                for place, weights in enumerate(self.weights(layer))
            ]
            layers.append(directions)
            x = torch.cat([step.h for step in directions], dim=2)
        return layers

    def _trace_direction(
        self, x: Tensor, lengths: Tensor, weights: Weights, *, backward: bool
    ) -> Step:
        padding = torch.arange(x.shape[1], device=x.device) >= lengths[:, None]  # (B, T)
        read = reverse_rows(x, lengths) if backward else x
        projected = linear(read, weights.weight_ih, weights.bias_ih)  # (B, T, G*H)
        state: State = tuple(x.new_zeros(len(x), self.hidden_size) for _ in range(self.states))
        steps = []
        for a in projected.unbind(1):
            steps.append(self._step(a, state, weights, state[0]))
            state = steps[-1][: self.states]
        found = (torch.stack(values, dim=1) for values in zip(*steps, strict=True))
        ordered = (reverse_rows(values, lengths) if backward else values for values in found)
        return type(steps[0])(*(v.masked_fill(padding[:, :, None], 0.0) for v in ordered))

    def project(self, vectors: Tensor) -> list[Tensor]:
        """W x + b of the first layer for every word, [words, gates * hidden], per direction."""
        return [project(self.kind, vectors, weights) for weights in self.weights(0)]

    def hidden_states_of_words(
        self, tokens: Tensor, projected: list[Tensor], lengths: Tensor
    ) -> Tensor:
        """``hidden_states(vectors[tokens], lengths)``, with ``projected`` = ``project(vectors)``.

        Every word is projected once; for the compiled kernels only.
        """
        return self._run(Words(tokens, projected), lengths, None, want_final=False)[0]

    def _run(
        self,
        x: Tensor | Words,
        lengths: Tensor,
        initial: Tensor | State | None,
        want_final: bool,
    ) -> tuple[Tensor, list[State]]:
        given, start = x, None if initial is None else tuple_of(initial)
        finals: list[State] = []
        for layer in range(self.num_layers):
            first = layer * self.directions
            began = start and tuple(state[first : first + self.directions] for state in start)
            weights = self.weights(layer)
            mask = self._mask(len(lengths), weights[0].weight_hh)
            if isinstance(given, Words) or kernels.serves(given, *(began or ()), *weights[0]):
                output, final = read_layer(
                    self.kind, given, lengths, began, weights, mask, want_final
                )
            else:
                output, final = self._read_layer(given, lengths, began, weights, mask, want_final)
            finals.append(final)
            if layer + 1 < self.num_layers:
                given = dropout_alike(output, self.dropout, self.training)
        return output, finals

    def _read_layer(
        self,
        x: Tensor,
        lengths: Tensor,
        began: State | None,
        weights: list[Weights],
        mask: Tensor | None,
        want_final: bool,
    ) -> tuple[Tensor, State]:
        """The same as ``kernels.layer``, by torch's operators; finals only if wanted."""
        shape = (len(weights), len(lengths), self.hidden_size)
        began = began or tuple(x.new_zeros(shape) for _ in range(self.states))
        padding = torch.arange(x.shape[1], device=x.device) >= lengths[:, None]  # (B, T)
        # Values past a length, even NaN, must not reach a gradient.
        x = x.masked_fill(padding[:, :, None], 0.0)
        outputs, finals = [], []
        for direction, parameters in enumerate(weights):
            start = tuple(state[direction] for state in began)
            read = reverse_rows(x, lengths) if direction else x
            if mask is None or x.shape[1] == 0:
                states = self._scan(read, start, parameters, want_final)
            else:
                states = self._scan_by_step(read, start, parameters, mask[direction])
            if want_final:
                finals.append(_last_states(states, start, lengths))
            outputs.append(reverse_rows(states[0], lengths) if direction else states[0])
        output = torch.cat(outputs, dim=2).masked_fill(padding[:, :, None], 0.0)  # (B, T, D*H)
        return output, tuple(torch.stack(state) for state in zip(*finals, strict=True))

    def _mask(self, rows: int, like: Tensor) -> Tensor | None:
        """One recurrent mask for each sequence and direction, [directions, batch, hidden]."""
        if not self.training or self.recurrent_dropout == 0:
            return None
        keep = 1 - self.recurrent_dropout
        mask = like.new_empty(self.directions, rows, self.hidden_size)
        return mask.bernoulli_(keep).div_(keep)

    def _scan(self, x: Tensor, began: State, weights: Weights, want_final: bool) -> State:
        """The states at every step, [batch, steps, hidden] each; only h without ``want_final``."""
        if 0 in x.shape[:2]:
            return tuple(x.new_zeros(*x.shape[:2], self.hidden_size) for _ in began)
        return self._scan_at_once(x, began, weights, want_final)

    def _scan_by_step(self, x: Tensor, began: State, weights: Weights, mask: Tensor) -> State:
        """Step by step, with the state seen by the gates under one mask per sequence."""
        projected = linear(x, weights.weight_ih, weights.bias_ih)  # (B, T, G*H)
        state, trace = began, []
        for a in projected.unbind(1):
            state = self._step(a, state, weights, state[0] * mask)[: self.states]
            trace.append(state)
        return tuple(torch.stack(states, dim=1) for states in zip(*trace, strict=True))

    def _scan_at_once(self, x: Tensor, began: State, weights: Weights, want_final: bool) -> State:
        """All steps in one call of torch."""
        raise NotImplementedError

    def _step(self, a: Tensor, state: State, weights: Weights, seen: Tensor) -> Step:
        """One step of the cell's reference: its states first, then its gates."""
        raise NotImplementedError

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"][: self.directions]


class RNN(Recurrent):
    """Simple recurrent network (Elman 1990). See ``Recurrent`` for the other parameters.

    Parameters
    ----------
    nonlinearity : {"tanh", "relu"}
    """

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        nonlinearity: str = "tanh",
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity must be 'tanh' or 'relu', not {nonlinearity!r}")
        super().__init__(
            input_size, hidden_size, num_layers, bidirectional, dropout, recurrent_dropout
        )
        self.nonlinearity = nonlinearity
        self.kind = f"rnn_{nonlinearity}"

    def _scan_at_once(self, x: Tensor, began: State, weights: Weights, want_final: bool) -> State:
        scan = torch._VF.rnn_tanh if self.nonlinearity == "tanh" else torch._VF.rnn_relu
        h: Tensor = scan(x, began[0][None], list(weights), *ONE_LAYER)[0]
        return (h,)

    def _step(self, a: Tensor, state: State, weights: Weights, seen: Tensor) -> RNNStep:
        return rnn_step(a, state[0], weights, seen, self.nonlinearity)


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014), its reset gate after the product, as in cuDNN."""

    kind = "gru"
    gates = 3

    def _scan_at_once(self, x: Tensor, began: State, weights: Weights, want_final: bool) -> State:
        h: Tensor = torch._VF.gru(x, began[0][None], list(weights), *ONE_LAYER)[0]
        return (h,)

    def _step(self, a: Tensor, state: State, weights: Weights, seen: Tensor) -> GRUStep:
        return gru_step(a, state[0], weights, seen)


class LSTM(Recurrent):
    """Long short-term memory with a forget gate (Gers et al. 2000), whose initial bias is 1."""

    kind = "lstm"
    gates = 4
    states = 2

    def reset_parameters(self) -> None:
        """As the other cells, with an initial forget-gate bias of 1 (Jozefowicz et al. 2015)."""
        super().reset_parameters()
        for name, parameter in self.named_parameters():
            if name.startswith("bias_ih"):
                parameter.data[self.hidden_size : 2 * self.hidden_size] = 1.0

    def _scan_at_once(self, x: Tensor, began: State, weights: Weights, want_final: bool) -> State:
        h0, c0 = began
        h = torch._VF.lstm(x, (h0[None], c0[None]), list(weights), *ONE_LAYER)[0]
        return (h, _cell_states(x, h, h0, c0, weights)) if want_final else (h,)

    def _step(self, a: Tensor, state: State, weights: Weights, seen: Tensor) -> LSTMStep:
        return lstm_step(a, state[0], state[1], weights, seen)


def _cell_states(x: Tensor, h: Tensor, h0: Tensor, c0: Tensor, weights: Weights) -> Tensor:
    """The LSTM's c at every step, [batch, steps, hidden]; torch returns only the last.

    With h known at every step, the gates of all steps are one product, and only the sum is a loop.
    """
    before = torch.cat([h0[:, None], h[:, :-1]], dim=1)
    gates = linear(x, weights.weight_ih, weights.bias_ih)
    gates = gates + linear(before, weights.weight_hh, weights.bias_hh)
    i, f, g, _ = gates.chunk(4, dim=2)
    added = torch.sigmoid(i) * torch.tanh(g)
    keep = torch.sigmoid(f)
    c, trace = c0, []
    for t in range(x.shape[1]):
        c = keep[:, t] * c + added[:, t]
        trace.append(c)
    return torch.stack(trace, dim=1)


def tuple_of(states: Tensor | State) -> State:
    """The states of any cell as a tuple."""
    return (states,) if isinstance(states, Tensor) else tuple(states)


def dropout_alike(x: Tensor, share: float, training: bool) -> Tensor:
    """Dropout with one mask for all steps of a sequence; x is [batch, steps, channels]."""
    if not training or share == 0:
        return x
    keep = torch.rand(x.shape[0], 1, x.shape[2], device=x.device, dtype=x.dtype) >= share
    return x * (keep / (1 - share))


def reverse_rows(x: Tensor, lengths: Tensor) -> Tensor:
    """Each row's real steps in reverse order, with padding in place; x is [batch, steps, any]."""
    steps = torch.arange(x.shape[1], device=x.device)
    mirrored = lengths[:, None] - 1 - steps
    index = torch.where(mirrored >= 0, mirrored, steps)  # (B, T)
    # Whole rows of the flattened tensor: a third of the time of a gather, forward and backward.
    index += torch.arange(x.shape[0], device=x.device)[:, None] * x.shape[1]
    return x.flatten(0, 1).index_select(0, index.flatten()).view(x.shape)


def _last_states(states: State, began: State, lengths: Tensor) -> State:
    """The states [batch, hidden] at each row's last real step; the initial ones if it has none."""
    rows = torch.arange(len(lengths), device=lengths.device)
    finals = []
    for trace, start in zip(states, began, strict=True):
        joined = torch.cat([start[:, None], trace], dim=1)  # step t is at t + 1
        finals.append(joined[rows, lengths])
    return tuple(finals)
