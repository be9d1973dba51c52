"""A network that may see less of the past, and what that costs it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from duree.explain.context_length import _states_within, memory_cost, memory_curve
from duree.explain.model import recurrent_part, shuffled
from duree.network.scoring import scores
from duree.sequences.ragged import Ragged


@pytest.mark.parametrize("span", [1, 2, 4, 8, 16])
def test_no_state_has_seen_more_than_the_span_nor_less_than_three_quarters(planted, span):
    rows, deep = planted.sequences.take(np.arange(4)), recurrent_part(planted.model)
    hidden = deep.settings.hidden_size
    with torch.inference_mode():
        states = _states_within(deep, rows, span)
        for row in range(4):
            tokens = torch.from_numpy(rows[row].astype(np.int64))
            found = states[rows.offsets[row] : rows.offsets[row + 1]]
            for step in range(len(tokens)):
                ahead, back = [], []
                for seen in range(span - max(1, span // 4) + 1, span + 1):
                    left = tokens[max(0, step - seen + 1) : step + 1]
                    right = tokens[step : step + seen]
                    ahead.append(deep.states(left[None], torch.tensor([len(left)]))[0, -1, :hidden])
                    back.append(deep.states(right[None], torch.tensor([len(right)]))[0, 0, hidden:])
                for half, candidates in ((slice(hidden), ahead), (slice(hidden, None), back)):
                    gaps = [np.abs(found[step, half] - c.numpy()).max() for c in candidates]
                    assert min(gaps) < 1e-5


def test_the_last_point_is_the_network_itself(planted):
    curve = memory_curve(planted.model, planted.sequences)
    np.testing.assert_array_equal(
        curve.scores[-1], scores(recurrent_part(planted.model), planted.sequences)
    )
    assert curve.spans == [1, 2, 4, 8, 16, int(planted.sequences.lengths.max())]


def test_a_negation_right_before_the_word_needs_a_memory_of_two(planted):
    curve = memory_curve(planted.model, planted.sequences)
    right = (curve.scores.argmax(axis=2) == planted.answers).mean(axis=1)
    assert right[0] < 0.8
    assert right[1] > right[0] + 0.15
    assert right[-1] > 0.97


def test_the_cost_is_what_is_read():
    assert memory_cost(np.array([1, 2, 3, 9])).tolist() == [1, 4, 12, 9 * 12]


def test_shuffling_keeps_each_rows_words_and_the_seed_decides_their_order():
    rows = Ragged.from_rows([[1, 2, 3, 4, 5, 6, 7], [9], [8, 8, 7]])
    mixed = shuffled(rows, 3)
    assert [sorted(mixed[row]) for row in range(3)] == [sorted(rows[row]) for row in range(3)]
    np.testing.assert_array_equal(mixed.values, shuffled(rows, 3).values)
    assert mixed[0].tolist() != rows[0].tolist()
