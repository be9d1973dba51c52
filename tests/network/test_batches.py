"""Every row stands in one batch of an epoch; seed and epoch alone decide the order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.network import batches
from duree.network.batches import cut_by_length, epoch_batches, pad
from duree.sequences.ragged import Ragged

LENGTHS = st.lists(st.integers(0, 300), min_size=1, max_size=200).map(np.array)


@given(LENGTHS, st.integers(1, 20), st.integers(0, 5), st.integers(0, 5))
def test_every_row_stands_in_exactly_one_batch(lengths, batch_size, seed, epoch):
    found = epoch_batches(lengths, batch_size, seed, epoch)
    assert sorted(np.concatenate(found).tolist()) == list(range(len(lengths)))
    assert max(map(len, found)) <= batch_size


def test_seed_and_epoch_decide_the_order_and_nothing_else_does():
    lengths = np.random.default_rng(0).integers(1, 50, 500)
    first = np.concatenate(epoch_batches(lengths, 16, 0, 0))
    assert np.array_equal(np.concatenate(epoch_batches(lengths, 16, 0, 0)), first)
    assert not np.array_equal(np.concatenate(epoch_batches(lengths, 16, 0, 1)), first)
    assert not np.array_equal(np.concatenate(epoch_batches(lengths, 16, 1, 0)), first)


def test_batches_have_little_padding():
    lengths = np.random.default_rng(0).geometric(1 / 200, 20_000)
    found = epoch_batches(lengths, 64, 0, 0)
    padded = sum(len(rows) * lengths[rows].max() for rows in found)
    assert padded < 1.1 * lengths.sum()


def test_a_batch_of_very_long_rows_is_cut_smaller(monkeypatch):
    monkeypatch.setattr(batches, "MOST_STEPS", 1000)
    lengths = np.array([600, 10, 10, 400, 2000, 500])
    found = cut_by_length(np.arange(6), lengths, 4)
    assert all(len(rows) == 1 or len(rows) * lengths[rows].max() <= 1000 for rows in found)
    assert sorted(np.concatenate(found).tolist()) == list(range(6))


@given(st.lists(st.lists(st.integers(1, 9), max_size=6), min_size=1, max_size=8), st.data())
def test_padding_gives_back_the_rows_that_were_asked_for(rows, data):
    chosen = np.array(data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=9)))
    sequences = Ragged.from_rows([np.array(row, dtype=np.int32) for row in rows])
    values, lengths = pad(sequences, chosen)
    for place, row in enumerate(chosen):
        length = int(lengths[place])
        assert values[place, :length].tolist() == rows[row]
        assert not values[place, length:].any()


@pytest.mark.parametrize("channels", [1, 3])
def test_numbers_are_padded_with_zeros_step_by_step(channels):
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(length, channels)).astype(np.float32) for length in (2, 5)]
    sequences = Ragged(np.concatenate(series), np.array([0, 2, 7]))
    values, lengths = pad(sequences, np.array([1, 0]))
    assert values.shape == (2, 5, channels)
    assert lengths.tolist() == [5, 2]
    np.testing.assert_array_equal(values[1, :2].numpy(), series[0])
    assert not values[1, 2:].any()
