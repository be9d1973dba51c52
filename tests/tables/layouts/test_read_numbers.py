"""Long and wide tables of numbers become a row for each series, in the order of time."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from duree.errors import DataError
from duree.recipe.recipe import Recipe
from duree.recipe.settings import NUMBERS, DataSettings
from duree.tables.layouts.read_numbers import SINCE, channel_names, list_numbers
from duree.tables.layouts.registry import gather_rows, layout_of
from duree.tables.table import Source, Table

COLUMNS = ("who", "year", "wage", "price", "regime", "area")
ROWS = [
    ("a", "1902", "3", "30", "old", "north"),
    ("b", "1900", "7", "70", "new", "south"),
    ("a", "1900", "1", "", "old", "north"),
    ("a", "1901", "2", "20", "old", "north"),
    ("b", "1901", "8", "80", "new", "south"),
]


def settings(**data: object) -> DataSettings:
    """As the recipe has it for numbers."""
    chosen = {"series": ["wage", "price"], "id": "who", "time": "year", "target": "regime"}
    return Recipe.build({"data": chosen | data}).data


def table(rows: list[tuple], columns: tuple[str, ...] = COLUMNS) -> Table:
    frame = pl.DataFrame(rows, schema=list(columns), orient="row")
    return Table(frame, (Source("strikes.csv", "csv", len(rows), ""),))


def changed(row: int, **cells: str | None) -> Table:
    """The table with some cells of one row changed."""
    given = dict(zip(COLUMNS, ROWS[row], strict=True)) | cells
    return table([*ROWS[:row], tuple(given.values()), *ROWS[row + 1 :]])


def numbers(found: Table) -> list[list[list[float | None]]]:
    """The series as lists, None where a value is missing."""
    return [
        [[None if np.isnan(value) else value for value in step] for step in row]
        for row in found.frame[NUMBERS].to_list()
    ]


def messages(found: Table) -> dict[str, str]:
    return {finding.check: finding.message("en") for finding in found.findings}


def test_a_long_table_has_a_row_for_each_series_in_the_order_of_time() -> None:
    found, reading = gather_rows(table(ROWS), settings())
    assert found.frame.columns == ["who", "regime", "area", NUMBERS]
    assert found.frame["who"].to_list() == ["a", "b"]
    assert found.frame["regime"].to_list() == ["old", "new"]
    assert numbers(found) == [[[1, None], [2, 20], [3, 30]], [[7, 70], [8, 80]]]
    assert reading["channels"] == ["wage", "price"]
    assert reading["even"]
    assert channel_names(reading) == ["wage", "price"]
    assert layout_of(settings())(settings()).settings.time is None


def test_series_are_described() -> None:
    found, _ = gather_rows(table(ROWS), settings())
    text = messages(found)
    assert text["series"] == "series: 2, of 2 to 3 steps (median 2)"
    assert text["unsorted"].startswith(
        "rows are not in the order of 'year' (steps back in time: 1)"
    )
    assert text["channel"] == "'price' holds numbers from 20 to 80, with median 50"
    assert text["missing_cells"] == (
        "missing cells in 'price': 1 (20.0%), in 1 series; they are read as missing"
    )


def test_steps_that_are_not_evenly_spaced_bring_the_time_between_them() -> None:
    rows = [("a", year, "1", "2", "old", "x") for year in ("1900", "1901", "1904", "1905")]
    found, reading = gather_rows(table(rows), settings())
    assert channel_names(reading) == ["wage", "price", SINCE]
    since = [step[2] for step in numbers(found)[0]]
    assert since == pytest.approx([0, np.log1p(1), np.log1p(3), np.log1p(1)])
    assert (
        "33% differ from the usual step, from 1 to 3 times its length"
        in messages(found)["uneven_steps"]
    )


def test_irregular_moments_are_reported_in_units_of_the_usual_step() -> None:
    days = ("2020-01-01", "2020-01-03", "2020-01-08", "2020-01-10")
    rows = [("a", day, "1", "2", "old", "x") for day in days]
    _, reading = gather_rows(table(rows), settings())
    found, _ = gather_rows(table(rows[:3]), settings(), reading)  # the same for any table
    assert [step[2] for step in numbers(found)[0]] == pytest.approx([0, np.log1p(1), np.log1p(2.5)])


def test_months_of_unequal_length_are_even_steps() -> None:
    rows = [("a", f"2020-{month:02}", "1", "2", "old", "x") for month in range(1, 13)]
    assert gather_rows(table(rows), settings())[1]["even"]


def test_a_later_table_is_read_as_the_first_was() -> None:
    _, reading = gather_rows(table(ROWS), settings())
    rows = [("c", year, "1", "2", "old", "x") for year in ("1900", "1905")]
    found, again = gather_rows(table(rows), settings(), reading)
    assert numbers(found) == [[[1, 2], [1, 2]]]
    assert again["channels"] == ["wage", "price"]
    assert "the network does not see the difference" in messages(found)["uneven_steps"]
    dates = [("c", day, "1", "2", "old", "x") for day in ("2020-01-01", "2020-01-02")]
    with pytest.raises(DataError, match="'year' are dates, but those of the training table"):
        gather_rows(table(dates), settings(), reading)


def test_a_later_table_lacks_a_channel() -> None:
    _, reading = gather_rows(table(ROWS), settings())
    short = table([row[:3] + row[4:] for row in ROWS], COLUMNS[:3] + COLUMNS[4:])
    with pytest.raises(DataError, match="there is no column 'price'"):
        gather_rows(short, settings(), reading)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (changed(3, wage="dear"), r"'wage' holds cells that are not finite numbers: 1.*row 4: 'de"),
        (changed(3, wage="inf"), r"'wage' holds cells that are not finite numbers: 1.*row 4: 'inf"),
        (changed(3, who=" "), "1 rows have no 'who'; first at row 4"),
        (changed(3, year=None), "1 rows have no 'year'; first at row 4"),
        (changed(3, year="1902"), "the series 'a' has two rows for the time '1902'.*rows 1, 4"),
        (changed(3, year="spring"), "in the column 'year', row 4, cannot be placed in time"),
        (changed(3, regime="new"), "the target 'regime' must be the same in all rows of one 'who'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_row(given: Table, message: str) -> None:
    with pytest.raises(DataError, match=message):
        gather_rows(given, settings())


def test_rows_that_cannot_be_read_are_left_out_and_listed_if_asked_for() -> None:
    found, _ = gather_rows(changed(3, who=None), settings(drop_bad=True))
    assert numbers(found)[0] == [[1, None, 0], [3, 30, pytest.approx(np.log1p(2))]]
    assert messages(found)["missing_left_out"] == "1 rows without 'who' were left out: row 4 ..."


def test_a_series_without_a_value_is_refused_or_left_out() -> None:
    rows = [*ROWS, ("c", "1900", "", "", "new", "x"), ("c", "1901", "", "", "new", "x")]
    with pytest.raises(DataError, match="rows whose series has no value: 2; first at rows 6, 7"):
        gather_rows(table(rows), settings())
    found, _ = gather_rows(table(rows), settings(drop_bad=True))
    assert found.frame["who"].to_list() == ["a", "b"]
    assert messages(found)["empty_left_out"].endswith("were left out: 2 (rows 6, 7 ...)")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"series": ["wage", "prices"]}, "there is no column 'prices'"),
        (
            {"series": ["wage", "regime"]},
            "the column 'regime' is both the target and one of the series",
        ),
        ({"series": ["wage", "wage"]}, "'wage' is named twice"),
        (
            {"series": ["wage"], "time": None, "id": None},
            ("each row would be a series of only 1 numbers"),
        ),
        (
            {"series": ["wage", "price"], "time": None},
            ("each row would be a series of only 2 numbers"),
        ),
    ],
)
def test_columns_that_are_no_series_are_refused(chosen: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        gather_rows(table(ROWS), settings(**chosen))


def test_an_id_unique_to_each_row_identifies_no_series() -> None:
    rows = [(f"p{place}", *row[1:]) for place, row in enumerate(ROWS)]
    with pytest.raises(
        DataError, match=("no 'who' has more than one row, but a series needs several")
    ):
        gather_rows(table(rows), settings())


def test_a_column_with_a_reserved_name_is_refused() -> None:
    named = table(ROWS, (*COLUMNS[:5], NUMBERS))
    with pytest.raises(DataError, match="already has a column 'numbers'"):
        gather_rows(named, settings())


WIDE = ("who", "t1", "t2", "t3", "t4", "kind")


def test_in_a_wide_table_each_row_is_a_series_until_its_last_value() -> None:
    rows = [("a", "1", "", "3", "", "x"), ("b", "5", "6", "7", "8", "y")]
    chosen = settings(series=["t1:t4"], time=None, target="kind")
    found, reading = gather_rows(table(rows, WIDE), chosen)
    assert found.frame.columns == ["who", "kind", NUMBERS]
    assert numbers(found) == [[[1], [None], [3]], [[5], [6], [7], [8]]]
    assert reading == {"series": ["t1", "t2", "t3", "t4"]}
    assert channel_names(reading) == ["value"]
    assert messages(found)["ended"] == "sequences that end before the last time point: 1"


def test_a_wide_row_without_a_value_is_refused_or_left_out() -> None:
    rows = [("a", "1", "2", "3", "4", "x"), ("b", "", "", "", "", "y")]
    chosen = settings(series=["t1:t4"], time=None, target="kind")
    with pytest.raises(DataError, match="has no value: 1; first at row 2"):
        gather_rows(table(rows, WIDE), chosen)
    with pytest.raises(DataError, match="has no value: 1; first at row 2"):
        list_numbers(table(rows, WIDE), ["t1", "t2", "t3", "t4"])
    dropping = chosen.model_copy(update={"drop_bad": True})
    assert gather_rows(table(rows, WIDE), dropping)[0].frame["who"].to_list() == ["a"]


def test_ids_repeated_in_wide_rows_suggest_a_long_table() -> None:
    rows = [("a", "1", "2", "3", "4", "x"), ("a", "1", "2", "3", "4", "y")]
    chosen = settings(series=["t1:t4"], time=None, target="kind")
    with pytest.raises(DataError, match="2 rows are named 'a'"):
        gather_rows(table(rows, WIDE), chosen)


def test_identical_series_and_constant_channels_are_reported() -> None:
    rows = [
        (name, year, "5", value, "x", "x")
        for name, value in (("a", "1"), ("b", "1"), ("c", "2"))
        for year in ("1900", "1901")
    ]
    text = messages(gather_rows(table(rows), settings())[0])
    assert text["same_series"].startswith("series identical to another series: 2")
    assert text["constant_channel"] == (
        "'wage' is 5 wherever it is known: it carries no information"
    )


def test_a_channel_without_any_number_is_an_error() -> None:
    rows = [(*row[:2], "", *row[3:]) for row in ROWS[1:]]
    rows[1] = (*rows[1][:3], "4", *rows[1][4:])
    found, _ = gather_rows(table(rows), settings())
    assert [f.message("en") for f in found.findings if f.level == "error"] == [
        "'wage' has no number in any row; leave it out of the series"
    ]
