"""Baselines of language models: what each knows of the units before a unit."""

from __future__ import annotations

import numpy as np
import pytest

from duree.baselines import language
from duree.baselines.language import cache_shares, fit_ngrams, language_baselines
from duree.baselines.mixture import mixed, mixture_share
from duree.sequences.language_encoder import ASSIGNED_CHARACTERS
from duree.sequences.ragged import END, UNKNOWN, Ragged

CODES = 12


def documents(count: int, seed: int, steps: int = 40) -> list[np.ndarray]:
    """Documents in which each unit mostly follows from the two before it."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        row = [4, 5]
        while len(row) < steps:
            follows = 4 + (row[-1] + 3 * row[-2]) % 8
            row.append(int(follows if rng.random() < 0.8 else rng.integers(4, CODES)))
        found.append(np.array([*row, END], dtype=np.int32))
    return found


def test_the_cache_counts_units_before_a_unit_in_its_document():
    shares = cache_shares(Ragged.from_rows([[5, 6, 5, 5, END], [5, 7]]))
    expected = [np.nan, 0, 1 / 2, 2 / 3, 0, np.nan, 0]
    np.testing.assert_allclose(shares, expected)


def test_the_cache_forgets_units_that_are_too_far_away(monkeypatch):
    monkeypatch.setattr(language, "CACHE", 2)
    shares = cache_shares(Ragged.from_rows([[5, 6, 5, 5, 6, 6]]))
    np.testing.assert_allclose(shares, [np.nan, 0, 1 / 2, 1 / 2, 0, 1 / 2])


def test_the_share_of_a_mixture_is_that_of_the_highest_likelihood():
    rng = np.random.default_rng(0)
    first, second = np.log(rng.random((2, 500)))
    share = mixture_share(first, second)
    likelihood = mixed(first, second, share).mean()
    assert 0 < share < 1
    for other in (share - 0.02, share + 0.02, 0.0, 1.0):
        assert mixed(first, second, other).mean() < likelihood
    assert mixture_share(first, np.full(500, -np.inf)) == pytest.approx(1, abs=1e-3)
    assert mixture_share(np.zeros(0), np.zeros(0)) == 0.5


def test_mixed_probabilities_are_the_mean_of_both_by_their_shares():
    found = mixed(np.log([0.5, 0.1]), np.log([0.25, 0.3]), 0.8)
    np.testing.assert_allclose(np.exp(found), [0.45, 0.14])


def test_the_longest_ngrams_that_help_on_validation_are_chosen(monkeypatch):
    training, validation = map(Ragged.from_rows, (documents(40, 0), documents(10, 1)))
    order, found = fit_ngrams(training, validation, CODES)
    assert order == 3
    assert len(found) == len(validation.values)
    monkeypatch.setattr(language, "MOST_NGRAMS", 1000)
    assert fit_ngrams(training, validation, CODES)[0] == 2


def test_baselines_know_more_and_more():
    training, validation, test = documents(40, 0), documents(10, 1), documents(10, 2)
    nats = {}
    for baseline in language_baselines(CODES, CODES - 2, order=0):
        baseline.fit(training, None, validation, None)
        found = baseline.predict(test)
        assert found.shape == (sum(map(len, test)), 1)
        nats[baseline.name] = -found.mean()
    assert nats["uniform"] == pytest.approx(np.log(CODES - 2))
    assert nats["kneser_ney"] < nats["unigram"] < nats["uniform"]
    assert nats["cache"] <= nats["unigram"] + 0.01


def test_a_cache_helps_where_documents_repeat_their_own_units():
    rng = np.random.default_rng(0)
    pairs = [rng.choice(np.arange(4, CODES), 2, replace=False) for _ in range(60)]
    rows = [np.append(rng.choice(pair, 50), END).astype(np.int32) for pair in pairs]
    fitted = {
        one.name: -one.fit(rows[:40], None, rows[40:50], None).predict(rows[50:]).mean()
        for one in language_baselines(CODES, CODES - 2, order=0)
        if one.name in ("cache", "unigram")
    }
    assert fitted["cache"] < 0.6 * fitted["unigram"]


def test_the_probability_of_an_unknown_character_is_divided_by_every_baseline():
    training, validation = documents(20, 0), documents(5, 1)
    test = [np.array([UNKNOWN, 4], dtype=np.int32)]
    for baseline in language_baselines(CODES, CODES - 2, order=2):
        found = baseline.fit(training, None, validation, None).predict(test)
        assert found[0, 0] < -np.log(ASSIGNED_CHARACTERS)
