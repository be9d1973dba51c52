"""Numeric sequences, standardised."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from duree.errors import DataError, RunError
from duree.sequences.ragged import Ragged
from duree.sequences.series_encoder import SeriesEncoder

NUMBERS = arrays(np.float64, (3, 4, 2), elements=st.floats(-1e6, 1e6, width=32))


def test_each_channel_is_standardised_by_hand_computed_figures():
    values = np.array([[[1.0, 10.0], [3.0, 10.0]], [[5.0, 10.0], [7.0, 10.0]]])
    encoder = SeriesEncoder.fit(values)
    assert encoder.means == (4.0, 10.0)
    assert encoder.scales == (np.sqrt(5.0), 1.0)
    encoded = encoder.encode(values)
    np.testing.assert_allclose(
        encoded.values[:, 0], np.array([-3, -1, 1, 3]) / np.sqrt(5), rtol=1e-6
    )
    assert encoded.values[:, 1].tolist() == [0, 0, 0, 0]
    assert encoded.values.dtype == np.float32
    assert encoded.offsets.tolist() == [0, 2, 4]


@given(NUMBERS)
def test_training_values_get_mean_zero_and_deviation_one_or_zero(values):
    encoded = SeriesEncoder.fit(values).encode(values).values.astype(np.float64)
    # float32 keeps seven digits of values near 1, and a mean of 24 of them.
    np.testing.assert_allclose(encoded.mean(axis=0), 0, atol=1e-5)
    varies = np.ptp(values.reshape(-1, 2), axis=0) > 0
    np.testing.assert_allclose(encoded.std(axis=0), varies.astype(float), atol=1e-4)


@given(NUMBERS)
def test_a_ragged_of_the_same_values_encodes_the_same(values):
    ragged = Ragged(values.reshape(12, 2), np.array([0, 4, 8, 12]))
    encoder = SeriesEncoder.fit(values)
    assert SeriesEncoder.fit(ragged) == encoder
    np.testing.assert_array_equal(encoder.encode(ragged).values, encoder.encode(values).values)


def test_a_constant_that_sums_with_rounding_is_still_zero():
    values = np.full((1000, 3), 0.1)
    assert not SeriesEncoder.fit(values).encode(values).values.any()


def test_one_number_a_step_needs_no_channel_axis():
    values = np.array([[1, 2, 3], [4, 5, 6]])
    encoder = SeriesEncoder.fit(values)
    assert encoder.channels == 1
    assert encoder.encode(values).values.shape == (6, 1)
    steps = Ragged(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 3]))
    assert encoder.encode(steps).lengths.tolist() == [1, 2]


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_an_infinite_value_is_refused_with_its_row_and_step(bad):
    values = np.zeros((3, 4))
    values[1, 2] = bad
    for do in (SeriesEncoder.fit, SeriesEncoder((0.0,), (1.0,)).encode):
        with pytest.raises(DataError) as error:
            do(values)
        assert str(error.value) == (
            "1 steps have an infinite value; first in row 2, step 3; leave those values empty, "
            "or correct them"
        )


def test_the_row_of_an_infinite_value_is_right_in_a_ragged():
    values = np.array([0.0, 1.0, 2.0, np.inf])
    with pytest.raises(DataError, match="row 3, step 2"):
        SeriesEncoder.fit(Ragged(values, np.array([0, 1, 2, 4])))


def test_a_missing_value_is_the_mean_and_its_indicator_is_set():
    values = np.array(
        [[[1.0, 7.0], [np.nan, 8.0], [3.0, 9.0]], [[5.0, 7.0], [7.0, 8.0], [4.0, 9.0]]]
    )
    encoder = SeriesEncoder.fit(values)
    assert (encoder.means, encoder.marked) == ((4.0, 8.0), (0,))
    assert (encoder.channels, encoder.input_size) == (2, 3)
    encoded = encoder.encode(values).values
    scale = np.std([1, 3, 5, 7, 4])
    np.testing.assert_allclose(encoded[:, 0], np.array([-3, 0, -1, 1, 3, 0]) / scale, rtol=1e-6)
    assert encoded[:, 2].tolist() == [0, 1, 0, 0, 0, 0]
    # Where training had no missing value, nothing stands for one: it is the mean, and no more.
    whole = SeriesEncoder.fit(values[1:])
    assert whole.input_size == 2
    assert whole.encode(values[:1]).values[1, 0] == 0


def test_a_channel_without_a_value_in_training_is_refused():
    values = np.array([[[1.0, np.nan], [2.0, np.nan]]])
    with pytest.raises(DataError, match="channel 2 of the series has no value in any training row"):
        SeriesEncoder.fit(values)


@given(NUMBERS)
def test_what_missing_values_would_have_been_changes_nothing(values):
    one, other = values.copy(), values.copy()
    one[0, 1, 0] = other[0, 1, 0] = np.nan
    other[1:], one[1:] = values[1:], values[1:]
    assert SeriesEncoder.fit(one) == SeriesEncoder.fit(other)
    encoded = SeriesEncoder.fit(one).encode(one).values
    assert np.isfinite(encoded).all()
    assert (encoded[1, 0], encoded[1, 2]) == (0, 1)


@pytest.mark.parametrize(
    ("keep", "steps"), [("head", [0, 1, 2]), ("tail", [3, 4, 5]), ("both", [0, 1, 5])]
)
def test_a_longer_series_is_cut_at_the_side_that_is_set(keep, steps):
    rows = Ragged(np.array([0.0, 1, 2, 3, 4, 5, 8, 9]), np.array([0, 6, 8]))
    encoder = SeriesEncoder((0.0,), (1.0,), longest=3, keep=keep)
    encoded = encoder.encode(rows)
    assert encoded[0][:, 0].tolist() == steps
    assert encoded[1][:, 0].tolist() == [8, 9]
    assert encoder.truncated(rows).tolist() == [3, 0]


def test_rows_of_a_table_encode_as_arrays_do():
    values = np.random.default_rng(0).normal(size=(4, 5, 2))
    values[2, 3, 1] = np.nan
    rows = pl.Series("numbers", values.tolist(), dtype=pl.List(pl.Array(pl.Float64, 2)))
    encoder = SeriesEncoder.fit(rows)
    assert encoder == SeriesEncoder.fit(values)
    np.testing.assert_array_equal(encoder.encode(rows).values, encoder.encode(values).values)
    with pytest.raises(DataError, match="not series of steps"):
        encoder.encode(pl.Series(["a", "b"]))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(3), "series must have the shape"),
        (np.zeros((1, 1, 1, 1)), "series must have the shape"),
        (np.zeros((0, 3)), "a series has no values"),
        (np.zeros((3, 0)), "a series has no values"),
        (np.zeros((3, 2, 0)), "a series has no values"),
        (np.array([["a", "b"]]), "not numbers"),
        (Ragged(np.zeros(2), np.array([0, 0, 2])), "a series has no values"),
    ],
)
def test_what_is_no_series_is_refused(values, message):
    with pytest.raises(DataError, match=message):
        SeriesEncoder.fit(values)


def test_another_number_of_channels_is_refused():
    encoder = SeriesEncoder.fit(np.random.default_rng(0).normal(size=(2, 3, 2)))
    with pytest.raises(DataError) as error:
        encoder.encode(np.zeros((2, 3)))
    assert str(error.value) == (
        "the series have 1 channels, but the encoder was fitted on 2; give the channels that "
        "the model was trained on"
    )


@given(NUMBERS)
def test_what_is_stored_comes_back_equal(values):
    encoder = SeriesEncoder.fit(values)
    assert SeriesEncoder.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"kind": "text"}, "kind"),
        ({"version": 3}, "version"),
        ({"more": 0}, "keys"),
        ({"means": []}, "means"),
        ({"means": 1.0}, "means"),
        ({"means": ["1"]}, "means"),
        ({"means": [True]}, "means"),
        ({"means": [float("nan")]}, "means"),
        ({"scales": [0.0]}, "scales"),
        ({"scales": [-1.0]}, "scales"),
        ({"scales": [float("inf")]}, "scales"),
        ({"scales": [1.0, 1.0]}, "scales"),
        ({"scales": None}, "scales"),
        ({"marked": [1]}, "marked"),
        ({"marked": [0, 0]}, "marked"),
        ({"marked": None}, "marked"),
        ({"longest": 0}, "longest"),
        ({"keep": "middle"}, "keep"),
    ],
)
def test_a_stored_encoder_that_was_altered_is_refused(change, part):
    state = SeriesEncoder.fit(np.array([[1.0, 2.0]])).to_dict()
    with pytest.raises(RunError, match=f"see its '{part}'"):
        SeriesEncoder.from_dict(state | change)


def test_what_was_stored_before_missing_values_were_read_comes_back():
    state = {"kind": "series", "version": 1, "means": [1.0], "scales": [2.0]}
    assert SeriesEncoder.from_dict(state) == SeriesEncoder((1.0,), (2.0,))
