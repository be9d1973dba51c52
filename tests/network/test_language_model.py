"""A language model reads each document from its beginning, whatever its length."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.support.language import CODES, NO_DROPOUT, documents, model

from duree.network import language_model
from duree.network.documents import Documents
from duree.network.language_model import LanguageModel
from duree.network.scoring import scores
from duree.recipe.settings import ModelSettings
from duree.sequences.language_encoder import ASSIGNED_CHARACTERS
from duree.sequences.ragged import END, UNKNOWN, Ragged

BUILDS = [
    {"cell": "gru"},
    {"cell": "lstm", "num_layers": 2},
    {"cell": "lstm", "hidden_size": 5},
    {"cell": "rnn"},
]


@pytest.mark.parametrize("build", BUILDS)
def test_the_probability_of_each_unit_is_that_of_reading_on_step_by_step(build):
    network, codes = model(**build).eval(), documents([9]).sequences
    found = scores(network, codes)
    assert found.shape == (9, 1)
    before, state = END, None
    for place, code in enumerate(codes[0].tolist()):
        chances, state = network.read(torch.tensor([[before]]), state)
        assert float(chances.exp().sum()) == pytest.approx(1, abs=1e-6)
        assert found[place, 0] == pytest.approx(float(chances[0, code]), abs=1e-6)
        before = code


def test_reading_several_units_at_once_goes_on_as_reading_them_one_by_one():
    network, codes = model(cell="lstm").eval(), torch.tensor([[END, 5, 6, 7, 8]])
    whole, _ = network.read(codes)
    _, state = network.read(codes[:, :3])
    continued, _ = network.read(codes[:, 3:], state)
    torch.testing.assert_close(continued, whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("build", BUILDS)
def test_a_document_is_scored_alone_as_beside_others_and_in_any_pieces(build, monkeypatch):
    network, codes = model(**build).eval(), documents([40, 1, 7, 23]).sequences
    found = scores(network, codes)
    monkeypatch.setattr(language_model, "AT_ONCE", 3)
    alone = [scores(network, codes.take(np.array([row]))) for row in range(len(codes))]
    np.testing.assert_allclose(np.concatenate(alone), found, atol=1e-6)


def test_the_probability_of_an_unknown_character_is_divided_among_all_characters():
    network = model().eval()
    found = scores(network, Ragged.from_rows([[UNKNOWN, 5, END]]))
    chances, _ = network.read(torch.tensor([[END]]))
    expected = float(chances[0, UNKNOWN]) - math.log(ASSIGNED_CHARACTERS)
    assert found[0, 0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("lengths", [[60], [30, 1, 12, 5, 44, 3], [3, 4, 2, 3, 1]])
def test_in_training_the_state_is_carried_from_chunk_to_chunk_of_a_document(build, lengths):
    network, given = model(**build), documents(lengths, chunk=7)
    network.eval()
    whole = -float(scores(network, given.sequences).sum())
    network.train()
    # One lane reads all documents as wholes; without updates, nothing else differs.
    total = 0.0
    for rows in given.batches(1, 0, 0):
        total += float(network.loss(given.batch(rows)).detach()) * rows[:, 1].sum()
    assert total == pytest.approx(whole, rel=1e-5)


def test_lanes_carry_their_own_states():
    network, lengths = model(cell="lstm"), [30, 28, 29, 31, 30, 30]
    given = documents(lengths, chunk=7)
    whole = -float(scores(network, given.sequences).sum())
    network.train()
    total = 0.0
    for rows in given.batches(3, 0, 0):
        total += float(network.loss(given.batch(rows)).detach()) * rows[:, 1].sum()
    assert total == pytest.approx(whole, rel=1e-5)


def test_weights_of_documents_count_in_the_loss():
    network, given = model(), documents([5, 5])
    rows = given.batches(2, 0, 0)[0]
    of_each = [
        float(network.loss(given.batch(rows[place : place + 1])).detach()) for place in (0, 1)
    ]
    weights = np.array([1, 3], dtype=np.float32)
    weighted = type(given)(given.sequences, given.targets, weights, chunk=given.chunk)
    found = float(network.loss(weighted.batch(rows)).detach())
    by_document = weights[rows[:, 3]]
    assert found == pytest.approx(np.average(of_each, weights=by_document), rel=1e-5)


@pytest.mark.parametrize(
    "dropout",
    [
        {"word_dropout": 0.5},
        {"input_dropout": 0.5},
        {"layer_dropout": 0.5, "num_layers": 2},
        {"recurrent_dropout": 0.5},
        {"output_dropout": 0.5},
    ],
)
def test_every_kind_of_dropout_changes_training_and_only_training(dropout):
    given = documents([20, 20])
    batch = given.batch(given.batches(2, 0, 0)[0])
    plain = model(num_layers=dropout.get("num_layers", 1))
    dropped = model(**dropout)
    torch.manual_seed(1)
    losses = [float(network.train().loss(batch).detach()) for network in (plain, dropped)]
    assert losses[0] != pytest.approx(losses[1], abs=1e-4)
    np.testing.assert_array_equal(*(scores(one, given.sequences) for one in (plain, dropped)))


def test_recurrent_weights_are_dropped_alike_in_all_rows_and_steps():
    network = model(recurrent_dropout=0.5)
    row = documents([30]).sequences[0].tolist()
    given = documents([1])
    given = type(given)(Ragged.from_rows([row, row]), np.zeros(2))
    output, _ = network.train()._go_on(given.batch(given.batches(2, 0, 0)[0]))
    torch.testing.assert_close(output[0], output[1])


def test_a_network_of_tied_vectors_has_no_second_table():
    parameters = model(hidden_size=5).state_dict()
    assert sum(weight.shape[0] == CODES for weight in parameters.values()) == 2  # and the biases


def test_with_many_codes_a_sample_of_them_trains_the_model_whose_probabilities_are_exact():
    torch.manual_seed(0)
    small = ModelSettings(hidden_size=16, embedding_size=16, cell="gru", **NO_DROPOUT)
    network = LanguageModel(small, vocabulary_size=language_model.MANY_CODES + 1)
    pattern = [15_000, 40, 19_999, 7]
    codes = Ragged.from_rows([pattern * 8 + [END]] * 8)
    examples = Documents(codes, np.zeros(8), chunk=40)
    batch = examples.batch(examples.batches(8, 0, 0)[0])
    optimiser = torch.optim.Adam(network.parameters(), lr=0.1)
    for _ in range(60):
        optimiser.zero_grad()
        network.loss(batch).backward()
        optimiser.step()
    found = scores(network.eval(), codes.take(np.array([0])))[8:, 0]
    assert found.mean() > math.log(0.5)
    network.carried = {}
    with torch.no_grad():  # exact where nothing is trained
        losses = -scores(network, codes)
        assert float(network.loss(batch)) == pytest.approx(losses.mean(), rel=1e-3)
