"""Boosted trees for the next state: what they learn, and what distillation targets may not use."""

from __future__ import annotations

import numpy as np

from duree.baselines.boosted import BoostedTrees, cross_fitted
from duree.baselines.next_steps import StepBaseline
from duree.sequences.ragged import Ragged, offsets_of

STATES = 3


def digits(rows: list[list[int]]) -> list[str]:
    return ["".join(map(str, row)) for row in rows]


def steps(texts: list[str]) -> Ragged:
    """Each text as its digits, with the length of the text as the one covariate."""
    values = [[int(sign), len(text) % 2] for text in texts for sign in text]
    array = np.array(values, dtype=np.int32).reshape(-1, 2)
    return Ragged(array, offsets_of([len(text) for text in texts]))


def fitted(texts: list[str], validation: list[str]) -> StepBaseline:
    return StepBaseline(BoostedTrees(STATES, 0), steps).fit(texts, None, validation, None)


def test_they_learn_what_depends_on_how_long_a_state_has_lasted() -> None:
    cycle = "0001112220001112220001112"
    texts = [cycle[begin : begin + 12] for begin in range(9)] * 20
    model = fitted(texts, texts)
    found = model.predict(["000111222"])
    # How long the first spell lasted before the sequence starts is unknown.
    assert found[3:].argmax(axis=1).tolist() == [1, 1, 2, 2, 2]
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_with_a_single_state_it_is_predicted_next() -> None:
    found = fitted(["0000"] * 9, ["000"]).predict(["00"])
    assert found.argmax(axis=1).tolist() == [0]
    assert (found > 0).all()


def test_out_of_fold_predictions_come_from_trees_that_have_not_seen_the_row() -> None:
    """Each row repeats its own pattern: trees fitted on the row itself would predict it."""
    rng = np.random.default_rng(0)
    rows = [list(rng.integers(0, STATES, 30)) for _ in range(60)]
    inputs = steps(digits([row[:-1] for row in rows]))
    after = np.concatenate([row[1:] for row in rows]).astype(np.int64)
    found = cross_fitted(inputs, after, STATES, 0)
    assert found.shape == (len(after), STATES)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-5)
    loss = -np.log(found[np.arange(len(after)), after]).mean()
    assert loss > np.log(STATES) - 0.02  # no better than chance, which is all there is
