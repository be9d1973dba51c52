"""Curves that distinguish a faithful attribution from a random one."""

from __future__ import annotations

import numpy as np
import pytest

from duree.explain.attribution import Attributions, integrated_gradients
from duree.explain.faithfulness import agreement, faithfulness
from duree.explain.model import without
from duree.sequences.ragged import Ragged


def test_removing_the_deciding_words_first_lowers_the_score_at_once(planted):
    found = integrated_gradients(planted.model, planted.sequences)
    areas = faithfulness(planted.model, planted.sequences, found).areas
    assert areas["deletion"] < 0.8 * areas["random_deletion"]
    assert areas["insertion"] > areas["random_insertion"] + 0.1


def test_curves_begin_and_end_at_the_whole_and_the_empty_text(planted):
    rows = planted.sequences
    found = faithfulness(planted.model, rows, integrated_gradients(planted.model, rows))
    whole = planted.model.predictions(rows).max(axis=1).mean()
    nothing = planted.model.predictions(without(rows, np.zeros(len(rows.values), dtype=bool)))
    outputs = planted.model.predictions(rows).argmax(axis=1)
    empty = nothing[np.arange(len(rows)), outputs].mean()
    assert found.deletion[[0, -1]] == pytest.approx([whole, empty])
    assert found.insertion[[0, -1]] == pytest.approx([empty, whole])


def test_a_meaningless_attribution_does_no_better_than_chance(planted):
    rows = planted.sequences
    given = integrated_gradients(planted.model, rows)
    noise = np.random.default_rng(5).normal(size=len(rows.values)).astype(np.float32)
    idle = Attributions(Ragged(noise, rows.offsets), given.outputs, given.score, given.start)
    areas = faithfulness(planted.model, rows, idle).areas
    assert areas["deletion"] == pytest.approx(areas["random_deletion"], abs=0.05)


def test_the_curve_of_a_regression_falls_from_one_to_zero(numeric):
    model, rows = numeric
    found = faithfulness(model, rows, integrated_gradients(model, rows))
    assert found.deletion[[0, -1]] == pytest.approx([1.0, 0.0], abs=1e-6)


def test_networks_of_two_seeds_agree_more_than_chance(planted, other_seed):
    rows = planted.sequences
    one, other = (integrated_gradients(model, rows) for model in (planted.model, other_seed))
    assert agreement(one, one) == pytest.approx(np.ones(len(rows)))
    assert agreement(one, other).mean() > 0.3
