"""Decisions: found by search, kept at the most probable class unless a move pays, and exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from numpy.typing import NDArray
from scipy.special import expit, softmax

from duree.evaluation.decision import GRID, OF_DECISIONS, Decision, Marks, _Search, fit_decision
from duree.evaluation.metrics import CLASSIFICATION, MULTILABEL

Floats = NDArray[np.float64]


def rare_classes(rows: int, seed: int, strength: float = 1.0) -> tuple[Floats, Any]:
    """Calibrated probabilities of three classes, two of which are rare, and the classes drawn."""
    rng = np.random.default_rng(seed)
    scores = np.log([0.85, 0.1, 0.05]) + strength * rng.normal(size=(rows, 3))
    probabilities = softmax(scores, axis=1)
    drawn = (rng.random((rows, 1)) > probabilities.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return probabilities, drawn


def rare_labels(rows: int, seed: int) -> tuple[Floats, Any]:
    rng = np.random.default_rng(seed)
    probabilities = expit([-2.0, -1.0, 0.5] + 1.5 * rng.normal(size=(rows, 3)))
    return probabilities, (rng.random((rows, 3)) < probabilities).astype(np.int64)


def marks(targets: NDArray[Any], outputs: int = 3) -> Marks:
    return targets == 1 if targets.ndim == 2 else targets[:, None] == np.arange(outputs)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_search_sees_the_metric_of_every_offset_of_a_class(metric, weighted):
    probabilities, targets = rare_classes(80, seed=1)
    weights = np.random.default_rng(2).uniform(0.5, 2, 80) if weighted else np.ones(80)
    search = _Search(np.log(probabilities), marks(targets), weights, metric, exclusive=True)
    offsets = np.array([0.0, 0.7, -0.3])
    for place in range(3):
        for offset, found in zip(GRID, search.along(offsets, place), strict=True):
            tried = offsets.copy()
            tried[place] = offset
            given = (np.log(probabilities) + tried).argmax(axis=1)
            expected = (
                sk.accuracy_score(targets, given, sample_weight=weights)
                if metric == "accuracy"
                else sk.f1_score(targets, given, average="macro", sample_weight=weights)
            )
            assert found == pytest.approx(expected)


@pytest.mark.parametrize("metric", ["macro_f1", "micro_f1", "subset_accuracy"])
def test_the_search_sees_the_metric_of_every_threshold_of_a_label(metric):
    probabilities, targets = rare_labels(80, seed=1)
    scores = np.log(probabilities / (1 - probabilities))
    search = _Search(scores, marks(targets), np.ones(80), metric, exclusive=False)
    offsets = np.array([0.7, -0.3, 0.0])
    for place in range(3):
        for offset, found in zip(GRID, search.along(offsets, place), strict=True):
            tried = offsets.copy()
            tried[place] = offset
            given = (scores + tried >= 0).astype(int)
            expected = {
                "macro_f1": lambda given=given: sk.f1_score(targets, given, average="macro"),
                "micro_f1": lambda given=given: sk.f1_score(targets, given, average="micro"),
                "subset_accuracy": lambda given=given: sk.accuracy_score(targets, given),
            }[metric]()
            assert found == pytest.approx(expected)


def test_rare_classes_are_predicted_more_often_for_macro_f1_and_new_rows_gain():
    probabilities, targets = rare_classes(1500, seed=0)
    decision = fit_decision(probabilities, marks(targets), "macro_f1", exclusive=True)
    assert decision.is_moved
    assert decision.offsets[0] == 0 < min(decision.offsets[1:])
    new, answers = rare_classes(20_000, seed=1)
    plain = CLASSIFICATION.values(new, answers)
    moved = CLASSIFICATION.decided.values(decision.joined(new), answers)
    assert moved["macro_f1"] > plain["macro_f1"] + 0.05
    assert moved["accuracy"] < plain["accuracy"]
    of_probabilities = ("log_loss", "brier", "auc", "calibration_error")
    assert [moved[name] for name in of_probabilities] == [plain[name] for name in of_probabilities]


def test_thresholds_of_rare_labels_are_lower_than_a_half_for_macro_f1():
    probabilities, targets = rare_labels(1500, seed=0)
    decision = fit_decision(probabilities, marks(targets), "macro_f1", exclusive=False)
    thresholds = decision.by_name(["rare", "some", "most"])
    assert thresholds["rare"] < 0.45
    new, answers = rare_labels(20_000, seed=1)
    plain, moved = MULTILABEL.values(new, answers), decision.joined(new)
    assert MULTILABEL.decided.values(moved, answers)["macro_f1"] > plain["macro_f1"] + 0.02


def test_calibrated_probabilities_decide_best_for_accuracy_and_so_are_rarely_moved():
    new, answers = rare_classes(20_000, seed=100)
    best = CLASSIFICATION.values(new, answers)["accuracy"]
    found = []
    for probabilities, targets in (rare_classes(300, seed) for seed in range(12)):
        decision = fit_decision(probabilities, marks(targets), "accuracy", exclusive=True)
        of_new = OF_DECISIONS["accuracy"](decision.given(new), marks(answers))
        found.append(float(of_new(np.ones((len(new), 1)))[0]))
    assert found.count(best) >= 6
    assert np.mean(found) > best - 0.003


def test_few_rows_move_nothing():
    probabilities, targets = rare_classes(12, seed=0)
    assert fit_decision(probabilities, marks(targets), "macro_f1", exclusive=True) == Decision(
        (0.0, 0.0, 0.0), exclusive=True
    )


def test_a_decision_that_is_not_moved_gives_the_very_metrics_of_the_most_probable_class():
    probabilities, targets = rare_classes(200, seed=3)
    none = Decision((0.0, 0.0, 0.0), exclusive=True)
    decided = CLASSIFICATION.decided
    assert decided.values(none.joined(probabilities), targets) == CLASSIFICATION.values(
        probabilities, targets
    )
    assert decided.right is not None
    assert CLASSIFICATION.right is not None
    assert np.array_equal(
        decided.right(none.joined(probabilities), targets),
        CLASSIFICATION.right(probabilities, targets),
    )
    labels, answers = rare_labels(200, seed=3)
    joined = Decision((0.0, 0.0, 0.0), exclusive=False).joined(labels)
    assert MULTILABEL.decided.values(joined, answers) == MULTILABEL.values(labels, answers)


def test_weights_count_as_copies_of_rows():
    probabilities, targets = rare_classes(300, seed=4)
    counts = np.random.default_rng(0).integers(1, 4, 300)
    for offsets in ((0.0, 0.0, 0.0), (0.0, 0.5, 1.0)):
        given = Decision(offsets, exclusive=True).given(probabilities)
        copies = np.repeat(np.arange(300), counts)
        for figure in OF_DECISIONS.values():
            weighed = figure(given, marks(targets))(counts[:, None].astype(float))
            copied = figure(given[copies], marks(targets)[copies])(np.ones((len(copies), 1)))
            assert weighed == pytest.approx(copied)
