"""A wide part is chosen by rows that it was not fitted on, calibrated, and fitted on all rows."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.special import softmax
from tests.support.training import VOCABULARY, accuracy, examples, loss, plan, same, weights

from duree.network.batches import Examples
from duree.network.scoring import scores
from duree.network.wide import JoinedModel, WideModel
from duree.sequences.ragged import Ragged
from duree.sequences.spelling import character_ngrams
from duree.tables.split.folds import draw_folds
from duree.training import joined
from duree.training.joined import (
    STRENGTHS,
    calibrate,
    choose_wide,
    join,
    refit_wide,
    time_for_the_rest,
)
from duree.training.plan import Plan
from duree.training.wide import WideFit

NO_NGRAMS = csr_matrix((VOCABULARY, 0))
# Every unit but the special ones is a word of two syllables.
WORDS = ["", "", "", *("".join(two) for two in product(("ba", "ke", "lo", "mi", "nu"), repeat=2))]
NGRAMS = character_ngrams(WORDS[:VOCABULARY])


def marks(rows: Examples) -> np.ndarray:
    return np.eye(2, dtype=bool)[rows.targets]


def folds(chosen: Plan) -> np.ndarray:
    return draw_folds(len(chosen.all_rows), chosen.all_rows.answers, seed=0)


@pytest.mark.parametrize("folded", [False, True])
def test_it_learns_which_token_decides_and_how_strongly_to_fit(folded: bool) -> None:
    wide, chosen = WideModel(VOCABULARY, 2), plan()
    marked = marks(chosen.all_rows)
    choice = choose_wide(wide, chosen, marked, NGRAMS, folds(chosen) if folded else None)
    assert accuracy(choice.held_out, chosen.validation.targets) > 0.9
    assert choice.strength in STRENGTHS
    assert choice.ngrams.shape in (NGRAMS.shape, NO_NGRAMS.shape)


def test_the_scores_of_validation_rows_are_those_of_fits_without_them() -> None:
    chosen = plan()
    fold, marked = folds(chosen), marks(chosen.all_rows)
    choice = choose_wide(WideModel(VOCABULARY, 2), chosen, marked, NO_NGRAMS, fold)
    of_validation = fold[len(chosen.examples) :]
    expected = np.zeros((len(chosen.validation), 2))
    for one in np.unique(of_validation):
        wide, rows = WideModel(VOCABULARY, 2), np.flatnonzero(fold != one)
        fit = WideFit(wide, chosen.all_rows.take(rows), marked[rows], loss, NO_NGRAMS)
        for strength in STRENGTHS[: STRENGTHS.index(choice.strength) + 1]:
            fit.solve(strength)
        held = np.flatnonzero(of_validation == one)
        expected[held] = scores(wide, chosen.validation.sequences.take(held))
    expected = expected * choice.scale + choice.offsets
    np.testing.assert_allclose(choice.held_out, expected, atol=1e-6)


def test_many_rows_are_not_divided_into_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = plan()
    marked = marks(chosen.all_rows)
    by_validation = choose_wide(WideModel(VOCABULARY, 2), chosen, marked, NGRAMS, None)
    monkeypatch.setattr(joined, "MOST_FOLDED_UNITS", 10)
    many = choose_wide(WideModel(VOCABULARY, 2), chosen, marked, NGRAMS, folds(chosen))
    np.testing.assert_array_equal(many.held_out, by_validation.held_out)


@pytest.mark.parametrize("they_help", [True, False])
def test_characters_are_used_if_they_help_with_rows_that_are_held_out(they_help: bool) -> None:
    # A row is positive if a word in it ends in "mi", or if it has one of a few words at random;
    # each word is so rare that it is known by its spelling alone.
    rng = np.random.default_rng(1)
    words = np.arange(3, VOCABULARY)
    ends = np.array([word.endswith("mi") for word in WORDS[3:VOCABULARY]])
    decides = ends if they_help else rng.permutation(ends)
    names = {True: WORDS, False: ["", "", "", *"abcdefghijklmnopqrstuvwxyz"]}[they_help]
    drawn = rng.choice(len(words), (60, 1))
    rows = Examples(Ragged.from_rows(words[row] for row in drawn), decides[drawn[:, 0]] * 1)
    chosen = Plan(
        rows.take(np.arange(40)), rows.take(np.arange(40, 60)), loss, accuracy, plan().settings, 0
    )
    ngrams = character_ngrams(names[:VOCABULARY])
    choice = choose_wide(WideModel(VOCABULARY, 2), chosen, marks(rows), ngrams, folds(chosen))
    assert (choice.ngrams.shape[1] > 0) == they_help


def test_calibration_finds_the_scale_and_the_offset_of_each_class() -> None:
    rng = np.random.default_rng(0)
    true, scale, offsets = rng.normal(size=(20_000, 3)), 3.0, np.array([1.0, -1.0, 0.0])
    answers = (
        softmax(true * scale + offsets, axis=1).cumsum(axis=1) < rng.random((20_000, 1))
    ).sum(axis=1)
    found, by, added = calibrate(true.astype(np.float32), [torch.from_numpy(answers)], loss)
    assert by == pytest.approx(scale, rel=0.05)
    np.testing.assert_allclose(added - added.mean(), offsets, atol=0.08)
    assert found < float(loss(torch.from_numpy(true), torch.from_numpy(answers)))


@given(st.integers(1, 6), st.floats(0.1, 5.0))
def test_a_calibrated_wide_part_gives_the_scores_multiplied_and_moved(seed: int, by: float) -> None:
    rows, wide = examples(20, seed), WideModel(VOCABULARY, 2)
    WideFit(wide, rows, marks(rows), loss, NGRAMS).solve(4.0)
    before, offsets = scores(wide, rows.sequences), np.array([0.5, -1.5])
    wide.calibrate(by, offsets)
    np.testing.assert_allclose(scores(wide, rows.sequences), before * by + offsets, atol=1e-4)


def test_refitted_it_knows_what_stands_in_validation_rows_alone() -> None:
    # Token 3 decides in training; token 9 stands in validation rows only, and decides there.
    plain = examples(60, 0)
    odd = Examples(Ragged.from_rows([[9, 4, 5], [4, 5, 6]] * 10), np.array([1, 0] * 10))
    chosen = Plan(plain, odd, loss, accuracy, plan().settings, 0)
    wide, marked = WideModel(VOCABULARY, 2), marks(chosen.all_rows)
    choice = choose_wide(wide, chosen, marked, NGRAMS, None)
    refit_wide(wide, chosen, marked, choice)

    def margin(found: np.ndarray) -> float:
        return float((found[::2, 1] - found[::2, 0]).mean())

    assert margin(scores(wide, odd.sequences)) > margin(choice.held_out) + 0.1


def test_refitting_forgets_what_was_learned_before() -> None:
    chosen, trained, fresh = plan(), WideModel(VOCABULARY, 2), WideModel(VOCABULARY, 2)
    marked = marks(chosen.all_rows)
    choice = choose_wide(trained, replace(chosen, seed=1), marked, NGRAMS, None)
    for wide in (trained, fresh):
        refit_wide(wide, chosen, marked, choice)
    assert same(weights(trained), weights(fresh))


def test_a_network_that_learned_nothing_gets_no_share() -> None:
    chosen = plan()
    wide, marked = WideModel(VOCABULARY, 2), marks(chosen.all_rows)
    choice = choose_wide(wide, chosen, marked, NGRAMS, folds(chosen))
    noise = np.random.default_rng(0).normal(size=(len(chosen.validation), 2)).astype(np.float32)
    model = JoinedModel(WideModel(VOCABULARY, 2), wide)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joined, "scores", lambda network, sequences: noise)
        found = join(model, chosen.validation, choice.held_out, loss)
    deep, of_wide = model.shares.tolist()
    assert abs(deep) < 0.3 < of_wide
    np.testing.assert_allclose(found, deep * noise + of_wide * choice.held_out, atol=1e-5)


def test_both_fits_and_the_rest_share_the_minutes_that_the_recipe_allows() -> None:
    chosen = plan(max_minutes=1e-9)
    wide, marked = WideModel(VOCABULARY, 2), marks(chosen.all_rows)
    assert choose_wide(wide, chosen, marked, NGRAMS, None).strength == STRENGTHS[0]
    assert time_for_the_rest(plan(max_minutes=10.0)).settings.max_minutes == pytest.approx(8.0)
    assert time_for_the_rest(plan()).settings.max_minutes is None


@pytest.mark.parametrize("threads", [1, 2])
def test_the_choice_is_the_same_on_any_number_of_threads(threads: int) -> None:
    chosen, before = plan(), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        marked = marks(chosen.all_rows)
        choice = choose_wide(WideModel(VOCABULARY, 2), chosen, marked, NGRAMS, folds(chosen))
    finally:
        torch.set_num_threads(before)
    again = choose_wide(WideModel(VOCABULARY, 2), chosen, marked, NGRAMS, folds(chosen))
    np.testing.assert_array_equal(choice.held_out, again.held_out)
    assert choice.scale == again.scale
