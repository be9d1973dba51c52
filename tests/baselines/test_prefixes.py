"""What is known before each step, and the models that learn from it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duree.baselines import prefixes, step_forest, step_logistic
from duree.baselines.boosted import BoostedTrees, cross_fitted
from duree.baselines.next_steps import StepBaseline, StepModel, Steps
from duree.baselines.prefixes import PrefixEncoder, Prefixes
from duree.baselines.step_forest import StepForest
from duree.baselines.step_logistic import StepLogistic
from duree.baselines.targets import EQUAL_WEIGHTS, CaseWeights
from duree.sequences.ragged import Ragged, offsets_of

STATES = 3
rows_of_states = st.lists(st.lists(st.integers(0, STATES - 1), max_size=7), min_size=1, max_size=6)
MODELS: dict[str, Callable[[], StepModel]] = {
    "logistic": lambda: StepLogistic(STATES, 0),
    "random_forest": lambda: StepForest(STATES, 30, 0),
    "boosted_trees": lambda: BoostedTrees(STATES, 0),
}


def digits(rows: list[list[int]]) -> list[str]:
    return ["".join(map(str, row)) for row in rows]


def steps(texts: list[str]) -> Ragged:
    """Each text as its digits, each with the covariate whether the first is odd."""
    values = [[int(sign), int(text[0]) % 2] for text in texts for sign in text]
    array = np.array(values, dtype=np.int32).reshape(-1, 2)
    return Ragged(array, offsets_of([len(text) for text in texts]))


def fitted(
    name: str, texts: list[str], validation: list[str], counts: CaseWeights = EQUAL_WEIGHTS
) -> StepBaseline:
    return StepBaseline(MODELS[name](), steps).fit(texts, None, validation, None, counts)


@given(rows_of_states)
def test_prefixes_are_those_of_a_plain_loop(rows: list[list[int]]) -> None:
    wanted = []
    for row in rows:
        for place in range(len(row)):
            seen = row[: place + 1]
            lasted = next((n for n, s in enumerate(seen[::-1]) if s != seen[-1]), len(seen))
            earlier = seen[-lasted - 1] if lasted < len(seen) else STATES
            spent = [seen.count(state) for state in range(STATES)]
            ago = [seen[-n] if n <= len(seen) else STATES for n in (2, 3)]
            spells = 1 + sum(one != other for one, other in pairwise(seen))
            facts = [seen[-1], earlier, lasted - 1, place, *spent, row[0] % 2]
            wanted.append([*facts, *ago, spells])
    known = Prefixes.of(steps(digits(rows)), STATES)
    found = np.column_stack([known.categorical, known.previous, known.last_but_two, known.spells])
    np.testing.assert_array_equal(found, np.array(wanted).reshape(-1, 5 + STATES + 3))


@given(rows_of_states.filter(lambda rows: any(len(row) > 1 for row in rows)), st.data())
def test_no_prefix_knows_what_comes_later(rows: list[list[int]], data: st.DataObject) -> None:
    """Changing the last step changes nothing that is known before it."""
    other = [[*row[:-1], data.draw(st.integers(0, STATES - 1))] if row[1:] else row for row in rows]
    one, poisoned = (Steps(steps(digits(each))) for each in (rows, other))
    known, after = (Prefixes.before_targets(each, STATES) for each in (one, poisoned))
    np.testing.assert_array_equal(known.categorical, after.categorical)
    np.testing.assert_array_equal(known.one_hot, after.one_hot)
    marks = PrefixEncoder()
    np.testing.assert_array_equal(marks.fit(known).toarray(), marks.transform(after).toarray())


@pytest.mark.parametrize("name", MODELS)
def test_predictions_depend_on_nothing_later(name: str) -> None:
    texts = process(60, 12, 0)
    model = fitted(name, texts[:40], texts[40:])
    whole = model.predict([texts[0]])
    for length in (2, 5, 9):
        cut, poisoned = texts[0][:length], texts[0][:length] + "2" * 4
        np.testing.assert_allclose(model.predict([cut]), whole[: length - 1])
        np.testing.assert_allclose(model.predict([poisoned])[: length - 1], whole[: length - 1])


def process(rows: int, length: int, seed: int) -> list[str]:
    """Of three states each lasts two steps at least; then it ends at one chance in two."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(rows):
        state, lasted, text = int(rng.integers(3)), 1, ""
        for _ in range(length):
            text += str(state)
            if lasted >= 2 and rng.random() < 0.5:
                state, lasted = (state + (1 if rng.random() < 0.8 else 2)) % 3, 1
            else:
                lasted += 1
        texts.append(text)
    return texts


@pytest.mark.parametrize("name", MODELS)
def test_their_loss_is_close_to_the_entropy_of_a_known_process(name: str) -> None:
    """A step is sure where the state is new, and has 1 + 0.5 H(0.8) bits where it is not."""
    train, validation, tested = process(300, 20, 0), process(80, 20, 1), process(150, 20, 2)
    found = fitted(name, train, validation).predict(tested)
    given = Steps(steps(tested))
    bits = -np.log2(found[np.arange(len(found)), given.targets])
    lasted = Prefixes.before_targets(given, STATES).duration
    free = 1 + 0.5 * -(0.8 * np.log2(0.8) + 0.2 * np.log2(0.2))
    # Whether the first step starts its spell is unknown: all models here assume that it does.
    entropy = np.where(lasted == 0, 0.0, free)
    assert bits.mean() < entropy.mean() + 0.04
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert (found > 0).all()


@settings(deadline=None, max_examples=15)
@given(
    st.lists(st.text("012", min_size=1, max_size=6), min_size=1, max_size=6).filter(
        lambda texts: any(len(text) > 1 for text in texts)
    ),
    st.lists(st.text("012", min_size=1, max_size=7), max_size=4),
)
@pytest.mark.parametrize("name", ["logistic", "random_forest"])
def test_for_any_training_rows_predicted_probabilities_sum_to_1(
    name: str, texts: list[str], asked: list[str]
) -> None:
    found = fitted(name, texts, texts).predict(asked)
    assert found.shape == (sum(len(text) - 1 for text in asked), STATES)
    assert (found > 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


@pytest.mark.parametrize("name", MODELS)
def test_weights_decide_what_is_likely(name: str) -> None:
    """One row in two cycles one way and one the other: nine in ten, by their weights."""
    texts = ["001122001122", "002211002211"] * 60
    counts = CaseWeights(np.tile([9.0, 1.0], 40), np.tile([9.0, 1.0], 20))
    weighed, plain, ones = (
        fitted(name, texts[:80], texts[80:], given).predict(["001"])[1]
        for given in (counts, EQUAL_WEIGHTS, CaseWeights(np.ones(80), np.ones(40)))
    )
    assert weighed[1] == pytest.approx(0.9, abs=0.05)
    assert plain[1] == pytest.approx(0.5, abs=0.05)
    # A forest with weights draws other bootstrap samples.
    np.testing.assert_allclose(ones, plain, atol=0.02 if name == "random_forest" else 1e-6)


def test_for_the_regression_a_weight_of_two_is_a_row_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefixes, "RARE", 1)  # which is counted in rows
    monkeypatch.setattr(step_logistic, "STRENGTHS", (0.3,))
    monkeypatch.setattr(step_logistic, "TOLERANCE", 1e-6)
    texts, weights = process(60, 12, 3), np.random.default_rng(4).integers(1, 4, 60)
    parts = np.arange(40), np.arange(40, 60)
    counts = CaseWeights(*(weights[part].astype(float) for part in parts))
    weighed = fitted("logistic", *([texts[row] for row in part] for part in parts), counts)
    twice = ([texts[row] for row in np.repeat(part, weights[part])] for part in parts)
    asked = process(20, 12, 5)
    found, wanted = weighed.predict(asked), fitted("logistic", *twice).predict(asked)
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_distillation_targets_are_fitted_with_weights_too() -> None:
    rows = process(40, 10, 6)
    inputs = steps([row[:-1] for row in rows])
    after = np.array([int(sign) for row in rows for sign in row[1:]])
    plain, ones, other = (
        cross_fitted(inputs, after, STATES, 0, weights)
        for weights in (None, np.ones(40), np.linspace(0.1, 2, 40))
    )
    np.testing.assert_allclose(plain, ones, atol=1e-6)
    assert np.abs(plain - other).max() > 0.01


@pytest.mark.parametrize(
    ("name", "limit"),
    [("logistic", (step_logistic, "MOST_CELLS", 100 * STATES)), ("random_forest", None)],
)
def test_with_many_steps_they_learn_from_a_random_sample_of_sequences_and_say_so(
    name: str, limit: tuple[object, str, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*(limit or (step_forest, "MOST_STEPS", 100)))
    texts = process(40, 12, 7)
    model = fitted(name, texts[:30], texts[30:])
    assert model.notes == ["learned from 8 of 30 sequences"]
    assert np.isfinite(model.predict(texts)).all()
