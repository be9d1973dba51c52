"""Life courses that follow a rule, and the recipe of a small run that predicts the next state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from duree.recipe.recipe import Recipe

TIMES = [f"t{time:02}" for time in range(1, 17)]


# After each state the one that follows, by whether one was trained.
ROUNDS = {"yes": "abc", "no": "acb"}


SMALL = {
    "model.hidden_size": 12,
    "model.embedding_size": 8,
    "training.epochs": 25,
    "training.learning_rate": 0.02,
    "evaluation.bootstrap": 200,
    "evaluation.forest_trees": 20,
}


def life_courses(rows: int, seed: int = 0) -> pl.DataFrame:
    """Each state lasts four steps, of which some are over at first; who was trained goes round one
    way, and who was not the other."""
    rng = np.random.default_rng(seed)
    courses, trained = [], rng.choice(["yes", "no"], rows)
    for was in trained:
        place, lasted, course = rng.integers(3), rng.integers(4), []
        for _ in TIMES:
            course.append(ROUNDS[was][place])
            lasted += 1
            if lasted == 4:
                place, lasted = (place + 1) % 3, 0
        courses.append(course)
    frame = pl.DataFrame(courses, schema=TIMES, orient="row")
    return frame.with_columns(
        pl.Series("trained", trained),
        pl.lit(1).alias("count"),
        pl.Series("id", [f"P{n:03}" for n in range(rows)]),
    )


def recipe(table: Path, **overrides: object) -> Recipe:
    settings = {
        "task": "next",
        "data": {
            "files": [str(table)],
            "states": ["t01:t16"],
            "id": "id",
            "covariate": ["trained"],
        },
    }
    dotted = {name.replace("__", "."): value for name, value in overrides.items()}
    return Recipe.build(settings).replace(SMALL | dotted)
