"""Attributions add up, name what decides, and depend on nothing but the row."""

from __future__ import annotations

import copy

import numpy as np
import polars as pl
import pytest
import torch
from tests.support.untrained import untrained_model

from duree import SequenceClassifier
from duree.explain.attribution import (
    METHODS,
    gradient_times_input,
    integrated_gradients,
    occlusion,
    quantity,
)
from duree.explain.model import recurrent_part, sentences, wide_part, without
from duree.network.batches import pad
from duree.recipe.recipe import Recipe
from duree.sequences.ragged import EMPTY, Ragged
from duree.tasks.multilabel import Multilabel


def planted_first(found, deciding):
    return np.mean(
        [
            set(np.argsort(-np.abs(found.values[row]))[: len(places)]) == places
            for row, places in enumerate(deciding)
        ]
    )


def test_integrated_gradients_add_up_to_the_difference_within_one_per_cent(planted, joined):
    for model in (planted.model, joined):
        found = integrated_gradients(model, planted.sequences)
        assert found.incomplete.max() <= 0.0101


def test_integrated_gradients_are_those_of_a_fine_sum_along_the_path(planted):
    model, rows = planted.model, planted.sequences.take(np.arange(5))
    found = integrated_gradients(model, rows)
    deep = recurrent_part(model)
    values, lengths = pad(rows, np.arange(5))
    x, outputs = deep.vectors(values).detach(), torch.from_numpy(found.outputs)
    total, points = torch.zeros(values.shape), 2000
    for point in range(points):
        at = ((point + 0.5) / points * x).requires_grad_()
        states = deep.recurrent.hidden_states(at, lengths)
        explained = model.task.explained(deep.answer(states, lengths), outputs)
        total += (torch.autograd.grad(explained.sum(), at)[0] * x).sum(dim=2) / points
    for row in range(5):
        np.testing.assert_allclose(
            found.values[row], total[row, : lengths[row]], rtol=0.02, atol=0.05
        )


@pytest.mark.parametrize("scale", [1e-3, 1e-5, 1e-7])
def test_scores_that_hardly_change_are_not_refined_without_end(planted, scale):
    model = copy.deepcopy(planted.model)
    deep = recurrent_part(model)
    calls = []
    deep.pooling.register_forward_hook(lambda *call: calls.append(1))
    integrated_gradients(model, planted.sequences)
    usual = len(calls)
    with torch.no_grad():
        deep.head.weight *= scale
        deep.head.bias += torch.tensor([0.0, 1.0])
    calls.clear()
    found = integrated_gradients(model, planted.sequences)
    assert len(calls) <= usual
    assert np.abs(found.gap).max() < 1e-4


def test_planted_words_come_first(planted):
    found = integrated_gradients(planted.model, planted.sequences)
    assert planted_first(found, planted.deciding) >= 0.98


def test_occlusion_is_the_difference_that_leaving_a_word_out_makes(planted):
    rows = planted.sequences.take(np.array([3]))
    found = occlusion(planted.model, rows)
    whole = quantity(planted.model, rows, found.outputs)[0]
    for step in range(len(rows[0])):
        shorter = Ragged.from_rows([np.delete(rows[0], step)])
        left = quantity(planted.model, shorter, found.outputs)[0]
        assert found.values[0][step] == pytest.approx(whole - left, abs=1e-5)


def test_occlusion_by_sentence_gives_every_word_of_a_sentence_the_same(planted):
    vocabulary = planted.model.encoder.vocabulary
    full_stop = len(vocabulary)
    row = np.array([5, 6, full_stop, 7, 8, full_stop, full_stop, 9], dtype=np.int32)
    number = sentences([*vocabulary, "."])
    assert number(row).tolist() == [0, 0, 0, 1, 1, 1, 1, 2]


def test_the_gradient_times_the_input_is_the_slope_at_the_text_itself(planted):
    rows = planted.sequences.take(np.arange(20))
    found = gradient_times_input(planted.model, rows)
    deep = recurrent_part(planted.model)
    values, lengths = pad(rows, np.arange(20))
    outputs = torch.from_numpy(found.outputs)
    with torch.no_grad():
        x = deep.vectors(values)
        ends = [
            planted.model.task.explained(
                deep.answer(deep.recurrent.hidden_states(part * x, lengths), lengths), outputs
            )
            for part in (0.999, 1.001)
        ]
    slope = ((ends[1] - ends[0]) / 0.002).numpy()
    np.testing.assert_allclose(found.values.sums(), slope, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("method", list(METHODS))
def test_a_row_has_the_same_attributions_alone_and_among_others(planted, joined, method):
    for model in (planted.model, joined):
        together = METHODS[method](model, planted.sequences.take(np.arange(30)))
        alone = METHODS[method](model, planted.sequences.take(np.array([7])))
        np.testing.assert_allclose(together.values[7], alone.values[0], atol=2e-4)


def test_what_the_wide_part_gives_to_places_adds_up_to_its_score(joined, planted):
    wide = wide_part(joined)
    values, lengths = pad(planted.sequences, np.arange(30))
    given = wide.contributions(values, lengths).sum(dim=1)
    with torch.no_grad():
        torch.testing.assert_close(given, wide(values, lengths) - wide.bias, atol=1e-5, rtol=1e-5)


def test_repeated_words_share_what_they_add_alike(joined):
    wide = wide_part(joined)
    values = torch.tensor([[5, 6, 5, 6, 5, 6, 0]])
    given = wide.contributions(values, torch.tensor([6]))[0, :, 0]
    assert given[2] == pytest.approx(given[4].item(), abs=1e-6)
    assert given[6] == 0


def test_numbers_are_attributed_to_steps(numeric):
    model, rows = numeric
    found = integrated_gradients(model, rows)
    assert found.incomplete.max() <= 0.02
    assert found.score == pytest.approx(model.predictions(rows)[:, 0], abs=1e-4)
    lost = occlusion(model, rows)
    assert lost.values.values.shape == found.values.values.shape == (72,)


def test_each_of_several_labels_can_be_explained():
    texts = pl.Series("text", ["rain and wind", "sun", "rain", "wind and sun"] * 10)
    task = Multilabel.from_target(
        pl.Series("sky", ["rain;wind", "sun", "rain", "wind;sun"] * 10), Recipe()
    )
    model = SequenceClassifier(hidden_size=8, embedding_size=8, epochs=2).fit(texts, [0, 1] * 20)
    encoder, settings = model.model_.encoder, model.model_.settings
    labels = untrained_model(encoder, task, settings, seed=1)
    labels.network.eval()
    rows = labels.encode(texts[:4])
    for output in range(3):
        found = integrated_gradients(labels, rows, np.full(4, output))
        assert found.incomplete.max() <= 0.02


def test_a_text_that_loses_all_its_words_is_empty():
    rows = Ragged.from_rows([[5, 6], [7], [8, 9]])
    left = without(rows, np.array([False, False, True, True, False]))
    assert [row.tolist() for row in (left[0], left[1], left[2])] == [[EMPTY], [7], [8]]
