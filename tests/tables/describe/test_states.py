"""Figures of state sequences: right on cases worked by hand, and sound for any sequences."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.tables.describe.states import describe_states

TIMES = ["Sep", "Oct", "Nov", "Dec"]
COURSES = [
    ["school", "school", "work", "work"],
    ["school", "work", "work", None],
    ["school", "jobless", "jobless", "work"],
]


def sequences(rows: list[list[str | None]]) -> pl.Series:
    return pl.Series("states", rows, dtype=pl.List(pl.String))


@pytest.fixture
def facts():
    return describe_states(sequences(COURSES), TIMES, pl.Series(["a", "b", "a"]))


def test_states_stand_in_the_order_of_the_mean_time_at_which_they_occur(facts):
    # school at 0, 1, 0, 0; jobless at 1, 2; work at 2, 3, 1, 2, 3.
    assert facts.states == ["school", "jobless", "work"]


def test_shares_are_those_of_the_rows_whose_state_is_known(facts):
    assert facts.distribution == [
        [1, 0, 0],
        [1 / 3, 1 / 3, 1 / 3],
        [0, 1 / 3, 2 / 3],
        [0, 0, 1],
    ]
    assert (facts.rows, facts.missing) == (3, 1 / 12)


def test_entropy_is_zero_for_one_state_and_one_for_all_alike(facts):
    third = -(math.log(1 / 3) / 3 + 2 * math.log(2 / 3) / 3) / math.log(3)
    assert facts.entropy == pytest.approx([0, 1, third, 0])


def test_transitions_are_counted_over_neighbours_that_are_both_known(facts):
    # school to school, work, work, jobless; jobless to jobless, work; work to work, work.
    assert facts.transitions == [[1 / 4, 1 / 4, 1 / 2], [0, 1 / 2, 1 / 2], [0, 0, 1]]


def test_a_state_that_is_only_ever_last_has_no_next_one():
    found = describe_states(sequences([["a", "b"], ["a", "b"]]), ["1", "2"])
    assert found.transitions == [[0, 1], [0, 0]]


def test_sequences_are_sorted_from_their_end(facts):
    assert facts.index.rows == [[0, 2, 2, -1], [0, 1, 1, 2], [0, 0, 2, 2]]


def test_mean_time_counts_time_points(facts):
    assert facts.mean_time == {"school": 4 / 3, "jobless": 2 / 3, "work": 5 / 3}


def test_each_class_has_a_distribution_of_its_own(facts):
    assert list(facts.by_class) == ["a", "b"]
    assert facts.class_rows == {"a": 2, "b": 1}
    assert facts.by_class["a"][1] == [1 / 2, 1 / 2, 0]
    assert facts.by_class["b"][3] == [0, 0, 0]


def test_the_six_commonest_classes_are_described_and_none_without_a_target():
    target = pl.Series([name for k, name in enumerate("hgfedcba") for _ in range(k + 1)])
    states = sequences([["x", "y"]] * len(target))
    assert list(describe_states(states, ["1", "2"], target).by_class) == list("abcdef")
    assert describe_states(states, ["1", "2"]).by_class == {}


def test_a_time_at_which_no_state_is_known_has_no_entropy():
    found = describe_states(sequences([["a", None], ["b", None]]), ["1", "2"])
    assert found.entropy == [pytest.approx(1), None]
    assert found.distribution[1] == [0, 0]


def test_sequences_without_any_state_are_described_too():
    found = describe_states(sequences([[None, None]]), ["1", "2"])
    assert (found.states, found.missing) == ([], 1)
    assert found.index.rows == [[-1, -1]]


def test_another_seed_draws_other_sequences():
    states = sequences([[str(n), "end"] for n in range(400)])
    one, same, other = (describe_states(states, ["1", "2"], seed=s).index.rows for s in (0, 0, 1))
    assert one == same != other
    assert len(one) == 150


def test_fifty_thousand_rows_take_seconds():
    names = np.array(["school", "work", "jobless", None], dtype=object)
    codes = np.random.default_rng(0).integers(0, 4, (50_000, 72))
    states = sequences(names[codes].tolist())
    start = time.process_time()
    describe_states(states, [str(n) for n in range(72)], pl.Series(["a", "b"] * 25_000))
    assert time.process_time() - start < 10


@st.composite
def tables(draw):
    times = draw(st.integers(1, 6))
    cells = st.sampled_from(["a", "b", "c", "d", " ", None])
    return draw(st.lists(st.lists(cells, min_size=times, max_size=times), min_size=1, max_size=12))


@given(tables())
def test_for_any_sequences_shares_and_probabilities_sum_to_one(rows):
    found = describe_states(sequences(rows), [str(n) for n in range(len(rows[0]))])
    json.dumps(found.model_dump(), allow_nan=False)
    known = [any(column) for column in zip(*rows, strict=True)]
    assert [sum(shares) for shares in found.distribution] == pytest.approx(np.array(known, float))
    assert [entropy is not None for entropy in found.entropy] == known
    assert all(0 <= entropy <= 1 for entropy in found.entropy if entropy is not None)
    assert all(sum(line) == pytest.approx(1) or not any(line) for line in found.transitions)
    there = len(rows[0]) * (1 - found.missing)
    assert sum(found.mean_time.values()) == pytest.approx(there)


@given(tables())
def test_the_sequences_of_the_index_are_the_rows_sorted_backwards(rows):
    found = describe_states(sequences(rows), [str(n) for n in range(len(rows[0]))])
    drawn = found.index.rows
    number = {name: k for k, name in enumerate(found.states)} | {None: -1}
    assert drawn == sorted(([number[s] for s in row] for row in rows), key=lambda row: row[::-1])
