"""Attributions by channel add up, and find what a network was built to read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from duree.explain.attribution import integrated_gradients
from duree.explain.series import by_channel


def test_channels_share_what_their_step_is_given(numeric) -> None:
    model, rows = numeric
    numbers, given = by_channel(model, rows)
    steps = integrated_gradients(model, rows)
    assert numbers.values.shape == rows.values.shape
    assert numbers.values.sum(axis=1) == pytest.approx(given.values.values, abs=1e-5)
    scale = float(np.abs(steps.values.values).max())  # each way may miss a hundredth of a row's sum
    assert given.values.values == pytest.approx(steps.values.values, abs=0.05 * scale)
    assert given.score == pytest.approx(steps.score, abs=1e-4)
    assert given.incomplete.max() <= 0.01


def test_a_channel_that_the_network_does_not_read_is_given_nothing(numeric) -> None:
    model, rows = numeric
    with torch.no_grad():
        original = {name: weight.clone() for name, weight in model.network.named_parameters()}
        for name, weight in model.network.named_parameters():
            if "weight_ih_l0" in name:
                weight[:, 1] = 0.0
    try:
        numbers, given = by_channel(model, rows)
    finally:
        with torch.no_grad():
            for name, weight in model.network.named_parameters():
                weight.copy_(original[name])
    assert not numbers.values[:, 1].any()
    missed = given.values.sums() - (given.score - given.start)
    assert np.abs(missed) == pytest.approx(0, abs=0.011 * np.abs(given.score - given.start).max())


def test_a_row_is_given_the_same_alone(numeric) -> None:
    model, rows = numeric
    whole, _ = by_channel(model, rows)
    alone, _ = by_channel(model, rows.take(np.array([3])))
    assert alone[0] == pytest.approx(whole[3], abs=1e-5)
