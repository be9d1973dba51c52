"""Series: long, wide and side by side, on one grid; faults are reported, or stop the run."""

import numpy as np
import polars as pl
import pytest

from duree.errors import DataError
from duree.tables.layouts.series import Covariates, read_columns, read_long, read_wide
from duree.tables.table import Table
from duree.tables.time.seasons import (
    is_seasonal,
    naive2,
    naive_error,
    seasonal_indices,
    seasonal_naive,
    without_gaps,
)


def table(**columns):
    return Table(pl.DataFrame(columns), ())


def long(**columns):
    return read_long(table(**columns), "value", "year", "region", Covariates())


def checks(series):
    return {finding.check: finding for finding in series.findings}


def test_a_long_table_is_split_by_name_and_sorted_by_time():
    series = long(region=["b", "a", "b", "a"], year=[2, 1, 1, 2], value=[4, 1, 3, 2])
    assert series.names == ["a", "b"] or series.names == ["b", "a"]
    found = dict(zip(series.names, [v.tolist() for v in series.values], strict=True))
    assert found == {"a": [1, 2], "b": [3, 4]}
    assert checks(series)["unsorted"].level == "warning"


def test_a_step_without_a_value_is_missing_and_reported():
    series = long(region=["a"] * 4, year=[1, 2, 3, 5], value=[1.0, None, 3.0, 4.0])
    np.testing.assert_array_equal(series.values[0], [1, np.nan, 3, np.nan, 4])
    gaps = checks(series)["gaps"]
    assert (gaps.level, gaps.values["count"], gaps.values["series"]) == ("warning", 2, 1)


def test_a_series_ends_with_its_last_value_and_keeps_what_is_known_beyond():
    frame = table(year=[1, 2, 3, 4], value=[5.0, 6.0, None, None], price=[1.0, 2.0, 3.0, 4.0])
    series = read_long(frame, "value", "year", None, Covariates(past=("price",), known=("price",)))
    assert series.values[0].tolist() == [5, 6]
    assert series.past[0].ravel().tolist() == [1, 2]
    assert series.known[0].ravel().tolist() == [1, 2, 3, 4]


def test_months_written_as_numbers_follow_one_another_across_years():
    series = long(region=["a"] * 3, year=["199011", "199012", "199101"], value=[1, 2, 3])
    assert series.frequency.unit == "month"
    assert len(series.values[0]) == 3
    assert checks(series)["numbers_as_times"].message("en") == (
        "the numbers in 'year' are read as years and months (199012, 1990.12)"
    )


def test_a_grid_that_is_mostly_empty_is_a_warning():
    series = long(region=["a"] * 4, year=[1, 2, 3, 900], value=[1, 2, 3, 4])
    assert checks(series)["mostly_empty"].level == "warning"
    assert checks(series)["mostly_empty"].values == {"count": 896, "steps": 900}


@pytest.mark.parametrize("last", ["200000000", "1e300"])
def test_a_stray_time_is_refused_before_its_steps_are_laid_out(last):
    with pytest.raises(DataError, match="steps, of which only 3 have a row"):
        long(region=["a"] * 3, year=["1", "2", last], value=[1, 2, 3])


def test_infinity_is_refused_with_its_row_and_column():
    with pytest.raises(DataError, match=r"column 'value' holds cells .*, row 2: '1e999'"):
        long(region=["a"] * 3, year=[1, 2, 3], value=["1", "1e999", "3"])
    with pytest.raises(DataError, match="'year', row 2, cannot be placed in time"):
        long(region=["a"] * 3, year=["1", "1e999", "3"], value=[1, 2, 3])


def test_years_of_two_digits_are_refused_where_the_century_ends():
    with pytest.raises(DataError, match="'99' is followed by '00'"):
        long(region=["a"] * 4, year=["98", "99", "00", "01"], value=[1, 2, 3, 4])
    steps = long(region=["a", "a", "b", "b"], year=["98", "99", "00", "01"], value=[1, 2, 3, 4])
    assert steps.frequency.unit == "step"


def test_an_hour_that_occurs_twice_needs_its_offset():
    hours = ["2020-10-25 02:00", "2020-10-25 02:00", "2020-10-25 03:00"]
    with pytest.raises(DataError, match="their offset: 02:30"):
        long(region=["a"] * 3, year=hours, value=[1, 2, 3])


def test_two_rows_for_one_time_are_refused_with_their_rows():
    with pytest.raises(DataError) as caught:
        long(region=["a", "a", "a"], year=[1, 2, 1], value=[1, 2, 3])
    assert "rows 1, 3" in str(caught.value)
    with pytest.raises(DataError, match="--id"):
        read_long(table(year=[1, 1], value=[1, 2]), "value", "year", None, Covariates())


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"region": ["a"], "year": [1], "value": ["many"]}, "not finite numbers"),
        ({"region": ["a"], "year": [1], "value": [None]}, "holds no numbers"),
        ({"region": ["a", "a"], "year": [1, None], "value": [1, 2]}, "have no 'year'"),
        ({"region": ["a"], "value": [1]}, "no column 'year'"),
    ],
)
def test_what_is_no_series_is_refused(columns, message):
    with pytest.raises(DataError, match=message):
        long(**columns)


def test_irregular_times_are_taken_in_order_and_reported():
    series = long(region=["a"] * 5, year=[1.0, 2.5, 7.0, 7.3, 11.0], value=[1, 2, 3, 4, 5])
    assert series.frequency is None
    assert series.values[0].tolist() == [1, 2, 3, 4, 5]
    assert "whenever they come" in checks(series)["irregular"].message("en")
    assert series.label(0, 5) == "6"


def test_several_columns_with_one_time_column_are_separate_series():
    frame = table(year=["1850", "1851"], strikes=["3", "4"], riots=["1", None])
    series = read_columns(frame, ["strikes", "riots"], "year", None, Covariates())
    assert dict(zip(series.names, [v.tolist() for v in series.values], strict=True)) == {
        "strikes": [3, 4],
        "riots": [1],
    }


def test_a_wide_table_has_a_line_for_each_series():
    frame = table(V1=["W1", "W2"], V2=["1", None], V3=["2", "5"], V4=[None, "6"])
    series = read_wide(frame, "V1", ["V2", "V3", "V4"])
    assert [v.tolist() for v in series.values] == [[1, 2], [5, 6]]
    assert series.label(0, 2) == "3"


def test_a_wide_table_with_one_name_twice_is_refused():
    with pytest.raises(DataError, match="2 rows are named 'W1'"):
        read_wide(table(V1=["W1", "W1"], V2=["1", "2"]), "V1", ["V2"])


def test_gaps_carry_the_last_value_before_them_and_never_a_later_one():
    assert without_gaps(np.array([1, np.nan, np.nan, 4, np.nan])).tolist() == [1, 1, 1, 4, 4]


def test_seasonal_indices_are_those_of_a_pure_season():
    season = np.array([0.5, 1.0, 1.5, 1.0])
    values = np.tile(season, 8) * 20
    np.testing.assert_allclose(seasonal_indices(values, 4), season, rtol=1e-12)
    assert is_seasonal(values, 4)
    np.testing.assert_allclose(naive2(values[:-1], 6, 4), np.tile(season, 10)[31:37] * 20)
    assert seasonal_naive(values[:-1], 2, 4).tolist() == [20.0, 10.0]


def test_without_a_season_naive2_is_naive():
    walk = np.cumsum(np.random.default_rng(0).normal(size=40)) + 100
    assert naive2(walk, 3, 1).tolist() == [walk[-1]] * 3
    assert not is_seasonal(walk, 1)
    assert naive2(walk[:8], 3, 4).tolist() == [walk[7]] * 3


def test_the_naive_error_is_the_mean_change_over_a_season():
    values = np.array([1.0, 3, 2, 6, np.nan, 7])
    assert naive_error(values, 1) == pytest.approx((2 + 1 + 4) / 3)
    assert naive_error(values, 2) == pytest.approx((1 + 3 + 1) / 3)
    assert naive_error(values[:1], 1) == 0
