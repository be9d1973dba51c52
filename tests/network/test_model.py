"""A row's scores depend on that row alone, and every setting of the model takes effect."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from duree.network.model import SequenceModel, tabulated
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import PADDING, UNKNOWN

VOCABULARY, CHANNELS = 30, 3

builds = st.builds(
    ModelSettings,
    cell=st.sampled_from(["gru", "lstm", "rnn"]),
    num_layers=st.integers(1, 3),
    bidirectional=st.booleans(),
    pooling=st.sampled_from(["last", "mean", "max", "attention"]),
    embedding_size=st.just(6),
    hidden_size=st.integers(1, 20),
)


def settings(**changes: object) -> ModelSettings:
    return ModelSettings(**{"embedding_size": 6, "hidden_size": 5} | changes)


def model_of(chosen: ModelSettings, numeric: bool = False, seed: int = 0) -> SequenceModel:
    torch.manual_seed(seed)
    if numeric:
        return SequenceModel(chosen, channels=CHANNELS, outputs=2).eval()
    return SequenceModel(chosen, vocabulary_size=VOCABULARY, outputs=2).eval()


def batch_of(rows: list[Tensor], more: int, numeric: bool) -> tuple[Tensor, Tensor]:
    """The rows in one batch, with ``more`` steps of padding than the longest needs."""
    lengths = torch.tensor([len(row) for row in rows])
    steps = int(lengths.max()) + more
    values = torch.zeros(len(rows), steps, *rows[0].shape[1:], dtype=rows[0].dtype)
    for place, row in enumerate(rows):
        values[place, : len(row)] = row
    return values, lengths


def rows_of(lengths: list[int], numeric: bool, seed: int) -> list[Tensor]:
    rng = np.random.default_rng(seed)
    if numeric:
        return [
            torch.from_numpy(rng.normal(size=(n, CHANNELS)).astype(np.float32)) for n in lengths
        ]
    return [torch.from_numpy(rng.integers(1, VOCABULARY, n)) for n in lengths]


@given(
    builds,
    st.booleans(),
    st.lists(st.integers(0, 40), min_size=2, max_size=6),
    st.integers(0, 30),
    st.integers(0, 2**32),
)
def test_a_row_scores_the_same_alone_in_any_batch_and_under_any_padding(
    chosen: ModelSettings, numeric: bool, lengths: list[int], more: int, seed: int
) -> None:
    model, rows = model_of(chosen, numeric), rows_of(lengths, numeric, seed)
    with torch.inference_mode():
        together = model(*batch_of(rows, more, numeric))
        backwards = model(*batch_of(rows[::-1], 0, numeric)).flip(0)
        alone = torch.cat([model(*batch_of([row], 0, numeric)) for row in rows])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)
    torch.testing.assert_close(together, backwards, rtol=0, atol=1e-6)


def test_training_on_padding_or_without_changes_no_gradient() -> None:
    chosen = settings(word_dropout=0, input_dropout=0, output_dropout=0, num_layers=2)
    rows, gradients = rows_of([3, 9, 1], False, 0), []
    for more in (0, 25):
        model = model_of(chosen).train()
        model(*batch_of(rows, more, False)).sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for bare, padded in zip(*gradients, strict=True):
        torch.testing.assert_close(bare, padded, rtol=1e-5, atol=1e-6)


def test_padding_has_no_numbers_and_learns_none() -> None:
    model = model_of(settings(word_dropout=0)).train()
    model(*batch_of(rows_of([2, 9], False, 0), 5, False)).sum().backward()
    assert model.embedding is not None
    assert not bool(model.embedding.weight[PADDING].any())
    assert not bool(model.embedding.weight.grad[PADDING].any())


def still(**changes: object) -> SequenceModel:
    """A model without dropout except for ``changes``, in training mode."""
    none = dict.fromkeys(["word_dropout", "input_dropout", "output_dropout"], 0.0)
    return model_of(settings(**none | changes)).train()


@pytest.mark.parametrize(
    "changes",
    [
        {"word_dropout": 0.5},
        {"input_dropout": 0.5},
        {"output_dropout": 0.5},
        {"recurrent_dropout": 0.5},
        {"layer_dropout": 0.5, "num_layers": 2},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_each_dropout_acts_in_training_and_never_in_prediction(changes: dict[str, object]) -> None:
    batch = batch_of(rows_of([5, 9], False, 0), 0, False)
    model = still(**changes)
    twice = [model(*batch) for _ in range(2)]
    assert not torch.equal(*twice)
    model.eval()
    assert torch.equal(model(*batch), model(*batch))


def test_without_dropout_training_and_prediction_score_alike() -> None:
    batch = batch_of(rows_of([5, 9], False, 0), 0, False)
    model = still()
    torch.testing.assert_close(model(*batch), model.eval()(*batch))


def test_dropped_words_become_unknown_and_the_others_stay() -> None:
    model = still(word_dropout=0.4).double()  # which looks each word up at its own position
    values = torch.arange(2, 22).repeat(100, 1)
    seen: list[Tensor] = []
    assert model.embedding is not None
    model.embedding.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    model(values, torch.full((100,), 20))
    hidden = seen[0] == UNKNOWN
    assert float(hidden.float().mean()) == pytest.approx(0.4, abs=0.06)
    assert torch.equal(seen[0][~hidden], values[~hidden])
    model.eval()(values, torch.full((100,), 20))
    assert torch.equal(seen[1], values)


def test_the_input_mask_is_one_for_all_steps_of_a_sequence() -> None:
    model = still(input_dropout=0.4)
    seen: list[Tensor] = []
    hidden_states = model.recurrent.hidden_states
    model.recurrent.hidden_states = lambda x, lengths: (  # type: ignore[method-assign]
        seen.append(x) or hidden_states(x, lengths)
    )
    model(torch.full((50, 7), 3), torch.full((50,), 7))
    hidden = seen[0] == 0
    assert bool((hidden == hidden[:, :1]).all())
    assert not bool((hidden[0] == hidden[1]).all() and (hidden[0] == hidden[2]).all())


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_builds_the_same_weights_and_another_others(seed: int) -> None:
    first, second = model_of(settings(), seed=0), model_of(settings(), seed=seed)
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs) == (seed == 0)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_table_of_projected_words_changes_no_score_and_is_gone_afterwards(cell: str) -> None:
    model = still(cell=cell, num_layers=2).eval()
    values, lengths = batch_of(rows_of([5, 9, 0, 1], False, 0), 0, False)
    expected = model(values, lengths)
    with torch.inference_mode(), tabulated(model, tokens=10**9):
        assert model.table is not None
        found = model(values, lengths)
    assert model.table is None
    torch.testing.assert_close(found, expected)
    with tabulated(model, tokens=1):
        assert model.table is None


def test_a_table_that_is_there_already_is_left_to_who_made_it():
    model = model_of(settings())
    with tabulated(model, tokens=10**9):
        made = model.table
        with tabulated(model, tokens=10**9):
            assert model.table is made
        assert model.table is made
    assert model.table is None
