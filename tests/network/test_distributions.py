"""Likelihoods: they are the textbook's densities, and their quantiles are those of SciPy."""

import numpy as np
import pytest
import torch
from scipy import stats

from duree.network.distributions import Gaussian, NegativeBinomial, Quantiles, StudentT
from duree.recipe.quantile_levels import LEVELS

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(5, 3)) * 2
COUNTS = RNG.poisson(4, size=(5, 3)).astype(float)
LOCATION = RNG.normal(size=(5, 3))
SPREAD = RNG.uniform(0.3, 3, size=(5, 3))
FREEDOM = RNG.uniform(2.5, 20, size=(5, 3))
MEAN = RNG.uniform(0.2, 9, size=(5, 3))


def stacked(*parts):
    return torch.from_numpy(np.stack(parts, axis=-1)).requires_grad_()


CASES = {
    "gaussian": (Gaussian(), (LOCATION, SPREAD), VALUES, stats.norm(LOCATION, SPREAD).logpdf),
    "student": (
        StudentT(),
        (LOCATION, SPREAD, FREEDOM),
        VALUES,
        stats.t(FREEDOM, LOCATION, SPREAD).logpdf,
    ),
    "negative binomial": (
        NegativeBinomial(),
        (MEAN, SPREAD),
        COUNTS,
        stats.nbinom(1 / SPREAD, 1 / (1 + SPREAD * MEAN)).logpmf,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_loss_is_minus_the_log_density_of_scipy(case):
    family, parts, values, log_density = CASES[case]
    loss = family.loss(stacked(*parts), torch.from_numpy(values))
    np.testing.assert_allclose(loss.detach().numpy(), -log_density(values), rtol=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_gradients_of_the_loss_are_those_of_finite_differences(case):
    family, parts, values, _ = CASES[case]
    known = torch.from_numpy(values)
    assert torch.autograd.gradcheck(lambda given: family.loss(given, known), stacked(*parts))


@pytest.mark.parametrize("case", CASES)
def test_the_mean_loss_of_draws_is_least_at_their_own_parameters(case):
    family, parts, _, _ = CASES[case]
    own = np.array([part[0, 0] for part in parts])
    frozen = {
        "gaussian": lambda: stats.norm(*own),
        "student": lambda: stats.t(own[2], own[0], own[1]),
        "negative binomial": lambda: stats.nbinom(1 / own[1], 1 / (1 + own[1] * own[0])),
    }[case]()
    drawn = torch.from_numpy(frozen.rvs(20_000, random_state=1).astype(float))[:, None]

    def loss_at(parameters):
        each = torch.from_numpy(np.tile(parameters, (len(drawn), 1, 1)))
        return float(family.loss(each, drawn).mean())

    for place in range(len(own)):
        for factor in (0.5, 2.0):
            other = own.copy()
            other[place] *= factor
            assert loss_at(own) < loss_at(other)


def test_quantiles_are_those_of_scipy_and_never_fall():
    found = StudentT().quantiles(np.stack([LOCATION, SPREAD, FREEDOM], -1), LEVELS)
    expected = stats.t.ppf(
        np.array(LEVELS), FREEDOM[..., None], LOCATION[..., None], SPREAD[..., None]
    )
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    counts = NegativeBinomial().quantiles(np.stack([MEAN, SPREAD], -1), LEVELS)
    assert (np.diff(counts, axis=-1) >= 0).all()
    assert (counts % 1 == 0).all()


def test_quantiles_that_cross_are_put_in_order():
    found = Quantiles().quantiles(np.array([[3.0, 1.0, 2.0, *range(4, 12)]]), LEVELS)
    assert found[0, :3].tolist() == [1, 2, 3]


def test_between_the_levels_quantiles_lie_on_a_straight_line():
    known = np.arange(len(LEVELS), dtype=float)
    found = Quantiles().quantiles(known, [0.45, 0.5, 0.9375])
    np.testing.assert_allclose(found, [4.5, 5.0, 9.5])


def test_the_pinball_loss_is_least_at_the_quantiles():
    drawn = torch.from_numpy(stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000))[:, None]
    at = torch.from_numpy(stats.norm.ppf(LEVELS))
    own = Quantiles().loss(at.expand(len(drawn), 1, -1), drawn).mean()
    for shift in (-0.05, 0.05):
        assert own < Quantiles().loss((at + shift).expand(len(drawn), 1, -1), drawn).mean()


@pytest.mark.parametrize("family", [Gaussian(), StudentT(), Quantiles()])
def test_untrained_it_lies_at_the_reference_and_widens_with_the_steps(family):
    growth = torch.arange(1, 5).sqrt().double()
    raw = torch.zeros(1, 4, family.size, dtype=torch.float64)
    parameters = family.parameters(raw, torch.zeros(1, 4), growth)
    low, middle, high = np.moveaxis(family.quantiles(parameters.numpy(), LEVELS), -1, 0)[[0, 5, 10]]
    np.testing.assert_allclose(middle, 0, atol=1e-12)
    np.testing.assert_allclose((high - low) / (high - low)[0, 0], growth.numpy()[None], rtol=1e-6)
