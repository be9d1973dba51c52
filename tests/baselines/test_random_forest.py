"""The random forest."""

import numpy as np
import pytest

from duree.baselines import random_forest as forest
from duree.baselines.ngrams import Ngrams
from duree.baselines.random_forest import Forest


def grow(letters, trees=60, **options):
    (texts, targets), (other_texts, other_targets), (test_texts, _) = letters
    found = Forest(Ngrams(str.split), trees, 0, **options)
    found.fit(texts, targets, other_texts, other_targets)
    return found, found.predict(test_texts)


def test_threads_do_not_change_a_bit(letters):
    np.testing.assert_array_equal(grow(letters, threads=1)[1], grow(letters, threads=3)[1])


def test_trees_grown_in_batches_are_those_grown_at_once(letters):
    found, predicted = grow(letters, max_minutes=10.0)
    assert found.notes == []
    np.testing.assert_array_equal(predicted, grow(letters)[1])


def test_a_forest_cut_short_says_so(letters):
    found, predicted = grow(letters, max_minutes=1e-9)
    assert found.choices == {"trees": forest.TREES_AT_ONCE}
    assert found.notes == [f"{forest.TREES_AT_ONCE} trees instead of 60: the time ran out"]
    assert np.isfinite(predicted).all()


def test_only_the_most_frequent_units_are_used(letters, monkeypatch):
    monkeypatch.setattr(forest, "UNITS", 18)
    # The eighteen words of filler are the commonest, and say nothing.
    predicted = grow(letters)[1]
    assert np.mean(predicted.argmax(axis=1) == letters[2][1]) < 0.6


@pytest.mark.parametrize("many", [1, 10_000])
def test_a_large_table_can_be_fitted_too(letters, monkeypatch, many):
    monkeypatch.setattr(forest, "MANY_ROWS", many)
    assert np.mean(grow(letters)[1].argmax(axis=1) == letters[2][1]) > 0.95


def test_pure_leaves_reproduce_the_training_rows():
    texts, numbers = ["war", "bread", "hymn"] * 20, np.array([1.0, 2.0, 3.0] * 20)
    predicted = (
        Forest(Ngrams(str.split), 200, 0).fit(texts, numbers, texts[:3], numbers[:3]).predict(texts)
    )
    np.testing.assert_allclose(predicted[:, 0], numbers, atol=0.2)
