"""Letters whose tone depends on one word, and the recipe of a small run on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from duree.recipe.recipe import Recipe

SMALL = {
    "model.hidden_size": 8,
    "model.embedding_size": 8,
    "training.epochs": 2,
    "evaluation.forest_trees": 10,
    "evaluation.bootstrap": 200,
}


def letters(rows: int, seed: int = 0) -> pl.DataFrame:
    """Letters whose tone depends on one word, with an author and a year."""
    rng = np.random.default_rng(seed)
    tones = rng.integers(0, 2, rows)
    words = np.array([f"word{number}" for number in range(200)])
    texts = [
        " ".join([*rng.choice(words, 12), ("grim", "glad")[tone], *rng.choice(words, 6)])
        for tone in tones
    ]
    return pl.DataFrame(
        {
            "id": [f"{number:03}" for number in range(rows)],
            "author": [f"A{number % 20}" for number in range(rows)],
            "year": [str(1800 + number // 10) for number in range(rows)],
            "letter": texts,
            "tone": [("bad", "good")[tone] for tone in tones],
            "warmth": [f"{2.5 * tone + rng.normal():.3f}" for tone in tones],
        }
    )


def recipe(table: Path, **overrides: object) -> Recipe:
    settings = {"data.files": (str(table),), "data.text": "letter", "data.target": "tone"}
    dotted = {name.replace("__", "."): value for name, value in overrides.items()}
    return Recipe().replace(settings | SMALL | dotted)


def recipe_alone(table: Path, **overrides: object) -> Recipe:
    """The recipe of a network without baselines."""
    return recipe(table, **{"evaluation__baselines": False} | overrides)
