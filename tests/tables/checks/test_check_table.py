"""Checks: faults of a table are reported before training, and sound tables raise none."""

import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duree.errors import DataError
from duree.recipe.settings import DataSettings
from duree.tables.checks.check_table import LONGEST_SEQUENCE, check_table
from duree.tables.checks.duplicates import find_duplicates
from duree.tables.finding import Finding
from duree.tables.table import Table

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data"))
needs_data = pytest.mark.skipif(not (DATA / "imdb").is_dir(), reason=f"there is no {DATA}")
WORDS = [f"w{number}" for number in range(500)]


def letters(rows: int = 60, seed: int = 0) -> pl.DataFrame:
    """An honest table: texts, tones and writers that have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "letter": [" ".join(rng.choice(WORDS, size)) for size in rng.integers(8, 40, rows)],
            "tone": rng.choice(["warm", "cold"], rows),
            "writer": [f"writer {number}" for number in rng.integers(9, size=rows)],
            "mark": rng.choice(["x", "y", "z"], rows),
        }
    )


def check(frame: pl.DataFrame, test_rows=None, **data: object) -> dict[str, Finding]:
    named = {"text": "letter", "target": "tone"} | data
    found = check_table(Table(frame, ()), DataSettings(**named), test_rows=test_rows)
    assert len({finding.check for finding in found}) == len(found)
    for finding in found:
        json.dumps(asdict(finding), allow_nan=False)
    return {finding.check: finding for finding in found}


def levels(found: dict[str, Finding]) -> dict[str, str]:
    """The checks that are not in order, with their levels."""
    return {name: finding.level for name, finding in found.items() if finding.level != "ok"}


def change(frame: pl.DataFrame, column: str, values: dict[int, object]) -> pl.DataFrame:
    cells = frame[column].to_list()
    for row, value in values.items():
        cells[row] = value
    return frame.with_columns(pl.Series(column, cells, strict=False))


def test_an_honest_table_raises_nothing_and_is_described():
    found = check(letters(), group="writer")
    assert levels(found) == {}
    assert found["rows"].message("en") == "60 rows, 4 columns"
    assert found["text_column"].message("en") == "'letter' holds text"
    assert found["groups"].message("en") == "'writer' has 9 groups"
    assert set(found) == {
        "rows", "text_column", "target_column", "group_column", "class_balance", "lengths",
        "duplicates", "groups",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", " 2"], "whole numbers"),
        (["1", "2.5", None], "numbers"),
        ([1, 2], "whole numbers"),
        (["x", "2"], "text"),
    ],
)
def test_the_kind_of_a_column_is_recognised_for_every_storage_type(values, kind):
    frame = letters().with_columns(code=pl.Series((values * 60)[:60]))
    assert check(frame, id="code")["id_column"].message("en") == f"'code' holds {kind}"


def test_a_column_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(DataError, match="did you mean 'letter'"):
        check(letters(), text="leter")


def test_a_table_without_rows_is_an_error():
    assert levels(check(letters().clear()))["rows"] == "error"


def test_empty_texts_are_counted_and_flagged():
    found = check(change(letters(), "letter", {3: None, 5: "", 8: "  \n"}))
    assert levels(found) == {"missing_text": "warning"}
    assert found["missing_text"].rows == (3, 5, 8)
    assert found["missing_text"].message("en").startswith("missing or blank texts in 'letter': 3; ")
    assert "<empty>" in found["missing_text"].message("en")


def test_a_column_of_empty_texts_is_an_error():
    assert levels(check(letters().with_columns(letter=pl.lit(" "))))["missing_text"] == "error"


def test_rows_without_a_target_stop_a_run_unless_they_may_be_dropped():
    frame = change(letters(), "tone", {0: None, 1: " "})
    assert levels(check(frame)) == {"missing_target": "error"}
    assert levels(check(frame, drop_bad=True)) == {"missing_target": "warning"}


def test_rows_without_group_or_time_are_reported():
    frame = change(letters(), "writer", {0: None, 1: ""}).with_columns(year=pl.int_range(60))
    frame = change(frame, "year", {7: None})
    found = check(frame, group="writer", time="year")
    assert levels(found) == {"missing_group": "warning", "missing_time": "error"}
    assert found["missing_group"].rows == (0, 1)


def test_trimmed_and_similar_labels_are_reported_once():
    frame = letters().with_columns(tone=pl.Series(["warm", " warm", "Cold", "cold"] * 15))
    found = check(frame)
    assert levels(found) == {"trimmed_labels": "warning", "similar_labels": "warning"}
    assert "'warm' 30" in found["class_balance"].message("en")


def test_exact_and_near_duplicates_are_counted_with_examples():
    first = letters()["letter"][0]
    frame = change(letters(), "letter", {10: first, 20: first.upper() + "!", 30: first + "  "})
    frame = frame.with_columns(tone=pl.Series(["warm", "cold"] * 30))
    found = check(frame)
    assert levels(found) == {"duplicates": "note"}
    assert found["duplicates"].message("en") == (
        "3 rows have the same text as another row; 4 including near-duplicates; they are kept "
        "in the same set"
    )
    assert found["duplicates"].rows == (0, 10, 20, 30)


def test_duplicates_with_another_label_are_a_warning():
    frame = letters().with_columns(tone=pl.Series(["warm", "cold "] * 30))
    frame = change(frame, "letter", {11: frame["letter"][0], 12: frame["letter"][0]})
    found = check(frame)
    assert found["contradicting_duplicates"].rows == (0, 11, 12)
    assert found["contradicting_duplicates"].level == "warning"


def test_duplicates_whose_labels_differ_only_in_white_space_do_not_contradict():
    frame = letters().with_columns(tone=pl.Series(["warm", "cold"] * 30))
    frame = change(frame, "letter", {10: frame["letter"][0]})
    assert "contradicting_duplicates" not in check(change(frame, "tone", {10: " warm "}))


def test_a_missing_label_contradicts_nothing():
    frame = letters().with_columns(tone=pl.Series(["warm", "cold"] * 30))
    frame = change(frame, "letter", {10: frame["letter"][0]})
    found = check(change(frame, "tone", {10: None}), drop_bad=True)
    assert levels(found) == {"missing_target": "warning", "duplicates": "note"}


def test_what_straddles_a_given_split_is_reported():
    frame = letters()
    frame = change(frame, "letter", {50: frame["letter"][0], 51: frame["letter"][52] + " so"})
    frame = frame.with_columns(
        writer=pl.Series([f"a{n % 7}" for n in range(40)] + ["b", "a0"] * 10)
    )
    found = check(frame, np.arange(60) >= 40, group="writer")
    assert found["straddling_duplicates"].values == {"exact": 1, "near": 1, "test": 20}
    assert found["straddling_duplicates"].rows == (50,)
    assert found["duplicates_in_train"].values == {"exact": 0, "near": 0}
    assert found["duplicates_in_test"].values["near"] == 2
    assert found["straddling_groups"].values | {"column": ""} == {
        "column": "", "count": 1, "rows": 10, "test": 20,
    }  # fmt: skip
    assert found["straddling_groups"].level == "warning"


def test_duplicates_that_are_given_are_not_looked_for_again():
    frame = letters()
    none = find_duplicates(frame["letter"].head(0))
    fake = type(none)(np.zeros(60, dtype=np.int64), np.zeros(60, dtype=np.int64))
    settings = DataSettings(text="letter", target="tone")
    found = check_table(Table(frame, ()), settings, duplicates=fake)
    assert next(f for f in found if f.check == "duplicates").values["exact"] == 60


def test_one_group_for_all_is_an_error():
    assert (
        levels(check(letters().with_columns(writer=pl.lit("me")), group="writer"))["one_group"]
        == "error"
    )


def test_times_are_described_and_those_that_cannot_be_ordered_are_an_error():
    years = pl.Series([f"{1850 + n}-01-01" for n in range(60)])
    found = check(letters().with_columns(sent=years), time="sent")
    assert found["times"].message("en") == "'sent' ranges from 1850-01-01 to 1909-01-01"
    found = check(
        letters().with_columns(sent=change(years.to_frame("s"), "s", {4: "?"})["s"]), time="sent"
    )
    assert levels(found) == {"unordered_times": "error"}
    assert found["unordered_times"].rows == (4,)


def test_a_test_file_that_is_not_later_is_reported():
    frame = letters().with_columns(year=pl.Series([*range(50), *range(45, 55)]))
    found = check(frame, np.arange(60) >= 50, time="year")
    assert levels(found) == {"early_test_rows": "warning"}
    assert found["early_test_rows"].rows == (50, 51, 52, 53, 54)


def test_an_unused_column_of_dates_is_a_warning():
    frame = letters().with_columns(
        sent=pl.Series([f"18{50 + n // 2}-05-0{n % 9 + 1}" for n in range(60)])
    )
    found = check(frame)
    assert levels(found) == {"unused_times": "warning"}
    assert found["unused_times"].message("en").endswith("to test on later rows, add --time COLUMN")
    assert levels(check(frame, time="sent")) == {}
    assert levels(check(frame, id="sent")) == {}


def test_a_constant_column_is_noted():
    assert levels(check(letters().with_columns(country=pl.lit("NI")))) == {
        "constant_columns": "note"
    }


def test_lengths_are_in_words_or_in_characters_by_script():
    assert check(letters())["lengths"].message("en").startswith("text length in words: median ")
    chinese = letters().with_columns(letter=pl.Series([f"房间{'很' * n}大。OK" for n in range(60)]))
    found = check(chinese)["lengths"]
    assert found.message("en") == (
        "text length in characters: median 34, 95th percentile 60, maximum 63"
    )


def test_a_text_of_a_million_words_is_a_warning():
    frame = change(letters(), "letter", {2: "la " * LONGEST_SEQUENCE})
    found = check(frame)
    assert levels(found) == {"very_long_texts": "warning"}
    assert found["very_long_texts"].rows == (2,)


def test_signs_of_a_wrong_encoding_are_reported():
    found = check(change(letters(), "letter", {1: "Je suis allÃ© Ã l’Ã©cole hier soir"}))
    assert levels(found) == {"mojibake": "warning"}


def test_a_leak_is_reported():
    frame = letters(200).with_columns(
        letter="in a " + pl.col("tone") + " voice: " + pl.col("letter")
    )
    found = check_table(Table(frame, ()), DataSettings(text="letter", target="tone"))
    assert {f.check for f in found if f.level == "warning"} == {"label_in_text"}


def test_a_target_that_is_not_finite_is_an_error():
    frame = letters().with_columns(tone=pl.Series([*map(str, range(58)), "inf", "1e400"]))
    found = check(frame)
    assert levels(found) == {"target_not_finite": "error"}
    assert found["target_not_finite"].rows == (58, 59)


def test_several_labels_in_a_cell_are_not_taken_for_one_class():
    labels = pl.Series([";".join(["war"] * (n % 2) + [f"topic {n}"]) for n in range(60)])
    assert levels(check(letters().with_columns(tone=labels), label_separator=";")) == {}


def test_few_numbers_are_classes_or_a_quantity_as_the_task_says():
    frame = letters().with_columns(tone=pl.Series(["1", "2", "3"] * 19 + ["4", "4", "5"]))
    assert levels(check(frame)) == {"rare_classes": "error"}
    data = DataSettings(text="letter", target="tone")
    found = check_table(Table(frame, ()), data, numeric=True)
    assert [finding.check for finding in found if finding.level != "ok"] == []
    assert "target_range" in {finding.check for finding in found}


def test_without_text_and_target_the_rest_is_still_checked():
    frame = letters().with_columns(country=pl.lit("NI"))
    assert levels(check(frame, text=None, target=None)) == {"constant_columns": "note"}


def test_columns_of_every_type_are_checked_without_fault():
    frame = letters().with_columns(
        tone=pl.col("tone").cast(pl.Categorical),
        writer=pl.col("writer").cast(pl.Categorical),
        flag=pl.Series([True, False, None] * 20),
        price=pl.Series([f"{n}.50" for n in range(60)]).cast(pl.Decimal(10, 2)),
        span=pl.duration(days=pl.int_range(60)),
        sent=pl.date(1900, 1, 1) + pl.duration(days=pl.int_range(60)),
        lists=pl.Series([[n] for n in range(60)]),
        records=pl.Series([{"n": n} for n in range(60)]),
        bytes=pl.Series([b"x"] * 59 + [b"y"]),
        nothing=pl.Series([None] * 60),
    )
    found = check(frame, group="writer")
    assert levels(found) == {"constant_columns": "note", "unused_times": "warning"}
    assert found["constant_columns"].values["columns"] == "'nothing'"
    assert found["unused_times"].values["columns"] == "'sent'"
    assert levels(check(frame, time="lists"))["unordered_times"] == "error"


CELLS = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.sampled_from(
        ["", " ", "a", "TRUE", "1", "nan", "inf", "2001-01-01", "\x00", "\ud7ff", "中"]
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_table_makes_the_checks_fail(data):
    rows = data.draw(st.integers(0, 12))
    column = st.lists(CELLS, min_size=rows, max_size=rows)
    frame = pl.DataFrame(
        {name: pl.Series(data.draw(column), dtype=pl.String) for name in "abcd"},
    )
    roles = {
        role: data.draw(st.sampled_from([None, *"abcd"]))
        for role in ("text", "target", "id", "group", "time")
    }
    roles["label_separator"] = data.draw(st.sampled_from([None, ";"]))
    roles["drop_bad"] = data.draw(st.booleans())
    test_rows = data.draw(st.sampled_from([None, np.arange(rows) >= rows // 2]))
    for finding in check_table(Table(frame, ()), DataSettings(**roles), test_rows=test_rows):
        assert finding.message("en")
        assert finding.message("zh")
        assert all(0 <= row < rows for row in finding.rows)


@needs_data
def test_all_of_imdb_is_checked_in_seconds():
    parts = [pl.read_parquet(DATA / "imdb" / f"{part}.parquet") for part in ("train", "test")]
    data = DataSettings(text="review", target="sentiment", group="film", id="id")
    begin = time.process_time()
    found = check_table(Table(pl.concat(parts), ()), data, test_rows=np.arange(50_000) >= 25_000)
    assert time.process_time() - begin < 60  # of two threads: 30 s
    findings = {(f.check, f.values.get("column")): f for f in found if f.level != "ok"}
    assert {check for check, _ in findings} == {
        "duplicates_in_train", "duplicates_in_test", "straddling_duplicates", "straddling_groups",
        "control_characters", "leaking_column",
    }  # fmt: skip
    assert findings["duplicates_in_train", None].values == {"exact": 188, "near": 230}
    assert findings["duplicates_in_test", None].values == {"exact": 390, "near": 419}
    assert findings["straddling_duplicates", None].values["exact"] == 123
    assert findings["straddling_groups", "film"].values["rows"] == 23
    assert ("leaking_column", "rating") in findings
    assert ("leaking_column", "id") in findings


@needs_data
def test_the_chinese_hotel_reviews_are_checked():
    frame = pl.read_csv(DATA / "chinese_hotel" / "chnsenticorp_htl_all.csv", infer_schema=False)
    found = check(frame, text="review", target="label")
    assert levels(found) == {"missing_text": "warning", "duplicates": "note"}
    assert "文本长度（字符）：中位数 72" in found["lengths"].message("zh")
