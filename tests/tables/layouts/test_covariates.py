"""Covariates: constants of a person, written before the sequence of states."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import DataError
from duree.tables.layouts.covariates import (
    MOST_VALUES,
    check_covariates,
    prepend_covariates,
    prepend_covariates_to_row,
)
from duree.tables.layouts.state_strings import ARROW, MISSING
from duree.tables.table import Source, Table

CELLS = st.none() | st.text(max_size=8) | st.sampled_from([" yes ", "›", "a › b", "=", MISSING])


def table(**columns: list[object]) -> Table:
    frame = pl.DataFrame(columns, strict=False)
    return Table(frame, (Source("lives.csv", "csv", len(frame), ""),))


def test_each_covariate_is_written_as_its_name_and_its_value() -> None:
    given_rows = table(female=["yes", None, " ", " no "], born=[1950.0, 1960.0, None, 1970.0])
    sequences = pl.Series("states", ["school › work", "work", "", "school"])
    found = prepend_covariates(given_rows, {"female": "female", "born": "born"}, sequences)
    assert found.name == "states"
    assert found.to_list() == [
        "female=yes › born=1950 › school › work",
        f"female={MISSING} › born=1960 › work",
        f"female={MISSING} › born={MISSING}",
        "female=no › born=1970 › school",
    ]


def test_without_covariates_sequences_stay_as_they_are() -> None:
    sequences = pl.Series("states", ["school › work", ""])
    assert prepend_covariates(table(a=["x", "y"]), {}, sequences).to_list() == sequences.to_list()


def test_a_column_may_have_another_name_than_in_training() -> None:
    joined = prepend_covariates(table(Sex=["f"]), {"female": "Sex"}, pl.Series("states", ["a"]))
    assert joined.to_list() == ["female=f › a"]


@given(
    st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["", "a", "a › b"])), min_size=1, max_size=5),
    st.sampled_from(["sex", "how › often", "a=b", "0", "told"]),
)
def test_a_single_row_is_written_as_in_a_table_and_has_a_unit_for_each_covariate(
    rows: list[tuple[str | None, str | None, str]], name: str
) -> None:
    first, second, sequences = zip(*rows, strict=True)
    frame = pl.DataFrame(
        {name: first, "other": second}, schema_overrides=dict.fromkeys((name, "other"), pl.String)
    )
    whole = Table(frame, (Source("lives.csv", "csv", len(frame), ""),))
    names = {name: name, "other": "other"}
    found = prepend_covariates(
        whole, names, pl.Series("states", sequences, dtype=pl.String)
    ).to_list()
    assert found == [
        prepend_covariates_to_row([*names], [one, other], sequence) for one, other, sequence in rows
    ]
    for row, sequence in zip(found, sequences, strict=True):
        assert row.split(ARROW)[2:] == (sequence.split(ARROW) if sequence else [])


def test_a_number_with_many_values_is_no_category() -> None:
    whole = table(age=[str(n) for n in range(MOST_VALUES + 1)], sex=["f"] * (MOST_VALUES + 1))
    check_covariates(whole, ["sex"], {})
    with pytest.raises(DataError, match="'age' has 41 different values") as error:
        check_covariates(whole, ["sex", "age"], {})
    assert "group its values first" in error.value.message()


def test_the_target_cannot_be_a_covariate() -> None:
    whole = table(pay=["good", "poor"])
    with pytest.raises(DataError, match="'pay' is both the target and a covariate"):
        check_covariates(whole, ["pay"], {"pay": "target"})


def test_a_covariate_is_named_once() -> None:
    with pytest.raises(DataError, match="'pay' is named twice"):
        check_covariates(table(pay=["good"]), ["pay", "pay"], {})


def test_a_missing_column_is_reported_with_similar_names() -> None:
    with pytest.raises(DataError, match="did you mean 'Sex'"):
        check_covariates(table(Sex=["f"]), ["sex"], {})
