"""Classes: each one's figures, and intervals that are never certain of a handful of rows."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as sk
from scipy.special import softmax

from duree.evaluation.evaluate import evaluate_models
from duree.evaluation.metrics import CLASSIFICATION, MULTILABEL, REGRESSION
from duree.evaluation.per_class import FIGURES
from duree.evaluation.uncertainty import wilson


def some_classes(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = rng.choice(3, p=[0.6, 0.3, 0.1], size=rows)
    return softmax(rng.normal(size=(rows, 3)) + 1.5 * np.eye(3)[targets], axis=1), targets


def test_the_figures_of_classes_and_labels_are_those_of_scikit_learn() -> None:
    p, targets = some_classes(150, 0)
    marks = np.random.default_rng(1).integers(2, size=(150, 3))
    for metrics, answers, given in (
        (CLASSIFICATION, targets, p.argmax(axis=1)),
        (MULTILABEL, marks, p >= 0.5),
    ):
        found = evaluate_models({"network": p}, answers, metrics, resamples=100).classes["network"]
        oracle = sk.precision_recall_fscore_support(answers, given)
        for name, expected in zip((*FIGURES, "support"), oracle, strict=True):
            assert [of_class[name] for of_class in found] == pytest.approx(expected)


def test_every_figure_lies_in_its_interval_and_rare_classes_have_wide_ones() -> None:
    p, targets = some_classes(300, 2)
    common, _, rare = evaluate_models({"network": p}, targets, CLASSIFICATION).classes["network"]
    for of_class in (common, rare):
        for name in FIGURES:
            assert of_class[f"{name}_low"] <= of_class[name] <= of_class[f"{name}_high"]
    width = [of_class["recall_high"] - of_class["recall_low"] for of_class in (common, rare)]
    # Six times as many rows: about the root of six as narrow.
    assert 1.5 < width[1] / width[0] < 4


def test_a_class_found_in_all_of_five_rows_may_still_be_missed() -> None:
    p, targets = np.eye(2)[[0] * 20 + [1] * 5], np.array([0] * 20 + [1] * 5)
    _, rare = evaluate_models({"network": p}, targets, CLASSIFICATION, resamples=100).classes[
        "network"
    ]
    assert (rare["recall"], rare["recall_low"], rare["recall_high"]) == (1.0, *wilson(5, 5))


def test_the_precision_of_a_never_predicted_class_has_the_widest_interval() -> None:
    p, targets = np.tile([0.7, 0.3], (40, 1)), np.arange(40) % 2
    _, never = evaluate_models({"network": p}, targets, CLASSIFICATION, resamples=100).classes[
        "network"
    ]
    assert (never["precision"], never["precision_low"], never["precision_high"]) == (0, 0, 1)
    assert (never["recall"], never["recall_high"]) == (0, pytest.approx(wilson(0, 20)[1]))


def test_recall_covers_the_truth_in_about_95_of_100_samples() -> None:
    rng = np.random.default_rng(3)
    tries, covered = 300, 0
    for seed in range(tries):
        targets = rng.permutation(np.repeat([0, 1], [60, 25]))
        hit = rng.random(85) < 0.7
        p = np.eye(2)[np.where(hit, targets, 1 - targets)]
        evaluated = evaluate_models(
            {"network": p}, targets, CLASSIFICATION, resamples=200, seed=seed
        )
        rare = evaluated.classes["network"][1]
        covered += rare["recall_low"] <= 0.7 <= rare["recall_high"]
    # Three standard errors of 300 tries are 0.038; 25 rows leave a bootstrap 0.02 short.
    assert 0.89 <= covered / tries <= 0.99


def test_intervals_by_group_are_wider_where_rows_of_a_group_are_alike() -> None:
    rng = np.random.default_rng(4)
    author = np.repeat(np.arange(30), 10)
    targets = rng.integers(2, size=300)
    hit = (rng.random(30) < 0.7)[author]
    p = np.eye(2)[np.where(hit, targets, 1 - targets)]
    widths = []
    for groups in (None, author):
        evaluated = evaluate_models({"network": p}, targets, CLASSIFICATION, groups=groups)
        one = evaluated.classes["network"][0]
        widths.append(one["recall_high"] - one["recall_low"])
    assert widths[1] > 1.5 * widths[0]


def test_a_regression_has_no_classes() -> None:
    evaluated = evaluate_models(
        {"network": np.ones((5, 1))}, np.arange(5.0), REGRESSION, resamples=100
    )
    assert evaluated.classes == {"network": []}
