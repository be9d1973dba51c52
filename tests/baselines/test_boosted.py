"""Boosted trees for what comes next: their features against a plain loop, and what they learn."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from duree.baselines.boosted import BoostedTrees, cross_fitted, features_of
from duree.sequences.ragged import Ragged, offsets_of

STATES = 3
rows_of_states = st.lists(st.lists(st.integers(0, STATES - 1), max_size=7), min_size=1, max_size=6)


def told(rows: list[list[int]]) -> list[str]:
    return ["".join(map(str, row)) for row in rows]


def steps(texts: list[str]) -> Ragged:
    """Each text as its digits, with the length of the text as the one covariate."""
    values = [[int(sign), len(text) % 2] for text in texts for sign in text]
    array = np.array(values, dtype=np.int32).reshape(-1, 2)
    return Ragged(array, offsets_of([len(text) for text in texts]))


@given(rows_of_states)
def test_features_are_those_of_a_plain_loop(rows: list[list[int]]) -> None:
    wanted = []
    for row in rows:
        for place in range(len(row)):
            seen = row[: place + 1]
            lasted = next((n for n, s in enumerate(seen[::-1]) if s != seen[-1]), len(seen))
            earlier = seen[-lasted - 1] if lasted < len(seen) else STATES
            spent = [seen.count(state) for state in range(STATES)]
            wanted.append([seen[-1], earlier, lasted - 1, place, *spent, len(row) % 2])
    found = features_of(steps(told(rows)), STATES)
    np.testing.assert_array_equal(found, np.array(wanted).reshape(-1, 4 + STATES + 1))


def test_they_learn_what_hangs_on_how_long_a_state_has_lasted() -> None:
    cycle = "0001112220001112220001112"
    texts = [cycle[begin : begin + 12] for begin in range(9)] * 20
    model = BoostedTrees(steps, STATES, 0).fit(texts, None, texts, None)
    found = model.predict(["000111222"])
    # Of the first spell nobody knows how long it has lasted before it is seen.
    assert found[3:].argmax(axis=1).tolist() == [1, 1, 2, 2, 2]
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_one_state_alone_is_what_comes_next() -> None:
    found = BoostedTrees(steps, STATES, 0).fit(["0000"] * 9, None, ["000"], None).predict(["00"])
    assert found.argmax(axis=1).tolist() == [0]
    assert (found > 0).all()


def test_a_teacher_has_not_seen_the_rows_that_it_speaks_of() -> None:
    """Each row repeats a pattern of its own: a teacher that had seen the row would foretell it."""
    rng = np.random.default_rng(0)
    rows = [list(rng.integers(0, STATES, 30)) for _ in range(60)]
    inputs = steps(told([row[:-1] for row in rows]))
    after = np.concatenate([row[1:] for row in rows]).astype(np.int64)
    found = cross_fitted(inputs, after, STATES, 0)
    assert found.shape == (len(after), STATES)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-5)
    loss = -np.log(found[np.arange(len(after)), after]).mean()
    assert loss > np.log(STATES) - 0.02  # no better than chance, which is all there is
