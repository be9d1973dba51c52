"""Metrics: hand-computed answers, and scikit-learn's as the oracle, plain and under weights."""

from __future__ import annotations

import string
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, softmax
from scipy.stats import spearmanr

from duree.errors import chinese_templates
from duree.evaluation.forecast_metrics import FORECASTS
from duree.evaluation.metrics import CLASSIFICATION, MULTILABEL, REGRESSION, MetricSet
from duree.evaluation.next_metrics import NEXT
from duree.evaluation.tag_metrics import Scheme, tagging_metrics
from duree.report.methods.references import references
from duree.results.metric import KNOWN, Metric, known_metric

Floats = NDArray[np.float64]


def some_classes(rows: int, classes: int, seed: int, *, tied: bool = False) -> tuple[Floats, Any]:
    """Probabilities that know something of the targets; rounded ones have many ties."""
    rng = np.random.default_rng(seed)
    targets = np.concatenate([np.arange(classes), rng.integers(classes, size=rows - classes)])
    scores = rng.normal(size=(rows, classes)) + 1.2 * np.eye(classes)[targets]
    return softmax(np.round(scores) if tied else scores, axis=1), targets


def some_labels(rows: int, seed: int) -> tuple[Floats, Any]:
    rng = np.random.default_rng(seed)
    targets = (rng.random((rows, 4)) < [0.5, 0.3, 0.2, 0.4]).astype(np.int64)
    return expit(2 * targets - 1 + rng.normal(size=(rows, 4))), targets


def some_numbers(rows: int, seed: int) -> tuple[Floats, Any]:
    rng = np.random.default_rng(seed)
    targets = np.round(rng.normal(10, 3, size=rows), 1)
    return np.round(targets + rng.normal(size=rows), 1)[:, None], targets


def oracle_of_classes(p: Floats, y: Any) -> dict[str, float]:
    chosen, classes = p.argmax(axis=1), np.arange(p.shape[1])
    areas = [sk.roc_auc_score(y == k, p[:, k]) for k in classes if 0 < (y == k).sum() < len(y)]
    return {
        "accuracy": sk.accuracy_score(y, chosen),
        "macro_f1": sk.f1_score(y, chosen, average="macro"),
        "log_loss": sk.log_loss(y, p, labels=classes),
        "brier": sk.brier_score_loss(y, p[:, 1] if len(classes) == 2 else p, labels=classes),
        "auc": float(np.mean(areas)),
    }


def oracle_of_labels(p: Floats, y: Any) -> dict[str, float]:
    columns = range(y.shape[1])
    return {
        "subset_accuracy": sk.accuracy_score(y, p >= 0.5),
        "macro_f1": sk.f1_score(y, p >= 0.5, average="macro"),
        "micro_f1": sk.f1_score(y, p >= 0.5, average="micro"),
        "log_loss": float(np.mean([sk.log_loss(y[:, k], p[:, k], labels=[0, 1]) for k in columns])),
        "brier": float(np.mean([sk.brier_score_loss(y[:, k], p[:, k]) for k in columns])),
        "auc": sk.roc_auc_score(y, p, average="macro"),
    }


def oracle_of_numbers(p: Floats, y: Any) -> dict[str, float]:
    return {
        "mae": sk.mean_absolute_error(y, p[:, 0]),
        "rmse": sk.root_mean_squared_error(y, p[:, 0]),
        "r2": sk.r2_score(y, p[:, 0]),
        "spearman": spearmanr(y, p[:, 0]).statistic,
    }


CASES = [
    pytest.param(CLASSIFICATION, oracle_of_classes, some_classes(80, 2, 0), id="two classes"),
    pytest.param(CLASSIFICATION, oracle_of_classes, some_classes(80, 2, 1, tied=True), id="ties"),
    pytest.param(CLASSIFICATION, oracle_of_classes, some_classes(90, 5, 2), id="five classes"),
    pytest.param(MULTILABEL, oracle_of_labels, some_labels(80, 3), id="labels"),
    pytest.param(REGRESSION, oracle_of_numbers, some_numbers(80, 4), id="numbers with ties"),
]


@pytest.mark.parametrize(("metrics", "oracle", "data"), CASES)
def test_values_are_those_of_scikit_learn_and_scipy(
    metrics: MetricSet, oracle: Any, data: tuple[Floats, Any]
) -> None:
    values = metrics.values(*data)
    values.pop("calibration_error", None)
    # 1e-12: the same sums, in another order.
    assert values == pytest.approx(oracle(*data), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize(("metrics", "oracle", "data"), CASES)
def test_weights_give_what_a_naive_loop_over_resamples_gives(
    metrics: MetricSet, oracle: Any, data: tuple[Floats, Any]
) -> None:
    p, y = data
    rng = np.random.default_rng(5)
    drawn = rng.integers(len(y), size=(20, len(y)))
    weights = np.stack([np.bincount(rows, minlength=len(y)) for rows in drawn], axis=1) * 1.0
    prepared = metrics.prepare(p, y)
    for place, rows in enumerate(drawn):
        for name, value in oracle(p[rows], y[rows]).items():
            # 1e-9: R² and Spearman's correlation take differences of sums.
            assert prepared[name](weights)[place] == pytest.approx(value, rel=1e-9), name


def test_accuracy_f1_and_brier_score_of_four_rows_worked_out_by_hand() -> None:
    p = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    values = CLASSIFICATION.values(p, np.array([0, 1, 1, 0]))
    assert values["accuracy"] == 0.5
    # Each class: one hit, one miss, one false alarm.
    assert values["macro_f1"] == 0.5
    assert values["brier"] == pytest.approx((0.1**2 + 0.6**2 + 0.3**2 + 0.8**2) / 4)
    # Positives 0.4 and 0.7, negatives 0.1 and 0.8: two of the four pairs are in order.
    assert values["auc"] == 0.5
    assert values["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.7, 0.2]).mean())


def test_calibration_error_of_two_bins_worked_out_by_hand() -> None:
    confidence = np.repeat([0.6, 0.9], 20)
    p = np.stack([confidence, 1 - confidence], axis=1)
    targets = np.repeat([0, 1, 0, 1], [14, 6, 16, 4])
    # Predicted 0.6, right 0.7; predicted 0.9, right 0.8: a mean gap of 0.1.
    assert CLASSIFICATION.values(p, targets)["calibration_error"] == pytest.approx(0.1)


def test_regression_figures_of_three_rows_worked_out_by_hand() -> None:
    values = REGRESSION.values(np.array([[1.0], [2.0], [6.0]]), np.array([1.0, 3.0, 5.0]))
    assert values["mae"] == pytest.approx(2 / 3)
    assert values["rmse"] == pytest.approx(np.sqrt(2 / 3))
    assert values["r2"] == pytest.approx(1 - 2 / 8)
    assert values["spearman"] == pytest.approx(1.0)


def test_a_class_without_rows_is_left_out_of_the_means() -> None:
    p, targets = some_classes(60, 3, 6)
    p = np.insert(p, 3, 0.0, axis=1)
    assert CLASSIFICATION.values(p, targets) == pytest.approx(
        CLASSIFICATION.values(p[:, :3], targets)
    )


def test_a_class_that_is_predicted_but_has_no_rows_counts_as_0_in_macro_f1() -> None:
    p = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    assert CLASSIFICATION.values(p, np.array([0, 1, 1]))["macro_f1"] == pytest.approx(
        (1 + 2 / 3 + 0) / 3
    )


def test_a_figure_without_a_value_is_left_out() -> None:
    one_class = CLASSIFICATION.values(np.array([[0.8, 0.2], [0.4, 0.6]]), np.array([0, 0]))
    assert "auc" not in one_class
    assert one_class["accuracy"] == 0.5
    constant = REGRESSION.values(np.full((3, 1), 2.0), np.array([1.0, 2.0, 3.0]))
    assert "spearman" not in constant
    assert constant["r2"] == 0.0
    same = REGRESSION.values(np.array([[1.0], [2.0]]), np.array([0.1, 0.1]))
    assert set(same) == {"mae", "rmse"}


def test_r2_has_no_value_in_a_resample_that_draws_one_row_alone() -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        prepared = REGRESSION.prepare(rng.normal(size=(7, 1)), rng.normal(size=7))
        weights = np.zeros((7, 1))
        weights[2] = 7
        assert np.isnan(prepared["r2"](weights)).all()


def test_a_probability_of_0_for_what_happened_keeps_the_log_loss_finite() -> None:
    p, targets = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1])
    assert CLASSIFICATION.values(p, targets)["log_loss"] == pytest.approx(sk.log_loss(targets, p))


def test_a_constant_prediction_has_an_auc_of_one_half() -> None:
    assert CLASSIFICATION.values(np.tile([0.7, 0.3], (9, 1)), np.arange(9) % 2)["auc"] == 0.5


@settings(deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(30)))
def test_the_order_of_rows_changes_no_value(seed: int, order: list[int]) -> None:
    for metrics, (p, y) in (
        (CLASSIFICATION, some_classes(30, 3, seed)),
        (MULTILABEL, some_labels(30, seed)),
        (REGRESSION, some_numbers(30, seed)),
    ):
        assert metrics.values(p[order], y[order]) == pytest.approx(metrics.values(p, y), rel=1e-9)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(4)))
def test_the_order_of_classes_changes_no_value(seed: int, order: list[int]) -> None:
    p, y = some_classes(30, 4, seed)
    renamed = np.argsort(order)[y]
    assert CLASSIFICATION.values(p[:, order], renamed) == pytest.approx(CLASSIFICATION.values(p, y))


def test_a_better_model_has_the_gain_on_its_side_in_every_metric() -> None:
    p, targets = some_classes(400, 3, 8)
    worse = softmax(np.random.default_rng(9).normal(size=p.shape) * 2, axis=1)
    better, other = CLASSIFICATION.values(p, targets), CLASSIFICATION.values(worse, targets)
    assert all(CLASSIFICATION[name].gain(better[name] - other[name]) > 0 for name in better)
    assert REGRESSION["mae"].gain(1.0) == -1
    assert REGRESSION["spearman"].gain(1.0) == 1


def test_a_value_is_worth_more_the_better_it_is() -> None:
    assert known_metric("auc").worth(0.9) > known_metric("auc").worth(0.8)
    assert known_metric("mae").worth(1.0) > known_metric("mae").worth(2.0)
    coverage = known_metric("coverage_80")
    assert coverage.worth(0.79) > coverage.worth(0.85) > coverage.worth(0.7)


def test_a_metric_that_version_0_1_0_lacks_is_called_by_its_name() -> None:
    assert known_metric("xpos_accuracy").values == {"layer": "xpos"}
    assert known_metric("new") == Metric("new", "new")
    assert known_metric("new").worth(1.0) == 1.0


SETS = [
    *(CLASSIFICATION, MULTILABEL, REGRESSION, NEXT, FORECASTS),
    tagging_metrics(["upos", "xpos"], ["N", "V"], None),
    tagging_metrics(["ner"], ["O", "B-PER"], Scheme.of(["O", "B-PER"])),
]


@pytest.mark.parametrize("metrics", SETS, ids=lambda found: found.primary)
def test_every_metric_has_words_in_both_languages(metrics: MetricSet) -> None:
    twins, works = chinese_templates(), references()
    for metric in metrics.metrics:
        # Abbreviations are the same in both languages.
        is_short = metric.title.upper() == metric.title.replace("s", "S", 1)  # sMAPE
        assert metric.title in twins or is_short, metric.name
        assert metric.definition in twins or metric.values, metric.name
        assert not metric.source or metric.source in twins, metric.name
        cited = {name for _, name, _, _ in string.Formatter().parse(metric.source) if name}
        assert cited <= works.keys()
        if metric.name in KNOWN:
            known = KNOWN[metric.name]
            assert (metric.title, metric.better) == (known.title, known.better)
