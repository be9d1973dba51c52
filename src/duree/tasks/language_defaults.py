"""Defaults of language models, by the units and the amount of text.

Shakespeare's characters (its first eight tenths; nats per character on the tenth before the last):
GRU of 256 states, dropout 0.1, batches of 32: 1.605 after 4 epochs; of 384 states, dropout of 0.25
on outputs and 0.1 on recurrent weights, batches of 64: 1.579 after 4 of 8 epochs, 1.514 after all.
Penn Treebank, words: 97 on validation after 5 of 6 epochs (perplexity). Tang poems, characters: 102
after 7 epochs, 126 after the first 2. Other sizes follow the time of a step: for words and for many
characters they were not compared.
"""

from __future__ import annotations

import polars as pl

from duree.recipe.recipe import Defaults
from duree.recipe.settings import EpochBudget
from duree.sequences.language_units import Kind

CHARACTERS: Defaults = {
    "model": {
        "cell": "gru",
        "embedding_size": 64,
        "hidden_size": 384,
        "word_dropout": 0.0,
        "input_dropout": 0.0,
        "recurrent_dropout": 0.1,
        "output_dropout": 0.25,
    },
    "training": {"learning_rate": 0.005, "batch_size": 64, "chunk_length": 100},
}
WORDS: Defaults = {
    "model": {
        "cell": "lstm",
        "embedding_size": 256,
        "hidden_size": 512,
        "word_dropout": 0.1,
        "input_dropout": 0.3,
        "recurrent_dropout": 0.3,
        "output_dropout": 0.3,
    },
    "training": {"learning_rate": 0.004, "batch_size": 32, "chunk_length": 35},
}
# Where there are many characters, as in Chinese, they are words rather than letters.
MANY_CHARACTERS = 1_000
MANY: Defaults = {
    "model": {
        "cell": "gru",
        "embedding_size": 192,
        "hidden_size": 384,
        "word_dropout": 0.0,
        "input_dropout": 0.2,
        "recurrent_dropout": 0.2,
        "output_dropout": 0.3,
    },
    "training": {"learning_rate": 0.004, "batch_size": 64, "chunk_length": 100},
}


# Of words, and of characters: 12 epochs of the Penn Treebank; 8 of Tang poems, 32 of Shakespeare.
BUDGETS = EpochBudget(steps=9_500, epochs=100), EpochBudget(steps=4_500, epochs=100)


def suited(kind: Kind, texts: pl.Series) -> Defaults:
    """The defaults for training texts with these units."""
    if kind != "characters":
        return WORDS
    characters: set[str] = set()
    for text in texts.to_list():
        characters.update(text)
        if len(characters) > MANY_CHARACTERS:
            return MANY
    return CHARACTERS


def names() -> tuple[str, ...]:
    """The dotted names of the settings."""
    return tuple(f"{section}.{name}" for section, values in WORDS.items() for name in values)
