"""Metrics of what comes next, against plain loops."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.evaluation.metrics import FLOOR
from duree.evaluation.next_metrics import NEXT, ranks


def steps(seed: int, count: int = 40, states: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, with ties and certainties among them; what came, and what was before it."""
    rng = np.random.default_rng(seed)
    shares = rng.integers(0, 4, (count, states)) + np.eye(states)[rng.integers(0, states, count)]
    predictions = shares / shares.sum(axis=1, keepdims=True)
    came = rng.integers(0, states, count)
    before = np.where(rng.random(count) < 0.6, came, rng.integers(0, states, count))
    return predictions, np.stack([came, before], axis=1)


@given(st.integers(0, 5000))
def test_every_figure_is_that_of_a_plain_loop(seed: int) -> None:
    predictions, targets = steps(seed)
    bits, right, places, changed = [], [], [], []
    for shares, (came, before) in zip(predictions.tolist(), targets.tolist(), strict=True):
        bits.append(-log2(max(shares[came], FLOOR)))
        right.append(shares.index(max(shares)) == came)
        likelier = sum(share > shares[came] for share in shares)
        as_likely = sum(share == shares[came] for share in shares)
        places.append(likelier + (as_likely + 1) / 2)
        changed.append(came != before)
    moves = [place for place, moved in enumerate(changed) if moved]
    wanted = {
        "bits": np.mean(bits),
        "accuracy": np.mean(right),
        "change_accuracy": np.mean([right[place] for place in moves]),
        "change_bits": np.mean([bits[place] for place in moves]),
        "mrr": np.mean([1 / place for place in places]),
        "top3_accuracy": np.mean([place <= 3 for place in places]),
    }
    found = NEXT.values(predictions, targets)
    assert found == {name: pytest.approx(value) for name, value in wanted.items()}


def test_states_that_are_equally_likely_share_their_mean_rank() -> None:
    predictions = np.array([[0.4, 0.4, 0.2], [1 / 3, 1 / 3, 1 / 3], [0.7, 0.2, 0.1]])
    assert ranks(predictions, np.array([1, 0, 2])).tolist() == [1.5, 2.0, 3.0]


def test_a_uniform_prediction_costs_as_many_bits_as_it_takes_to_name_the_state() -> None:
    predictions, (_, targets) = np.full((10, 8), 1 / 8), steps(1, 10, 8)
    assert NEXT.values(predictions, targets)["bits"] == pytest.approx(3.0)


def test_without_changes_there_are_no_figures_of_changes() -> None:
    predictions, targets = steps(2)
    targets[:, 1] = targets[:, 0]
    assert not {"change_accuracy", "change_bits"} & set(NEXT.values(predictions, targets))


def test_top3_accuracy_of_three_states_is_not_reported() -> None:
    for states, reported in ((3, False), (4, False), (5, True)):
        predictions, targets = steps(3, states=states)
        assert ("top3_accuracy" in NEXT.values(predictions, targets)) is reported


def test_a_certain_mistake_is_a_finite_surprise() -> None:
    found = NEXT.values(np.array([[1.0, 0.0]]), np.array([[1, 0]]))
    assert found["bits"] == pytest.approx(-log2(FLOOR))
