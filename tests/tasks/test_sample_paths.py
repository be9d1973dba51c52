"""Sample paths: each step as forecast, steps tied as they were."""

import numpy as np
import pytest
from scipy import stats

from duree.recipe.quantile_levels import LEVELS
from duree.tasks.sample_paths import at_scores, correlation, draw_scores, normal_scores

RNG = np.random.default_rng(0)


def quantiles(rows, horizon):
    centre, spread = RNG.normal(size=(2, rows, horizon))
    return centre[..., None] + np.exp(spread)[..., None] * stats.norm.ppf(LEVELS)


def test_scores_are_those_of_the_normal_distribution_and_go_back():
    known = quantiles(50, 3)
    values = RNG.normal(size=(50, 3)) * 2
    middle, upper = known[..., 5], known[..., 9]
    expected = (values - middle) / (upper - middle) * stats.norm.ppf(0.9)
    scores = normal_scores(values, known)
    near = np.abs(expected) < 5
    np.testing.assert_allclose(scores[near], expected[near], rtol=1e-9)
    np.testing.assert_allclose(at_scores(scores, known)[near], values[near], rtol=1e-9)


def test_a_step_that_is_not_known_has_no_score():
    assert np.isnan(normal_scores(np.array([[np.nan]]), quantiles(1, 1))).all()


def test_correlations_are_estimated_where_there_are_enough_rows():
    true = np.array([[1, 0.8, 0.1], [0.8, 1, 0.4], [0.1, 0.4, 1]])
    drawn = RNG.multivariate_normal(np.zeros(3), true, size=20_000)
    np.testing.assert_allclose(correlation(drawn), true, atol=0.02)


def test_with_few_rows_errors_add_up_like_those_of_a_random_walk():
    walk = correlation(np.zeros((0, 4)))
    np.testing.assert_allclose(walk[0], [1, 0.5**0.5, (1 / 3) ** 0.5, 0.5])
    few = correlation(RNG.normal(size=(3, 4)))
    assert np.linalg.eigvalsh(few).min() > 0


def test_paths_have_the_forecast_of_each_step_and_its_ties():
    known = quantiles(1, 3)
    tied = correlation(np.zeros((0, 3)))
    drawn = draw_scores(1, 20_000, tied, seed=0)
    paths = at_scores(drawn, np.broadcast_to(known[:, None], (1, 20_000, 3, len(LEVELS))))[0]
    spread = known[0, :, 9] - known[0, :, 1]
    found = np.quantile(paths, LEVELS, axis=0).T
    np.testing.assert_allclose(found / spread[:, None], known[0] / spread[:, None], atol=0.04)
    np.testing.assert_allclose(np.corrcoef(paths, rowvar=False), tied, atol=0.03)


def test_the_seed_alone_draws_them():
    tied = correlation(np.zeros((0, 3)))
    assert (draw_scores(2, 3, tied, 1) == draw_scores(2, 3, tied, 1)).all()
    assert (draw_scores(2, 3, tied, 1) != draw_scores(2, 3, tied, 2)).any()


@pytest.mark.parametrize("far", [-1e9, 1e9])
def test_what_lies_beyond_all_bands_has_a_finite_score(far):
    assert np.isfinite(normal_scores(np.array([[far]]), quantiles(1, 1))).all()
