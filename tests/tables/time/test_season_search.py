"""The search for a season: found where series repeat, not where they wander or grow."""

import numpy as np
import pytest

from duree.tables.time.season_search import find_season

DAY, WEEK = 24, 168


def sine(steps, period):
    return np.sin(2 * np.pi * np.arange(steps) / period)


def walk(rng, steps=240):
    return np.cumsum(rng.normal(size=steps))


def grown(rng, steps=200):
    return 20 + 0.3 * np.arange(steps) + rng.normal(size=steps)


def exponential(rng, steps=200):
    return np.exp(walk(rng, steps) / 40 + np.arange(steps) / 50)


def test_a_day_of_hours_is_found_around_a_walk_and_a_trend():
    rng = np.random.default_rng(0)
    hours = np.arange(480)
    series = [50 + 0.05 * hours + 5 * sine(480, DAY) + 0.5 * walk(rng, 480) for _ in range(8)]
    found = find_season(series, DAY)
    assert (found.season, found.seasonal, found.series, found.longer) == (24, 8, 8, None)
    assert find_season(series[:1], DAY).season == 24


@pytest.mark.parametrize("period", [2, 4, 7, 12, 30])
def test_patterns_of_other_lengths_are_found(period):
    rng = np.random.default_rng(period)
    pattern = np.resize([3.0, 0.0], period) if period == 2 else rng.normal(size=period) * 2
    series = [30 + np.resize(pattern, 8 * period + 60) for _ in range(6)]
    assert find_season([own + rng.normal(size=len(own)) for own in series], DAY).season == period


def test_of_a_day_and_a_week_the_one_that_all_models_can_fit_is_taken():
    rng = np.random.default_rng(1)
    week = np.where(np.arange(840) // DAY % 7 < 5, 1.0, 0.4)
    series = [100 + 20 * sine(840, DAY) * week + walk(rng, 840) for _ in range(5)]
    found = find_season(series, DAY)
    assert (found.season, found.longer) == (24, 168)
    assert find_season(series, WEEK).season == 168


@pytest.mark.parametrize("make", [walk, grown, exponential])
def test_at_most_one_series_in_twenty_without_a_season_has_one(make):
    rng = np.random.default_rng(2)
    assert sum(find_season([make(rng)], DAY) is not None for _ in range(100)) <= 5


def test_a_table_of_walks_has_none_and_few_seasonal_ones_are_no_agreement():
    rng = np.random.default_rng(3)
    walks = [walk(rng, 120) for _ in range(30)]
    assert find_season(walks, DAY) is None
    found = find_season([own + 8 * sine(120, 12) * (n < 6) for n, own in enumerate(walks)], DAY)
    assert (found.season, found.is_agreed) == (12, False)
    assert 5 <= found.seasonal <= 7


def test_constant_short_missing_and_empty_series_have_none():
    gaps = np.full(60, np.nan)
    assert (
        find_season([np.ones(60), np.arange(60.0), gaps, np.zeros(0), np.arange(5.0)], DAY) is None
    )
    assert find_season([], DAY) is None


def test_gaps_and_outliers_do_not_hide_a_season():
    rng = np.random.default_rng(4)
    values = 50 + 5 * sine(120, 12) + rng.normal(size=120)
    values[[5, 40, 41, 90]] = np.nan
    values[70] = 5000
    assert find_season([values], DAY).season == 12
