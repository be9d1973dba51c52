"""The letters of the demo: their tone depends on order, their truth is known, and nothing leaks."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from duree.examples.letters import FAVOURABLE, NOISE, PHRASES, TURNED, UNFAVOURABLE, generate
from duree.tables.checks.duplicates import find_duplicates

GOOD, BAD = (
    re.compile(r"(the [\w ]+?) was \w+ (" + "|".join(PHRASES[kind]) + r")\b")
    for kind in ("good", "bad")
)


@pytest.fixture(scope="module")
def letters():
    return generate(3000, seed=0)


def perfect_reader(letter: str) -> str:
    """Read a letter by its plot alone, as docs/explanation/why-order-matters.md describes it."""
    sentences = re.split(r"(?<=[.]) ", letter)
    opinions = [
        (place, bool(GOOD.search(sentence)))
        for place, sentence in enumerate(sentences)
        if GOOD.search(sentence) or BAD.search(sentence)
    ]
    if len(opinions) == 2:
        (good,) = (good for place, good in opinions if re.search(r"\bsaw\b", sentences[place]))
    else:
        ((place, good),) = opinions
        turns = [i for i, sentence in enumerate(sentences) if "contrary" in sentence]
        denied = " not " in sentences[place]
        good ^= denied or any(turn > place for turn in turns)
    return FAVOURABLE if good else UNFAVOURABLE


def bag_of_words(ngrams: int):
    return make_pipeline(
        TfidfVectorizer(ngram_range=(1, ngrams), sublinear_tf=True),
        LogisticRegression(max_iter=1000),
    )


def test_the_same_seed_gives_the_same_letters_and_another_seed_others(letters):
    assert generate(3000, seed=0).equals(letters)
    assert not generate(3000, seed=1)["letter"].equals(letters["letter"])


def test_a_letter_has_an_id_an_author_a_year_and_one_of_two_tones(letters):
    assert letters.columns == ["letter_id", "author", "year", "letter", "tone"]
    assert letters["letter_id"].n_unique() == 3000
    assert letters["year"].is_between(1750, 1889).all()
    assert set(letters["tone"]) == {FAVOURABLE, UNFAVOURABLE}
    assert letters.null_count().sum_horizontal().item() == 0


def test_every_letter_has_between_30_and_80_words_and_no_gap_left_open(letters):
    assert letters["letter"].str.split(" ").list.len().is_between(30, 80).all()
    assert not letters["letter"].str.contains(r"[{}]|  |[.] [a-z]").any()


def test_three_thousand_letters_take_less_than_a_second_of_computing():
    began = time.process_time()
    generate(3000, seed=2)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_perfect_reader_is_wrong_only_where_the_tone_was_recorded_wrongly(seed):
    letters = generate(3000, seed=seed)
    read = np.array([perfect_reader(letter) for letter in letters["letter"]])
    wrong = np.mean(read != letters["tone"].to_numpy())
    # Four standard errors of a share of 3 % in 3000.
    assert wrong == pytest.approx(NOISE, abs=0.0125)


def test_both_tones_are_about_equally_common(letters):
    assert (letters["tone"] == FAVOURABLE).mean() == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("ngrams", [1, 2])
def test_counting_words_helps_a_little_and_never_beyond_its_ceiling(letters, ngrams):
    texts, tones = letters["letter"].to_list(), letters["tone"].to_list()
    accuracy = cross_val_score(bag_of_words(ngrams), texts, tones, cv=5).mean()
    ceiling = (0.5 + 2 * (1 - TURNED)) / 3 * (1 - 2 * NOISE) + NOISE
    assert 0.55 < accuracy < ceiling + 0.02


def test_no_two_letters_are_nearly_the_same(letters):
    clusters = find_duplicates(letters["letter"]).near
    assert len(np.unique(clusters)) == len(letters)


def test_no_author_writes_in_one_tone_alone_and_no_year_has_one(letters):
    for column in ("author", "year"):
        names = letters[column].cast(str).to_list()
        accuracy = cross_val_score(bag_of_words(1), names, letters["tone"].to_list(), cv=5).mean()
        assert accuracy == pytest.approx(0.5, abs=0.05)
