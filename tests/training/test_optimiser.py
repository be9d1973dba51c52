"""The update rules, the learning rate over the steps, and the norm of the gradients."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from duree.recipe import TrainingSettings
from duree.training.optimiser import learning_rate, make_optimiser, update


def rates(schedule, steps=1000):
    settings = TrainingSettings(schedule=schedule, learning_rate=0.5)
    return [learning_rate(settings, step, steps) for step in range(steps)]


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_the_rate_rises_over_the_first_hundred_steps_and_never_again(schedule):
    found = rates(schedule)
    assert found[0] == pytest.approx(0.5 / 100)
    assert all(a < b for a, b in pairwise(found[:90]))
    assert all(a >= b for a, b in pairwise(found[100:]))
    assert max(found) <= 0.5


def test_each_schedule_ends_where_it_should():
    assert rates("constant")[-1] == 0.5
    assert rates("linear")[500] == pytest.approx(0.25)
    assert rates("cosine")[500] == pytest.approx(0.25)
    assert rates("cosine")[250] == pytest.approx(0.25 * (1 + math.cos(math.pi / 4)))
    assert rates("linear")[-1] < 0.001
    assert rates("cosine")[-1] < 0.001


def test_a_step_beyond_the_last_keeps_the_rate_at_its_end():
    assert learning_rate(TrainingSettings(schedule="linear"), 1100, 1000) == 0.0


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("adam", torch.optim.Adam),
        ("adamw", torch.optim.AdamW),
        ("sgd", torch.optim.SGD),
        ("rmsprop", torch.optim.RMSprop),
    ],
)
def test_each_name_gives_its_rule_with_rate_and_decay(name, rule):
    settings = TrainingSettings(optimiser=name, learning_rate=0.3, weight_decay=0.2)
    found = make_optimiser(nn.Linear(2, 1), settings)
    assert type(found) is rule
    assert found.param_groups[0]["lr"] == 0.3
    assert found.param_groups[0]["weight_decay"] == 0.2


class Line(nn.Module):
    """One weight times a value."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def forward(self, values, lengths):
        return values @ self.weight


def step(clip_norm, scale=1.0):
    """The change that one update by plain gradient descent makes, at rate 1."""
    model = Line()
    batch = (torch.tensor([[3.0, 4.0]]), torch.tensor([1]), torch.zeros(1))
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    value = update(model, optimiser, lambda s, t: scale * (s - t).sum(), batch, clip_norm)
    return value, (model.weight - 1.0).detach()


def test_a_gradient_is_cut_to_the_norm_and_keeps_its_direction():
    assert torch.allclose(step(clip_norm=0.0)[1], torch.tensor([-3.0, -4.0]))
    assert torch.allclose(step(clip_norm=1.0)[1], torch.tensor([-0.6, -0.8]), atol=1e-5)
    assert torch.allclose(step(clip_norm=10.0)[1], torch.tensor([-3.0, -4.0]))


def test_an_infinite_loss_changes_nothing():
    value, change = step(clip_norm=1.0, scale=math.inf)
    assert not math.isfinite(value)
    assert not change.any()
