"""The metrics of forecasts: by hand, by SciPy, and on the M4 competition's own files."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from duree.evaluation.forecast_metrics import (
    FORECASTS,
    Answers,
    crps,
    inside,
    mase,
    pinball,
    smape,
)
from duree.recipe.quantile_levels import BAND_80, BAND_95, LEVELS
from duree.tables.time.seasons import naive2, naive_error

DATA = Path(os.environ.get("DUREE_DATA", Path(__file__).parents[3] / "shared/data"))
RNG = np.random.default_rng(0)


def metrics_of(forecast, actual, scale, naive):
    answers = Answers(actual, scale, smape(naive, actual), mase(naive, actual, scale))
    quantiles = np.repeat(forecast[..., None], len(LEVELS), axis=2)
    return FORECASTS.values(quantiles.reshape(len(forecast), -1), answers.table())


def test_errors_are_those_of_a_calculation_by_hand():
    forecast, actual = np.array([[1.0, 3.0]]), np.array([[3.0, 3.0]])
    assert smape(forecast, actual).tolist() == [50.0]
    assert mase(forecast, actual, np.array([4.0])).tolist() == [0.25]
    assert smape(np.zeros((1, 1)), np.zeros((1, 1))).tolist() == [0.0]


def test_steps_that_are_not_known_are_left_out():
    actual = np.array([[3.0, np.nan]])
    assert mase(np.array([[1.0, 9.0]]), actual, np.ones(1)).tolist() == [2.0]
    assert inside(np.zeros((1, 2, len(LEVELS))), actual, BAND_95).tolist() == [0.0]


def test_a_constant_series_has_no_scaled_error_and_does_not_affect_the_mean():
    forecast, actual = np.array([[1.0], [2.0]]), np.array([[2.0], [4.0]])
    found = metrics_of(forecast, actual, np.array([0.0, 2.0]), forecast)
    assert found["mase"] == 1.0
    assert found["owa"] == 1.0


def test_owa_is_the_mean_of_both_ratios_and_one_for_naive2_itself():
    actual, naive = RNG.uniform(1, 9, (20, 4)), RNG.uniform(1, 9, (20, 4))
    forecast, scale = RNG.uniform(1, 9, (20, 4)), RNG.uniform(1, 3, 20)
    expected = (
        smape(forecast, actual).mean() / smape(naive, actual).mean()
        + mase(forecast, actual, scale).mean() / mase(naive, actual, scale).mean()
    ) / 2
    assert metrics_of(forecast, actual, scale, naive)["owa"] == pytest.approx(expected)
    assert metrics_of(naive, actual, scale, naive)["owa"] == pytest.approx(1.0)


def test_the_crps_is_near_that_of_a_normal_distribution():
    actual = RNG.normal(size=(4000, 1)) * 1.5
    quantiles = np.broadcast_to(stats.norm.ppf(LEVELS), (4000, 1, len(LEVELS)))
    found = crps(pinball(quantiles, actual))
    z = actual[:, 0]
    exact = z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi)
    assert found.mean() == pytest.approx(exact.mean(), rel=0.03)
    np.testing.assert_allclose(found, exact, rtol=0.025, atol=0.06)


def test_true_quantiles_have_their_nominal_coverage():
    actual = RNG.normal(size=(5000, 2))
    quantiles = np.broadcast_to(stats.norm.ppf(LEVELS), (5000, 2, len(LEVELS)))
    assert inside(quantiles, actual, BAND_80).mean() == pytest.approx(0.8, abs=0.01)
    assert inside(quantiles, actual, BAND_95).mean() == pytest.approx(0.95, abs=0.01)


def test_a_resample_counts_rows_as_often_as_they_are_drawn():
    actual, forecast = RNG.uniform(1, 9, (3, 2)), RNG.uniform(1, 9, (3, 2))
    scale, twice = np.ones(3), [0, 0, 2]
    answers = Answers(actual, scale, smape(forecast + 1, actual), mase(forecast + 1, actual, scale))
    quantiles = np.repeat(forecast[..., None], len(LEVELS), axis=2).reshape(3, -1)
    weighted = FORECASTS.prepare(quantiles, answers.table())
    repeated = FORECASTS.values(quantiles[twice], answers.table()[twice])
    for name, value in repeated.items():
        assert weighted[name](np.array([[2.0], [0.0], [1.0]]))[0] == pytest.approx(value)


@pytest.mark.skipif(not (DATA / "m4_weekly").exists(), reason="the M4 files are not here")
def test_naive_has_the_figures_of_the_competition_on_its_weekly_series():
    def read(name):
        with open(DATA / "m4_weekly" / name, encoding="utf-8") as file:
            rows = list(csv.reader(file))[1:]
        return [np.array([float(cell) for cell in row[1:] if cell]) for row in rows]

    past, actual = read("train.csv"), np.array(read("test.csv"))
    naive = np.array([naive2(values, 13, 1) for values in past])
    found = metrics_of(naive, actual, np.array([naive_error(values, 1) for values in past]), naive)
    assert round(found["smape"], 3) == 9.161
    assert round(found["mase"], 3) == 2.777
    assert found["owa"] == pytest.approx(1.0)
