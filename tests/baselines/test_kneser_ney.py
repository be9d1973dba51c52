"""Kneser-Ney models: probabilities that can be counted by hand, and that add up to one."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.baselines.kneser_ney import KneserNey
from duree.errors import DataError
from duree.sequences.ragged import Ragged

MARK = "^"
UNITS = 4
ROWS = st.lists(st.lists(st.integers(0, UNITS - 2), max_size=8), max_size=12)


def by_definition(rows: list[list[int]], order: int) -> dict[tuple[tuple[object, ...], int], float]:
    """P(unit | context) for every context that occurs, from Chen & Goodman's equations."""
    grams = [Counter[tuple[object, ...]]() for _ in range(order + 1)]
    for row in rows:
        marked = [MARK, *row]
        for end in range(1, len(marked) + 1):
            for length in range(1, min(order, end) + 1):
                grams[length][tuple(marked[end - length : end])] += 1
    chances: dict[tuple[tuple[object, ...], int], float] = {}
    for length in range(1, order + 1):
        counts = {gram: n for gram, n in grams[length].items() if gram != (MARK,)}
        if length < order:
            before = Counter(gram[1:] for gram in grams[length + 1])
            counts = {gram: n if gram[0] == MARK else before[gram] for gram, n in counts.items()}
        of_counts = Counter(counts.values())
        share = of_counts[1] / (of_counts[1] + 2 * of_counts[2]) if of_counts[1] else 0
        discounts = [0.0]
        for times, fallback in ((1, 0.5), (2, 1.0), (3, 1.5)):
            fewer, more = of_counts[times], of_counts[times + 1]
            found = times - (times + 1) * share * more / fewer if fewer and share else 0
            discounts.append(found if 0 < found < times else fallback)
        contexts = defaultdict(dict)
        for gram, n in counts.items():
            contexts[gram[:-1]][gram[-1]] = n
        for context, after in contexts.items():
            total = sum(after.values())
            left = sum(discounts[min(n, 3)] for n in after.values()) / total
            for unit in range(UNITS):
                n = after.get(unit, 0)
                shorter = context[1:]
                while context and (shorter, unit) not in chances:
                    shorter = shorter[1:]
                below = chances[shorter, unit] if context else 1 / UNITS
                chances[context, unit] = (n - discounts[min(n, 3)]) / total + left * below
    return chances


@given(ROWS, st.integers(1, 4))
def test_probabilities_are_those_of_the_equations(rows: list[list[int]], order: int) -> None:
    model = KneserNey.fit(Ragged.from_rows(rows), order, UNITS)
    for (context, unit), chance in by_definition(rows, order).items():
        state = model.start if context[:1] == (MARK,) else 0
        for one in context[len(context[:1]) if state else 0 :]:
            state = model.advance(state, int(str(one)))
        assert np.exp(model.continuations(state).log_probability[unit]) == pytest.approx(chance)


@given(ROWS, st.integers(1, 5), st.lists(st.integers(0, UNITS - 1), max_size=7))
def test_probabilities_add_up_to_one_after_any_context(
    rows: list[list[int]], order: int, context: list[int]
) -> None:
    model = KneserNey.fit(Ragged.from_rows(rows), order, UNITS)
    state = model.start
    for unit in context:
        assert np.exp(model.continuations(state).log_probability).sum() == pytest.approx(1)
        state = model.advance(state, unit)
    assert np.exp(model.continuations(state).log_probability).sum() == pytest.approx(1)


@given(ROWS, ROWS, st.integers(1, 5))
def test_rows_are_scored_as_unit_after_unit(
    rows: list[list[int]], others: list[list[int]], order: int
) -> None:
    model = KneserNey.fit(Ragged.from_rows(rows), order, UNITS)
    one_by_one = []
    for row in [*others, [UNITS - 1, 0, UNITS - 1]]:
        state = model.start
        for unit in row:
            found = model.continuations(state, unit, unit + 1)
            one_by_one.append(found.log_probability[0])
            state = model.advance(state, unit)
            assert state == found.state[0]
    scored = model.log_probabilities(Ragged.from_rows([*others, [UNITS - 1, 0, UNITS - 1]]))
    np.testing.assert_allclose(scored, one_by_one)


def test_counts_stand_for_repeated_rows() -> None:
    rows, counts = [[0, 1, 2], [2, 1], [0]], [3, 1, 2]
    repeated = [row for row, count in zip(rows, counts, strict=True) for _ in range(count)]
    weighted = KneserNey.fit(Ragged.from_rows(rows), 3, UNITS, np.array(counts))
    plain = KneserNey.fit(Ragged.from_rows(repeated), 3, UNITS)
    np.testing.assert_allclose(weighted.log_probability, plain.log_probability)


def test_a_model_of_no_rows_knows_nothing() -> None:
    model = KneserNey.fit(Ragged.from_rows([]), 3, UNITS)
    np.testing.assert_allclose(np.exp(model.continuations(model.start).log_probability), 1 / UNITS)


def test_a_model_is_the_same_from_its_arrays() -> None:
    rows = Ragged.from_rows([[0, 1, 2, 1], [2, 1, 2]])
    model = KneserNey.fit(rows, 3, UNITS)
    again = KneserNey.from_arrays(model.arrays())
    np.testing.assert_array_equal(again.log_probabilities(rows), model.log_probabilities(rows))
    assert again.advance(again.start, 2) == model.advance(model.start, 2)


@pytest.mark.parametrize("unit", [-1, UNITS])
def test_a_unit_outside_the_vocabulary_is_refused(unit: int) -> None:
    model = KneserNey.fit(Ragged.from_rows([[0, 1]]), 2, UNITS)
    with pytest.raises(DataError, match="units must be numbers from 0 to 3"):
        model.log_probabilities(Ragged.from_rows([[0, unit]]))
    with pytest.raises(DataError, match="units must be numbers from 0 to 3"):
        KneserNey.fit(Ragged.from_rows([[unit]]), 2, UNITS)


def test_an_order_below_one_is_refused() -> None:
    with pytest.raises(DataError, match="order and a vocabulary of at least 1: 0, 4"):
        KneserNey.fit(Ragged.from_rows([[0]]), 0, UNITS)
