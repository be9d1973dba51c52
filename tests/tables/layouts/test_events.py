"""Events become the sequence of what a person did, in the order of time."""

from __future__ import annotations

import polars as pl
import pytest

from duree.errors import DataError
from duree.recipe.settings import DataSettings
from duree.tables.layouts.registry import gather_rows, layout_of
from duree.tables.table import Source, Table

SETTINGS = DataSettings(event=("action",), time="when", id="user")


def table(rows: list[tuple], columns: tuple[str, ...] = ("user", "action", "when")) -> Table:
    frame = pl.DataFrame(rows, schema=list(columns), orient="row")
    return Table(frame, (Source("clicks.csv", "csv", len(rows), ""),))


def test_months_written_as_numbers_are_reported_where_gaps_are_counted() -> None:
    rows = [("u", "look", "199012"), ("u", "buy", "199101")]
    found = {finding.check: finding for finding in gather_rows(table(rows), SETTINGS)[0].findings}
    assert found["numbers_as_times"].level == "warning"
    assert "write them as dates" in found["numbers_as_times"].message("en")


def test_events_stand_in_the_order_of_time_with_the_gaps_between_them() -> None:
    rows = [
        ("v", "look", "2020-01-05 12:00:00"),
        ("u", "buy", "2020-01-03 00:00:00"),
        ("u", "look", "2020-01-01 12:00:00"),
    ]
    found, reading = gather_rows(table(rows), SETTINGS)
    assert found.frame.to_dicts() == [
        {"user": "v", "states": "look", "gaps": [0.0]},
        {"user": "u", "states": "look › buy", "gaps": [0.0, 1.5]},
    ]
    message = {finding.check: finding.message("en") for finding in found.findings}
    assert message["events"] == (
        "3 events of 2 persons, from 2020-01-01 12:00:00 to 2020-01-05 12:00:00"
    )
    assert "1 (row 3 ...); they were sorted" in message["unsorted"]
    times, states = layout_of(SETTINGS)(SETTINGS, reading).time_points(found)
    assert times == ["1", "2"]
    assert states.to_list() == [["look", None], ["look", "buy"]]
    assert layout_of(SETTINGS)(SETTINGS).settings.time is None


@pytest.mark.parametrize(
    ("times", "gaps"),
    [
        (["3", "1.5", "1"], [0.0, 0.5, 1.5]),
        ([30, 15, 10], [0.0, 5.0, 15.0]),
        (["2020-03-01", "2020-02-01", "2020-01-01"], [0.0, 31.0, 29.0]),
        (["2020-03", "2020-02", "2020-01"], [0.0, 31.0, 29.0]),
        (["20200301", "20200201", "20200101"], [0.0, 31.0, 29.0]),
        (["2020-01-01T02:00Z", "2020-01-01T02:00+01:00", "2020-01-01T00:00Z"], [0, 1 / 24, 1 / 24]),
        (["2020-01-01T02:00", "2020-01-01T01:00", "2020-01-01T00:00"], [0.0, 1 / 24, 1 / 24]),
    ],
)
def test_times_are_numbers_or_dates(times: list, gaps: list[float]) -> None:
    rows = [("u", name, time) for name, time in zip("abc", times, strict=True)]
    found, _ = gather_rows(table(rows), SETTINGS)
    assert found.frame["states"].to_list() == ["c › b › a"]
    assert found.frame["gaps"][0].to_list() == pytest.approx(gaps)


def test_events_of_one_time_stay_as_they_stand() -> None:
    rows = [("u", "b", 1), ("w", "z", 1), ("u", "a", 1)]
    found, _ = gather_rows(table(rows), SETTINGS)
    assert found.frame["states"].to_list() == ["b › a", "z"]
    message = {finding.check: finding.message("en") for finding in found.findings}
    assert "1 (row 3 ...)" in message["at_once"]


def test_without_times_the_order_is_that_of_the_table() -> None:
    rows = [("u", "b", 2), ("w", "z", 1), ("u", "a", 1)]
    settings = SETTINGS.model_copy(update={"time": None})
    found, _ = gather_rows(table(rows), settings)
    assert found.frame.columns == ["user", "states"]
    assert found.frame["states"].to_list() == ["b › a", "z"]


def test_further_columns_are_parts_of_the_event() -> None:
    rows = [("u", "buy", 1, "book"), ("u", "look", 2, None), ("u", "buy", 3, "pen › ink")]
    settings = SETTINGS.model_copy(update={"event": ("action", "item")})
    found, _ = gather_rows(table(rows, ("user", "action", "when", "item")), settings)
    assert found.frame["states"].to_list() == ["buy · book › look › buy · pen > ink"]


def test_an_event_without_a_name_or_a_time_is_reported() -> None:
    rows = [("u", "a", 1), ("u", " ", 2), ("u", "b", None)]
    with pytest.raises(DataError, match="1 rows have no 'action'; first at row 2"):
        gather_rows(table(rows), SETTINGS)
    with pytest.raises(DataError, match="1 rows have no 'when'"):
        gather_rows(table(rows[::2]), SETTINGS)
    found, _ = gather_rows(table(rows), SETTINGS.model_copy(update={"drop_bad": True}))
    assert found.frame["states"].to_list() == ["a"]
