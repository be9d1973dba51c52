"""Documents of a small grammar, in which order matters, and the recipe of a small run on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from duree.recipe.recipe import Recipe

NOUNS = ["cat", "dog", "man", "owl"]
VERBS = ["sees", "hears", "fears"]
SMALL = {
    "model.hidden_size": 24,
    "model.embedding_size": 16,
    "model.recurrent_dropout": 0.0,
    "model.output_dropout": 0.0,
    "training.epochs": 6,
    "training.batch_size": 8,
    "training.chunk_length": 60,
    "training.learning_rate": 0.02,
    "evaluation.bootstrap": 100,
    "evaluation.baselines": False,
}


def sentence(rng: np.random.Generator) -> str:
    one, other = rng.choice(NOUNS, 2)
    return f"The {one} {rng.choice(VERBS)} a {other}."


def documents(rows: int, seed: int = 0) -> pl.DataFrame:
    """Texts of three to six sentences, by one of four authors, in some year."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(sentence(rng) for _ in range(rng.integers(3, 7))) for _ in range(rows)]
    return pl.DataFrame(
        {
            "text": texts,
            "author": rng.choice(["Ann", "Bob", "Cyd", "Dee"], rows),
            "year": rng.integers(1900, 1940, rows),
        }
    )


def shuffled(text: str, seed: int = 0) -> str:
    """The words of a text in random order."""
    words = text.split()
    np.random.default_rng(seed).shuffle(words)
    return " ".join(words)


def recipe(file: Path, **settings: object) -> Recipe:
    data = {"files": [str(file)], "text": "text"}
    return Recipe.build({"task": "language", "data": data}).replace(SMALL | settings)
