"""Traces are the reference cells' own steps, and summaries of them keep to what they may say."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from tests.support.untrained import untrained_model

from duree.errors import RunError
from duree.explain.gates import forgetting, half_lives, memories, trace, watch, watch_both
from duree.explain.model import recurrent_part
from duree.network.cells import gru_step, lstm_step, rnn_step
from duree.network.recurrent import GRU, LSTM, RNN
from duree.pipeline.model import TrainedModel
from duree.recipe.settings import ModelSettings, TextSettings
from duree.sequences.ragged import Ragged
from duree.sequences.text_encoder import SPECIAL, TextEncoder
from duree.tasks.classify import Classify

CELLS = {"gru": GRU, "lstm": LSTM, "rnn": RNN}


def untrained(cell: str, **settings: object) -> TrainedModel:
    words = SPECIAL + [f"w{number}" for number in range(20)]
    encoder = TextEncoder(TextSettings(segmenter="words"), words)
    shape = ModelSettings(cell=cell, hidden_size=6, embedding_size=5, wide=False, **settings)
    model = untrained_model(encoder, Classify(("a", "b")), shape, seed=2)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    model.network.eval()
    return model


@pytest.fixture
def rows() -> Ragged:
    rng = np.random.default_rng(0)
    return Ragged.from_rows([rng.integers(3, 23, n) for n in (1, 7, 12, 4)])


def by_hand(cell, layer, direction, x):
    """Every step of one layer and direction over one row, by the cells' equations."""
    weights = layer.weights(x[0])[direction == "backward"]
    steps = x[1] if direction == "forward" else x[1].flip(0)
    h, c, found = torch.zeros(1, 6), torch.zeros(1, 6), []
    for step in steps:
        a = torch.nn.functional.linear(step[None], weights.weight_ih, weights.bias_ih)
        if cell == "lstm":
            done = lstm_step(a, h, c, weights)
            c = done.c
        else:
            done = gru_step(a, h, weights) if cell == "gru" else rnn_step(a, h, weights)
        h = done.h
        found.append(done)
    return found if direction == "forward" else found[::-1]


@pytest.mark.parametrize("cell", list(CELLS))
def test_traces_equal_the_reference_cells_on_every_layer_and_direction(cell, rows):
    model = untrained(cell, num_layers=2, bidirectional=True)
    deep = recurrent_part(model)
    with torch.no_grad():
        for row, found in enumerate(trace(model, rows)):
            x = deep.vectors(torch.from_numpy(rows[row].astype(np.int64)))
            for layer in (0, 1):
                outputs = []
                for direction in ("forward", "backward"):
                    steps = by_hand(cell, deep.recurrent, direction, (layer, x))
                    for name, values in found.gates[layer, direction].items():
                        wanted = np.concatenate([getattr(step, name) for step in steps])
                        np.testing.assert_allclose(values, wanted, atol=1e-5)
                    outputs.append(torch.cat([step.h for step in steps]))
                x = torch.cat(outputs, dim=1)


@pytest.mark.parametrize("cell", list(CELLS))
def test_traced_hidden_states_are_those_that_predictions_rest_on(cell, rows):
    model = untrained(cell, num_layers=2, bidirectional=True)
    deep = recurrent_part(model)
    for row, found in enumerate(trace(model, rows)):
        tokens = torch.from_numpy(rows[row].astype(np.int64))[None]
        with torch.inference_mode():
            states = deep.states(tokens, torch.tensor([tokens.shape[1]]))[0]
        last = [found.gates[1, direction]["h"] for direction in ("forward", "backward")]
        np.testing.assert_allclose(np.concatenate(last, axis=1), states, atol=1e-5)


def test_a_forget_gate_that_never_moves_has_the_half_life_of_its_bias(rows):
    model = untrained("lstm", bidirectional=False)
    layer = recurrent_part(model).recurrent
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.bias_ih_l0[6:12] = torch.linspace(-1, 4, 6)
    gates = torch.sigmoid(torch.linspace(-1, 4, 6)).double().numpy()
    found = half_lives(watch(model, rows))[0, "forward"]
    np.testing.assert_allclose(found, np.log(0.5) / np.log(gates), rtol=1e-4)


def test_order_does_not_matter_to_gates_that_ignore_it(rows):
    model = untrained("gru", bidirectional=True)
    layer = recurrent_part(model).recurrent
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if "_hh" in name:
                parameter.zero_()
    many = Ragged.from_rows([rows[row % 4] for row in range(80)])
    assert not any(memory.finding for memory in memories(watch_both([model], many)))
    found = forgetting(watch_both([model], many), model.encoder.vocabulary)
    assert found
    assert not any(word.finding for word in found)
    assert [word.retained for word in found] == sorted(word.retained for word in found)
    assert all(word.retained == pytest.approx(word.shuffled, abs=1e-5) for word in found)


def test_a_pattern_that_another_seed_lacks_is_no_finding():
    heeding = untrained("lstm", bidirectional=True)
    deaf = copy.deepcopy(heeding)  # to what came before
    with torch.no_grad():
        for name, parameter in recurrent_part(heeding).recurrent.named_parameters():
            if "weight_hh" in name:
                parameter.mul_(4)
        for name, parameter in recurrent_part(deaf).recurrent.named_parameters():
            if "weight_hh" in name:
                parameter.zero_()
    rng = np.random.default_rng(0)
    rows = Ragged.from_rows([np.sort(rng.integers(3, 23, 12)) for _ in range(80)])
    alone, both = (
        memories(watch_both(networks, rows)) for networks in ([heeding], [heeding, deaf])
    )
    assert any(memory.finding for memory in alone)
    assert not any(memory.finding for memory in both)
    assert [memory.longest for memory in alone] == [memory.longest for memory in both]
    assert all(len(memory.seeds) == 1 for memory in both)


def test_a_simple_network_has_no_gates(rows):
    with pytest.raises(RunError, match=r"has no gates; train a GRU or an LSTM"):
        watch(untrained("rnn"), rows)


def test_means_are_named_by_gate_layer_and_direction(rows):
    found = next(trace(untrained("lstm", bidirectional=True), rows)).means()
    assert "f, layer 1, forward" in found
    assert "|c|, layer 1, backward" in found
    assert all(values.shape == (1,) for values in found.values())
