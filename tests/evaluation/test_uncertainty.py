"""Uncertainty: intervals that cover the truth as often as they say, and never claim certainty."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, norm, t

from duree.evaluation.metrics import CLASSIFICATION, REGRESSION, MetricSet
from duree.evaluation.resampling import Sample, Trial
from duree.evaluation.uncertainty import (
    effective_rows,
    interval,
    metric_interval,
    p_value,
    wilson,
)


def estimate(
    predictions: np.ndarray,
    targets: np.ndarray,
    metrics: MetricSet,
    groups: np.ndarray | None = None,
    resamples: int = 400,
    seed: int = 0,
) -> dict[str, tuple[float, float, float]]:
    """Value, low and high of every metric."""
    trial = Trial(targets, metrics, Sample.of(len(targets), groups), resamples, seed)
    drawn = trial.resampled({"network": predictions})["network"]
    found = {}
    for name, value in metrics.values(predictions, targets).items():
        low, high = metric_interval(metrics[name], value, drawn, targets, trial.sample)
        found[name] = (value, low, high)
    return found


@pytest.mark.parametrize(("hits", "rows"), [(0, 12), (1, 30), (15, 30), (973, 1000), (7, 7)])
def test_wilson_is_scipys(hits: int, rows: int) -> None:
    expected = binomtest(hits, rows).proportion_ci(0.95, "wilson")
    assert wilson(hits, rows) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_twenty_of_twenty_right_is_not_certainty() -> None:
    p = np.tile([0.9, 0.1], (20, 1))
    p[10:] = p[10:, ::-1]
    found = estimate(p, np.repeat([0, 1], 10), CLASSIFICATION)
    assert found["accuracy"] == (1.0, *wilson(20, 20))
    assert found["accuracy"][1] == pytest.approx(0.839, abs=0.001)  # 20 / (20 + 1.96²)
    # The rarest class has ten rows.
    assert found["macro_f1"][1:] == found["auc"][1:] == wilson(10, 10)


def test_groups_that_are_all_right_count_as_groups_and_not_as_rows() -> None:
    p = np.tile([0.9, 0.1], (200, 1))
    p[::2] = p[::2, ::-1]
    groups = np.repeat(np.arange(10), 20)
    low = estimate(p, np.arange(1, 201) % 2, CLASSIFICATION, groups)["accuracy"][1]
    assert low < wilson(10, 10)[0]


def test_the_interval_of_few_units_is_wider_than_the_plain_quantiles() -> None:
    drawn = np.random.default_rng(0).normal(size=200_000)
    for units in (5, 20, 1000):
        low, high = interval(drawn, units)
        expected = t.ppf(0.975, units - 1) * np.sqrt(units / (units - 1))
        # 0.03: four standard errors of a quantile that far out, of so many draws.
        assert (-low, high) == pytest.approx((expected, expected), abs=0.03 if units > 5 else 0.15)


def test_the_p_value_is_the_level_at_which_the_interval_reaches_0() -> None:
    rng = np.random.default_rng(1)
    for shift in (1.9, 2.6, 3.4):
        drawn = rng.normal(shift, 1, size=50_000)
        excluded = interval(drawn, 12)[0] > 0
        assert (p_value(drawn, 12) < 0.05) == excluded
    assert p_value(rng.normal(2.5, 1, size=400_000), 100_000) == pytest.approx(
        2 * norm.cdf(-2.5), rel=0.1
    )


def test_no_difference_in_any_resample_has_a_p_value_of_1() -> None:
    assert p_value(np.zeros(100), 50) == 1.0


def test_undefined_resamples_are_left_out_of_the_interval() -> None:
    assert interval(np.array([np.nan, 0.5, 0.5]), 100) == (0.5, 0.5)
    assert interval(np.array([np.nan, np.nan]), 100) is None


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    rng = np.random.default_rng(2)
    targets = rng.normal(size=40)
    predictions = targets[:, None] + rng.normal(size=(40, 1))
    first = estimate(predictions, targets, REGRESSION, seed=3)
    assert first == estimate(predictions, targets, REGRESSION, seed=3)
    assert first != estimate(predictions, targets, REGRESSION, seed=4)


def test_every_resample_draws_as_many_units_as_there_are_and_whole_groups() -> None:
    groups = np.array([7, 7, 3, 3, 3, 9])
    trial = Trial(np.zeros(6), REGRESSION, Sample.of(6, groups), 50, 0)
    weights = np.concatenate(list(trial.weights()), axis=1)
    assert weights.shape == (6, 50)
    assert np.array_equal(weights[0], weights[1])
    assert np.array_equal(weights[2], weights[4])
    assert np.array_equal(weights[0] + weights[2] + weights[5], np.full(50, 3.0))


def test_a_single_group_is_resampled_by_row() -> None:
    sample = Sample.of(5, np.full(5, 3))
    assert (sample.units, sample.grouped) == (5, False)


def mae_of_exponential_errors(rng: np.random.Generator, rows: int) -> tuple[float, float, float]:
    errors = rng.exponential(size=(rows, 1))
    return estimate(errors, np.zeros(rows), REGRESSION)["mae"]


def accuracy_of_85_percent(rng: np.random.Generator, rows: int) -> tuple[float, float, float]:
    right = rng.random(rows) < 0.85
    return estimate(np.tile([0.4, 0.6], (rows, 1)), right.astype(np.int64), CLASSIFICATION)[
        "accuracy"
    ]


def auc_of_shifted_normals(rng: np.random.Generator, rows: int) -> tuple[float, float, float]:
    targets = np.arange(rows) % 2
    p = norm.cdf(rng.normal(size=rows) + targets)
    return estimate(np.stack([1 - p, p], axis=1), targets, CLASSIFICATION)["auc"]


def spearman_of_a_normal_pair(rng: np.random.Generator, rows: int) -> tuple[float, float, float]:
    x, y = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=rows).T
    return estimate(x[:, None], y, REGRESSION)["spearman"]


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        pytest.param(mae_of_exponential_errors, 1.0, id="mae"),
        pytest.param(accuracy_of_85_percent, 0.85, id="accuracy"),
        pytest.param(auc_of_shifted_normals, norm.cdf(1 / np.sqrt(2)), id="auc"),
        # Pearson 1907: the rank correlation of a normal pair.
        pytest.param(spearman_of_a_normal_pair, 6 / np.pi * np.arcsin(0.3), id="spearman"),
    ],
)
def test_intervals_cover_the_truth_in_about_95_of_100_samples(draw: object, truth: float) -> None:
    rng = np.random.default_rng(6)
    tries = 400
    covered = 0
    for _ in range(tries):
        _, low, high = draw(rng, 50)  # type: ignore[operator]
        covered += low <= truth <= high
    # Three standard errors of 400 tries are 0.033; 0.02 more below, as 50 rows of skewed errors
    # leave any bootstrap a little short.
    assert 0.897 <= covered / tries <= 0.985


def test_plain_quantiles_of_the_calibration_error_would_exclude_the_truth() -> None:
    rng = np.random.default_rng(7)
    tries, covered, covered_by_quantiles = 100, 0, 0
    for seed in range(tries):
        # Right as often as it says: the true error is 0.
        confidence = rng.uniform(0.5, 1, size=300)
        targets = (rng.random(300) < confidence).astype(np.int64)
        p = np.stack([1 - confidence, confidence], axis=1)
        value, low, high = estimate(p, targets, CLASSIFICATION, resamples=200, seed=seed)[
            "calibration_error"
        ]
        covered += low <= 0.0 <= high
        assert low <= value <= high
        trial = Trial(targets, CLASSIFICATION, Sample.of(300, None), 200, seed)
        drawn = trial.resampled({"network": p})["network"]["calibration_error"]
        covered_by_quantiles += interval(drawn, 300)[0] <= 0.0
    assert covered >= 88  # 95 less three standard errors
    assert covered_by_quantiles == 0


def clustered(rng: np.random.Generator, groups: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Correct predictions at 0.7 overall, with easy and hard authors; and each row's author."""
    ease = rng.beta(1.4, 0.6, size=groups)  # mean 0.7, correlation within 1/3
    group = np.repeat(np.arange(groups), size)
    return (rng.random(groups * size) < ease[group]).astype(np.int64), group


def test_intervals_by_group_are_wider_where_rows_of_a_group_are_alike() -> None:
    rng = np.random.default_rng(8)
    targets, groups = clustered(rng, 40, 15)
    p = np.tile([0.4, 0.6], (600, 1))
    p += rng.uniform(-0.05, 0.05, size=(600, 1)) * [1, -1]
    plain, by_group = (estimate(p, targets, CLASSIFICATION, g) for g in (None, groups))
    for name in ("accuracy", "log_loss", "brier"):
        width = [high - low for _, low, high in (plain[name], by_group[name])]
        # The design effect is 1 + 14/3 = 5.7, of which the root is 2.4.
        assert 1.7 < width[1] / width[0] < 3.2, name


def test_intervals_by_group_cover_the_truth_and_plain_ones_do_not() -> None:
    rng = np.random.default_rng(9)
    tries, covered = 200, np.zeros(2)
    p = np.tile([0.4, 0.6], (200, 1))
    for _ in range(tries):
        targets, groups = clustered(rng, 20, 10)
        for place, known in enumerate((None, groups)):
            _, low, high = estimate(p, targets, CLASSIFICATION, known, 200)["accuracy"]
            covered[place] += low <= 0.7 <= high
    # Three standard errors of 200 tries are 0.046.
    assert covered[1] / tries > 0.90
    assert covered[0] / tries < 0.85


def test_rows_uncorrelated_within_groups_count_almost_in_full() -> None:
    rng = np.random.default_rng(10)
    right = (rng.random(1000) < 0.7) * 1.0
    groups = np.repeat(np.arange(100), 10)
    sample = Sample.of(1000, groups)
    trial = Trial(np.zeros(1000), REGRESSION, sample, 2000, 0)
    drawn = trial.resampled({"network": right[:, None]})["network"]["mae"]
    assert 700 < effective_rows(right.mean(), drawn, sample) <= 1000
    assert effective_rows(right.mean(), drawn, Sample.of(1000, None)) == 1000
