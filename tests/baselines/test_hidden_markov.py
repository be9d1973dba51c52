"""The hidden Markov model: its next-state probabilities are the sum over all hidden paths."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

pytest.importorskip("hmmlearn")

from duree.baselines import hidden_markov as hmm
from duree.baselines.hidden_markov import HiddenMarkov
from duree.baselines.next_steps import StepBaseline, Steps
from duree.baselines.targets import CaseWeights
from duree.sequences.ragged import Ragged

STATES = 3


def codes(texts: list[str]) -> Ragged:
    return Ragged.from_rows(["abc".index(sign) for sign in text] for text in texts)


def fitted_on(train: list[str], validation: list[str]) -> StepBaseline:
    return StepBaseline(HiddenMarkov(STATES, seed=0), codes).fit(train, None, validation, None)


def life_courses(rows: int, seed: int) -> list[str]:
    """Two hidden kinds of phase: one alternates between a and b, the other between b and c."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(rows):
        phase, text = rng.integers(2), ""
        for _ in range(20):
            phase = phase if rng.random() < 0.9 else 1 - phase
            text += rng.choice(list("ab" if phase == 0 else "bc"))
        texts.append(text)
    return texts


@pytest.fixture(scope="module")
def fitted() -> StepBaseline:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hmm, "HIDDEN", (1, 2, 3))
        return fitted_on(life_courses(60, 0), life_courses(20, 1))


def likelihood(model: StepBaseline, text: str) -> float:
    """The probability of a sequence, summed over all paths of hidden states."""
    assert isinstance(model.model, HiddenMarkov)
    start, moves, shows = model.model.tables
    seen = codes([text]).values
    total = 0.0
    for path in product(range(len(start)), repeat=len(text)):
        share = start[path[0]] * shows[path[0], seen[0]]
        for step in range(1, len(text)):
            share *= moves[path[step - 1], path[step]] * shows[path[step], seen[step]]
        total += share
    return total


def test_next_state_probabilities_are_the_sum_over_all_hidden_paths(fitted: StepBaseline) -> None:
    asked = ["abcab", "b", "", "ccb", "aa"]
    wanted = [
        [
            likelihood(fitted, text[:step] + after) / likelihood(fitted, text[:step])
            for after in "abc"
        ]
        for text in asked
        for step in range(1, len(text))
    ]
    found = fitted.predict(asked)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_it_finds_hidden_phases(fitted: StepBaseline) -> None:
    """After a, some steps ago, c is unlikely: a chain of order 1 cannot know it after a b."""
    assert fitted.choices["hidden_states"] >= 2
    after_a, after_c = fitted.predict(["aabbb", "ccbbb"])[[3, 7]]
    assert after_a[0] > after_a[2]
    assert after_c[2] > after_c[0]


def test_the_number_of_hidden_states_is_the_best_on_validation() -> None:
    train, validation = life_courses(40, 2), life_courses(10, 3)
    losses = {}
    for hidden in (1, 2, 3):
        one = HiddenMarkov(STATES, seed=0)
        one.tables = one._fit(Steps(codes(train)), one._start(hidden))
        after = [codes([text]).values[step] for text in validation for step in range(1, 20)]
        found = one.predict(Steps(codes(validation)))
        losses[hidden] = -np.log(found[np.arange(len(after)), after]).mean()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hmm, "HIDDEN", (1, 2, 3))
        model = fitted_on(train, validation)
    assert model.choices == {"hidden_states": min(losses, key=lambda hidden: losses[hidden])}


def test_the_chosen_model_is_fitted_on_the_validation_sequences_too() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hmm, "HIDDEN", (2,))
        model = fitted_on(["abab", "baba"] * 5, ["acac", "caca"] * 5)
    after_a = model.predict(["aa"])[0]
    assert after_a[2] > 0.2


def test_it_notes_that_it_ignores_weights() -> None:
    counts = CaseWeights(np.array([1.0, 3.0]), np.array([2.0]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hmm, "HIDDEN", (2,))
        model = StepBaseline(HiddenMarkov(STATES, seed=0), codes)
        model.fit(["abab", "aac"], None, ["abb"], None, counts)
    assert model.notes == [
        "fitted with equal weights for all sequences, because hmmlearn takes no weights"
    ]


def test_an_unseen_state_has_a_positive_probability() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hmm, "HIDDEN", (2,))
        model = fitted_on(["abab", "", "aab"], ["abb"])
    found = model.predict(["acca"])
    assert (found > 0).all()
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_with_many_steps_it_learns_from_a_random_sample_of_sequences_and_says_so() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hmm, "HIDDEN", (2,))
        patch.setattr(hmm, "MOST_STEPS", 90)
        model = fitted_on(life_courses(30, 4), life_courses(5, 5))
    assert model.notes == ["learned from 4 of 30 sequences"]
