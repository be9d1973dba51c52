"""Comparison: paired tests against hand-computed and enumerated answers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from duree.evaluation.comparison import compare, holm, mcnemar, permutation_p_value
from duree.evaluation.metrics import CLASSIFICATION, MULTILABEL, REGRESSION
from duree.evaluation.resampling import Sample, Trial


def marks(both: int, only_one: int, only_other: int, neither: int) -> tuple[np.ndarray, ...]:
    one = np.repeat([True, True, False, False], [both, only_one, only_other, neither])
    other = np.repeat([True, False, True, False], [both, only_one, only_other, neither])
    return one, other


def test_mcnemar_worked_out_by_hand() -> None:
    # 2 (C(10,0) + C(10,1) + C(10,2)) / 2^10
    low, high, p = mcnemar(*marks(80, 8, 2, 10))
    assert p == pytest.approx(2 * (1 + 10 + 45) / 1024)
    # Clopper & Pearson 1934 for 8 of 10: 0.4439 to 0.9748; (2 x - 1) 10 / 100.
    assert (low, high) == pytest.approx((-0.0112, 0.0950), abs=1e-4)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemars_interval_excludes_0_exactly_where_its_p_value_is_below_5_percent(
    only_one: int, only_other: int
) -> None:
    low, high, p = mcnemar(*marks(10, only_one, only_other, 10))
    assert (low > 0 or high < 0) == (p < 0.05)
    assert low <= (only_one - only_other) / (20 + only_one + only_other) <= high


def test_two_classifiers_that_are_right_in_the_same_rows_may_still_differ() -> None:
    low, high, p = mcnemar(*marks(30, 0, 0, 0))
    assert p == 1.0
    # In 30 rows a share of 0.116 goes unseen in 2.5 % of samples.
    assert (low, high) == pytest.approx((-0.1157, 0.1157), abs=1e-4)


def trial(targets: np.ndarray, metrics: object, groups: np.ndarray | None = None) -> Trial:
    return Trial(targets, metrics, Sample.of(len(targets), groups), 4000, 0)  # type: ignore[arg-type]


def test_the_permutation_test_finds_the_p_value_of_all_permutations() -> None:
    rng = np.random.default_rng(0)
    targets = np.zeros(8)
    one, other = rng.exponential(size=(8, 1)), 1.5 * rng.exponential(size=(8, 1))
    gaps = (one - other)[:, 0]
    sums = np.array([abs(np.dot(signs, gaps)) for signs in product([-1, 1], repeat=8)])
    expected = np.mean(sums >= abs(gaps.sum()) - 1e-12)
    # 0.025: three standard errors of 4,000 permutations.
    found = permutation_p_value(one, other, trial(targets, REGRESSION))
    assert found == pytest.approx(expected, abs=0.025)


def test_the_permutation_test_changes_whole_groups() -> None:
    # One model is worse by 1 in every row, but all rows come from three authors: of the eight ways
    # to change places two are as extreme.
    targets, groups = np.zeros(300), np.repeat([0, 1, 2], 100)
    one, other = np.zeros((300, 1)), np.ones((300, 1))
    found = permutation_p_value(one, other, trial(targets, REGRESSION, groups))
    assert found == pytest.approx(0.25, abs=0.025)
    assert permutation_p_value(one, other, trial(targets, REGRESSION)) < 0.001


def test_the_permutation_test_works_for_metrics_that_are_no_means() -> None:
    rng = np.random.default_rng(1)
    targets = (rng.random((200, 3)) < 0.4).astype(np.int64)
    good = expit(3 * targets - 1.5 + rng.normal(size=(200, 3)))
    poor = expit(targets - 0.5 + rng.normal(size=(200, 3)))
    assert permutation_p_value(good, poor, trial(targets, MULTILABEL)) < 0.001
    assert permutation_p_value(good, good, trial(targets, MULTILABEL)) == 1.0


def test_holm_worked_out_by_hand() -> None:
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


def test_a_difference_is_network_minus_baseline_and_has_two_tests_in_the_primary_metric() -> None:
    rng = np.random.default_rng(2)
    targets = rng.integers(2, size=300)
    p = expit(2 * (targets - 0.5)[:, None] + rng.normal(size=(300, 1)))
    models = {
        "network": np.hstack([1 - p, p]),
        "majority": np.tile([0.45, 0.55], (300, 1)),
    }
    for groups, methods in (
        (None, ["paired bootstrap", "McNemar exact"]),
        (np.arange(300) // 3, ["paired bootstrap by group", "paired permutation by group"]),
    ):
        evaluated = trial(targets, CLASSIFICATION, groups)
        values = {name: CLASSIFICATION.values(found, targets) for name, found in models.items()}
        found = compare(models, values, evaluated.resampled(models), evaluated)
        assert {c.model for c in found} == {"majority"}
        in_accuracy = [c for c in found if c.metric == "accuracy"]
        assert [c.method for c in in_accuracy] == methods
        for comparison in in_accuracy:
            expected = values["network"]["accuracy"] - values["majority"]["accuracy"]
            assert comparison.difference == pytest.approx(expected)
            assert 0 < comparison.low < comparison.difference < comparison.high
            assert comparison.p_value < 0.01
        assert [c.metric for c in found if c.metric != "accuracy"] == [
            "macro_f1",
            "log_loss",
            "brier",
            "auc",
            "calibration_error",
        ]


def test_pairing_finds_a_difference_that_separate_intervals_hide() -> None:
    rng = np.random.default_rng(3)
    targets = rng.normal(size=200)
    shared = 5 * rng.normal(size=200)
    models = {
        "network": (targets + shared)[:, None],
        "mean": (targets + shared + 0.3 * np.sign(shared))[:, None],
    }
    evaluated = trial(targets, REGRESSION)
    drawn = evaluated.resampled(models)
    values = {name: REGRESSION.values(found, targets) for name, found in models.items()}
    first = compare(models, values, drawn, evaluated)[0]
    assert (first.metric, round(first.difference, 6)) == ("mae", -0.3)
    assert first.high < -0.29
    assert np.ptp(np.quantile(drawn["network"]["mae"], [0.025, 0.975])) > 0.5
