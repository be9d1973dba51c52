"""The tagger: a sentence is tagged alike alone and in any batch, and all of it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor

from duree.network.batches import pad
from duree.network.tagger import Tagger, TagScores, distinct_words, rows_of
from duree.network.word_features import WordFeatures
from duree.recipe.settings import ModelSettings
from duree.sequences.token_encoder import CHARACTERS, LOWER, WORD, TokenEncoder

SENTENCES = pl.Series(
    "tokens", [["We", "saw", "Paris"], ["Rain", "fell", "on", "the", "long", "road"], ["Paris"]]
)
ENCODER = TokenEncoder.fit(SENTENCES, 100)
ALLOWED = torch.ones(4, 3, dtype=torch.bool)


def tagger(**settings: Any) -> Tagger:
    torch.manual_seed(0)
    chosen: dict[str, Any] = {"embedding_size": 6, "hidden_size": 5, "wide": False} | settings
    allowed: list[Tensor | None] = [ALLOWED, None]
    return Tagger(
        ModelSettings(**chosen),
        sizes=ENCODER.sizes,
        rare=ENCODER.rare,
        layers=[3, 4],
        allowed=allowed,
    )


@pytest.mark.parametrize("characters", ["recurrent", "convolution", "none"])
@pytest.mark.parametrize(("cell", "wide"), [("gru", True), ("lstm", False), ("rnn", True)])
def test_a_sentence_is_tagged_the_same_alone_and_with_a_longer_one(
    characters: str, cell: str, wide: bool
) -> None:
    network = tagger(characters=characters, cell=cell, wide=wide).eval()
    for seen in network.seen.parameters():
        torch.nn.init.normal_(seen)
    sequences = ENCODER.encode(SENTENCES)
    together = network(*pad(sequences, np.arange(3)))
    for row in range(3):
        alone = network(*pad(sequences, np.array([row])))
        torch.testing.assert_close(alone, together[row : row + 1, : alone.shape[1]])
    chance = together[:, :, 1::2]
    assert together.shape == (3, 6, 4)
    assert bool(((chance >= 0) & (chance <= 1)).all())


def test_every_weight_gets_a_gradient_in_training() -> None:
    network = tagger().train()
    values, lengths = pad(ENCODER.encode(SENTENCES), np.arange(3))
    scores = network(values, lengths)
    assert isinstance(scores, TagScores)
    assert scores.chains[0] is not None
    likelihood = scores.chains[0].log_likelihood(
        scores.layers[0], torch.zeros(3, 6, dtype=torch.int64), lengths
    )
    torch.autograd.backward(scores.layers[1].sum() - likelihood.sum())
    without = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert without == []


def test_only_words_seen_once_are_dropped_and_only_in_training() -> None:
    network = tagger(word_dropout=0.999)
    values, _ = pad(ENCODER.encode(SENTENCES), np.arange(3))
    hidden = network._hide(values[:, :, : LOWER + 1])
    assert int(hidden[0, 2, WORD]) == int(values[0, 2, WORD])  # Paris stands twice
    assert int(hidden[0, 1, WORD]) == ENCODER.rare[0][0]
    assert int(hidden[0, 1, LOWER]) == ENCODER.rare[1][0]
    assert int(hidden[0, 5, WORD]) == 0  # padding stays


def test_distinct_words_are_each_once_and_stand_where_they_stood() -> None:
    spelt = pad(ENCODER.encode(SENTENCES), np.arange(3))[0][:, :, CHARACTERS:]
    words, places = distinct_words(spelt)
    assert torch.equal(words[places], spelt)
    assert len(words) == len({tuple(word) for word in spelt.flatten(0, 1).tolist()})


def test_looking_up_distinct_rows_has_the_gradient_of_looking_up_all() -> None:
    embedding = torch.nn.Embedding(9, 3)
    indices = torch.tensor([[[1, 1], [4, 8]], [[1, 0], [8, 8]]])
    weight = torch.randn(2, 2, 2, 3)
    torch.autograd.backward((rows_of(embedding, indices) * weight).sum())
    assert embedding.weight.grad is not None
    quick = embedding.weight.grad.clone()
    embedding.zero_grad()
    torch.autograd.backward((embedding(indices) * weight).sum())
    torch.testing.assert_close(quick, embedding.weight.grad)


def test_features_of_a_word_are_itself_and_its_neighbours_and_nothing_in_padding() -> None:
    features = WordFeatures(3, 0.0)
    rows = [["We", "saw", "Paris"], ["They", "saw", "Paris"], ["saw", "Paris"], ["saw", "Paris"]]
    sequences = ENCODER.encode(pl.Series([*rows, ["a", "b", "c", "d"]]))
    places = features.places(pad(sequences, np.arange(5))[0])
    assert bool((places[0, 3] == 0).all())
    assert bool((places[:, :2] > 0).all())
    shared = [len({*places[0, 2].tolist()} & {*places[row, 2].tolist()}) for row in (0, 1)]
    assert shared[0] > shared[1] > 0  # two words before Paris stands another
    assert torch.equal(places[2], places[3])
    assert not torch.equal(places[2, 0], places[0, 1])  # nothing stands before the first


def test_weights_add_up_over_the_features_of_a_word() -> None:
    network = tagger(wide=True).eval()
    (seen,) = (module for module in network.seen if isinstance(module, WordFeatures))
    torch.nn.init.normal_(seen.weights.weight)
    values, _ = pad(ENCODER.encode(SENTENCES), np.arange(3))
    found = network._from_word_features(seen, values)
    places = seen.places(values)
    expected = sum(seen.weights.weight[place] for place in places[1, 2])
    torch.testing.assert_close(found[1, 2], expected)
