"""Choices among ways to predict pairs."""

from __future__ import annotations

import numpy as np

from duree.tasks.pair_examples import best_choice


def test_the_last_choice_stands_unless_another_is_better_beyond_noise() -> None:
    last = np.array([True] * 80 + [False] * 20)
    by_chance = last.copy()
    by_chance[80:83], by_chance[:2] = True, False
    assert best_choice([by_chance, last], None) == 1
    by_six = last.copy()
    by_six[80:86] = True
    assert best_choice([by_chance, by_six, last], None) == 1
    assert best_choice([~last, last], None) == 1


def test_weights_of_rows_count_in_a_choice() -> None:
    last = np.array([True, False] * 50)
    other = ~last
    weights = np.where(other, 3.0, 1.0).astype(np.float32)
    assert best_choice([other, last], weights) == 0
    assert best_choice([other, last], None) == 1
