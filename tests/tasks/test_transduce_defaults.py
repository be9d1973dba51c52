"""Defaults by the data: words get monotonic attention, sentences do not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from duree.recipe.recipe import Defaults, Recipe
from duree.tasks.transduce_defaults import SENTENCES, WORDS, suited


def texts(length: int, letters: int, rows: int = 2000) -> pl.Series:
    """Texts of some length in characters from an alphabet of so many letters."""
    drawn = np.random.default_rng(0).integers(0, letters, (rows, length)) + ord("一")
    return pl.Series(["".join(map(chr, row)) for row in drawn])


@pytest.mark.parametrize(
    ("source", "target", "letters", "expected"),
    [
        (10, 9, 40, WORDS),  # spelling
        (8, 7, 90, WORDS),  # sounds
        (25, 30, 60, WORDS),  # long words
        (20, 28, 4500, SENTENCES),  # Chinese sentences
        (120, 130, 60, SENTENCES),  # sentences by character
    ],
)
def test_words_get_monotonic_attention_and_sentences_do_not(
    source: int, target: int, letters: int, expected: Defaults
) -> None:
    pairs = texts(source, letters), texts(target, letters)
    assert suited(("characters", "characters"), *pairs) is expected


def test_sub_words_are_those_of_sentences() -> None:
    words = pl.Series(["to be"] * 10)
    assert suited(("subwords", "subwords"), words, words) is SENTENCES


def test_symbols_are_counted_between_blanks() -> None:
    words, sounds = texts(9, 30), pl.Series([" ".join(["tʃ", "iː"] * 40)] * 2000)
    assert suited(("characters", "symbols"), words, sounds) is WORDS


def test_one_long_row_among_many_words_changes_nothing() -> None:
    words = texts(9, 60)
    long = pl.concat([words, texts(400, 60, 1)])
    assert suited(("characters", "characters"), long, long) is WORDS
    few = long.tail(20)
    assert suited(("characters", "characters"), few, few) is SENTENCES


@pytest.mark.parametrize("defaults", [WORDS, SENTENCES])
def test_every_default_is_a_setting(defaults: Defaults) -> None:
    recipe = Recipe().with_defaults(defaults)
    for section, values in defaults.items():
        for name, value in values.items():
            assert getattr(getattr(recipe, section), name) == value
