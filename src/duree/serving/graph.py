"""The network as an ONNX graph, built node by node from ONNX's own recurrent operators.

torch's exporters fail on packed sequences, freeze the time axis, or give wrong results for padded
rows in the backward direction; ONNX's LSTM, GRU and RNN take the lengths of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from duree.evaluation.decision import FLOOR, Decision
from duree.network.cells import Weights
from duree.network.contracts import Link
from duree.network.model import SequenceModel
from duree.network.pooling import AttentionPooling, LastPooling, MaxPooling, MeanPooling
from duree.network.recurrent import GRU, LSTM, RNN, Recurrent
from duree.network.wide import MIX, JoinedModel, WideModel
from duree.sequences.ragged import PADDING

OPSET = 18  # of 2023: the first with BitwiseAnd
# The order of torch's gates in ONNX: r, z, n as z, r, h; i, f, g, o as i, o, f, c.
GATES = {"gru": (1, 0, 2), "lstm": (0, 3, 1, 2), "rnn_tanh": (0,), "rnn_relu": (0,)}
LOWEST = float(np.finfo(np.float32).min)


def to_onnx(network: nn.Module, link: Link, decision: Decision | None = None) -> onnx.ModelProto:
    """The graph from encoded rows to predictions.

    Parameters
    ----------
    network : SequenceModel or JoinedModel
    link : Link
        How predictions follow from scores.
    decision : Decision, optional
        Which classes or labels follow from the predictions.

    Returns
    -------
    onnx.ModelProto
        Inputs ``values`` (int64 [batch, steps], or [batch, steps, 1 + features] with step features,
        or float32 [batch, steps, channels]) and ``lengths`` (int64 [batch], each from 1 to steps);
        outputs ``scores`` and ``predictions``, float32 [batch, outputs], and with a decision
        ``decided``, bool [batch, outputs]. Values past a row's length are ignored.
    """
    graph = _Graph()
    deep = network.deep if isinstance(network, JoinedModel) else network
    assert isinstance(deep, SequenceModel)
    tokens = "values"
    if deep.step_features is not None:
        tokens = graph("Gather", "values", graph.constant(0, np.int64), axis=2)
    scores = _deep(graph, deep, tokens)
    if isinstance(network, JoinedModel):
        shares = network.shares.tolist()
        of_deep = graph("Mul", scores, graph.constant(shares[0]))
        of_wide = graph("Mul", _wide(graph, network.wide, tokens), graph.constant(shares[1]))
        scores = graph("Add", of_deep, of_wide)
    graph("Identity", scores, name="scores")
    scaled = graph("Mul", scores, graph.constant(link.scale))
    shifted = graph("Add", scaled, graph.constant(link.offset))
    axis = {"axis": 1} if link.function == "Softmax" else {}
    graph(link.function, shifted, name="predictions", **axis)
    kinds: dict[str, int] = {"scores": TensorProto.FLOAT, "predictions": TensorProto.FLOAT}
    if decision is not None:
        _decided(graph, decision)
        kinds["decided"] = TensorProto.BOOL
    return graph.model(deep, kinds)


class _Graph:
    """A graph under construction; a call adds a node and returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def __call__(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        return self.many(operator, inputs, 1, name, **attributes)[0]

    def many(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: int,
        name: str = "",
        **attributes: Any,
    ) -> list[str]:
        """Add a node with several outputs, and return their names."""
        names = [name or f"{operator.lower()}_{len(self.nodes)}"]
        names += [f"{names[0]}_{number}" for number in range(1, outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names

    def constant(self, value: Any, kind: Any = np.float32) -> str:
        """Add a constant, and return its name."""
        array = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array.astype(kind), name))
        return name

    def integers(self, *values: int) -> str:
        """Add a list of integers (axes, shapes, starts, ends), and return its name."""
        return self.constant(values, np.int64)

    def model(self, deep: SequenceModel, kinds: Mapping[str, int]) -> onnx.ModelProto:
        """The finished model, with outputs of these kinds."""
        shape: list[str | int] = ["batch", "steps"]
        if deep.step_features is not None:
            shape += [1 + len(deep.step_features.tables)]
        values = helper.make_tensor_value_info("values", TensorProto.INT64, shape)
        if deep.embedding is None:
            shape += [deep.recurrent.input_size]
            values = helper.make_tensor_value_info("values", TensorProto.FLOAT, shape)
        lengths = helper.make_tensor_value_info("lengths", TensorProto.INT64, ["batch"])
        outputs = [
            helper.make_tensor_value_info(name, kind, ["batch", deep.head.out_features])
            for name, kind in kinds.items()
        ]
        graph = helper.make_graph(self.nodes, "duree", [values, lengths], outputs, self.constants)
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, producer_name="duree")
        model.ir_version = 9  # as old as opset 18, for older runtimes
        onnx.checker.check_model(model)
        return model


def _decided(graph: _Graph, decision: Decision) -> None:
    """The output ``decided``: see ``Decision.given``."""
    floor, one = graph.constant(FLOOR), graph.constant(1.0)
    scores = graph("Log", graph("Max", "predictions", floor))
    if not decision.exclusive:
        others = graph("Max", graph("Sub", one, "predictions"), floor)
        scores = graph("Sub", scores, graph("Log", others))
    moved = graph("Add", scores, graph.constant(decision.offsets))
    if not decision.exclusive:
        graph("GreaterOrEqual", moved, graph.constant(0.0), name="decided")
        return
    best = graph("ArgMax", moved, axis=1, keepdims=1)
    places = graph.constant(range(len(decision.offsets)), np.int64)
    graph("Equal", best, places, name="decided")


def _deep(graph: _Graph, deep: SequenceModel, tokens: str) -> str:
    """Scores of the recurrent part, [batch, outputs]."""
    x = tokens
    if deep.embedding is not None:
        x = graph("Gather", graph.constant(deep.embedding.weight), x)
    for place, vectors in enumerate(
        deep.step_features.vectors() if deep.step_features else (), start=1
    ):
        codes = graph("Gather", "values", graph.constant(place, np.int64), axis=2)
        x = graph("Add", x, graph("Gather", graph.constant(vectors), codes))
    x = graph("Transpose", x, perm=[1, 0, 2])  # (T, B, I)
    lengths = graph("Cast", "lengths", to=TensorProto.INT32)
    for layer in range(deep.recurrent.num_layers):
        x = _layer(graph, deep.recurrent, layer, x, lengths)
    states = graph("Transpose", x, perm=[1, 0, 2])  # (B, T, D*H)
    pooled = POOLINGS[type(deep.pooling)](graph, deep, states)
    return graph(
        "Gemm", pooled, graph.constant(deep.head.weight), graph.constant(deep.head.bias), transB=1
    )


def _layer(graph: _Graph, layers: Recurrent, layer: int, x: str, lengths: str) -> str:
    """One layer, [steps, batch, any] to [steps, batch, directions * hidden]."""
    directions = [_reordered(layers, weights) for weights in layers.weights(layer)]
    w, r, b = (np.stack(tensors) for tensors in zip(*directions, strict=True))
    attributes: dict[str, Any] = {"hidden_size": layers.hidden_size}
    if layers.bidirectional:
        attributes["direction"] = "bidirectional"
    if isinstance(layers, GRU):
        attributes["linear_before_reset"] = 1
    if isinstance(layers, RNN):
        squash = {"tanh": "Tanh", "relu": "Relu"}[layers.nonlinearity]
        attributes["activations"] = [squash] * layers.directions
    operator = {GRU: "GRU", LSTM: "LSTM", RNN: "RNN"}[type(layers)]
    inputs = [x, *map(graph.constant, (w, r, b)), lengths]
    output = graph(operator, *inputs, **attributes)  # (T, D, B, H)
    swapped = graph("Transpose", output, perm=[0, 2, 1, 3])
    return graph("Reshape", swapped, graph.integers(0, 0, layers.directions * layers.hidden_size))


def _reordered(
    layers: Recurrent, weights: Weights
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Input weights, recurrent weights and both biases of one direction, in ONNX's order."""

    def reorder(tensor: Tensor) -> NDArray[np.float32]:
        blocks = tensor.detach().chunk(layers.gates)
        return np.concatenate([blocks[gate].numpy() for gate in GATES[layers.kind]])

    biases = [reorder(weights.bias_ih), reorder(weights.bias_hh)]
    return reorder(weights.weight_ih), reorder(weights.weight_hh), np.concatenate(biases)


def _last(graph: _Graph, deep: SequenceModel, states: str) -> str:
    hidden = deep.settings.hidden_size
    one = graph.integers(1)
    last = graph("Unsqueeze", graph("Sub", "lengths", one), one)  # (B, 1)
    chosen = graph("GatherND", states, last, batch_dims=1)  # (B, D*H)
    if not deep.recurrent.bidirectional:
        return chosen
    ahead = graph("Slice", chosen, graph.integers(0), graph.integers(hidden), one)
    first = graph("Gather", states, graph.constant(0, np.int64), axis=1)
    back = graph("Slice", first, graph.integers(hidden), graph.integers(2 * hidden), one)
    return graph("Concat", ahead, back, axis=1)


def _mean(graph: _Graph, deep: SequenceModel, states: str) -> str:
    total = graph("ReduceSum", states, graph.integers(1), keepdims=0)
    lengths = graph("Cast", "lengths", to=TensorProto.FLOAT)
    return graph("Div", total, graph("Unsqueeze", lengths, graph.integers(1)))


def _max(graph: _Graph, deep: SequenceModel, states: str) -> str:
    real = graph("Unsqueeze", _real(graph), graph.integers(2))  # (B, T, 1)
    masked = graph("Where", real, states, graph.constant(LOWEST))
    return graph("ReduceMax", masked, graph.integers(1), keepdims=0)


def _attention(graph: _Graph, deep: SequenceModel, states: str) -> str:
    assert isinstance(deep.pooling, AttentionPooling)
    first, _, second = deep.pooling.score
    weighed = graph("MatMul", states, graph.constant(first.weight.T))
    hidden = graph("Tanh", graph("Add", weighed, graph.constant(first.bias)))
    scores = graph("MatMul", hidden, graph.constant(second.weight.T))  # (B, T, 1)
    real = graph("Unsqueeze", _real(graph), graph.integers(2))
    masked = graph("Where", real, scores, graph.constant(LOWEST))
    shares = graph("Softmax", masked, axis=1)
    return graph("ReduceSum", graph("Mul", shares, states), graph.integers(1), keepdims=0)


POOLINGS = {LastPooling: _last, MeanPooling: _mean, MaxPooling: _max, AttentionPooling: _attention}


def _real(graph: _Graph) -> str:
    """True within each row's length, bool [batch, steps]."""
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    steps = graph("Gather", graph("Shape", "values"), one)
    count = graph("Range", zero, steps, one)
    return graph("Less", count, graph("Unsqueeze", "lengths", graph.integers(1)))


def _wide(graph: _Graph, wide: WideModel, tokens: str) -> str:
    """Scores of the wide part, [batch, outputs]; see ``WideModel`` for the hash."""
    padding = graph.constant(PADDING, np.int64)
    units = graph("Where", _real(graph), tokens, padding)
    one, ends = graph.integers(1), graph.integers(2**62)
    left = graph("Slice", units, graph.integers(0), graph.integers(-1), one)
    right = graph("Slice", units, one, ends, one)
    size = graph.constant(wide.vocabulary_size, np.int64)
    mixed = graph(
        "Mul", graph("Add", graph("Mul", left, size), right), graph.constant(MIX, np.int64)
    )
    # BitShift needs unsigned numbers; the sign bit is not among the masked bits.
    bits = graph("Cast", mixed, to=TensorProto.UINT64)
    shifted = graph("BitShift", bits, graph.constant(24, np.uint64), direction="RIGHT")
    masked = graph("BitwiseAnd", shifted, graph.constant(wide.places - 1, np.uint64))
    pairs = graph("Add", graph("Cast", masked, to=TensorProto.INT64), size)
    pairs = graph("Where", graph("Equal", right, padding), padding, pairs)
    features = graph("Concat", units, pairs, axis=1)
    count = graph("Gather", graph("Shape", features), graph.integers(1))
    ordered = graph.many("TopK", [features, count], 2, axis=1, largest=0, sorted=1)[0]
    before = graph("Slice", ordered, graph.integers(0), graph.integers(-1), one)
    nothing = graph("Sub", graph("Slice", ordered, graph.integers(0), one, one), one)  # (B, 1)
    new = graph("Not", graph("Equal", ordered, graph("Concat", nothing, before, axis=1)))
    first = graph("And", new, graph("Not", graph("Equal", ordered, padding)))
    of_words = _scaled_sum(graph, ordered, first, wide.weight, wide.size)
    is_unit = graph("And", first, graph("Less", ordered, size))
    spelled = graph("Where", is_unit, ordered, padding)
    of_characters = _scaled_sum(graph, spelled, is_unit, wide.spelling, wide.spelling_size)
    return graph("Add", graph("Add", of_words, of_characters), graph.constant(wide.bias))


def _scaled_sum(graph: _Graph, features: str, present: str, weight: Tensor, size: Tensor) -> str:
    """The weights of the features that are present, over the length of the row."""
    counted = graph("Cast", present, to=TensorProto.FLOAT)  # (B, F)
    weights = graph("Gather", graph.constant(weight), features)  # (B, F, K)
    weighted = graph("Mul", weights, graph("Unsqueeze", counted, graph.integers(2)))
    total = graph("ReduceSum", weighted, graph.integers(1), keepdims=0)
    squares = graph("Mul", graph("Gather", graph.constant(size), features), counted)
    square = graph("ReduceSum", squares, graph.integers(1), keepdims=1)
    length = graph("Sqrt", graph("Max", square, graph.constant(1.0)))
    return graph("Div", total, length)
