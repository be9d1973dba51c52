"""One step of each cell is what torch computes, and its gates are where the equations put them."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import linear

from duree.network.cells import Weights, gru_step, lstm_step, rnn_step

BATCH, INPUT, HIDDEN = 5, 3, 4


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def weights_of(cell: nn.RNNCellBase) -> Weights:
    return Weights(cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)


def projected(x: torch.Tensor, cell: nn.RNNCellBase) -> torch.Tensor:
    return linear(x, cell.weight_ih, cell.bias_ih)


def test_the_simple_cell_is_torchs() -> None:
    cell = nn.RNNCell(INPUT, HIDDEN).double()
    x, h = numbers(BATCH, INPUT), numbers(BATCH, HIDDEN, seed=1)
    step = rnn_step(projected(x, cell), h, weights_of(cell))
    torch.testing.assert_close(step.h, cell(x, h), rtol=1e-14, atol=1e-14)


def test_the_gru_is_torchs_and_its_gates_make_its_state() -> None:
    cell = nn.GRUCell(INPUT, HIDDEN).double()
    x, h = numbers(BATCH, INPUT), numbers(BATCH, HIDDEN, seed=1)
    step = gru_step(projected(x, cell), h, weights_of(cell))
    torch.testing.assert_close(step.h, cell(x, h), rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(step.h, (1 - step.z) * step.n + step.z * h)


def test_the_lstm_is_torchs_and_its_gates_make_its_states() -> None:
    cell = nn.LSTMCell(INPUT, HIDDEN).double()
    x, h, c = (numbers(BATCH, n, seed=s) for s, n in enumerate((INPUT, HIDDEN, HIDDEN)))
    step = lstm_step(projected(x, cell), h, c, weights_of(cell))
    expected = cell(x, (h, c))
    torch.testing.assert_close(step.h, expected[0], rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(step.c, expected[1], rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(step.c, step.f * c + step.i * step.g)
    torch.testing.assert_close(step.h, step.o * torch.tanh(step.c))


@pytest.mark.parametrize(
    ("gate", "place"), [("r", 0), ("z", 1)], ids=["reset stands first", "update stands second"]
)
def test_a_bias_on_one_block_of_the_gru_opens_its_gate_alone(gate: str, place: int) -> None:
    zeros = Weights(
        torch.zeros(3, 1), torch.zeros(3, 1), torch.zeros(3), torch.eye(3)[place] * 100.0
    )
    step = gru_step(torch.zeros(1, 3), torch.zeros(1, 1), zeros)
    assert {name: float(getattr(step, name)) for name in "rz"} == {
        name: 1.0 if name == gate else 0.5 for name in "rz"
    }


@pytest.mark.parametrize(("gate", "place"), [("i", 0), ("f", 1), ("o", 3)])
def test_a_bias_on_one_block_of_the_lstm_opens_its_gate_alone(gate: str, place: int) -> None:
    zeros = Weights(
        torch.zeros(4, 1), torch.zeros(4, 1), torch.zeros(4), torch.eye(4)[place] * 100.0
    )
    step = lstm_step(torch.zeros(1, 4), torch.zeros(1, 1), torch.zeros(1, 1), zeros)
    assert {name: float(getattr(step, name)) for name in "ifo"} == {
        name: 1.0 if name == gate else 0.5 for name in "ifo"
    }


def test_recurrent_dropout_masks_only_the_gate_inputs_and_the_gru_carries_the_whole_state() -> None:
    cell = nn.GRUCell(INPUT, HIDDEN).double()
    x, h = numbers(BATCH, INPUT), numbers(BATCH, HIDDEN, seed=1)
    blind = gru_step(projected(x, cell), h, weights_of(cell), seen=torch.zeros_like(h))
    unheld = gru_step(projected(x, cell), torch.zeros_like(h), weights_of(cell))
    torch.testing.assert_close(blind.z, unheld.z)
    torch.testing.assert_close(blind.h, unheld.h + blind.z * h)
