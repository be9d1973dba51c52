"""Chrono initialisation: gates remember from the start."""

from __future__ import annotations

import pytest
import torch

from duree.network.chrono_init import remember
from duree.network.recurrent import GRU, LSTM, RNN


@pytest.mark.parametrize("cell", [GRU, LSTM])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_layer_set_to_remember_keeps_what_it_read_and_one_that_was_not_forgets(
    cell, bidirectional
) -> None:
    retained = {}
    for span in (None, 500):
        torch.manual_seed(0)
        layer = cell(1, 200, bidirectional=bidirectional)
        if span:
            remember(layer, span)
        steps = torch.zeros(1, 400, 1)
        steps[0, 0] = 3.0
        if bidirectional:  # what each direction reads first
            steps[0, -1] = 3.0
        with torch.no_grad():
            read, _ = layer(steps, torch.tensor([400]))
            silent, _ = layer(torch.zeros(1, 400, 1), torch.tensor([400]))
        effect = (read - silent)[0, :, :200].abs().mean(dim=1)
        retained[span] = float(effect[200] / effect[0])
    assert retained[500] > 0.1
    assert retained[500] > 10 * retained[None]


def test_times_are_drawn_from_the_span() -> None:
    layer = GRU(1, 2000)
    remember(layer, 100)
    times = layer.bias_ih_l0[2000:4000].detach().exp()
    assert 1 <= float(times.min()) < 3
    assert 97 < float(times.max()) <= 99.001
    assert float(times.mean()) == pytest.approx(50, abs=1.5)
    layer = LSTM(1, 10)
    remember(layer, 100)
    forget, let_in = layer.bias_ih_l0[10:20], layer.bias_ih_l0[:10]
    assert torch.equal(forget, -let_in)


def test_a_span_needs_gates_and_two_steps() -> None:
    with pytest.raises(ValueError, match="without gates"):
        remember(RNN(1, 4), 10)
    with pytest.raises(ValueError, match="at least 2"):
        remember(GRU(1, 4), 1)
