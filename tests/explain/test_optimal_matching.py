"""Optimal matching is what a plain double loop makes of its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duree.explain import optimal_matching as matching
from duree.explain.optimal_matching import constant_costs, distances, transition_costs

STATES = 4
SEQUENCES = st.lists(st.lists(st.integers(0, STATES - 1), max_size=9), min_size=1, max_size=7)


def arrays(lists: list[list[int]]) -> list[np.ndarray]:
    return [np.array(one, dtype=np.int64) for one in lists]


def by_hand(one: np.ndarray, other: np.ndarray, costs: np.ndarray) -> float:
    """Abbott & Forrest's recursion, cell by cell."""
    table = np.add.outer(np.arange(len(one) + 1.0), np.arange(len(other) + 1.0))
    for i, state in enumerate(one, start=1):
        for j, following in enumerate(other, start=1):
            table[i, j] = min(
                table[i - 1, j] + 1,
                table[i, j - 1] + 1,
                table[i - 1, j - 1] + costs[state, following],
            )
    return float(table[-1, -1])


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("kitten", "sitting", 5),  # 6 + 7 - 2 times "ittn", the longest they share in order
        ("abc", "abc", 0),
        ("abc", "", 3),
        ("", "", 0),
        ("ab", "ba", 2),
        ("aaabbb", "aabbbb", 2),
        ("abcd", "wxyz", 8),
    ],
)
def test_known_distances(one: str, other: str, apart: float) -> None:
    letters = sorted(set(one + other)) or ["a"]
    sequences = arrays([[letters.index(letter) for letter in word] for word in (one, other)])
    found = distances(sequences, constant_costs(len(letters)))
    assert found[0, 1] == found[1, 0] == apart


@given(SEQUENCES, st.integers(0, 99))
@settings(max_examples=60)
def test_all_pairs_are_those_of_the_double_loop(lists: list[list[int]], seed: int) -> None:
    costs = np.random.default_rng(seed).uniform(0, 2.5, (STATES, STATES))
    costs = (costs + costs.T) / 2
    np.fill_diagonal(costs, 0)
    sequences = arrays(lists)
    expected = [[by_hand(one, other, costs) for other in sequences] for one in sequences]
    found = distances(sequences, costs.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    sequences = [rng.integers(0, STATES, rng.integers(0, 30)) for _ in range(40)]
    costs = transition_costs(sequences, STATES)
    at_once = distances(sequences, costs)
    monkeypatch.setattr(matching, "CHUNK_VALUES", 200)
    np.testing.assert_allclose(distances(sequences, costs), at_once, atol=1e-4)
    assert np.array_equal(at_once, at_once.T)
    assert not at_once.diagonal().any()


def test_costs_follow_the_rates_of_transition() -> None:
    sequences = arrays([[0, 0, 1, 2], [0, 1, 1]])
    costs = transition_costs(sequences, 3, np.array([1, 2]))
    # 0 is followed by 0 once and by 1 three times; 1 by 1 twice and by 2 once.
    np.testing.assert_allclose(costs[0], [0, 2 - 3 / 4, 2], atol=1e-6)
    np.testing.assert_allclose(costs[1], [2 - 3 / 4, 0, 2 - 1 / 3], atol=1e-6)
    np.testing.assert_allclose(costs, costs.T)
