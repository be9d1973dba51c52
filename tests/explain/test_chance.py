"""Words are listed only where chance does not give as much."""

from __future__ import annotations

import numpy as np
import pytest

from duree.explain.chance import chance_similarity, go_with_answers, is_mark
from duree.sequences.ragged import Ragged

ROWS, WORDS = 300, 60


def rows_of_words(seed: int) -> tuple[Ragged, np.ndarray]:
    """Rows of ten words; word 3 stands in most rows with the answer and in few others."""
    rng = np.random.default_rng(seed)
    answers = rng.integers(0, 2, ROWS).astype(np.float64)
    steps = rng.integers(4, WORDS, (ROWS, 10)).astype(np.int32)
    steps[rng.random(ROWS) < 0.15 + 0.6 * answers, 0] = 3
    return Ragged(steps.ravel(), np.arange(0, ROWS * 10 + 1, 10)), answers


def test_a_word_that_goes_with_the_answer_stands_out_and_the_others_do_not() -> None:
    rows, answers = rows_of_words(0)
    words = np.array([40, 3, *range(4, 30)])
    assert go_with_answers(rows, words, answers, 0).tolist() == [False, True, *[False] * 26]
    assert not go_with_answers(rows, words, 1 - answers, 0)[1]
    assert not go_with_answers(rows, words, np.ones(ROWS), 0).any()
    assert go_with_answers(rows, np.array([], dtype=np.int64), answers, 0).tolist() == []


def test_shuffled_answers_list_a_word_in_one_of_twenty_draws_at_most() -> None:
    found = 0
    for seed in range(40):
        rows, answers = rows_of_words(seed)
        shuffled = np.random.default_rng(seed).permutation(answers)
        found += bool(go_with_answers(rows, np.arange(3, WORDS), shuffled, seed).any())
    assert found <= 6  # 2 are expected, and more than 6 have a probability of 0.5 %


@pytest.mark.parametrize("unit", [",", "...", "10", "3.5", "—", "%", "$", "１２", "。"])
def test_punctuation_and_numbers_are_no_words(unit: str) -> None:
    assert is_mark(unit)


@pytest.mark.parametrize("unit", ["glad", "3rd", "好", "😀", "co-op", "don't"])
def test_words_are_words(unit: str) -> None:
    assert not is_mark(unit)


def test_twins_are_more_similar_than_random_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 16))
    vectors[1] = vectors[0] + 0.05 * rng.normal(size=16)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    monkeypatch.setattr(
        "duree.explain.chance.unit_vectors", lambda _: ([f"w{n}" for n in range(200)], vectors)
    )
    least = chance_similarity(None, 0)  # type: ignore[arg-type]
    near = (vectors @ vectors.T - 2 * np.eye(200)).max(axis=1)
    assert near[0] > least
    assert (near[2:] > least).mean() < 0.2
    assert chance_similarity(None, 0) == least  # type: ignore[arg-type]
