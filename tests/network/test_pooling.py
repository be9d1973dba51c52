"""From the states of all steps to one: worked by hand on a few numbers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from duree.network.pooling import AttentionPooling, make_pooling

# Two directions of two channels; the second row has two steps, the third has none.
STATES = torch.tensor(
    [
        [[1.0, -4.0, 10.0, 40.0], [2.0, -5.0, 20.0, 50.0], [3.0, -6.0, 30.0, 60.0]],
        [[-7.0, -8.0, -70.0, 80.0], [-9.0, -1.0, -90.0, 10.0], [0.0, 0.0, 0.0, 0.0]],
        [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]],
    ]
)
LENGTHS = torch.tensor([3, 2, 0])
NOTHING = [0.0, 0.0, 0.0, 0.0]


def pooled(name: str, states: Tensor = STATES, lengths: Tensor = LENGTHS) -> Tensor:
    return make_pooling(name, 4, 2)(states, lengths).detach()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("last", [[3.0, -6.0, 10.0, 40.0], [-9.0, -1.0, -70.0, 80.0], NOTHING]),
        ("mean", [[2.0, -5.0, 20.0, 50.0], [-8.0, -4.5, -80.0, 45.0], NOTHING]),
        ("max", [[3.0, -4.0, 30.0, 60.0], [-7.0, -1.0, -70.0, 80.0], NOTHING]),
    ],
)
def test_each_pooling_takes_the_real_steps_alone(name: str, expected: list[list[float]]) -> None:
    assert pooled(name).tolist() == expected


def test_last_without_a_backward_direction_is_the_last_state() -> None:
    found = make_pooling("last", 4, 1)(STATES, LENGTHS)
    assert found[:2].tolist() == [STATES[0, 2].tolist(), STATES[1, 1].tolist()]


def test_attention_weighs_by_a_softmax_over_the_real_steps() -> None:
    torch.manual_seed(0)
    pooling = AttentionPooling(4)
    found = pooling(STATES, LENGTHS)
    for row, length in ((0, 3), (1, 2)):
        states = STATES[row, :length]
        weights = torch.softmax(pooling.score(states)[:, 0], dim=0)
        torch.testing.assert_close(found[row], weights @ states)
    assert found[2].tolist() == NOTHING


def test_attention_with_equal_scores_is_the_mean() -> None:
    pooling = AttentionPooling(4)
    torch.nn.init.zeros_(pooling.score[2].weight)
    torch.testing.assert_close(pooling(STATES, LENGTHS).detach(), pooled("mean"))


@pytest.mark.parametrize("name", ["last", "mean", "max", "attention"])
def test_a_row_without_steps_has_no_gradient_that_is_not_a_number(name: str) -> None:
    states = STATES.clone().requires_grad_()
    make_pooling(name, 4, 2)(states, LENGTHS).sum().backward()
    assert states.grad is not None
    assert bool(states.grad.isfinite().all())
    assert not bool(states.grad[0].eq(0).all())
