"""Defaults by the data: words get monotonic attention, sentences do not."""

from __future__ import annotations

import numpy as np
import pytest

from duree.recipe.recipe import Defaults, Recipe
from duree.tasks.transduce_defaults import SENTENCES, WORDS, suited


@pytest.mark.parametrize(
    ("source", "target", "outputs", "expected"),
    [
        (10, 9, 40, WORDS),  # spelling
        (8, 7, 90, WORDS),  # sounds
        (25, 30, 60, WORDS),  # long words
        (14, 15, 6000, SENTENCES),  # sub-words
        (20, 28, 4500, SENTENCES),  # Chinese characters
        (120, 130, 60, SENTENCES),  # sentences by character
    ],
)
def test_words_get_monotonic_attention_and_sentences_do_not(
    source: int, target: int, outputs: int, expected: Defaults
) -> None:
    rows = np.ones(2000, dtype=np.int64)
    assert suited(source * rows, target * rows, outputs)["model"] == expected["model"]


def test_one_long_row_among_many_words_changes_nothing() -> None:
    lengths = np.full(2000, 9)
    lengths[7] = 400
    assert suited(lengths, lengths, 60)["model"] == WORDS["model"]
    assert suited(lengths[:20], lengths[:20], 60)["model"] == SENTENCES["model"]


def test_few_pairs_are_read_more_often_than_many() -> None:
    epochs = []
    for rows in (100, 3_600, 50_000):
        lengths = np.full(rows, 9)
        training = suited(lengths, lengths, 60)["training"]
        assert training["batch_size"] == WORDS["training"]["batch_size"]
        epochs.append(training["epochs"])
    assert epochs == [40, 27, 6]


@pytest.mark.parametrize("defaults", [WORDS, SENTENCES])
def test_every_default_is_a_setting(defaults: Defaults) -> None:
    recipe = Recipe().with_defaults(defaults)
    for section, values in defaults.items():
        for name, value in values.items():
            assert getattr(getattr(recipe, section), name) == value
