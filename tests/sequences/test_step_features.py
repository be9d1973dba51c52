"""Step attributes become classes, learned from training rows alone."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import RunError
from duree.recipe.settings import TextSettings
from duree.sequences.ragged import EMPTY
from duree.sequences.state_encoder import StateEncoder
from duree.sequences.step_features import MISSING, OTHER, Category, Number
from duree.tables.layouts.state_strings import ARROW
from duree.tables.layouts.step_attributes import MOST_VALUES

SETTINGS = TextSettings(segmenter="states", lowercase=False, keep="tail")
ROWS = pl.DataFrame(
    {
        "states": ["a › b › a", "b", "", "a › b"],
        "amount": [[1.0, None, 3.0], [2.0], [], [4.0, 5.0]],
        "place": [["x", "y", "x"], [None], [], ["x", "z"]],
    },
    schema_overrides={"amount": pl.List(pl.Float64), "place": pl.List(pl.String)},
).to_struct("states")


@pytest.fixture
def encoder() -> StateEncoder:
    return StateEncoder.fit(ROWS, SETTINGS, 0)


def test_each_step_has_its_token_and_the_class_of_each_step_attribute(
    encoder: StateEncoder,
) -> None:
    a, b = (encoder.states.vocabulary.index(state) for state in "ab")
    assert encoder.step_features["place"] == Category(("x", "y", "z"))
    found = encoder.encode(ROWS)
    x, y, z = 2, 3, 4
    assert found[0].tolist() == [[a, 1, x], [b, MISSING, y], [a, 3, x]]
    assert found[1].tolist() == [[b, 2, MISSING]]
    assert found[2].tolist() == [[EMPTY, MISSING, MISSING]]
    assert found[3].tolist() == [[a, 4, x], [b, 5, z]]
    assert list(encoder.step_classes.values()) == [(6, True), (5, False)]


def test_texts_alone_have_no_step_features(encoder: StateEncoder) -> None:
    texts = ROWS.struct.field("states")
    found, known = encoder.encode(texts), encoder.encode(ROWS)
    np.testing.assert_array_equal(found.values[:, 0], known.values[:, 0])
    assert not found.values[:, 1:].any()


def test_classes_of_a_number_hold_as_many_each_as_ties_allow() -> None:
    numbers = np.random.default_rng(0).normal(-5, 100, 3200)
    column = Number.of(pl.Series(numbers))
    counts = np.bincount(column.codes(pl.Series(numbers)))
    assert len(counts) == 33
    assert counts[MISSING] == 0
    assert counts[1:].min() >= 99
    assert counts[1:].max() <= 102
    far = column.codes(pl.Series([-1e9, 1e9, None], dtype=pl.Float64))
    assert far.tolist() == [1, 32, MISSING]


def test_numbers_that_are_all_the_same_or_missing_have_one_class() -> None:
    assert Number.of(pl.Series([7.0] * 9)).codes(pl.Series([6.0, 7.0])).tolist() == [1, 1]
    nothing = Number.of(pl.Series([None, None], dtype=pl.Float64))
    assert nothing.codes(pl.Series([None, 3.0], dtype=pl.Float64)).tolist() == [MISSING, 1]


def test_rare_categories_are_read_as_one() -> None:
    names = [f"v{place:03}" for place in range(400)]
    column = Category.of(pl.Series(["often"] * 5 + names))
    assert len(column.values) == MOST_VALUES
    found = column.codes(pl.Series(["often", "v000", "v399", "never", None]))
    assert found.tolist() == [2, 3, OTHER, OTHER, MISSING]


@given(
    st.lists(st.lists(st.integers(1, 9), max_size=9), min_size=1, max_size=5),
    st.sampled_from(["head", "tail", "both"]),
    st.integers(1, 6),
)
def test_of_a_long_row_the_classes_stay_with_their_steps(
    rows: list[list[int]], keep: str, length: int
) -> None:
    sequences = pl.DataFrame(
        {
            "states": [ARROW.join(f"s{step}" for step in row) for row in rows],
            "attribute": [[f"b{step}" for step in row] for row in rows],
        },
        schema_overrides={"attribute": pl.List(pl.String)},
    ).to_struct("states")
    settings = SETTINGS.model_copy(update={"keep": keep, "max_length": length})
    encoder = StateEncoder.fit(sequences, settings, 0)
    found = encoder.encode(sequences)
    column = encoder.step_features["attribute"]
    assert isinstance(column, Category)
    for token, code in found.values.tolist():
        state = encoder.states.vocabulary[token]
        assert code == MISSING if token == EMPTY else column.values[code - 2] == f"b{state[1:]}"


def test_covariates_before_the_events_have_no_step_features() -> None:
    """As covariates do, which classifiers read as the first steps."""
    sequences = pl.DataFrame({"states": ["sex=f › a › b"], "gaps": [[None, 2.0]]}).to_struct(
        "states"
    )
    found = StateEncoder.fit(sequences, SETTINGS, 0).encode(sequences)
    assert found.values[:, 1].tolist() == [MISSING, MISSING, 1]


def test_it_is_the_same_after_a_round_trip_and_older_ones_are_read(encoder: StateEncoder) -> None:
    state = json.loads(json.dumps(encoder.to_dict()))
    assert StateEncoder.from_dict(state) == encoder
    features = state.pop("step_features")
    old = state | {"kind": "lives", "version": 2, "beside": features}
    assert StateEncoder.from_dict(old) == encoder
    oldest = state | {"kind": "lives", "version": 1}
    assert StateEncoder.from_dict(oldest).step_features == {}


@pytest.mark.parametrize(
    "change",
    [
        [],
        {"amount": {"edges": [2.0, 1.0]}},
        {"amount": {"edges": [1.0, 1.0]}},
        {"amount": {"edges": ["1"]}},
        {"amount": {"edges": [float("nan")]}},
        {"place": {"values": ["x", "x"]}},
        {"place": {"values": [1]}},
        {"place": {"others": ["x"]}},
        {"place": {}},
    ],
)
def test_a_stored_column_that_was_altered_is_refused(encoder: StateEncoder, change: object) -> None:
    state = deepcopy(encoder.to_dict()) | {"step_features": change}
    with pytest.raises(RunError, match="see its 'step_features'"):
        StateEncoder.from_dict(state)
