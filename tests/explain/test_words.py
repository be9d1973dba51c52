"""Neighbours, analogies and maps, on vectors that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.support.untrained import untrained_model

from duree.errors import DataError, RunError
from duree.explain.model import recurrent_part
from duree.explain.words import analogy, compare_words, neighbours, word_map
from duree.pipeline.model import TrainedModel
from duree.recipe.settings import ModelSettings, TextSettings
from duree.sequences.text_encoder import SPECIAL, TextEncoder
from duree.tasks.classify import Classify

VECTORS = {
    "king": (1.0, 1.0, 0.1),
    "queen": (1.0, -1.0, 0.1),
    "man": (0.1, 1.0, 0.0),
    "woman": (0.1, -1.0, 0.0),
    "lord": (1.0, 0.9, 0.2),
    "stone": (0.0, 0.1, -1.0),
}


def model_of(vectors: dict[str, tuple[float, ...]]) -> TrainedModel:
    size = len(next(iter(vectors.values())))
    encoder = TextEncoder(TextSettings(segmenter="words"), SPECIAL + list(vectors))
    settings = ModelSettings(embedding_size=size, hidden_size=4, wide=False)
    model = untrained_model(encoder, Classify(("a", "b")), settings)
    with torch.no_grad():
        for place, vector in enumerate(vectors.values()):
            recurrent_part(model).embedding.weight[len(SPECIAL) + place] = torch.tensor(vector)
    return model


def test_neighbours_are_the_nearest_by_cosine_and_never_the_word_itself():
    found = neighbours(model_of(VECTORS), "king", 2)
    one, other = np.array(VECTORS["king"]), np.array(VECTORS["lord"])
    assert found[0].word == "lord"
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert found[0].cosine == pytest.approx(cosine, abs=1e-6)
    assert len(neighbours(model_of(VECTORS), "king", 50)) == 5


def test_what_is_to_woman_as_king_is_to_man():
    assert analogy(model_of(VECTORS), "man", "king", "woman", 1)[0].word == "queen"


def test_a_word_outside_the_vocabulary_is_reported_with_the_nearest_known_ones():
    with pytest.raises(DataError, match=r"no word 'quean'.*that it has: queen"):
        neighbours(model_of(VECTORS), "quean")
    with pytest.raises(DataError, match="no word 'xyzzy'"):
        word_map(model_of(VECTORS), ["king", "xyzzy"])


def test_a_capitalised_word_is_found_too():
    assert neighbours(model_of(VECTORS), "King", 1)[0].word == "lord"


def test_a_map_keeps_the_largest_distances_and_is_the_same_every_time():
    found = word_map(model_of(VECTORS), list(VECTORS))
    assert found.shape == (6, 2)
    assert np.ptp(found[:, 0]) >= np.ptp(found[:, 1])
    np.testing.assert_array_equal(found, word_map(model_of(VECTORS), list(VECTORS)))


def test_a_rotation_of_the_embeddings_moves_no_word():
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turned = {word: tuple(np.array(v) @ turn) for word, v in VECTORS.items()}
    for change in compare_words(model_of(VECTORS), model_of(turned)):
        assert change.cosine == pytest.approx(1, abs=1e-6)


def test_a_word_that_moved_is_found_unless_another_seed_moves_it_too():
    rng = np.random.default_rng(1)
    before = {f"w{n}": tuple(rng.normal(size=8)) for n in range(60)}
    after = before | {"w7": tuple(-np.array(before["w7"]))}
    one, other = model_of(before), model_of(after)
    first = compare_words(one, other, seeds=[one])[0]
    assert (first.word, first.finding) == ("w7", True)
    assert compare_words(one, other, seeds=[other])[0].finding is False
    assert [c.word for c in compare_words(one, other, words=["w3", "w7"])] == ["w7", "w3"]


def test_vectors_of_two_sizes_cannot_be_compared():
    other = model_of({word: (*vector, 0.0) for word, vector in VECTORS.items()})
    with pytest.raises(DataError, match="cannot be compared: 6 in common, vectors of 3 and 4"):
        compare_words(model_of(VECTORS), other)


def test_a_network_that_reads_numbers_has_no_words(numeric):
    with pytest.raises(RunError, match="reads numbers"):
        neighbours(numeric[0], "king")
