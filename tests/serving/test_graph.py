"""The ONNX graph gives the network's scores for every shape and all lengths of rows."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch

from duree.evaluation.decision import Decision
from duree.network.model import CELLS, SequenceModel
from duree.network.wide import JoinedModel, WideModel
from duree.recipe.settings import ModelSettings
from duree.serving.graph import to_onnx
from duree.tasks.task import Link

POOLINGS = ("last", "mean", "max", "attention")
SHAPES = [(cell, pooling, case) for cell in CELLS for pooling in POOLINGS for case in range(5)]


def draw(cell: str, pooling: str, case: int) -> tuple[torch.nn.Module, np.ndarray, np.ndarray]:
    """A network of a random shape, and rows of unequal lengths."""
    rng = np.random.default_rng([*map(ord, cell + pooling), case])
    of_words, outputs = case < 4, int(rng.integers(1, 6))
    words = int(rng.integers(6, 300))
    settings = ModelSettings(
        cell=cell,
        pooling=pooling,
        hidden_size=int(rng.integers(1, 50)),
        embedding_size=int(rng.integers(1, 40)),
        num_layers=1 + case % 3,
        bidirectional=bool(rng.integers(2)),
        wide=False,
    )
    kind = {"vocabulary_size": words} if of_words else {"channels": 3}
    torch.manual_seed(case)
    network: torch.nn.Module = SequenceModel(settings, outputs=outputs, **kind)
    generator = torch.Generator().manual_seed(case)
    if of_words and case % 2:
        network = JoinedModel(network, WideModel(words, outputs))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    network.eval()
    rows, steps = int(rng.integers(1, 9)), int(rng.integers(1, 60))
    lengths = rng.integers(1, steps + 1, rows)
    lengths[0] = steps
    values = rng.integers(1, words, (rows, steps))
    if not of_words:
        values = rng.normal(size=(rows, steps, 3)).astype(np.float32)
    return network, values, lengths


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("most", [0.0, 3.0])
@pytest.mark.parametrize("case", range(4))
def test_a_graph_decides_as_its_predictions_are_decided(exclusive, most, case):
    network, values, lengths = draw("gru", "max", case)
    link = Link("Softmax" if exclusive else "Sigmoid", 3.0, 0.5)
    outputs = network(torch.from_numpy(values), torch.from_numpy(lengths)).shape[1]
    offsets = np.random.default_rng(case).uniform(-most, most, outputs)
    decision = Decision(tuple(offsets), exclusive)
    graph = to_onnx(network, link, decision).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    given = {"values": values, "lengths": lengths}
    predictions, decided = session.run(["predictions", "decided"], given)
    np.testing.assert_array_equal(decided, decision.given(predictions.astype(np.float64)))


def run(network, values, lengths, link=Link("Identity", 1.0, 0.0)):  # noqa: B008
    graph = to_onnx(network, link).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(["scores", "predictions"], {"values": values, "lengths": lengths})


@pytest.mark.parametrize(("cell", "pooling", "case"), SHAPES)
def test_scores_are_the_networks_for_every_shape(cell, pooling, case):
    network, values, lengths = draw(cell, pooling, case)
    with torch.inference_mode():
        wanted = network(torch.from_numpy(values), torch.from_numpy(lengths)).numpy()
    np.testing.assert_allclose(run(network, values, lengths)[0], wanted, atol=1e-5, rtol=1e-5)


def test_what_stands_past_a_rows_length_never_matters():
    network, values, lengths = draw("lstm", "max", 1)
    other = values.copy()
    for row, length in enumerate(lengths):
        other[row, length:] = 4
    found, again = (run(network, rows, lengths)[0] for rows in (values, other))
    np.testing.assert_array_equal(found, again)


@pytest.mark.parametrize(
    ("link", "function"),
    [
        (Link("Softmax", 0.5, 0.0), lambda s: np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)),
        (Link("Sigmoid", 2.0, 0.0), lambda s: 1 / (1 + np.exp(-s))),
        (Link("Identity", 3.0, 7.0), lambda s: s),
    ],
)
def test_predictions_follow_from_scores_as_the_task_says(link, function):
    network, values, lengths = draw("gru", "mean", 0)
    scores, predictions = run(network, values, lengths, link)
    np.testing.assert_allclose(predictions, function(scores * link.scale + link.offset), rtol=1e-4)
