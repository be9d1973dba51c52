"""The wide part is trained by itself, and at last on all rows that are not the test's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.support.training import VOCABULARY, accuracy, examples, loss, plan, same, weights

from duree.network.batches import Examples
from duree.network.scoring import scores
from duree.network.wide import WideModel
from duree.sequences.ragged import Ragged
from duree.training.loop import Plan, train
from duree.training.wide import WIDE_TRAINING, refit_wide, time_for_the_rest, train_wide


def marks(rows: Examples) -> np.ndarray:
    return np.eye(2, dtype=bool)[rows.targets]


def test_it_learns_which_token_decides_and_records_how_long_that_took() -> None:
    wide, chosen = WideModel(VOCABULARY, 2), plan()
    epochs = train_wide(wide, chosen, marks(chosen.examples))
    assert accuracy(scores(wide, chosen.validation.sequences), chosen.validation.targets) > 0.9
    assert 1 <= epochs <= 50


def test_refitted_it_knows_what_stands_in_validation_rows_alone() -> None:
    # Token 3 decides in training; token 9 stands in validation rows only, and decides there.
    plain = examples(60, 0)
    odd = Examples(Ragged.from_rows([[9, 4, 5], [4, 5, 6]] * 10), np.array([1, 0] * 10))
    chosen = plan()
    chosen = Plan(plain, odd, loss, accuracy, chosen.settings, chosen.seed)
    wide = WideModel(VOCABULARY, 2)
    epochs = train_wide(wide, chosen, marks(plain))
    before = scores(wide, odd.sequences)
    refit_wide(wide, chosen, np.concatenate([marks(plain), marks(odd)]), max(epochs, 5))
    after = scores(wide, odd.sequences)

    def margin(found: np.ndarray) -> float:
        return float((found[::2, 1] - found[::2, 0]).mean())

    assert margin(after) > margin(before) + 0.1


def test_its_two_trainings_and_the_rest_share_the_minutes_that_the_recipe_allows() -> None:
    chosen = plan(max_minutes=1e-9)
    assert train_wide(WideModel(VOCABULARY, 2), chosen, marks(chosen.examples)) == 1
    assert time_for_the_rest(plan(max_minutes=10.0)).settings.max_minutes == pytest.approx(8.0)
    assert time_for_the_rest(plan()).settings.max_minutes is None


def test_refitted_its_scores_have_the_scale_by_which_it_was_joined() -> None:
    # After one epoch, learning rates are still rising: towards those of all epochs, not of one.
    chosen = plan()
    short = replace(chosen, settings=WIDE_TRAINING, last_epoch=1)
    first, again = WideModel(VOCABULARY, 2), WideModel(VOCABULARY, 2)
    first.weigh(chosen.examples.sequences, marks(chosen.examples))
    train(first, short)
    refit_wide(again, chosen, np.concatenate([marks(chosen.examples), marks(chosen.validation)]), 1)
    spread = [float(scores(wide, chosen.validation.sequences).std()) for wide in (first, again)]
    assert 0.5 < spread[1] / spread[0] < 2.0


def test_refitting_forgets_what_was_learned_before() -> None:
    chosen = plan()
    all_marks = np.concatenate([marks(chosen.examples), marks(chosen.validation)])
    trained, fresh = WideModel(VOCABULARY, 2), WideModel(VOCABULARY, 2)
    train_wide(trained, chosen, marks(chosen.examples))
    for wide in (trained, fresh):
        refit_wide(wide, chosen, all_marks, 3)
    assert same(weights(trained), weights(fresh))
