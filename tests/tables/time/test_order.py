"""The order in time: numbers, dates, year-first texts; nothing is guessed."""

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import DataError
from duree.tables.time.order import holds_dates, time_order


def order(*values: object) -> list[int]:
    return time_order(pl.Series("when", values)).tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("9", "10", "9.5"), [0, 2, 1]),
        ((1848, 1789, None, 1848), [1, 0, -1, 1]),
        ((0.5, -3.0), [1, 0]),
        (("1789-07-14", "1789-06-20", " 1848-02-24 "), [1, 0, 2]),
        (("1789-07", "1788-12"), [1, 0]),
        (("2001-05-14T10:00:00+02:00", "2001-05-14T09:30:00+00:00"), [0, 1]),
        (("2001-05-14 10:00", "2001-05-14 09:30"), [1, 0]),
        (("2001-Q2", "2001-Q1", ""), [1, 0, -1]),
        (("19991231", "20000101"), [0, 1]),
        ((date(1945, 5, 8), date(1918, 11, 11)), [1, 0]),
        ((datetime(2001, 1, 1, 12), None), [0, -1]),
        ((2**60 + 1, 2**60), [1, 0]),
        ((str(2**60 + 1), str(2**60)), [1, 0]),
    ],
)
def test_values_are_placed_in_time(values, expected):
    assert order(*values) == expected


@pytest.mark.parametrize(
    ("values", "culprit", "row"),
    [
        (("1789-07-14", "2001-13-45"), "2001-13-45", 2),
        (("14/07/1789", "24/02/1848"), "14/07/1789", 1),
        (("14 July 1789", "1789-07-14"), "14 July 1789", 1),
        (("1789-07-14", "", "1789-07"), "1789-07", 3),
        (("1789-07-14", "1848-02-24T12:00"), "1848-02-24T12:00", 2),
        (("1", "2", "inf"), "inf", 3),
        (("1", "nan"), "nan", 2),
        (("31121999", "01012000"), "31121999", 1),
        (("12", "twelve"), "twelve", 2),
        ((1.0, float("inf")), "inf", 2),
    ],
)
def test_what_cannot_be_ordered_is_refused_with_its_row(values, culprit, row):
    with pytest.raises(DataError) as caught:
        order(*values)
    assert str(caught.value.values["value"]) == culprit
    assert f"row {row}" in str(caught.value)
    assert "1999-12-31" in str(caught.value)


@given(st.lists(st.dates(min_value=date(1000, 1, 1)), min_size=1))
def test_iso_dates_are_ordered_as_dates(dates):
    expected = [sorted(set(dates)).index(day) for day in dates]
    assert order(*(day.isoformat() for day in dates)) == expected


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("published", ["1999-12-31", "2000-01-01"], True),
        ("x", ["31/12/1999", "01.01.2000"], True),
        ("year", ["1999", "2000"], True),
        ("年份", ["1999", "2000"], True),
        ("rating", ["1999", "2000"], False),
        ("yearly", ["1", "2"], False),
        ("date", ["soon", "later"], False),
        ("x", [None, None], False),
        ("x", ["1-2-3 go", "1999-12-31"], False),
    ],
)
def test_a_column_that_says_when_is_recognised(name, values, expected):
    assert holds_dates(pl.Series(name, values, dtype=pl.String)) is expected
