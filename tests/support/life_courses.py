"""Life courses of monthly states, and the recipe of a small run on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from tests.support.letters import SMALL

from duree.recipe.recipe import Recipe

TIMES = [f"m{month:02}" for month in range(1, 25)]


STATES = np.array(["school", "training", "work", "jobless"])


def life_courses(rows: int, seed: int = 0) -> pl.DataFrame:
    """Life courses that stay in a state for long; who went through training found better pay.

    Whether training came before the first work is what counts, not how long it lasted.
    """
    rng = np.random.default_rng(seed)
    courses, early = [], rng.integers(0, 2, rows)
    for first in early:
        middle = ["training", "work"] if first else ["work", "training"]
        spells = ["school", *middle, "jobless", *rng.choice(STATES, 2)]
        lengths = rng.integers(2, 7, len(spells))
        courses.append(np.repeat(spells, lengths)[: len(TIMES)].tolist())
    cells = [course + [None] * (len(TIMES) - len(course)) for course in courses]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(TIMES, pl.String), orient="row")
    return frame.with_columns(
        pl.Series("pay", np.where(early == 1, "good", "poor")),
        pl.Series("wage", 10 + 5 * early + rng.normal(size=rows)),
        pl.Series("id", [f"P{n:03}" for n in range(rows)]),
    )


def recipe(table: Path, **overrides: object) -> Recipe:
    settings = {"data": {"files": [str(table)], "states": ["m01:m24"], "target": "pay", "id": "id"}}
    dotted = {name.replace("__", "."): value for name, value in overrides.items()}
    return Recipe.build(settings).replace(SMALL | {"training.epochs": 30} | dotted)
