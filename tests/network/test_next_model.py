"""The network of steps: at each step it knows the past and the time point, and no more."""

from __future__ import annotations

from itertools import product
from math import isqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.next_model import COVARIATES, OUTPUTS, STATES, model, rows
from torch import Tensor

from duree.network.batches import IGNORED, Batch
from duree.network.next_model import DURATIONS, MANY_OUTPUTS, StepModel, log_loss_of_steps
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import PADDING

CELLS = [
    {"cell": "gru", "num_layers": 1},
    {"cell": "lstm", "num_layers": 1},
    {"cell": "gru", "num_layers": 2},
    {"cell": "lstm", "num_layers": 3},
]


def lengths_of(values: Tensor) -> Tensor:
    return torch.full((len(values),), values.shape[1])


@pytest.mark.parametrize("covariates", COVARIATES)
@pytest.mark.parametrize("build", CELLS)
def test_going_on_step_by_step_gives_what_reading_the_whole_gives(
    build: dict, covariates: tuple[int, ...]
) -> None:
    network, values = model(covariates, **build), rows(5, 14, covariates)
    whole = network(values, lengths_of(values))
    tokens = values if values.ndim == 2 else values[:, :, 0]
    for known in (1, 2, 8, 13):
        scores, state, lasted = network.begin(values[:, :known])
        torch.testing.assert_close(scores, whole[:, known - 1], atol=1e-5, rtol=1e-5)
        for time in range(known, values.shape[1]):
            lasted = torch.where(tokens[:, time] == tokens[:, time - 1], lasted + 1, 0)
            scores, state = network.step(values[:, time : time + 1], time, lasted, state)
            torch.testing.assert_close(scores, whole[:, time], atol=1e-5, rtol=1e-5)


@settings(max_examples=60)
@given(
    st.integers(0, 10_000),
    st.integers(0, 11),
    st.sampled_from(list(product(("gru", "lstm", "rnn"), COVARIATES))),
)
def test_no_answer_depends_on_what_comes_after_it(
    seed: int, place: int, built: tuple[str, tuple[int, ...]]
) -> None:
    cell, covariates = built
    network = model(covariates, cell=cell)
    values, other = rows(3, 12, covariates, seed), rows(3, 12, covariates, seed + 1)
    changed = torch.cat([values[:, : place + 1], other[:, place + 1 :]], dim=1)
    if covariates:  # what is known throughout stays as it is
        changed[:, :, 1:] = values[:, :, 1:]
    before, after = (network(given, lengths_of(given)) for given in (values, changed))
    torch.testing.assert_close(before[:, : place + 1], after[:, : place + 1])


@pytest.mark.parametrize("covariates", COVARIATES)
def test_earlier_states_change_later_predictions(covariates: tuple[int, ...]) -> None:
    network, values = model(covariates), rows(4, 10, covariates)
    changed = values.clone()
    tokens = changed if changed.ndim == 2 else changed[:, :, 0]
    tokens[:, 3] = tokens[:, 3] % (STATES - 1) + 1
    apart = (network(values, lengths_of(values)) - network(changed, lengths_of(values))).abs()
    assert (apart[:, 3:].amax(dim=(0, 2)) > 1e-6).all()


def test_each_covariate_changes_every_answer() -> None:
    network, values = model((3, 4)), rows(4, 10, (3, 4))
    for place, values_of in ((1, 3), (2, 4)):
        changed = values.clone()
        changed[:, :, place] = (changed[:, :, place] + 1) % values_of
        apart = (network(values, lengths_of(values)) - network(changed, lengths_of(values))).abs()
        assert (apart.amax(dim=2) > 1e-7).all()


@pytest.mark.parametrize("covariates", COVARIATES)
@pytest.mark.parametrize("build", CELLS)
def test_padding_and_the_other_rows_change_nothing(
    build: dict, covariates: tuple[int, ...]
) -> None:
    network, values = model(covariates, **build), rows(4, 12, covariates)
    lengths = torch.tensor([12, 5, 1, 9])
    padded = values.clone()
    for row, length in enumerate(lengths.tolist()):
        padded[row, length:] = PADDING
    together = network(padded, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = network(values[row : row + 1, :length], lengths[row : row + 1])[0]
        torch.testing.assert_close(together[row, :length], alone, atol=1e-5, rtol=1e-5)


def test_rows_without_a_step_have_no_answer() -> None:
    for values in (torch.zeros(3, 0, dtype=torch.int64), torch.zeros(3, 0, 3, dtype=torch.int64)):
        network = model((2, 2) if values.ndim == 3 else ())
        assert network(values, torch.zeros(3, dtype=torch.int64)).shape == (3, 0, OUTPUTS)


def test_each_step_gets_its_time_its_season_and_how_long_its_state_has_lasted() -> None:
    network, values = model(), rows(20, 30)
    places = network.places_of(values)
    for row, tokens in enumerate(values.tolist()):
        lasted = 0
        for step, token in enumerate(tokens):
            lasted = lasted + 1 if step and token == tokens[step - 1] else 0
            # The class is the floor of 2 log2(n), n = lasted + 1: that of the root of 2^k is k.
            longest = max(
                k for k in range(DURATIONS) if isqrt(2**k) ** 2 <= (lasted + 1) ** 2 >= 2**k
            )
            found = {name: int(place[row, step]) for name, place in places.items()}
            assert found == {
                "state": token,
                "duration": longest,
                "time": min(step, 8),  # later than any that training had: as the last one
                "season": step % 4,
            }


def test_a_state_that_lasts_very_long_stays_in_the_longest_class() -> None:
    values = torch.full((1, 6000), 3)
    duration = model().places_of(values)["duration"][0]
    assert (duration.diff() >= 0).all()
    assert int(duration[0]) == 0
    assert int(duration[-1]) == DURATIONS - 1


def test_a_sequence_without_a_grid_gets_no_time() -> None:
    network = StepModel(ModelSettings(bidirectional=False), vocabulary_size=STATES, outputs=OUTPUTS)
    assert set(network.places_of(rows(2, 4))) == {"state", "duration"}


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_gradients_are_those_of_finite_differences(cell: str) -> None:
    network = model((2,), cell=cell, hidden_size=2, embedding_size=2).double()
    values, lengths = rows(2, 4, (2,)), torch.tensor([4, 3])
    names = [name for name, _ in network.named_parameters()]

    def scores(*weights: Tensor) -> Tensor:
        given = dict(zip(names, weights, strict=True))
        found: Tensor = torch.func.functional_call(network, given, (values, lengths))
        return found[torch.arange(4) < lengths[:, None]]

    weights = tuple(weight.detach().requires_grad_() for weight in network.parameters())
    assert torch.autograd.gradcheck(scores, weights, fast_mode=True)


def test_word_dropout_applies_only_in_training() -> None:
    network, values = model(word_dropout=0.5), rows(4, 10)
    torch.testing.assert_close(
        network(values, lengths_of(values)), network(values, lengths_of(values))
    )
    network.train()
    apart = network(values, lengths_of(values)) - network(values, lengths_of(values))
    assert apart.abs().max() > 1e-3


@pytest.mark.parametrize("weights", [None, torch.tensor([2.0, 0.5, 1.0])])
def test_with_many_outputs_the_loss_and_its_gradients_are_those_of_the_scores(
    weights: Tensor | None,
) -> None:
    chosen = ModelSettings(hidden_size=16, embedding_size=5, bidirectional=False)
    torch.manual_seed(0)
    network = StepModel(chosen, vocabulary_size=STATES, outputs=MANY_OUTPUTS + 1).eval()
    network.criterion = log_loss_of_steps
    targets = torch.randint(0, MANY_OUTPUTS, (3, 6, 2))
    lengths = torch.tensor([6, 4, 1])
    targets[torch.arange(6) >= lengths[:, None]] = IGNORED
    batch = Batch(rows(3, 6), lengths, targets, weights=weights)
    scores = network(batch.inputs, lengths)
    losses = network.loss(batch), log_loss_of_steps(scores, targets, weights)
    torch.testing.assert_close(*losses, rtol=1e-5, atol=1e-6)
    ours, plain = (torch.autograd.grad(loss, list(network.parameters())) for loss in losses)
    torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-6)


def test_with_many_outputs_rows_of_one_state_have_no_loss() -> None:
    chosen = ModelSettings(bidirectional=False)
    network = StepModel(chosen, vocabulary_size=STATES, outputs=MANY_OUTPUTS + 1).eval()
    network.criterion = log_loss_of_steps
    none = torch.zeros(2, 0, dtype=torch.int64), torch.zeros(2, dtype=torch.int64)
    assert network.loss(Batch(*none, torch.zeros(2, 0, 2, dtype=torch.int64))).item() == 0
