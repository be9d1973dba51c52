"""Rates by group: the values of known sums, and tests that keep their level."""

from __future__ import annotations

import numpy as np
import pytest

from duree.evaluation.change_points import change_points
from duree.evaluation.rates_by_group import rates_by_group, trend


def documents(sizes: tuple[int, ...], rates: tuple[float, ...], seed: int = 0, spread: float = 0.3):
    """Sums and counts of documents of very different lengths, group by group."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    counts = rng.lognormal(4, 1, len(codes)).round() + 1
    sums = counts * (np.array(rates)[codes] + spread * rng.normal(size=len(codes)))
    return sums, counts, codes


def test_a_rate_is_a_ratio_of_sums():
    found = rates_by_group(
        np.array([10.0, 50.0, 30.0]), np.array([10.0, 10.0, 10.0]), np.array([0, 0, 1]), "ab", 0
    )
    assert [one.rate for one in found] == [3.0, 3.0]
    assert [one.documents for one in found] == [2, 1]
    assert found[0].low is found[0].p_value is None  # two documents


def test_a_group_that_differs_is_found_and_its_interval_holds_its_rate():
    first, second, third = rates_by_group(*documents((60, 60, 60), (2, 2, 2.4)), "abc", 0)
    assert third.p_value < 0.01
    assert third.low < 2.4 < third.high
    assert third.low > 2.2
    assert third.difference == pytest.approx(0.4, abs=0.15)
    assert first.low < 2 < first.high
    assert second.low < 2 < second.high


def test_groups_that_differ_only_in_length_and_spread_are_told_apart_in_few_draws():
    false = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        codes = np.repeat([0, 1], [12, 60])
        counts = np.where(codes == 0, 40.0, 400.0)
        sums = counts * (2 + rng.normal(size=72) * np.where(codes == 0, 0.6, 0.1))
        false += rates_by_group(sums, counts, codes, "ab", seed)[0].p_value <= 0.05
    assert false <= 8  # 3 are expected; 9 or more come with a probability of 0.4 %


def test_p_values_are_adjusted_for_the_number_of_groups():
    sums, counts, codes = documents((20,) * 6, (2,) * 6, seed=5)
    of_six = rates_by_group(sums, counts, codes, "abcdef", 0)
    assert min(one.p_value for one in of_six) > 0.05


def test_equal_documents_differ_in_nothing():
    counts = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
    found = rates_by_group(counts * 3, counts, np.array([0, 0, 0, 1, 1, 1]), "ab", 0)
    assert [one.p_value for one in found] == [1.0, 1.0]
    assert found[0].low == found[0].high == pytest.approx(3.0)


def test_a_trend_is_found_and_none_where_there_is_none():
    sums, counts, _ = documents((80,), (2.0,), seed=1)
    years = np.arange(80.0)
    assert trend(sums, counts, years, 0).p_value > 0.05
    rising = trend(sums + counts * years / 80, counts, years, 0)
    assert rising.correlation > 0.5
    assert rising.p_value < 0.01
    assert trend(sums, counts, np.ones(80), 0) is None


def test_a_shift_is_found_where_it_is_and_noise_has_none():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=60)
    assert change_points(noise + np.repeat([0.0, 3.0], [40, 20]), rng) == [40]
    assert change_points(noise, rng) == []
    assert change_points(noise[:5], rng) == []
