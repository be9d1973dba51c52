"""Texts are drawn as the probabilities say, and each depends on its number and the seed alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from duree.network.generate import BLOCK, NEVER, Sampling, choose, draw_texts
from duree.network.language_model import LanguageModel
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import END

CODES = 9
SHARES = np.array([0.0, 0.1, 0.0, 0.1, 0.4, 0.2, 0.1, 0.06, 0.04])  # 0 to 2 are never drawn


def model(cell: str = "gru", seed: int = 0) -> LanguageModel:
    torch.manual_seed(seed)
    chosen = ModelSettings(hidden_size=7, embedding_size=6, bidirectional=False, cell=cell)
    network = LanguageModel(chosen, vocabulary_size=CODES)
    torch.nn.init.normal_(network.embedding)
    torch.nn.init.normal_(network.bias)
    return network.eval()


def drawn(sampling: Sampling, draws: int = 4000) -> np.ndarray:
    """How often each code is drawn, of SHARES."""
    with np.errstate(divide="ignore"):
        rows = np.log(np.tile(SHARES, (draws, 1)))
    points = np.random.default_rng(0).random(draws)
    return np.bincount(choose(rows, points, sampling), minlength=CODES) / draws


def test_codes_are_drawn_as_often_as_they_are_probable():
    expected = np.where(np.isin(np.arange(CODES), NEVER), 0, SHARES)
    assert drawn(Sampling(1)) == pytest.approx(expected / expected.sum(), abs=0.03)


def test_the_nucleus_holds_the_fewest_codes_that_have_its_probability():
    assert np.flatnonzero(drawn(Sampling(1, top_p=0.6))).tolist() == [4, 5]
    assert np.flatnonzero(drawn(Sampling(1, top_p=0.01))).tolist() == [4]
    found = drawn(Sampling(1, top_p=0.6))
    assert found[4] == pytest.approx(2 / 3, abs=0.03)


def test_a_low_temperature_draws_the_most_probable_code_and_a_high_one_all_alike():
    assert drawn(Sampling(1, temperature=0.01))[4] == 1
    assert drawn(Sampling(1, temperature=1000.0))[[3, 4, 5, 6, 7, 8]] == pytest.approx(
        np.full(6, 1 / 6), abs=0.03
    )


@pytest.mark.parametrize("point", [0.0, np.nextafter(1.0, 0.0)])
def test_the_ends_of_the_range_draw_codes_that_have_a_probability(point):
    with np.errstate(divide="ignore"):
        rows = np.log(SHARES[None])
    for top_p in (1.0, 0.7):
        code = choose(rows.copy(), np.array([point]), Sampling(1, top_p=top_p))[0]
        assert SHARES[code] > 0
        assert code not in NEVER


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_text_depends_on_its_number_and_the_seed_alone(cell):
    network, sampling = model(cell), Sampling(20, seed=3)
    many = draw_texts(network, [5, 4], range(BLOCK + 3), sampling)
    assert draw_texts(network, [5, 4], [1, BLOCK + 2], sampling) == [many[1], many[-1]]
    assert len({tuple(text.codes) for text in many}) > BLOCK // 2
    assert draw_texts(network, [5, 4], [1], Sampling(20, seed=4)) != [many[1]]


def test_the_surprisal_of_a_text_is_that_of_the_network():
    network, prompt = model("lstm"), [5, 4]
    found = draw_texts(network, prompt, range(8), Sampling(12, temperature=1.3, top_p=0.9))
    assert {text.ended for text in found} == {False, True}
    for text in found:
        codes = [END, *prompt, *text.codes, *([END] if text.ended else [])]
        nats, state = 0.0, None
        for before, code in pairwise(codes):
            shares, state = network.read(torch.tensor([[before]]), state)
            nats -= float(shares[0, code])
        first, state = network.read(torch.tensor([[END]]))
        second, _ = network.read(torch.tensor([[5]]), state)
        nats += float(first[0, 5]) + float(second[0, 4])
        assert text.nats == pytest.approx(nats, abs=1e-4)
        assert text.ended or len(text.codes) == 12


def test_a_text_without_prompt_begins_as_documents_do():
    network = model()
    shares, _ = network.read(torch.tensor([[END]]))
    likeliest = int(shares[0, len(NEVER) :].argmax()) + len(NEVER)
    (text,) = draw_texts(network, [], [0], Sampling(1, temperature=0.001))
    assert text.codes == [likeliest] or (text.ended and likeliest == END)
