"""Frequency: the grid of times is found from them, and its labels are those of the table."""

import numpy as np
import polars as pl
import pytest

from duree.errors import DataError
from duree.tables.time.frequency import find_frequency, read_times


def grid(*values):
    times = read_times(pl.Series("when", values))
    return find_frequency([times.moments], times.written), times


@pytest.mark.parametrize(
    ("values", "unit", "places"),
    [
        (("1999-01-31", "1999-02-28", "1999-03-31", "1999-05-31"), "month", [0, 1, 2, 4]),
        (("1999-01-30", "1999-02-28", "1999-03-30"), "month", [0, 1, 2]),
        (("1999-01", "1999-02", "1999-04", "1999-05"), "month", [0, 1, 3, 4]),
        (("2001-Q1", "2001-Q2", "2001-Q4"), "quarter", [0, 1, 3]),
        (("1848-05-01", "1849-05-01", "1850-05-01"), "year", [0, 1, 2]),
        (("2024-01-07", "2024-01-14", "2024-01-28"), "week", [0, 1, 3]),
        (("2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09"), "weekday", [0, 1, 2, 3]),
        (("2024-01-05", "2024-01-06", "2024-01-07"), "day", [0, 1, 2]),
        (("2024-01-05 10:00", "2024-01-05 11:00", "2024-01-05 13:00"), "hour", [0, 1, 3]),
        ((1850, 1851, 1853), "step", [0, 1, 3]),
        (("1850", "1852", "1854"), "step", [0, 1, 2]),
    ],
)
def test_each_time_has_its_place(values, unit, places):
    frequency, times = grid(*values)
    assert frequency.unit == unit
    assert frequency.places(times.moments).tolist() == places


@pytest.mark.parametrize(
    ("values", "after"),
    [
        (("1999-01-31", "1999-02-28", "1999-03-31"), ["1999-04-30", "1999-05-31"]),
        (("1999-11", "1999-12"), ["2000-01", "2000-02"]),
        (("2001-Q3", "2001-Q4"), ["2002-Q1", "2002-Q2"]),
        (("2024-02-28", "2024-02-29", "2024-03-01"), ["2024-03-04", "2024-03-05"]),
        ((1850, 1851), ["1852", "1853"]),
        (("1850", "1855", "1860"), ["1865", "1870"]),
    ],
)
def test_future_steps_are_labelled_in_the_format_of_the_table(values, after):
    frequency, times = grid(*values)
    last = frequency.places(times.moments)[-1]
    assert frequency.labels(np.array([last + 1, last + 2])) == after


@pytest.mark.parametrize(
    "values", [("2024-01-01", "2024-01-02", "2024-01-02", "2024-03-09"), (1.0, 2.5, 7.0, 7.3, 11.0)]
)
def test_times_that_follow_no_step_have_no_grid(values):
    assert grid(*values)[0] is None


@pytest.mark.parametrize(
    ("values", "period"), [(("1999-01", "1999-02"), 12), (("2001-Q1", "2001-Q2"), 4), ((1, 2), 1)]
)
def test_the_season_follows_from_the_calendar(values, period):
    assert grid(*values)[0].period == period


def test_the_calendar_comes_round_after_a_year():
    frequency, _ = grid("1999-01", "1999-02", "1999-03")
    circles = frequency.calendar(np.arange(24.0))
    np.testing.assert_allclose(circles[:12], circles[12:], atol=0.02)
    assert np.abs(circles[0] - circles[6]).max() > 1.9


def test_times_that_are_no_times_are_refused():
    with pytest.raises(DataError, match="neither numbers nor dates"):
        read_times(pl.Series("when", ["2001 spring", "2002 spring"]))
