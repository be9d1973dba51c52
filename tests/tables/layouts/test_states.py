"""State sequences: which columns hold them, and what becomes of gaps, ends and odd names."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import DataError
from duree.tables.layouts.state_strings import ARROW, MISSING, join_row, join_states, list_states
from duree.tables.layouts.states import check_states, state_columns, with_states
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
