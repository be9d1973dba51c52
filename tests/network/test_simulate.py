"""Simulated sequences: one step ahead they follow the network's own probabilities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.support.next_model import COVARIATES, OUTPUTS, model, rows

from duree.network.simulate import simulate

# Each output stands for a token: the last for UNKNOWN.
TOKENS = np.array([3, 4, 5, 6, 1])


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("covariates", COVARIATES)
def test_one_step_ahead_paths_end_as_often_as_the_network_says(
    covariates: tuple[int, ...], cell: str
) -> None:
    network, values = model(covariates, cell=cell), rows(4, 6, covariates)
    paths = 20_000
    found = simulate(network, values.numpy(), 6, TOKENS, paths=paths, temperature=1.7)
    lengths = torch.full((4,), 6)
    scores = network(values, lengths)[:, -1].detach().double()
    wanted = (scores / 1.7).softmax(dim=1).numpy()
    # Five standard errors of a share.
    assert (np.abs(found - wanted) < 5 * np.sqrt(wanted * (1 - wanted) / paths) + 1e-9).all()


@pytest.mark.parametrize("covariates", COVARIATES)
def test_two_steps_ahead_paths_end_as_the_sum_over_all_first_steps(
    covariates: tuple[int, ...],
) -> None:
    network, values, paths = model(covariates), rows(3, 5, covariates), 40_000
    found = simulate(network, values.numpy(), 6, TOKENS, paths=paths)
    lengths = torch.full((3,), 5)
    first = network(values, lengths)[:, -1].detach().softmax(dim=1)
    wanted = torch.zeros(3, OUTPUTS)
    for output, token in enumerate(TOKENS.tolist()):
        longer = torch.cat([values, values[:, -1:]], dim=1)
        (longer if longer.ndim == 2 else longer[:, :, 0])[:, -1] = token
        second = network(longer, lengths + 1)[:, -1].detach().softmax(dim=1)
        wanted += first[:, output : output + 1] * second
    assert np.abs(found - wanted.numpy()).max() < 0.015


def test_a_network_that_is_sure_is_followed_exactly() -> None:
    """After each state comes the next one in the second phase of the year, else the same again."""
    network = model(memory=None)
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.zeros_(network.head.bias)
    by_season = torch.nn.init.zeros_(network.direct["season"]).data.view(7, -1, OUTPUTS)
    for place, token in enumerate(TOKENS):
        by_season[token, :, place] = 100.0
        by_season[token, 1, place] = 0.0
        by_season[token, 1, (place + 1) % OUTPUTS] = 100.0
    prefixes = np.array([[3, 3], [6, 3], [5, 5]])
    for until in range(2, 10):
        found = simulate(network, prefixes, until, TOKENS, paths=7)
        changes = sum(step % network.period == 1 for step in range(1, until))
        begun = [list(TOKENS).index(row[-1]) for row in prefixes]
        ends = [(place + changes) % OUTPUTS for place in begun]
        np.testing.assert_array_equal(found, np.eye(OUTPUTS)[ends])


def test_the_same_seed_gives_the_same_answer_and_another_seed_another() -> None:
    network, values = model((3, 4)), rows(6, 4, (3, 4)).numpy()
    first, again, other = (
        simulate(network, values, 9, TOKENS, paths=50, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_allclose(first.sum(axis=1), 1.0)


def test_rows_that_are_more_than_fit_at_once_stay_in_their_order() -> None:
    network, values = model(), rows(9, 3).numpy()
    found = simulate(network, values, 3, TOKENS, paths=9000)  # two rows at a time
    lengths = torch.full((9,), 3)
    wanted = network(torch.from_numpy(values), lengths)[:, -1].detach().softmax(dim=1).numpy()
    assert np.abs(found - wanted).max() < 0.03
