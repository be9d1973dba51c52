"""The random forest."""

import numpy as np
import pytest

from duree.baselines import random_forest as forest
from duree.baselines.ngrams import Ngrams
from duree.baselines.random_forest import Forest
from duree.baselines.targets import CaseWeights


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


@pytest.mark.parametrize("weighted", [False, True])
def test_held_out_predictions_are_those_of_trees_that_did_not_draw_the_row(letters, weighted):
    (texts, targets), (other_texts, other_targets), _ = letters
    rng = np.random.default_rng(0)
    counts = CaseWeights(*(rng.uniform(0.5, 2, len(part)) for part in (targets, other_targets)))
    found = Forest(Ngrams(str.split), 30, 0).fit(
        texts, targets, other_texts, other_targets, *([counts] if weighted else [])
    )
    held_out = found.held_out
    assert held_out.shape == (60, 3)
    np.testing.assert_allclose(held_out.sum(axis=1), 1)
    row = found.features.count(other_texts)[7][:, found.columns]
    pairs = zip(found.forest.estimators_, found.forest.estimators_samples_, strict=True)
    mine = [tree.predict(row) for tree, drawn in pairs if 247 not in drawn]
    assert 0 < len(mine) < 30
    np.testing.assert_allclose(held_out[7], np.mean(mine, axis=0)[0])


def test_a_row_that_every_tree_drew_gets_the_shares_of_the_classes(letters):
    (texts, targets), (other_texts, other_targets), _ = letters
    found = Forest(Ngrams(str.split), 1, 0).fit(texts, targets, other_texts, other_targets)
    drawn = np.isin(np.arange(240, 300), found.forest.estimators_samples_[0])
    assert drawn.any()
    np.testing.assert_allclose(found.held_out[drawn], 1 / 3, atol=0.02)
