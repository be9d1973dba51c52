"""What flips a decision, and what distinguishes two groups."""

from __future__ import annotations

import numpy as np
import pytest
from tests.support.planted_words import DECIDING, NEGATION

from duree.errors import DataError
from duree.explain.attribution import integrated_gradients
from duree.explain.contrast import flip, separations, strengths
from duree.sequences.ragged import Ragged


def test_the_words_without_which_the_answer_flips_are_few_and_all_needed(planted):
    found_one = 0
    for row in range(30):
        sequence = planted.sequences[row]
        found = flip(planted.model, sequence)
        if not found.steps:
            continue
        found_one += 1
        assert found.before != found.after
        assert predicted(planted, np.delete(sequence, found.steps)) == found.after
        for step in found.steps:
            fewer = [other for other in found.steps if other != step]
            assert predicted(planted, np.delete(sequence, fewer)) == found.before
    assert found_one > 20


def test_taking_out_the_negation_is_the_smallest_flip(planted):
    flips = [
        flip(planted.model, planted.sequences[row])
        for row in range(60)
        if len(planted.deciding[row]) == 2
    ]
    negated = [planted.deciding[row] for row in range(60) if len(planted.deciding[row]) == 2]
    at_negation = [f.steps == [min(places)] for f, places in zip(flips, negated, strict=True)]
    assert np.mean(at_negation) > 0.9
    assert all(f.smallest for f, hit in zip(flips, at_negation, strict=True) if hit)


def predicted(planted, sequence):
    rows = Ragged.from_rows([sequence])
    return planted.model.task.columns(planted.model.predictions(rows))[0][0]


def test_a_regression_has_no_decision_to_flip(numeric):
    with pytest.raises(DataError, match="not a decision"):
        flip(numeric[0], numeric[1][0])


def test_shares_of_all_words_add_up_to_the_whole_difference(planted, monkeypatch):
    monkeypatch.setattr("duree.explain.contrast.LEAST_ROWS", 1)
    rows = planted.sequences
    given = integrated_gradients(planted.model, rows, np.ones(len(rows), dtype=np.int64))
    second = planted.answers == 0
    found = separations(rows, given, second, planted.model.encoder.vocabulary)
    assert sum(one.share for one in found) == pytest.approx(1, abs=0.02)
    assert all(one.low <= one.share <= one.high for one in found)


def test_the_deciding_words_separate_the_classes_and_fillers_do_not(planted):
    rows = planted.sequences
    given = integrated_gradients(planted.model, rows, np.ones(len(rows), dtype=np.int64))
    vocabulary = planted.model.encoder.vocabulary
    found = separations(rows, given, planted.answers == 0, vocabulary)
    findings = {one.words for one in found if one.finding}
    assert {NEGATION, *DECIDING} & findings
    assert len(findings - {NEGATION, *DECIDING}) <= 2
    phrases = separations(rows, given, planted.answers == 0, vocabulary, length=2)
    assert phrases[0].words in {f"{NEGATION} {word}" for word in DECIDING}


def test_the_strongest_tokens_are_those_that_decide(planted):
    rows = planted.sequences
    given = integrated_gradients(planted.model, rows)
    first = strengths(rows, given.values)[0]
    assert planted.model.encoder.vocabulary[first.token] in {NEGATION, *DECIDING}
    assert first.least <= first.mean


def test_a_set_that_may_not_be_is_not_found_and_random_sets_are_counted(planted):
    sequence = planted.sequences[0]
    found = flip(planted.model, sequence)
    assert found.steps
    assert 0 <= found.by_chance <= 1
    others = np.ones(len(sequence), dtype=bool)
    others[found.steps] = False
    without = flip(planted.model, sequence, others)
    assert not set(without.steps) & set(found.steps)
    everything = flip(planted.model, sequence, ~others)
    assert sorted(everything.steps) == sorted(found.steps)
    assert everything.by_chance == 1.0  # each random set of all removable words is this one
