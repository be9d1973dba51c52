"""Baselines of tagged words: what they learn can be counted by hand, or tried path by path."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from duree.baselines.crf import FeatureCrf, features, shape
from duree.baselines.tag_hidden_markov import HiddenMarkov
from duree.baselines.tagging import MOST_TAGS, MostFrequentTag, TagBaseline
from duree.sequences.ragged import Ragged, offsets_of

WORDS = [["the", "dog", "runs"], ["a", "dog", "saw", "the", "run"], ["the", "run", "runs"]]
TAGS = [[0, 1, 2], [0, 1, 2, 0, 1], [0, 1, 2]]


def test_a_word_has_its_most_frequent_tag_and_an_unseen_one_that_of_most_words() -> None:
    tagger = MostFrequentTag().fit(WORDS, [[0, 1, 2], [0, 1, 2, 0, 2], [0, 2, 2]], [], [])
    ((tags, chances),) = tagger.predict([["the", "run", "cat"]])
    assert tags == [0, 2, 2]
    assert chances == pytest.approx([1.0, 1.0, 5 / 11])


def test_the_path_of_the_hidden_markov_model_is_the_best_of_all_paths() -> None:
    tagger = HiddenMarkov().fit(WORDS, TAGS, WORDS[:1], TAGS[:1])
    sentence = ["a", "run", "saws", "the"]
    emissions = [tagger._emission(word) for word in sentence]

    def score(path: tuple[int, ...]) -> float:
        total = tagger.begins[path[0]] + tagger.ends[path[-1]]
        total += sum(emissions[step][tag] for step, tag in enumerate(path))
        return float(total + sum(tagger.transitions[a, b] for a, b in zip(path, path[1:])))  # noqa: B905, RUF007

    best = max(product(range(3), repeat=4), key=score)
    assert tagger.predict([sentence])[0][0] == list(best)


def test_the_hidden_markov_model_guesses_an_unseen_word_by_its_ending() -> None:
    words = [[f"b{letter}ing", f"w{letter}ness"] for letter in "acdefgh"]
    tags = [[1, 0]] * 7
    tagger = HiddenMarkov().fit(words, tags, words[:1], tags[:1])
    assert tagger.predict([["zing"]])[0][0] == [1]
    assert tagger.predict([["dimness"]])[0][0] == [0]


def test_the_crf_learns_what_depends_on_the_word_before() -> None:
    pytest.importorskip("pycrfsuite")
    words = [["to", "run"], ["the", "run"]] * 20
    tags = [[0, 1], [0, 2]] * 20
    ((found, chances), _) = FeatureCrf().fit(words, tags, words[:4], tags[:4]).predict(words[:2])
    assert found == [0, 1]
    assert all(0.5 < chance <= 1 for chance in chances)


def test_features_hold_the_word_its_affixes_and_its_neighbours() -> None:
    first, second = features(["Rome", "fell"])
    assert {"0:word=Rome", "ends=ome", "begins=Ro", "0:shape=Xxxx", "1:word=fell"} <= {*first}
    assert {"-1:word=Rome", "1:outside", "-1:pair=Rome|fell"} <= {*second}
    assert shape("McDonald's-1996") == "XxXxxxx'x-dddd"


def test_each_layer_has_a_tagger_and_one_of_too_many_tags_its_most_frequent() -> None:
    values = np.zeros((11, 6), dtype=np.int64)
    values[:, 4] = [tag for row in TAGS for tag in row]
    values[:, 5] = np.arange(11)
    answers = Ragged(values, offsets_of([3, 5, 3]))
    nothing = Ragged(values[:0], offsets_of([]))
    baseline = TagBaseline("hmm", HiddenMarkov, [3, MOST_TAGS + 1], 4)
    found = baseline.fit(WORDS, answers, [], nothing).predict(WORDS[:1])
    assert found.shape == (3, 4)
    assert found[:, 0].tolist() == [0, 1, 2]
    assert isinstance(baseline.taggers[1], MostFrequentTag)


def test_a_tag_that_only_the_validation_rows_have_is_learned_by_no_baseline() -> None:
    values = np.zeros((3, 5), dtype=np.int64)
    values[:, 4] = [0, 1, 2]
    train, held_out = Ragged(values, offsets_of([3])), Ragged(values + 7, offsets_of([3]))
    baseline = TagBaseline("most", MostFrequentTag, [3], 4)
    found = baseline.fit(WORDS[:1], train, [["x", "y", "z"]], held_out).predict([["x", "dog"]])
    assert set(found[:, 0]) <= {0, 1, 2}
