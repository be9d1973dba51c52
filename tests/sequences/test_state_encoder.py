"""State sequences as numbers: a token for each state, with the covariates of the row."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import RunError
from duree.recipe.settings import TextSettings
from duree.sequences.encoder import ENCODERS
from duree.sequences.ragged import EMPTY, UNKNOWN
from duree.sequences.state_encoder import StateEncoder
from duree.sequences.text_encoder import TextEncoder
from duree.tables.layouts.state_strings import ARROW

SETTINGS = TextSettings(segmenter="states", lowercase=False, keep="tail")
SEQUENCES = pl.Series(
    "states",
    [
        "sex=f › born=50s › school › school › work",
        "sex=m › born=– › school › work › work",
        "sex=f › born=60s › work",
        "sex=f › born=50s",
    ],
)


@pytest.fixture
def encoder() -> StateEncoder:
    return StateEncoder.fit(SEQUENCES, SETTINGS, 2)


def test_each_step_has_its_state_and_the_covariates_of_its_row(encoder: StateEncoder) -> None:
    tokens = {state: place for place, state in enumerate(encoder.states.vocabulary)}
    school, work = tokens["school"], tokens["work"]
    assert encoder.covariates == [["sex=f", "sex=m"], ["born=50s", "born=60s", "born=–"]]
    assert encoder.sizes == [3, 4]
    found = encoder.encode(SEQUENCES)
    assert found.values.dtype == np.int32
    assert [found[row].tolist() for row in range(4)] == [
        [[school, 1, 1], [school, 1, 1], [work, 1, 1]],
        [[school, 2, 3], [work, 2, 3], [work, 2, 3]],
        [[work, 1, 2]],
        [[EMPTY, 1, 1]],
    ]


def test_what_training_has_not_seen_is_unknown(encoder: StateEncoder) -> None:
    found = encoder.encode(pl.Series(["sex=x › born=70s › prison", "sex=m › born=50s › sex=f"]))
    assert found.values.tolist() == [[UNKNOWN, 0, 0], [UNKNOWN, 2, 1]]


def test_an_empty_row_has_one_empty_step(encoder: StateEncoder) -> None:
    found = encoder.encode(pl.Series(["", None], dtype=pl.String))
    assert found.values.tolist() == [[EMPTY, 0, 0]] * 2


def test_a_long_sequence_keeps_its_end_and_its_covariates() -> None:
    settings = SETTINGS.model_copy(update={"max_length": 2})
    encoder = StateEncoder.fit(SEQUENCES, settings, 2)
    whole = StateEncoder.fit(SEQUENCES, SETTINGS, 2).encode(SEQUENCES)
    short = encoder.encode(SEQUENCES)
    for row in range(len(SEQUENCES)):
        assert short[row].tolist() == whole[row][-2:].tolist()
    assert encoder.truncated(SEQUENCES).tolist() == [1, 1, 0, 0]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("fm"),
            st.lists(st.text("abcdef", min_size=1, max_size=2), max_size=5),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_states_are_the_tokens_that_a_text_encoder_gives_them(
    rows: list[tuple[str, list[str]]],
) -> None:
    joined = pl.Series([ARROW.join([f"sex={sex}", *states]) for sex, states in rows])
    alone = pl.Series([ARROW.join(states) for _, states in rows])
    encoder = StateEncoder.fit(joined, SETTINGS, 1)
    found, wanted = encoder.encode(joined), TextEncoder.fit(alone, SETTINGS).encode(alone)
    np.testing.assert_array_equal(found.offsets, wanted.offsets)
    np.testing.assert_array_equal(found.values[:, 0], wanted.values)
    sexes = np.array([sex for sex, _ in rows])[np.repeat(np.arange(len(rows)), found.lengths)]
    given_sexes = np.array([heads.removeprefix("sex=") for heads in encoder.covariates[0]])
    assert (given_sexes[found.values[:, 1] - 1] == sexes).all()


def test_it_is_the_same_after_a_round_trip(encoder: StateEncoder) -> None:
    stored = json.loads(json.dumps(encoder.to_dict()))
    again = ENCODERS["states"].from_dict(stored)
    assert again == encoder
    np.testing.assert_array_equal(again.encode(SEQUENCES).values, encoder.encode(SEQUENCES).values)


def broken(change: dict[str, Any]) -> dict[str, Any]:
    return deepcopy(StateEncoder.fit(SEQUENCES, SETTINGS, 2).to_dict()) | change


@pytest.mark.parametrize(
    ("state", "part"),
    [
        (broken({"kind": "text"}), "kind"),
        (broken({"version": 4}), "version"),
        (broken({"further": 1}), "keys"),
        (broken({"covariates": {"sex": ["f"]}}), "covariates"),
        (broken({"covariates": [["sex=f", 1]]}), "covariates"),
        (broken({"covariates": ["sex=f"]}), "covariates"),
        (broken({"covariates": [["sex=f", "sex=f"]]}), "covariates"),
        (broken({"states": {"kind": "text"}}), "keys"),
        (broken({"states": "text"}), "states"),
    ],
)
def test_a_stored_encoder_that_was_altered_is_refused(state: dict[str, Any], part: str) -> None:
    with pytest.raises(RunError, match=f"see its '{part}'"):
        StateEncoder.from_dict(state)
