"""Whole texts lie together as the network answers alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from duree.explain.model import recurrent_part
from duree.explain.states import nearest_rows, pooled_states, state_map
from duree.network.scoring import scores


def test_the_head_makes_the_scores_from_the_pooled_states(planted):
    states = pooled_states(planted.model, planted.sequences)
    deep = recurrent_part(planted.model)
    with torch.inference_mode():
        found = deep.head(torch.from_numpy(states)).numpy()
    np.testing.assert_allclose(found, scores(deep, planted.sequences), atol=1e-5)


def test_the_nearest_texts_have_the_same_answer(planted):
    same = [
        planted.answers[other] == planted.answers[row]
        for row in range(20)
        for other, _ in nearest_rows(planted.model, planted.sequences, row, 3)
    ]
    assert np.mean(same) > 0.9
    with pytest.raises(IndexError, match="row 120 of 120"):
        nearest_rows(planted.model, planted.sequences, 120)


def test_the_map_separates_the_predictions(planted):
    first = state_map(planted.model, planted.sequences)[:, 0]
    middles = [np.median(first[planted.answers == answer]) for answer in (0, 1)]
    assert np.mean((first > np.mean(middles)) == (planted.answers == np.argmax(middles))) > 0.9
