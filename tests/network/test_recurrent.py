"""Recurrent layers agree with torch.nn fed each row by itself, for any lengths and padding."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from duree.network.recurrent import GRU, LSTM, RNN, Recurrent, dropout_alike, reverse_rows

PAIRS = [(RNN, nn.RNN), (GRU, nn.GRU), (LSTM, nn.LSTM)]
CELLS = [RNN, GRU, LSTM]
BUILDS = list(product(PAIRS, (1, 2, 3), (False, True)))
LENGTHS = torch.tensor([4, 1, 7, 0, 6, 7])
STEPS, INPUT, HIDDEN = 7, 3, 5


def numbers(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def both(pair, layers: int, bidirectional: bool) -> tuple[Recurrent, nn.RNNBase]:
    """Our layer and torch's with the same weights, none of them zero, in float64."""
    torch.manual_seed(0)
    ours, torchs = pair
    theirs = torchs(INPUT, HIDDEN, layers, batch_first=True, bidirectional=bidirectional).double()
    layer = ours(INPUT, HIDDEN, layers, bidirectional).double()
    layer.load_state_dict(theirs.state_dict())
    return layer, theirs


def states(layer: Recurrent, seed: int) -> Tensor | tuple[Tensor, ...]:
    shape = (layer.num_layers * layer.directions, len(LENGTHS), HIDDEN)
    pair = tuple(numbers(*shape, seed=seed + n).requires_grad_() for n in range(layer.states))
    return pair if layer.states > 1 else pair[0]


def tuple_of(state: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (state,) if isinstance(state, Tensor) else tuple(state)


def row_by_row(theirs: nn.RNNBase, x: Tensor, initial) -> tuple[Tensor, tuple[Tensor, ...]]:
    """torch.nn on each row alone: output with zeros past its length, and finals."""
    began = tuple_of(initial)
    directions = 2 if theirs.bidirectional else 1
    output = x.new_zeros(len(LENGTHS), STEPS, directions * HIDDEN)
    finals = [state.clone() for state in began]
    for row, length in enumerate(LENGTHS.tolist()):
        if length == 0:
            continue
        start = tuple(state[:, row : row + 1].contiguous() for state in began)
        found, final = theirs(x[row : row + 1, :length], start if len(start) > 1 else start[0])
        output[row, :length] = found[0]
        for state, ended in zip(finals, tuple_of(final), strict=True):
            state[:, row] = ended[:, 0]
    return output, tuple(finals)


def loss(output: Tensor, finals: tuple[Tensor, ...]) -> Tensor:
    """A number that depends on every entry, each with its own weight."""
    parts = (output, *finals)
    return sum((part * numbers(*part.shape, seed=9 + n)).sum() for n, part in enumerate(parts))


def close(found: Tensor, expected: Tensor, tolerance: float = 1e-12) -> None:
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("pair", "layers", "bidirectional"), BUILDS)
def test_outputs_finals_and_all_gradients_are_torchs_for_each_row_alone(
    pair, layers: int, bidirectional: bool
) -> None:
    layer, theirs = both(pair, layers, bidirectional)
    x, initial = numbers(len(LENGTHS), STEPS, INPUT).requires_grad_(), states(layer, 3)
    output, final = layer(x, LENGTHS, initial)
    expected = row_by_row(theirs, x, initial)
    close(output, expected[0])
    for found, wanted in zip(tuple_of(final), expected[1], strict=True):
        close(found, wanted)
    roots = (x, *tuple_of(initial))
    ours = torch.autograd.grad(
        loss(output, tuple_of(final)), (*roots, *layer.parameters()), materialize_grads=True
    )
    wanted = torch.autograd.grad(loss(*expected), (*roots, *theirs.parameters()))
    for found, reference in zip(ours, wanted, strict=True):
        close(found, reference)


@pytest.mark.parametrize(("pair", "layers", "bidirectional"), BUILDS)
def test_weights_can_be_exchanged_with_torch(pair, layers: int, bidirectional: bool) -> None:
    ours, torchs = pair
    layer = ours(INPUT, HIDDEN, layers, bidirectional)
    theirs = torchs(INPUT, HIDDEN, layers, bidirectional=bidirectional)
    theirs.load_state_dict(layer.state_dict())
    assert list(layer.state_dict()) == list(theirs.state_dict())
    x = numbers(1, STEPS, INPUT).float()
    close(layer(x, torch.tensor([STEPS]))[0], theirs(x.transpose(0, 1))[0].transpose(0, 1), 1e-5)


@pytest.mark.parametrize(("cell", "bidirectional"), list(product(CELLS, (False, True))))
def test_single_precision_stays_near_double_over_many_steps(cell, bidirectional: bool) -> None:
    torch.manual_seed(0)
    layer = cell(INPUT, 64, 2, bidirectional)
    x, lengths = numbers(4, 300, INPUT), torch.tensor([300, 2, 150, 299])
    single, _ = layer(x.float(), lengths)
    double, _ = layer.double()(x, lengths)
    assert float(((single - double).abs().max() / double.abs().max()).detach()) < 1e-5


@pytest.mark.parametrize(
    ("cell", "bidirectional", "layers"), list(product(CELLS, (False, True), (1, 2)))
)
def test_the_path_by_steps_is_the_path_at_once(cell, bidirectional: bool, layers: int) -> None:
    torch.manual_seed(0)
    layer = cell(INPUT, HIDDEN, layers, bidirectional, recurrent_dropout=1e-12).double().train()
    x, initial = numbers(len(LENGTHS), STEPS, INPUT), states(layer, 3)
    stepped = layer(x, LENGTHS, initial)
    at_once = layer.eval()(x, LENGTHS, initial)
    close(stepped[0], at_once[0], 1e-10)
    for found, expected in zip(tuple_of(stepped[1]), tuple_of(at_once[1]), strict=True):
        close(found, expected, 1e-10)


@pytest.mark.parametrize(("cell", "share"), list(product(CELLS, (0.0, 0.4))))
def test_gradients_are_those_of_finite_differences(cell, share: float) -> None:
    torch.manual_seed(0)
    layer = cell(2, 2, 2, True, dropout=share, recurrent_dropout=share).double().train()
    lengths = torch.tensor([3, 0, 1])
    x = numbers(3, 3, 2).requires_grad_()
    weights = dict(layer.named_parameters())

    def run(x: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        torch.manual_seed(1)  # the same masks every time
        given = dict(zip(weights, values, strict=True))
        output, final = torch.func.functional_call(layer, given, (x, lengths))
        return (output, *tuple_of(final))

    assert torch.autograd.gradcheck(run, (x, *weights.values()))


@pytest.mark.parametrize(
    ("cell", "filler"), list(product(CELLS, (float("nan"), float("inf"), 1e30)))
)
@pytest.mark.parametrize("share", [0.0, 0.5], ids=["at once", "by steps"])
def test_what_stands_in_the_padding_reaches_no_result_and_no_gradient(
    cell, filler: float, share: float
) -> None:
    torch.manual_seed(0)
    layer = cell(INPUT, HIDDEN, 2, True, recurrent_dropout=share).train()
    clean = numbers(len(LENGTHS), STEPS, INPUT).float()
    past = torch.arange(STEPS) >= LENGTHS[:, None]
    found = []
    for x in (
        clean.masked_fill(past[:, :, None], 0.0),
        clean.masked_fill(past[:, :, None], filler),
    ):
        torch.manual_seed(1)
        layer.zero_grad()
        output, final = layer(x, LENGTHS)
        (output.sum() + tuple_of(final)[0].sum()).backward()
        found.append([output, *tuple_of(final), *(p.grad for p in layer.parameters())])
    for bare, filled in zip(*found, strict=True):
        assert torch.equal(bare, filled)


@pytest.mark.parametrize("cell", CELLS)
def test_output_is_zero_past_each_length(cell) -> None:
    output, _ = cell(INPUT, HIDDEN, bidirectional=True)(
        numbers(len(LENGTHS), STEPS, INPUT).float(), LENGTHS
    )
    past = torch.arange(STEPS) >= LENGTHS[:, None]
    assert bool((output[past] == 0).all())
    assert bool((output[~past] != 0).all())


@pytest.mark.parametrize(
    ("cell", "rows", "steps"), [(c, *s) for c in CELLS for s in ((0, 4), (2, 0))]
)
def test_empty_batches_and_empty_sequences_work(cell, rows: int, steps: int) -> None:
    layer = cell(INPUT, HIDDEN, 2, True)
    lengths = torch.zeros(rows, dtype=torch.int64)
    output, final = layer(torch.zeros(rows, steps, INPUT), lengths)
    assert output.shape == (rows, steps, 2 * HIDDEN)
    assert [state.shape for state in tuple_of(final)] == [(4, rows, HIDDEN)] * layer.states


@pytest.mark.parametrize("cell", CELLS)
def test_inputs_that_are_not_contiguous_give_the_same(cell) -> None:
    layer = cell(INPUT, HIDDEN, 1, True)
    x = numbers(STEPS, len(LENGTHS), 2 * INPUT).float().transpose(0, 1)[:, :, ::2]
    assert torch.equal(layer(x, LENGTHS)[0], layer(x.contiguous(), LENGTHS)[0])


def holding(share: float, rows: int = 200, steps: int = 12) -> Tensor:
    """States of a simple network that only passes its state on: what a mask drops, stays zero."""
    layer = RNN(1, 50, recurrent_dropout=share).train()
    with torch.no_grad():
        layer.weight_ih_l0.zero_()
        layer.weight_hh_l0.copy_(torch.eye(50))
    torch.manual_seed(0)
    initial = torch.full((1, rows, 50), 0.5)
    return layer(torch.zeros(rows, steps, 1), torch.full((rows,), steps), initial)[0].detach()


def test_recurrent_dropout_drops_the_same_channels_at_every_step_of_a_sequence() -> None:
    hidden = holding(0.3) == 0
    assert bool((hidden == hidden[:, :1]).all())
    # 10,000 draws at 0.3: five standard deviations are 0.023.
    assert float(hidden[:, 0].float().mean()) == pytest.approx(0.3, abs=0.023)
    assert not bool((hidden[0, 0] == hidden[1, 0]).all())


def test_recurrent_dropout_rescales_the_remaining_channels() -> None:
    first = holding(0.3)[:, 0]
    assert torch.allclose(first[first != 0], torch.tanh(torch.tensor(0.5 / 0.7)))


def test_recurrent_dropout_leaves_the_lstms_cell_state_alone() -> None:
    layer = LSTM(1, 6, recurrent_dropout=0.5).train()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.bias_ih_l0[6:12] = 100.0  # the forget gate stands wide open
    torch.manual_seed(0)
    initial = (torch.ones(1, 4, 6), torch.ones(1, 4, 6))
    _, (_, c) = layer(torch.zeros(4, 9, 1), torch.full((4,), 9), initial)
    assert torch.equal(c, initial[1])


def test_dropout_between_layers_drops_the_same_channels_at_every_step() -> None:
    layer = RNN(3, 40, num_layers=2, dropout=0.4).train()
    with torch.no_grad():
        layer.weight_ih_l1.copy_(torch.eye(40))
        layer.weight_hh_l1.zero_()
    torch.manual_seed(0)
    x, lengths = numbers(6, 9, 3).float(), torch.full((6,), 9)
    hidden = layer(x, lengths)[0] == 0
    assert bool((hidden == hidden[:, :1]).all())
    assert 0.2 < float(hidden[:, 0].float().mean()) < 0.6
    assert not bool((layer.eval()(x, lengths)[0] == 0).any())


def test_a_mask_drops_a_share_of_channels_and_scales_the_rest() -> None:
    torch.manual_seed(0)
    masked = dropout_alike(torch.ones(50, 4, 200), 0.25, training=True)
    assert masked.unique().tolist() == [0.0, pytest.approx(1 / 0.75)]
    assert float((masked == 0).float().mean()) == pytest.approx(0.25, abs=0.02)
    assert torch.equal(masked, masked[:, :1].expand_as(masked))
    assert torch.equal(dropout_alike(masked, 0.25, training=False), masked)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5), st.integers(0, 3))
def test_rows_reversed_twice_are_as_before_and_once_begin_with_their_last_step(
    lengths: list[int], more: int
) -> None:
    x = torch.arange(len(lengths) * (6 + more), dtype=torch.float64).view(len(lengths), -1, 1)
    given = torch.tensor(lengths)
    once = reverse_rows(x, given)
    assert torch.equal(reverse_rows(once, given), x)
    for row, length in enumerate(lengths):
        assert once[row, :length, 0].tolist() == x[row, :length, 0].tolist()[::-1]
        assert torch.equal(once[row, length:], x[row, length:])


@pytest.mark.parametrize("cell", CELLS)
def test_weights_begin_as_documented(cell) -> None:
    torch.manual_seed(0)
    layer = cell(INPUT, HIDDEN, 2, True)
    for name, parameter in layer.named_parameters():
        blocks = parameter.detach().chunk(layer.gates)
        if "_hh" in name and "weight" in name:
            for block in blocks:
                close(block @ block.T, torch.eye(HIDDEN), 1e-5)
        elif "weight" in name:
            limit = (6 / (HIDDEN + parameter.shape[1])) ** 0.5
            assert 0.5 * limit < float(parameter.detach().abs().max()) <= limit
        else:
            forget = cell is LSTM and "bias_ih" in name
            ones = [n for n, block in enumerate(blocks) if bool((block == 1).all())]
            assert ones == ([1] if forget else [])
            assert float(parameter.detach().sum()) == (HIDDEN if forget else 0)
