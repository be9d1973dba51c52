"""Frequency: the grid of times is found from them, and its labels are those of the table."""

import numpy as np
import polars as pl
import pytest

from duree.errors import DataError
from duree.tables.time.frequency import find_frequency, read_times


def grid(*values):
    times = read_times(pl.Series("when", values))
    return find_frequency([times.moments], times), times


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
        (("1990-02-28", "1990-03-28", "1990-04-28"), ["1990-05-28", "1990-06-28"]),
        (("2001-02-28", "2001-03-30", "2001-04-30"), ["2001-05-30", "2001-06-30"]),
        (("1999-11", "1999-12"), ["2000-01", "2000-02"]),
        (("199011", "199012"), ["199101", "199102"]),
        ((199011, 199012), ["199101", "199102"]),
        (("1990.11", "1990.12"), ["1991.01", "1991.02"]),
        ((1990.09, 1990.1, 1990.11), ["1990.12", "1991.01"]),
        (("199051", "199052", "199101"), ["199102", "199103"]),
        (("2020-W52", "2020-W53"), ["2021-W01", "2021-W02"]),
        (("2020W52", "2020W53"), ["2021W01", "2021W02"]),
        (("2001-Q3", "2001-Q4"), ["2002-Q1", "2002-Q2"]),
        (("2009Q3", "2009Q4"), ["2010Q1", "2010Q2"]),
        (("2009q4", "2010q1"), ["2010q2", "2010q3"]),
        (("Q3 2009", "Q4 2009"), ["Q1 2010", "Q2 2010"]),
        (("1998/99", "1999/00"), ["2000/01", "2001/02"]),
        (("2009-10", "2010-11", "2011-12"), ["2012-13", "2013-14"]),
        (("2009/2010", "2010/2011"), ["2011/2012", "2012/2013"]),
        (("19991230", "19991231"), ["20000103", "20000104"]),
        ((19991231, 20000101), ["20000102", "20000103"]),
        (("1648-10-23", "1648-10-24"), ["1648-10-25", "1648-10-26"]),
        (("2299-12", "2300-01"), ["2300-02", "2300-03"]),
        (("1848-02-29", "1849-02-28"), ["1850-02-28", "1851-02-28"]),
        (("2020-10-25 01:00", "2020-10-25 02:00"), ["2020-10-25 03:00", "2020-10-25 04:00"]),
        (
            ("2020-10-25T02:00:00+02:00", "2020-10-25T02:00:00+01:00"),
            ["2020-10-25T03:00:00+01:00", "2020-10-25T04:00:00+01:00"],
        ),
        (
            ("2020-10-25T02:00:00Z", "2020-10-25T03:00:00Z"),
            ["2020-10-25T04:00:00Z", "2020-10-25T05:00:00Z"],
        ),
        (
            ("2020-10-25T02:00:00.250", "2020-10-25T02:00:00.500"),
            ["2020-10-25T02:00:00.750", "2020-10-25T02:00:01.000"],
        ),
        ((1_600_000_000_000, 1_600_000_000_001), ["1600000000002", "1600000000003"]),
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


def test_a_column_with_a_time_zone_is_continued_in_its_local_time():
    moments = pl.datetime_range(
        pl.datetime(2020, 10, 25, 0),
        pl.datetime(2020, 10, 25, 1),
        "1h",
        time_zone="UTC",
        eager=True,
    )
    times = read_times(moments.dt.convert_time_zone("Europe/Berlin").alias("when"))
    frequency = find_frequency([times.moments], times)
    assert frequency.labels(np.array([-1.0, 2.0])) == [
        "2020-10-25T01:00:00+02:00",
        "2020-10-25T03:00:00+01:00",
    ]


@pytest.mark.parametrize(
    "values",
    [(190011, 190012, 190013), ("199012", "199100"), ("1990.25", "1990.50"), ("200113", "200114")],
)
def test_numbers_that_are_no_months_stay_numbers(values):
    assert read_times(pl.Series("when", values)).written == "number"


def test_a_week_53_that_its_year_does_not_have_is_refused():
    with pytest.raises(
        DataError, match="'199053' in the column 'when', row 2, cannot be placed in time"
    ):
        read_times(pl.Series("when", ["199052", "199053", "199101"]))


def test_times_that_are_no_times_are_refused():
    with pytest.raises(DataError, match="neither numbers nor dates"):
        read_times(pl.Series("when", ["2001 spring", "2002 spring"]))
