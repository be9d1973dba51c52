"""Precision and recall of rare classes: scikit-learn's average precision, with intervals."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as sk

from duree.evaluation.metrics import CLASSIFICATION
from duree.evaluation.precision_recall import average_precision, rare_class, rare_outputs
from duree.evaluation.resampling import Sample, Trial


def one_rare(rows: int, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    positive = rng.random(rows) < share
    return np.round(rng.normal(size=rows) + 1.5 * positive, 1), positive


@pytest.mark.parametrize("weighted", [False, True])
def test_average_precision_is_that_of_scikit_learn_with_ties_and_weights(weighted):
    scores, positive = one_rare(150, 0.2)
    weights = np.random.default_rng(1).integers(0, 4, 150) if weighted else np.ones(150)
    found = average_precision(scores, positive)(weights[:, None].astype(float))[0]
    expected = sk.average_precision_score(positive, scores, sample_weight=weights)
    assert found == pytest.approx(expected)


def test_resamples_without_the_class_have_no_average_precision():
    scores, positive = one_rare(30, 0.2)
    weights = np.stack([~positive, np.ones(30)], axis=1).astype(float)
    assert np.isnan(average_precision(scores, positive)(weights)).tolist() == [True, False]


def test_a_class_is_rare_below_a_fifth_of_the_rows_and_well_below_an_equal_share():
    def classes(*counts: int) -> np.ndarray:
        return np.repeat(np.eye(len(counts), dtype=bool), counts, axis=0)

    assert rare_outputs(classes(70, 12, 18), exclusive=True) == [1, 2]
    assert rare_outputs(classes(79, 21), exclusive=True) == []
    assert rare_outputs(classes(*[10] * 9, 11), exclusive=True) == [], "all equally frequent"
    assert rare_outputs(classes(*[10] * 9, 6), exclusive=True) == [9]
    assert rare_outputs(classes(70, 4, 26), exclusive=True) == [], "four rows show nothing"
    labels = np.array([[k < 15, k < 50, True] for k in range(100)])
    assert rare_outputs(labels, exclusive=False) == [0]


def test_the_figures_of_a_class_are_those_of_its_rows_and_the_interval_covers_them():
    scores, actual = one_rare(400, 0.1)
    targets, given = actual.astype(np.int64), scores > 1
    trial = Trial(targets, CLASSIFICATION, Sample.of(400, None), 300, 0)
    found = rare_class("rare", {"network": scores, "chance": np.zeros(400)}, given, actual, trial)
    assert (found.name, found.rows) == ("rare", actual.sum())
    assert found.share == pytest.approx(actual.mean())
    assert found.precision == pytest.approx(sk.precision_score(actual, given))
    assert found.recall == pytest.approx(sk.recall_score(actual, given))
    network, chance = found.curves["network"], found.curves["chance"]
    assert network.average.value == pytest.approx(sk.average_precision_score(actual, scores))
    assert network.average.low < network.average.value < network.average.high
    assert chance.average.value == pytest.approx(actual.mean())
    assert (chance.recall, chance.precision) == ([1.0], [pytest.approx(actual.mean())])
    assert network.recall == sorted(network.recall)
    assert len(network.recall) <= 100
    precision, recall, _ = sk.precision_recall_curve(actual, scores)
    known = np.stack([recall, precision], axis=1)
    for point in zip(network.recall, network.precision, strict=True):
        assert np.abs(known - point).max(axis=1).min() < 1e-4


def test_a_class_that_is_never_predicted_has_no_precision():
    scores, actual = one_rare(100, 0.1)
    trial = Trial(actual.astype(np.int64), CLASSIFICATION, Sample.of(100, None), 100, 0)
    found = rare_class("rare", {"network": scores}, np.zeros(100, dtype=bool), actual, trial)
    assert (found.precision, found.recall) == (None, 0.0)
