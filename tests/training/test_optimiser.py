"""The update rules, the learning rate over the steps, and the norm of the gradients."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from duree.network.batches import Batch
from duree.network.network import Network
from duree.recipe.settings import TrainingSettings
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


class Line(Network):
    """One weight times a value."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def forward(self, values, lengths):
        return values @ self.weight


def step(clip_norm, scale=1.0):
    """The change that one update by plain gradient descent makes, at rate 1."""
    model = Line()
    model.criterion = lambda s, t: scale * (s - t).sum()
    batch = Batch(torch.tensor([[3.0, 4.0]]), torch.tensor([1]), torch.zeros(1))
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    value = update(model, optimiser, batch, clip_norm)
    return value, (model.weight - 1.0).detach()


def test_a_gradient_is_cut_to_the_norm_and_keeps_its_direction():
    assert torch.allclose(step(clip_norm=0.0)[1], torch.tensor([-3.0, -4.0]))
    assert torch.allclose(step(clip_norm=1.0)[1], torch.tensor([-0.6, -0.8]), atol=1e-5)
    assert torch.allclose(step(clip_norm=10.0)[1], torch.tensor([-3.0, -4.0]))


def test_an_infinite_loss_changes_nothing():
    value, change = step(clip_norm=1.0, scale=math.inf)
    assert not math.isfinite(value)
    assert not change.any()


class Words(Network):
    """The mean of the words' vectors, by a linear layer."""

    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(30, 4), nn.Linear(4, 1)

    def forward(self, values, lengths):
        words, places = values.unique(return_inverse=True)
        return self.head(self.embedding(words)[places].mean(dim=1))


def squares(scores, targets):
    return (scores[:, 0] - targets).square().mean()


def test_rows_that_a_batch_does_not_touch_are_left_alone():
    torch.manual_seed(0)
    model = Words()
    model.criterion = squares
    optimiser = make_optimiser(model, TrainingSettings())
    before = model.embedding.weight.detach().clone()
    batch = Batch(torch.tensor([[3, 5, 5]]), torch.tensor([3]), torch.ones(1))
    for _ in range(3):
        update(model, optimiser, batch, clip_norm=1.0)
    changed = (model.embedding.weight != before).any(dim=1)
    assert changed.nonzero()[:, 0].tolist() == [3, 5]


def test_where_every_row_is_touched_adam_on_rows_is_adam():
    torch.manual_seed(0)
    ours, theirs = Words(), Words()
    ours.criterion = theirs.criterion = squares
    theirs.load_state_dict(ours.state_dict())
    settings = TrainingSettings(learning_rate=0.01)
    batch = Batch(torch.arange(30)[None], torch.tensor([30]), torch.ones(1))
    both = make_optimiser(ours, settings), torch.optim.Adam(theirs.parameters(), 0.01, (0.9, 0.99))
    for _ in range(20):
        values = [
            update(model, optimiser, batch, clip_norm=0.5)
            for model, optimiser in zip((ours, theirs), both, strict=True)
        ]
        assert values[0] == pytest.approx(values[1], rel=1e-4)
    for found, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
