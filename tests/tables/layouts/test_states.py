"""State sequences: which columns hold them, and what becomes of gaps, ends and odd names."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import DataError
from duree.recipe.settings import DataSettings
from duree.tables.layouts.state_strings import ARROW, MISSING, join_row, join_states, list_states
from duree.tables.layouts.states import States, check_states, state_columns, with_states
from duree.tables.table import Source, Table

TIMES = ["Jul.93", "Aug.93", "Sep.93", "Oct.93"]


def table(*rows: list[str | None], names: list[str] = TIMES) -> Table:
    frame = pl.DataFrame(list(rows), schema=dict.fromkeys(names, pl.String), orient="row")
    return Table(frame, (Source("lives.csv", "csv", len(rows), ""),))


COURSES = table(
    ["school", "school", "FE", "employment"],
    ["school", None, "FE", ""],
    ["  HE ", "HE", None, None],
    [None, None, None, None],
)


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (("Jul.93:Oct.93",), TIMES),
        (("Aug.93:Sep.93",), TIMES[1:3]),
        (("*.93",), TIMES),
        (("Oct.93", "Jul.93"), ["Oct.93", "Jul.93"]),
        (("Jul.93", "Sep.93:Oct.93"), ["Jul.93", "Sep.93", "Oct.93"]),
        (("jul.93:OCT.93",), None),
    ],
)
def test_columns_are_named_one_by_one_by_range_or_by_pattern(named, found) -> None:
    if found is None:
        with pytest.raises(DataError, match=r"did you mean 'Jul\.93'"):
            state_columns(COURSES, named)
    else:
        assert state_columns(COURSES, named) == found


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (("Oct.93:Jul.93",), "run backwards"),
        (("Jul.93:Oct.93", "Aug.93"), "'Aug.93' is named twice"),
        (("Nov.93",), "there is no column 'Nov.93'"),
        (("Jul.93:Nov.93",), "there is no column 'Nov.93'"),
    ],
)
def test_columns_that_cannot_be_states_are_reported(named, message) -> None:
    with pytest.raises(DataError, match=message):
        state_columns(COURSES, named)


def test_gaps_stand_and_ends_are_ends() -> None:
    assert join_states(COURSES, TIMES).to_list() == [
        "school › school › FE › employment",
        "school › – › FE",
        "HE › HE",
        "",
    ]
    assert list_states(COURSES, TIMES)[1].to_list() == ["school", None, "FE", None]


def test_the_sign_between_states_cannot_come_from_a_state() -> None:
    assert join_states(table(["a › b", "c", None, None]), TIMES)[0] == "a > b › c"


def test_numbers_are_states_too() -> None:
    frame = pl.DataFrame({"a": [1, 2], "b": [2.0, None]})
    coded = Table(frame, (Source("lives.sav", "sav", 2, ""),))
    assert join_states(coded, ["a", "b"]).to_list() == ["1 › 2", "2"]


def test_a_single_row_is_joined_as_in_a_table() -> None:
    for row, joined in zip(COURSES.frame.iter_rows(), join_states(COURSES, TIMES), strict=True):
        assert join_row(list(row)) == joined


def layout(**settings) -> States:
    return States(DataSettings(states=("*.93",), **settings))


def sequences(course: Table, **settings) -> list[str]:
    laid_out, read = layout(**settings).lay_out(course)
    found = read.sequences(laid_out).to_list()
    # A row alone, as the service reads it.
    assert [read.join_row(row) for row in course.frame.select(read.inputs).iter_rows()] == found
    return found


def test_a_whole_number_with_a_decimal_point_is_the_same_state() -> None:
    course = table(["1", "2.0", "2", "-1.00"], ["1.5", "10.0", "v1.0", None])
    assert sequences(course) == ["1 › 2 › 2 › -1", "1.5 › 10 › v1.0"]


def test_a_run_that_distinguished_them_still_does() -> None:
    read = States(DataSettings(states=("*.93",)), {"states": TIMES})
    assert read.plain(table(["1", "1.0", "1", None]))[0] == "1 › 1.0 › 1"


def test_codes_named_as_missing_are_missing_states() -> None:
    course = table(["1", "NA", "2", "%"], ["9.0", "1", "*", "na"])
    assert sequences(course, missing_codes="NA,*,%,9") == ["1 › – › 2", "– › 1 › – › na"]
    assert sequences(course, missing_codes=["NA", "%", 9]) == ["1 › – › 2", "– › 1 › * › na"]


def test_codes_are_missing_in_covariates_too() -> None:
    course = table(["x", "x", "x", "x"], ["y", "y", "y", "y"])
    course = Table(course.frame.with_columns(sex=pl.Series(["f", "NA"])), course.sources)
    laid_out, read = layout(covariate=("sex",), missing_codes="NA").lay_out(course)
    heads = [row.split(" › ")[0] for row in read.with_covariates(laid_out).sequences(laid_out)]
    assert heads == ["sex=f", "sex=–"]


@pytest.mark.parametrize(
    ("states", "listed"),
    [
        (["1", "NA", "%", "*"], "'%', '*', 'NA', in 3 cells"),
        (["school", "NaN", "-9", "FE"], "'-9', 'NaN', in 2 cells"),
        (["1", "2", "99", "3"], "'99', in 1 cells"),
        (["1", "2", "98", "99"], None),
        (["school", "work", "training", "none at all"], None),
    ],
)
def test_states_that_look_like_missing_codes_are_reported(states, listed) -> None:
    found = {finding.check: finding for finding in check_states(table(states), TIMES)}
    assert ("missing_codes" in found) is (listed is not None)
    if listed:
        assert found["missing_codes"].level == "note"
        assert sorted(found["missing_codes"].values["codes"].split(",")) == sorted(
            listed.partition(", in")[0].replace("'", "").split(", ")
        )
        assert listed[-9:] in found["missing_codes"].message("en")


@pytest.mark.parametrize(
    ("states", "listed"),
    [
        (["School", "school ", "work", "work"], "'School', 'school'"),
        (["01", "1", "2", "10"], "'01', '1'"),
        (["full time", "full  time", "part", "part"], "'full  time', 'full time'"),
        (["a", "b", "0", "10"], None),
    ],
)
def test_states_written_in_two_ways_are_a_warning(states, listed) -> None:
    found = {finding.check: finding for finding in check_states(table(states), TIMES)}
    assert ("similar_states" in found) is (listed is not None)
    if listed:
        assert found["similar_states"].values["listed"] == listed


@pytest.mark.parametrize(
    ("names", "named", "order"),
    [
        (["t1", "t10", "t2", "t3"], ("t*",), "'t?', 't??'"),
        (["t1", "t10", "t2", "t3"], ("t1", "t10", "t2", "t3"), None),
        (["t1", "t2", "t3", "t10"], ("t*",), None),
        (["y98", "y99", "y00", "y01"], ("y*",), None),
        (["s.1.w", "s.10.w", "s.2.w", "s.3.w"], ("s*",), "'s.?.w', 's.??.w'"),
        (["01.1999", "01.2000", "02.1999", "02.2000"], ("0*",), None),
        (TIMES, ("*.93",), None),
    ],
)
def test_time_points_out_of_the_order_of_their_numbers_are_a_warning(names, named, order) -> None:
    course = table(["a", "b", "a", "b"], names=names)
    found = {finding.check: finding for finding in check_states(course, names, named=named)}
    assert ("column_order" in found) is (order is not None)
    if order:
        assert found["column_order"].level == "warning"
        assert found["column_order"].values["order"] == order
        patterns = tuple(order.replace("'", "").split(", "))
        assert state_columns(course, patterns) == sorted(names, key=lambda n: (len(n), n))


def test_a_column_of_that_name_is_not_overwritten() -> None:
    taken = table(["a", "b"], names=["t1", "states"])
    with pytest.raises(DataError, match="rename that column"):
        with_states(taken, ("t1",), {})


def test_the_answer_is_not_one_of_the_states() -> None:
    with pytest.raises(DataError, match=r"'Oct\.93' is both the target and one of the states"):
        with_states(COURSES, ("*.93",), {"target": "Oct.93"})


def test_missing_states_and_early_ends_are_reported_with_their_rows() -> None:
    found = {finding.check: finding for finding in check_states(COURSES, TIMES)}
    assert "have 4 states: 'school', " in found["states"].message("en")
    assert found["missing_states"].values["count"] == 1
    assert found["missing_states"].rows == (1,)
    assert found["ended"].rows == (1, 2, 3)
    assert "many_states" not in found


def test_a_hundred_states_are_a_warning() -> None:
    many = table(*[[f"s{n}", "a", "b", "c"] for n in range(100)])
    found = {finding.check: finding.level for finding in check_states(many, TIMES)}
    assert found["many_states"] == "warning"


STATE = st.one_of(st.none(), st.text(min_size=1, max_size=4).map(str.strip).filter(bool))


@given(st.lists(st.tuples(STATE, STATE, STATE, STATE), min_size=1, max_size=8))
def test_every_state_can_be_recovered(rows) -> None:
    whole = table(*[list(row) for row in rows])
    assert join_states(whole, TIMES).to_list() == [join_row(row) for row in rows]
    for joined, states in zip(join_states(whole, TIMES), list_states(whole, TIMES), strict=True):
        trimmed = states.to_list()
        while trimmed and trimmed[-1] is None:
            trimmed.pop()
        back = joined.split(ARROW) if joined else []
        assert back == [MISSING if state is None else state for state in trimmed]
