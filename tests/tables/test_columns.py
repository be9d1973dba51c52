"""Columns: found by name, as text or as numbers, and refused where they are neither."""

from __future__ import annotations

import math
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import DataError
from duree.tables.columns import as_numbers, as_text, resolve_column
from duree.tables.table import Source, Table


def table_of(**columns: object) -> Table:
    source = Source(path="notes.csv", format="csv", rows=0, sha256="0" * 64)
    return Table(pl.DataFrame(columns, strict=False), (source,))


def refusal(call: object, *arguments: object) -> str:
    with pytest.raises(DataError) as caught:
        call(*arguments)  # type: ignore[operator]
    assert caught.value.message("zh") != caught.value.message("en")
    return caught.value.message("en")


def test_a_column_is_found_by_its_exact_name() -> None:
    assert resolve_column(table_of(Text=["a"], text=["b"]), "text") == "text"


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("review text", "'Review_Text'"),
        ("REVIEWTEXT", "'Review_Text'"),
        ("sentimnt", "'sentiment'"),
        (" sentiment", "'sentiment'"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(asked: str, hint: str) -> None:
    table = table_of(Review_Text=["a"], sentiment=["b"], id=["1"])
    assert refusal(resolve_column, table, asked) == (
        f"there is no column {asked!r} in notes.csv; did you mean {hint}?"
    )


def test_a_name_like_no_other_is_answered_with_all() -> None:
    message = refusal(resolve_column, table_of(alpha=["a"], beta=["b"]), "zzz")
    assert message == "there is no column 'zzz' in notes.csv; its columns are 'alpha', 'beta'"


def test_texts_keep_their_gaps_spaces_and_controls() -> None:
    texts = [" a ", None, "", "\x07\u202e", "NA"]
    assert as_text(table_of(t=texts), "t").to_list() == texts


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, None, 3], ["1", None, "3"]),
        ([1.0, None, 3.0], ["1", None, "3"]),
        ([1.0, 2.5], ["1.0", "2.5"]),
        ([True, None], ["true", None]),
        ([date(2020, 1, 2), None], ["2020-01-02", None]),
        ([2**60 + 1], ["1152921504606846977"]),
        ([1.0, math.inf], ["1.0", "inf"]),
        ([1e300], ["1e+300"]),
        ([None, None], [None, None]),
    ],
)
def test_any_plain_column_can_be_text(values: list[object], texts: list[str | None]) -> None:
    assert as_text(table_of(v=values), "v").to_list() == texts


def test_classes_are_text() -> None:
    column = pl.Series(["yes", "no", None], dtype=pl.Enum(["yes", "no"]))
    assert as_text(table_of(v=column), "v").to_list() == ["yes", "no", None]


@pytest.mark.parametrize("values", [[[1], [2]], [{"a": 1}], [b"a"]])
def test_lists_objects_and_bytes_are_not_text(values: list[object]) -> None:
    assert refusal(as_text, table_of(v=values), "v").startswith("column 'v' holds ")


def test_numbers_are_read_from_text() -> None:
    numbers = as_numbers(table_of(n=["1", " -2.5 ", "+3", "4e2", None, "007", ".5"]), "n")
    assert numbers.to_list() == [1.0, -2.5, 3.0, 400.0, None, 7.0, 0.5]
    assert numbers.dtype == pl.Float64


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)))
def test_every_finite_number_survives_as_text(values: list[float]) -> None:
    table = Table(pl.DataFrame({"n": pl.Series(map(repr, values), dtype=pl.String)}), ())
    assert as_numbers(table, "n").to_list() == values


@pytest.mark.parametrize(
    "bad",
    ["inf", "-inf", "Infinity", "1e400", "NaN", "nan", "NA", "", "1,5", "1 000", "abc", "1_0"],
)
def test_what_is_no_finite_number_is_refused_with_rows_and_count(bad: str) -> None:
    table = table_of(n=["1", bad, "2", bad])
    assert refusal(as_numbers, table, "n") == (
        "column 'n' holds cells that are not finite numbers: 2; "
        f"notes.csv, row 2: {bad!r}, 4: {bad!r}; "
        "write plain numbers with a decimal point, and leave missing ones empty"
    )


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_numbers_of_typed_files_must_be_finite_too(bad: float) -> None:
    assert "not finite numbers: 1" in refusal(as_numbers, table_of(n=[1.0, bad]), "n")


def test_dates_are_no_numbers() -> None:
    assert "row 1: '2020-01-02'" in refusal(as_numbers, table_of(n=[date(2020, 1, 2)]), "n")


def test_many_bad_cells_are_counted_and_five_shown() -> None:
    message = refusal(as_numbers, table_of(n=["x"] * 1000), "n")
    assert "numbers: 1000; notes.csv, row 1: 'x', 2: 'x', 3: 'x', 4: 'x', 5: 'x', ...;" in message
