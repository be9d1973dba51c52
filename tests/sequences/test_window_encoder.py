"""Windows: what stands in them comes from before the origin, and can be brought back."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import DataError, RunError
from duree.sequences.transform import Transform
from duree.sequences.window_encoder import REFERENCES, WindowEncoder
from duree.tables.layouts.rolling_origins import INPUT

RNG = np.random.default_rng(0)


def rows(*series, past=None, known=None):
    empty = [[] for _ in series]
    cells = zip(series, past or empty, known or empty, strict=True)
    return pl.Series(
        "input",
        [{"values": list(map(float, v)), "past": list(p), "known": list(k)} for v, p, k in cells],
        dtype=INPUT,
    )


def encoder(difference="first", season=1, transform="none", window=12, horizon=3, **more):
    series = [np.cumsum(RNG.normal(size=40)) + 50 for _ in range(8)]
    return WindowEncoder.fit(
        rows(*series),
        horizon=horizon,
        window=window,
        season=season,
        transform=transform,
        difference=difference,
        **more,
    )


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        ("first", [10, 10, 10]),
        ("none", [8.5, 8.5, 8.5]),
        ("seasonal", [7, 8, 9]),
        ("both", [11, 12, 13]),
    ],
)
def test_the_reference_is_what_undoes_the_differencing(difference, expected):
    found = encoder(difference, season=4, window=4)
    reference, unit = found.frames(rows([3, 4, 5, 6, 7, 8, 9, 10]))
    assert reference[0].tolist() == expected
    assert unit[0] == pytest.approx(1)


def test_reference_and_unit_stand_in_the_window_to_the_last_digits():
    found = encoder("first")
    values = np.cumsum(RNG.normal(size=30)) + 1e7
    window = found.encode(rows(values))[0]
    carried = window[-3:, -3].astype(np.float64) + window[-3:, -2]
    assert carried == pytest.approx(values[-1], rel=1e-14)
    assert window[-1, -1] == pytest.approx(np.abs(np.diff(values[-12:])).mean(), rel=1e-6)


@given(st.integers(0, 2**31), st.sampled_from(list(REFERENCES)), st.integers(5, 60))
def test_a_row_is_encoded_alike_alone_and_among_others(seed, difference, length):
    rng = np.random.default_rng(seed)
    found = encoder(difference, season=4)
    own = rng.normal(size=length).cumsum() * 10.0 ** rng.integers(-3, 6)
    others = [rng.normal(size=rng.integers(5, 50)) * 1e6 for _ in range(3)]
    alone, among = found.encode(rows(own)), found.encode(rows(*others, own))
    np.testing.assert_array_equal(alone[0], among[3])


@pytest.mark.parametrize("difference", REFERENCES)
def test_what_lies_further_back_than_a_window_reaches_changes_nothing(difference):
    found = encoder(difference, season=4)
    values = np.cumsum(RNG.normal(size=80))
    reach = 12 + 4 + 1
    window = found.encode(rows(values))[0]
    np.testing.assert_allclose(found.encode(rows(values[-reach:]))[0], window, rtol=1e-5, atol=1e-6)


def test_series_of_any_size_and_level_look_alike():
    found = encoder("first")
    values = np.cumsum(RNG.normal(size=30))
    one, other = found.encode(rows(values, 1000 * values + 7e5))[0], None
    other = found.encode(rows(1000 * values + 7e5))[0]
    np.testing.assert_allclose(one[:, :3], other[:, :3], rtol=1e-3, atol=1e-3)


def test_a_series_shorter_than_the_horizon_is_padded_in_front_and_says_so():
    window = encoder("first", horizon=5).encode(rows([4.0, 6.0]))[0]
    assert len(window) == 5
    assert window[:, 1].tolist() == [0, 0, 0, 1, 1]


def test_a_missing_step_is_marked_and_carries_the_last_value():
    window = encoder("first").encode(rows([1.0, 2.0, np.nan, 4.0, 5.0]))[0]
    assert window[:, 1].tolist() == [1, 1, 0, 1, 1]
    assert window[2, 0] == window[1, 0]


def test_what_is_known_of_the_future_stands_a_horizon_early():
    found = WindowEncoder.fit(
        rows(*([np.arange(20.0)] * 2), known=[np.arange(23.0)] * 2),
        horizon=3,
        window=6,
        season=1,
        transform="none",
        difference="first",
        known=("price",),
    )
    window = found.encode(rows(np.arange(10.0), known=[np.arange(13.0)]))[0]
    mean, scale = found.known_means[0], found.known_scales[0]
    np.testing.assert_allclose(window[-3:, -4] * scale + mean, [10, 11, 12], rtol=1e-5)
    with pytest.raises(DataError, match="with an empty value"):
        found.encode(rows(np.arange(10.0), known=[np.arange(12.0)]))


def test_of_references_the_nearest_in_training_is_taken():
    season = np.tile([0.0, 10.0, 0.0, -10.0], 12)
    noise = [RNG.normal(size=48) * 0.1 for _ in range(6)]
    options = {"horizon": 4, "window": 8, "transform": "none", "difference": "auto"}
    seasonal = WindowEncoder.fit(rows(*(season + n for n in noise)), season=4, **options)
    walk = WindowEncoder.fit(rows(*(np.cumsum(n) for n in noise)), season=1, **options)
    assert (seasonal.difference, walk.difference) == ("seasonal", "first")


def test_an_encoder_is_read_back_and_an_altered_one_refused():
    found = encoder("both", season=4, transform="log")
    assert WindowEncoder.from_dict({"kind": "windows"} | found.to_dict()) == found
    for altered in ({"version": 2}, {"difference": "all"}, {"unit": 0.0}, {"colour": 1}):
        with pytest.raises(RunError, match="stored windows encoder"):
            WindowEncoder.from_dict(found.to_dict() | altered)


@pytest.mark.parametrize("kind", ["none", "log", "boxcox", "auto"])
def test_every_transformation_is_undone(kind):
    values = RNG.uniform(0.5, 900, size=60)
    found = Transform.choose(kind, [values])
    np.testing.assert_allclose(found.undo(found.apply(values)), values, rtol=1e-9)


def test_the_power_is_that_under_which_spread_no_longer_depends_on_level():
    level = np.repeat(np.linspace(10, 1000, 24), 10)
    noise = RNG.normal(size=240)
    grows = Transform.choose("boxcox", [level * np.exp(0.05 * noise)], 10)
    even = Transform.choose("boxcox", [level + noise], 10)
    assert abs(grows.power) <= 0.2
    assert even.power >= 0.8


def test_the_logarithm_is_taken_of_positive_values_and_of_counts():
    assert Transform.choose("auto", [np.array([1.5, 2])]) == Transform(0.0, 0.0)
    assert Transform.choose("auto", [np.array([0.0, 2])]) == Transform(0.0, 1.0)
    assert Transform.choose("auto", [np.array([0.5, 0.0])]) == Transform()
    assert Transform.choose("auto", [np.array([-1.0, 2])]) == Transform()
    with pytest.raises(DataError, match="needs positive values"):
        Transform.choose("log", [np.array([-1.0, 2])])


@pytest.mark.parametrize("kind", ["auto", "log", "boxcox"])
def test_counts_that_were_all_positive_may_have_a_zero_later_but_nothing_negative(kind):
    counts = RNG.poisson(30, size=80) + 1.0
    found = Transform.choose(kind, [counts])
    assert found == Transform(found.power, 0.0, 0.5)
    np.testing.assert_allclose(found.undo(found.apply(counts)), counts, rtol=1e-9)
    zero, half, one = found.apply(np.array([0.0, 0.5, 1.0]))
    assert zero == half < one
    assert found.defined(np.array([0.0, np.nan, -1.0])).tolist()[0] == zero
    assert np.isnan(found.defined(np.array([np.nan, -1.0]))).all()
    assert Transform(**found.to_dict()) == found
    with pytest.raises(DataError, match="a value of -1 has no logarithm"):
        found.apply(np.array([0.0, -1.0]))


def test_a_value_without_a_logarithm_is_refused_when_the_network_knows_positive_ones():
    found = encoder(transform="log")
    with pytest.raises(DataError, match="no logarithm"):
        found.encode(rows([3.0, 0.0, 2.0]))
