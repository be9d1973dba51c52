"""What columns seem to be is guessed as a reader would who sees the table for the first time."""

from __future__ import annotations

import polars as pl
import pytest

from duree.tables.guess.columns import guess_columns, guess_roles
from duree.tables.guess.rows import guess_columns_of, guess_rows

ROWS = 40
TEXTS = [f"the letter number {n} told of rain and of the harvest" for n in range(ROWS)]


def kind(values: list, name: str = "column") -> str:
    return guess_columns(pl.DataFrame({name: values}))[0].kind


@pytest.mark.parametrize(
    ("values", "guessed"),
    [
        (TEXTS, "text"),
        (["天气很好我们去看海", "雨下得很大没有出门"] * 20, "text"),
        ([f"L{n:03}" for n in range(ROWS)], "id"),
        ([str(n) for n in range(ROWS)], "id"),
        ([f"{n}.5" for n in range(ROWS)], "quantity"),
        (["up", "down"] * 20, "classes"),
        (["1", "2", "3", "4", "5"] * 8, "classes"),
        ([f"19{n:02}-03-01" for n in range(ROWS)], "time"),
        (["same"] * ROWS, "constant"),
        ([None, "  "] * 20, "empty"),
        ([f"film {n // 2}" for n in range(ROWS)], "other"),
    ],
)
def test_a_column_is_taken_for_what_it_looks_like(values: list, guessed: str) -> None:
    assert kind(values) == guessed


def test_gaps_different_values_and_examples_are_counted() -> None:
    values = ["up", "down", "", "  ", None, "up"]
    (column,) = guess_columns(pl.DataFrame({"label": values}))
    assert (column.count, column.missing, column.examples) == (2, 3, ["up", "down"])


def test_text_and_target_are_guessed_from_content_and_name() -> None:
    frame = pl.DataFrame(
        {
            "id": [str(n) for n in range(ROWS)],
            "region": ["north", "south"] * 20,
            "review": TEXTS,
            "rating": [str(n % 8) for n in range(ROWS)],
            "sentiment": ["pos", "neg"] * 20,
            "wages": [f"{n}.25" for n in range(ROWS)],
        }
    )
    assert guess_roles(guess_columns(frame)) == {
        "text": "review",
        "target": "sentiment",
    }
    plain = frame.drop("rating", "sentiment")
    assert guess_roles(guess_columns(plain.drop("region")))["target"] == "wages"
    assert guess_roles(guess_columns(frame.select("id"))) == {}


def test_no_target_is_guessed_where_several_columns_could_be_it() -> None:
    frame = pl.DataFrame(
        {
            "review": TEXTS,
            "male": ["yes", "no"] * 20,
            "region": ["north", "south"] * 20,
            "wages": [f"{n}.25" for n in range(ROWS)],
        }
    )
    assert guess_roles(guess_columns(frame)) == {"text": "review"}
    rated = frame.with_columns(pl.Series("rating", ["1", "2"] * 20))
    assert guess_roles(guess_columns(rated))["target"] == "rating"
    twice = frame.with_columns(pl.Series(name, ["a", "b"] * 20) for name in ("label", "stance"))
    assert guess_roles(guess_columns(twice)) == {"text": "review"}


def test_time_points_at_which_all_are_in_few_states_belong_to_the_run() -> None:
    frame = pl.DataFrame(
        {"sex": ["1", "2"] * 20}
        | {f"m{n}": ["1"] * ROWS for n in range(3)}
        | {f"m{n}": ["1", "2", "3", "4"] * 10 for n in range(3, 9)}
        | {"m9": ["4", "3"] * 20}
    )
    assert guess_roles(guess_columns(frame)) == {"states": "m0:m9", "target": "sex"}


def test_list_columns_are_skipped() -> None:
    frame = pl.DataFrame({"nested": [[1], [2]], "flat": ["a", "b"]})
    assert [column.name for column in guess_columns(frame)] == ["flat"]


def test_spells_are_known_by_the_names_of_their_columns() -> None:
    frame = pl.DataFrame(
        {
            "person": ["a", "a", "b", "b"] * 5,
            "status": ["school", "work"] * 10,
            "from": [1, 13] * 10,
            "to": [12, 20] * 10,
            "pay": ["good", "good", "poor", "poor"] * 5,
        }
    )
    found = guess_roles(guess_columns(frame))
    spells = {"id": "person", "state": "status", "start": "from", "end": "to"}
    assert found == spells | {"target": "pay"}
    assert "state" not in guess_roles(guess_columns(frame.drop("to")))


def guessed(frame: pl.DataFrame) -> str:
    return guess_rows(guess_columns(frame))


def test_the_layout_of_a_table_is_guessed_with_texts_as_the_default() -> None:
    years = pl.DataFrame({"year": range(1900, 1940), "strikes": [n * 1.5 for n in range(40)]})
    assert guessed(years) == "series"
    panel = pl.concat([years.with_columns(pl.lit(land).alias("land")) for land in ("A", "B")])
    assert guess_columns_of("series", guess_columns(panel)) == {
        "series": "strikes",
        "time": "year",
        "id": "land",
    }
    assert guessed(panel.drop("land")) == "texts"  # a time in two rows, without an id
    assert guessed(panel.with_columns(pl.Series("said", TEXTS * 2))) == "texts"
    log = pl.DataFrame({"user": ["a", "b"] * 20, "page": ["x", "y"] * 20, "when": range(40)})
    assert guessed(log) == "events"
    assert guessed(log.rename({"page": "colour"})) == "texts"
    words = pl.DataFrame({"sent_id": [1, 1] * 20, "word": ["a", "b"] * 20, "pos": ["X", "Y"] * 20})
    assert guessed(words) == "tokens"
    wide = {f"V{n}": [n + 0.5, n + 0.25, n + 0.125] for n in range(20)}
    assert guessed(pl.DataFrame({"name": ["a", "b", "c"]} | wide)) == "wide"
    assert guessed(pl.DataFrame({"name": ["a", "a", "b"]} | wide)) == "texts"
    mixed = dict(zip(sorted(wide, key=len, reverse=True), wide.values(), strict=True))
    assert guessed(pl.DataFrame({"name": ["a", "b", "c"]} | mixed)) == "texts"
    assert guess_rows(guess_columns(log), tokens=True) == "tokens"
