"""Spells give the same sequences as a table with a column for each time point."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import DataError, RecipeError
from duree.pipeline.dataset import check_files
from duree.recipe.recipe import Recipe
from duree.recipe.settings import DataSettings
from duree.tables.files.write import write_table
from duree.tables.layouts.registry import gather_rows, layout_of
from duree.tables.layouts.spells import Grid
from duree.tables.layouts.state_strings import join_states
from duree.tables.table import Source, Table
from duree.tasks import resolve

SETTINGS = DataSettings(state="status", start="from", end="to", id="person")


def table(
    rows: list[tuple], columns: tuple[str, ...] = ("person", "status", "from", "to")
) -> Table:
    frame = pl.DataFrame(rows, schema=list(columns), orient="row")
    return Table(frame, (Source("lives.csv", "csv", len(rows), ""),))


def joined(rows: list[tuple], settings: DataSettings = SETTINGS) -> list[str]:
    return gather_rows(table(rows), settings)[0].frame["states"].to_list()


def findings(rows: list[tuple], settings: DataSettings = SETTINGS) -> dict[str, str]:
    found, _ = gather_rows(table(rows), settings)
    return {finding.check: finding.message("en") for finding in found.findings}


def test_a_spell_lasts_through_its_end_where_the_next_begins_after_it() -> None:
    rows = [("a", "school", 1, 2), ("a", "work", 3, 5), ("b", "work", 1, 1)]
    assert joined(rows) == ["school › school › work › work › work", "work"]
    assert findings(rows)["ends"] == "the end of a spell is its last step"
    assert findings(rows)["spells"] == "3 spells of 2 persons, from 1 to 5"


def test_a_spell_lasts_until_its_end_where_the_next_begins_in_it() -> None:
    rows = [("a", "school", 1, 3), ("a", "work", 3, 5)]
    assert joined(rows) == ["school › school › work › work"]
    assert findings(rows)["ends"] == "the end of a spell is the step after its last"


@pytest.mark.parametrize(
    ("starts", "ends", "unit", "last"),
    [
        (["2003-06-01", "2003-09-01"], ["2003-09-01", "2003-11-01"], "month", "2003-10"),
        (["2003-06-01", "2003-09-01"], ["2003-08-31", "2003-10-31"], "month", "2003-10"),
        (["2003-06", "2003-09"], ["2003-08", "2003-10"], "month", "2003-10"),
        (["2003-06-28", "2003-07-01"], ["2003-06-30", "2003-07-02"], "day", "2003-07-02"),
        (["20030628", "20030701"], ["20030630", "20030702"], "day", "2003-07-02"),
        (["2001-01-01", "2004-01-01"], ["2003-12-31", "2005-12-31"], "year", "2005"),
        ([2001, 2004], [2003, 2005], "step", "2005"),
        ([2001.0, 2004.0], [2003.0, 2005.0], "step", "2005"),
    ],
)
def test_the_unit_of_time_is_the_coarsest_that_loses_nothing(
    starts: list, ends: list, unit: str, last: str
) -> None:
    rows = [("a", "x", starts[0], ends[0]), ("a", "y", starts[1], ends[1])]
    found, reading = gather_rows(table(rows), SETTINGS)
    assert reading["spells"]["unit"] == unit
    assert found.frame["states"].to_list() == [
        {"day": "x › x › x › y › y"}.get(unit, "x › x › x › y › y")
    ]
    assert layout_of(SETTINGS)(SETTINGS, reading).time_points(found)[0][-1] == last


@pytest.mark.parametrize(
    ("starts", "ends", "unit", "last"),
    [
        (["199011", "199101"], ["199012", "199102"], "month", "1991-02"),
        ([199011, 199101], [199012, 199102], "month", "1991-02"),
        (["1990.11", "1991.01"], ["1990.12", "1991.02"], "month", "1991-02"),
        (["199051", "199101"], ["199052", "199102"], "week", "1991-W02"),
        (["1990-W51", "1991-W01"], ["1990-W52", "1991-W02"], "week", "1991-W02"),
    ],
)
def test_months_and_weeks_written_as_numbers_are_counted_across_years(
    starts: list, ends: list, unit: str, last: str
) -> None:
    rows = [("a", "school", starts[0], ends[0]), ("a", "work", starts[1], ends[1])]
    assert joined(rows) == ["school › school › work › work"]
    assert findings(rows)["time_unit"].endswith(f"a step is a {unit}")
    assert findings(rows)["spells"].endswith(f"to {last}")


@pytest.mark.parametrize("months", [["2003-06", "2003-07"], ["200306", "200307"]])
def test_months_need_no_column_of_ends(months: list[str]) -> None:
    data = SETTINGS.model_copy(update={"end": None})
    rows = [("a", "school", months[0], None), ("a", "work", months[1], None)]
    assert joined(rows, data) == ["school › work"]


def test_a_run_that_counted_such_numbers_still_does() -> None:
    rows = [("a", "school", 199011, 199012), ("a", "work", 199101, 199102)]
    layout = layout_of(SETTINGS)(SETTINGS, {"spells": {"unit": "step", "closed": True}})
    sequence = layout.lay_out(table(rows))[0].frame["states"][0].split(" › ")
    assert len(sequence) == 199102 - 199011 + 1


def test_moments_with_a_zone_are_counted_in_days() -> None:
    rows = [("a", "x", "2003-06-28T22:30:00+02:00", "2003-06-29T10:00:00+02:00")]
    rows += [("a", "y", "2003-06-30T10:00:00+02:00", "2003-06-30T10:00:00+02:00")]
    assert joined(rows) == ["x › x › y"]


def test_gaps_are_reported_and_read_as_a_state() -> None:
    rows = [("a", "x", 1, 2), ("a", "y", 5, 5), ("b", "x", 1, 6)]
    assert joined(rows) == ["x › x › – › – › y", "x › x › x › x › x › x"]
    assert (
        "gaps between spells: 1 in 1 persons, 2 steps in all (before row 2 ...)"
        in (findings(rows)["gaps"])
    )


def test_without_an_end_a_spell_lasts_until_the_next_or_the_last_time_of_all() -> None:
    rows = [("a", "x", 1, None), ("a", "y", 3, None), ("b", "x", 1, 5)]
    assert joined(rows) == ["x › x › y › y › y", "x › x › x › x › x"]
    assert "spells without an end: 2 (rows 1, 2 ...)" in findings(rows)["open_spells"]
    no_ends = SETTINGS.model_copy(update={"end": None})
    assert joined(rows, no_ends) == ["x › x › y", "x › x › x"]


def test_a_spell_without_a_state_is_a_gap_and_at_the_end_nothing() -> None:
    rows = [("a", None, 1, 2), ("a", "y", 3, 3), ("a", " ", 4, 9), ("b", "", 1, 2)]
    assert joined(rows) == ["– › – › y", ""]


def test_each_sequence_begins_with_its_own_first_spell() -> None:
    rows = [("a", "x", 1, 2), ("b", "y", 4, 5)]
    assert joined(rows) == ["x › x", "y › y"]
    assert "begins after 1: 1" in findings(rows)["late_starts"]
    assert gather_rows(table(rows), SETTINGS)[1]["spells"]["first"] is None


def test_spells_in_any_order_are_laid_out_in_time() -> None:
    rows = [("b", "y", 3, 4), ("a", "x", 1, 2), ("b", "x", 1, 2), ("a", "y", 3, 3)]
    assert joined(rows) == ["x › x › y › y", "x › x › y"]


def test_two_spells_of_one_state_that_overlap_are_joined_and_reported() -> None:
    rows = [("a", "x", 1, 4), ("a", "x", 2, 6), ("a", "x", 2, 3), ("a", "y", 7, 7)]
    assert joined(rows) == ["x › x › x › x › x › x › y"]
    assert "2 (rows 2, 3 ...); they are merged" in findings(rows)["joined_spells"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [("a", "x", 1, 4), ("a", "y", 3, 6), ("b", "x", 1, 2), ("b", "y", 3, 4)],
            (
                "overlapping spells: 1, in 1 persons; 'a' is in 'x' and 'y' at the same time, 3; "
                "at rows 1, 2"
            ),
        ),
        (
            [("a", "x", 1, 4), ("a", "y", 1, 4)],
            "'a' is in 'x' and 'y' at the same time, 1; at rows 1, 2",
        ),
        ([("a", "x", 4, 1), ("a", "y", 5, 6)], "spells that end before they start: 1"),
        ([("a", "x", 1, 2), (" ", "y", 3, 4)], "1 rows have no 'person'; first at row 2"),
        ([("a", "x", None, 2), ("a", "y", 3, 4)], "1 rows have no 'from'; first at row 1"),
        (
            [("a", "x", "2003-06-30", "2003-07-30"), ("a", "y", "soon", "2004-01-01")],
            "'soon' in the column 'from', row 2, cannot be placed in time",
        ),
        (
            [("a", "x", "2003-02-30", "2003-07-30")],
            "'2003-02-30' in the column 'from', row 1, cannot",
        ),
        ([("a", " ", 1, 3), ("b", None, 1, 2)], "the column 'status' holds no states"),
        ([("a", "x", 1.5, 3.0)], "1.5 in the column 'from', row 1, cannot be placed in time"),
        ([("a", "x", 1, "2003-07-30")], "the column 'to' holds dates, but the other times"),
        ([("a", "x", "1900-01-01", "9999999-01-01")], "cannot be placed in time"),
        (
            [("a", "x", "1999-01-01", "9999-12-31"), ("a", "x", "1998-01-05", "1998-02-03")],
            "the spells add up to 2922666 time steps; the longest, of 'a', has 2922636",
        ),
    ],
)
def test_spells_that_cannot_be_laid_out_are_reported_with_their_rows(
    rows: list[tuple], message: str
) -> None:
    with pytest.raises(DataError) as sequences_of:
        gather_rows(
            table([tuple(row) for row in rows], ("person", "status", "from", "to")), SETTINGS
        )
    assert message in sequences_of.value.message("en")
    assert "{" not in sequences_of.value.message("zh")


def test_bad_rows_are_left_out_where_that_is_asked_for() -> None:
    rows = [("a", "x", 1, 2), (None, "x", 1, 2), ("a", "y", 9, 3), ("a", "y", 3, 3)]
    settings = SETTINGS.model_copy(update={"drop_bad": True})
    assert joined(rows, settings) == ["x › x › y"]
    assert {"missing_left_out", "backwards_left_out"} < findings(rows, settings).keys()


def test_columns_constant_within_a_person_are_kept_and_the_others_reported() -> None:
    columns = ("person", "status", "from", "to", "sex", "note")
    rows = [("a", "x", 1, 2, None, "p"), ("a", "y", 3, 4, "f", "q"), ("b", "x", 1, 2, "m", "r")]
    found, _ = gather_rows(table(rows, columns), SETTINGS)
    assert found.frame.columns == ["person", "sex", "states"]
    assert found.frame["sex"].to_list() == ["f", "m"]
    message = {finding.check: finding.message("en") for finding in found.findings}
    assert message["varying_columns"] == "columns that vary within 'person' are left out: 'note'"


@pytest.mark.parametrize("role", ["target", "group", "time"])
def test_a_person_cannot_have_two_answers(role: str) -> None:
    columns = ("person", "status", "from", "to", "pay")
    rows = [("a", "x", 1, 2, "good"), ("b", "x", 1, 2, "good"), ("b", "y", 3, 4, "poor")]
    settings = SETTINGS.model_copy(update={role: "pay"})
    with pytest.raises(DataError, match="'b' has 'good', 'poor'; first at row 3"):
        gather_rows(table(rows, columns), settings)
    assert gather_rows(table(rows, columns), settings, with_answers=False)[0].frame.columns == [
        "person",
        "states",
    ]


def test_a_new_table_is_laid_out_as_the_first_was() -> None:
    _, reading = gather_rows(table([("a", "x", 1, 3), ("a", "y", 3, 5)]), SETTINGS)
    alone, _ = gather_rows(table([("c", "x", 1, 3)]), SETTINGS, reading)
    assert alone.frame["states"].to_list() == ["x › x"]
    months = Grid("month", closed=True)
    found, _ = gather_rows(
        table([("c", "x", "2003-06-11", "2003-08-02")]),
        SETTINGS,
        {"spells": {"unit": months.unit, "closed": months.closed}},
    )
    assert found.frame["states"].to_list() == ["x › x › x"]


@given(
    st.lists(
        st.lists(st.sampled_from(["x", "y", "z w", None]), min_size=1, max_size=12),
        min_size=1,
        max_size=6,
    )
)
def test_spells_give_the_same_sequences_as_columns_side_by_side(
    courses: list[list[str | None]],
) -> None:
    if all(state is None for course in courses for state in course):
        return
    rows = [
        (f"p{person}", state, time, time)
        for person, course in enumerate(courses)
        for time, state in enumerate(course)
    ]
    longest = max(map(len, courses))
    wide = pl.DataFrame(
        [course + [None] * (longest - len(course)) for course in courses],
        schema=dict.fromkeys((f"t{time}" for time in range(longest)), pl.String),
        orient="row",
    )
    expected = join_states(Table(wide, ()), wide.columns).to_list()
    assert joined(rows) == expected


def test_mvad_as_spells_is_mvad(data_folder: Path, tmp_path: Path) -> None:
    wide = pl.read_csv(data_folder / "mvad" / "mvad.csv", infer_schema=False)
    times = wide.columns[-72:]
    cells = wide.select(times).to_numpy()
    rows = []
    for person, course in zip(wide["id"], cells, strict=True):
        cuts = [0, *(np.flatnonzero(course[1:] != course[:-1]) + 1), len(course)]
        rows += [(person, course[begin], int(begin) + 1, int(end)) for begin, end in pairwise(cuts)]
    np.random.default_rng(0).shuffle(rows)
    frame = pl.DataFrame(rows, schema=["person", "status", "from", "to"], orient="row")
    frame = frame.join(wide.select(pl.col("id").alias("person"), "gcse5eq"), on="person")
    write_table(frame, tmp_path / "spells.csv")
    settings = SETTINGS.model_copy(update={"files": (str(tmp_path / "spells.csv"),)})
    found, _ = check_files(settings.model_copy(update={"target": "gcse5eq"}))
    expected = dict(zip(wide["id"], join_states(Table(wide, ()), times), strict=True))
    assert dict(zip(found.frame["person"], found.frame["states"], strict=True)) == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"state": "s", "start": "f"}, "data.id must name"),
        ({"state": "s", "id": "i"}, "go together"),
        ({"end": "t"}, "go together"),
        ({"event": ["e"]}, "data.id must name"),
        ({"event": ["e"], "id": "i", "states": ["a:b"]}, "choose one"),
        ({"event": ["e"], "id": "i", "text": "letter"}, "choose one"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(data: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        resolve(Recipe.build({"data": data}))
