"""Ragged: rows of unequal length laid end to end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import DataError
from duree.sequences.ragged import Ragged

ROWS = st.lists(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=6), max_size=8)


@given(ROWS)
def test_rows_come_back_as_they_went_in(rows):
    ragged = Ragged.from_rows(rows)
    assert len(ragged) == len(rows)
    assert [ragged[row].tolist() for row in range(len(ragged))] == rows
    assert ragged.lengths.tolist() == [len(row) for row in rows]
    assert ragged.values.dtype == np.int32
    assert ragged.offsets.dtype == np.int64


@given(ROWS.filter(len), st.data())
def test_take_gives_the_rows_in_the_order_asked_for(rows, data):
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=10))
    taken = Ragged.from_rows(rows).take(np.array(chosen, dtype=np.int64))
    assert [taken[row].tolist() for row in range(len(taken))] == [rows[row] for row in chosen]


def test_take_keeps_the_channels_of_numbers():
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    taken = Ragged(values, np.array([0, 1, 4, 6])).take(np.array([2, 0]))
    assert taken.values.tolist() == [[8, 9], [10, 11], [0, 1]]
    assert taken.offsets.tolist() == [0, 2, 3]


def test_negative_rows_count_from_the_end_and_rows_beyond_are_refused():
    ragged = Ragged.from_rows([[1], [2, 3]])
    assert ragged[-1].tolist() == [2, 3]
    for row in (2, -3):
        with pytest.raises(IndexError):
            ragged[row]


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ([], "offsets must be one-dimensional, from 0 to the number of steps (3)"),
        ([1, 3], "offsets must be one-dimensional, from 0 to the number of steps (3)"),
        ([0, 2], "offsets must be one-dimensional, from 0 to the number of steps (3)"),
        ([[0, 3]], "offsets must be one-dimensional, from 0 to the number of steps (3)"),
        ([0, 2, 1, 3], "offsets must not decrease"),
    ],
)
def test_offsets_that_do_not_fit_the_values_are_refused(offsets, message):
    with pytest.raises(DataError) as error:
        Ragged(np.zeros(3, dtype=np.int32), np.array(offsets, dtype=np.int64))
    assert str(error.value) == message


@given(ROWS.filter(any))
def test_what_is_saved_is_read_back_from_disk(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("ragged")
    ragged = Ragged.from_rows(rows)
    ragged.save(folder)
    loaded = Ragged.load(folder)
    assert isinstance(loaded.values, np.memmap)
    np.testing.assert_array_equal(loaded.values, ragged.values)
    np.testing.assert_array_equal(loaded.offsets, ragged.offsets)


@given(st.lists(st.lists(st.integers(-9, 9), max_size=4), max_size=6))
def test_sums_and_means_are_those_of_each_row_also_where_rows_are_empty(
    rows: list[list[int]],
) -> None:
    ragged = Ragged.from_rows(rows)
    assert ragged.sums().tolist() == [sum(row) for row in rows]
    means = [sum(row) / len(row) if row else np.nan for row in rows]
    np.testing.assert_allclose(ragged.means(), means)
    doubled = Ragged(np.stack([ragged.values] * 2, axis=1), ragged.offsets)
    assert doubled.sums().tolist() == [[sum(row)] * 2 for row in rows]
