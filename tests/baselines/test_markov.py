"""Markov chains: their probabilities can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.baselines import markov, next_baselines
from duree.baselines.markov import (
    STRENGTHS,
    LastState,
    Markov,
    nothing_before,
    one_before,
    one_before_and_time,
    two_before,
)
from duree.baselines.next_steps import StepBaseline, StepModel
from duree.baselines.targets import EQUAL_WEIGHTS, CaseWeights
from duree.recipe.recipe import Recipe
from duree.sequences.ragged import Ragged

CHAINS = {"last_state", "majority", "markov", "markov_2", "markov_by_time"}
STATES = 4  # a, b, c, and any other


def codes(texts: list[str]) -> Ragged:
    places = {"a": 0, "b": 1, "c": 2}
    return Ragged.from_rows([places.get(sign, 3) for sign in text] for text in texts)


def chain(order: int = 1) -> Markov:
    shares = Markov("majority", STATES, nothing_before)
    if order == 0:
        return shares
    first = Markov("markov", STATES, one_before, shares)
    return first if order == 1 else Markov("markov_2", STATES, two_before, first)


def fitted(
    model: StepModel, texts: list[str], validation: list[str], counts: CaseWeights = EQUAL_WEIGHTS
) -> StepBaseline:
    return StepBaseline(model, codes).fit(texts, None, validation, None, counts)


def by_hand(
    texts: list[str], past: str, place: int, strengths: list[float], by_time: bool = False
) -> np.ndarray:
    """What follows ``past``, of which as many states count as there are strengths but one.

    ``place`` is the place of the state that follows in its row.
    """
    if not strengths:
        return np.full(STATES, 1 / STATES)
    order = len(strengths) - 1
    simpler = by_hand(texts, past, place, strengths[:-1])
    if by_time:
        order = 1
    context = past[len(past) - order :] if order <= len(past) else past
    counts = np.zeros(STATES)
    for text in texts:
        for step in range(1, len(text)):
            before = text[max(0, step - order) : step]
            if before == context and (not by_time or step == place):
                counts[codes([text[step]]).values[0]] += 1
    return (counts + strengths[-1] * simpler) / (counts.sum() + strengths[-1])


def strengths_of(model: Markov) -> list[float]:
    below = strengths_of(model.simpler) if model.simpler else []
    return [*below, model.choices["strength"]]


TRAIN = ["aabbc", "abcab", "bbaac", "c", "cabba", "aab"]
VALIDATION = ["abba", "caab", "bbc"]


@pytest.mark.parametrize("order", [0, 1, 2])
def test_chains_are_counts_of_training_and_validation_smoothed_by_simpler_chains(
    order: int,
) -> None:
    model = chain(order)
    learned = fitted(model, TRAIN, VALIDATION)
    asked = ["abcba", "bz", "zzab", "a"]
    found = learned.predict(asked)
    wanted = [
        by_hand(TRAIN + VALIDATION, text[:step], step, strengths_of(model))
        for text in asked
        for step in range(1, len(text))
    ]
    np.testing.assert_allclose(found, wanted)


def test_a_chain_by_time_counts_each_time_point_separately() -> None:
    model = Markov("markov_by_time", STATES, one_before_and_time, chain(1))
    found = fitted(model, TRAIN, VALIDATION).predict(["abba"])
    wanted = [
        by_hand(TRAIN + VALIDATION, "abba"[:step], step, strengths_of(model), by_time=True)
        for step in (1, 2, 3)
    ]
    np.testing.assert_allclose(found, wanted)


def test_the_second_step_of_a_chain_of_order_2_depends_on_one_state() -> None:
    """``ab`` at the start of a row is another context than ``ab`` within it."""
    contexts = two_before(codes(["ab", "cab", "aab"]))
    at_the_begin, _, within, _, also_within = contexts.tolist()
    assert within != at_the_begin
    assert within != also_within
    assert two_before(codes(["aaa"]))[1] == two_before(codes(["baaab"]))[2]


def test_after_an_unseen_context_the_simpler_chain_is_used() -> None:
    model = chain(2)
    learned = fitted(model, ["aab", "aba"], ["aab"])
    assert model.simpler
    assert model.simpler.simpler
    first, shares = (StepBaseline(each, codes) for each in (model.simpler, model.simpler.simpler))
    np.testing.assert_allclose(learned.predict(["cc"]), shares.predict(["xx"]))
    np.testing.assert_allclose(learned.predict(["bba"])[1:], first.predict(["bba"])[1:])


def test_the_smoothing_strength_is_chosen_on_validation_before_refitting() -> None:
    rng = np.random.default_rng(3)
    texts = ["".join(rng.choice(list("abc"), 6)) for _ in range(12)]
    train, validation = texts[:6], texts[6:]
    model = chain(1)
    fitted(model, train, validation)
    assert model.simpler

    def loss(first: float, second: float | None) -> float:
        strengths = [first] if second is None else [first, second]
        return -np.mean(
            [
                np.log(by_hand(train, text[:step], step, strengths)[codes([text[step]]).values[0]])
                for text in validation
                for step in range(1, len(text))
            ]
        )

    lower = min(STRENGTHS, key=lambda strength: loss(strength, None))
    assert model.simpler.choices == {"strength": lower}
    assert model.choices == {"strength": min(STRENGTHS, key=lambda upper: loss(lower, upper))}


def test_the_last_state_baseline_uses_the_share_of_unchanged_states() -> None:
    model = fitted(LastState(STATES), ["aab", "bbb"], ["ac"])
    # Of five steps three stayed; one more of each is added.
    stays = 4 / 7
    shares = np.array([1, 3, 1, 0]) + 1.0  # a, b, c and others among what came, one more of each
    after_a = stays * np.eye(STATES)[0]
    after_a += (1 - stays) * np.where(np.arange(STATES) == 0, 0, shares) / shares[1:].sum()
    np.testing.assert_allclose(model.predict(["ax"])[0], after_a)


@given(
    st.lists(st.text("abc", max_size=6), min_size=1, max_size=6).filter(
        lambda texts: any(len(text) > 1 for text in texts)
    ),
    st.lists(st.text("abcz", max_size=7), max_size=4),
    st.booleans(),
)
def test_for_any_training_rows_predicted_probabilities_sum_to_1(
    texts: list[str], asked: list[str], on_grid: bool
) -> None:
    steps = sum(max(len(text) - 1, 0) for text in asked)
    for model in next_baselines(codes, STATES, Recipe(), on_grid=on_grid):
        if model.name not in CHAINS:
            continue
        found = model.fit(texts, None, texts, None).predict(asked)
        assert found.shape == (steps, STATES)
        assert (found > 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_a_chain_by_time_is_a_baseline_only_on_a_grid() -> None:
    names = {
        on_grid: [model.name for model in next_baselines(codes, 3, Recipe(), on_grid=on_grid)]
        for on_grid in (True, False)
    }
    assert [name for name in names[True] if name not in names[False]] == ["markov_by_time"]


weighed_rows = st.tuples(st.text("abc", min_size=2, max_size=6), st.integers(1, 3))


@given(st.lists(weighed_rows, min_size=4, max_size=12), st.sampled_from(STRENGTHS))
def test_a_weight_of_two_is_a_row_twice(weighed: list[tuple[str, int]], strength: float) -> None:
    texts, weights = [text for text, _ in weighed], [weight for _, weight in weighed]
    parts = slice(3, None), slice(0, 3)
    counts = CaseWeights(*(np.array(weights[part], dtype=float) for part in parts))
    twice = [[text for text, n in weighed[part] for _ in range(n)] for part in parts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markov, "STRENGTHS", (strength,))
        for make in (lambda: chain(2), lambda: LastState(STATES)):
            found, wanted = (
                fitted(make(), *(texts[part] for part in parts), counts).predict(["abcab"]),
                fitted(make(), *twice).predict(["abcab"]),
            )
            np.testing.assert_allclose(found, wanted)


def test_strengths_are_chosen_by_the_weights_of_the_validation_rows() -> None:
    """One validation row goes on as training did, the other does not: the heavier one decides."""
    train, validation = ["abababab"] * 9, ["abab", "aacc"]
    found = [
        fitted(chain(), train, validation, CaseWeights(np.ones(9), np.array(weights))).choices
        for weights in ([9.0, 0.1], [0.1, 9.0])
    ]
    assert found[0]["strength"] < found[1]["strength"]
