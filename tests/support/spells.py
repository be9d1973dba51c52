"""Life courses as spells and events, and the recipe of a small run on them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from tests.support.letters import SMALL
from tests.support.life_courses import TIMES

from duree.recipe.recipe import Recipe

SPELLS = {"id": "id", "state": "status", "start": "from", "end": "to"}


EVENTS = {"id": "id", "event": ["status"], "time": "at"}


def spells(wide: pl.DataFrame) -> pl.DataFrame:
    """The same life courses with a row for each spell, those of one person unordered."""
    rows = []
    for life in wide.iter_rows(named=True):
        states = [life[time] for time in TIMES if life[time]]
        cuts = [at for at in range(1, len(states)) if states[at] != states[at - 1]]
        for begin, end in zip([0, *cuts], [*cuts, len(states)], strict=True):
            rows.append((life["id"], states[begin], begin + 1, end, life["pay"], life["wage"]))
    frame = pl.DataFrame(rows, schema=["id", "status", "from", "to", "pay", "wage"], orient="row")
    return frame.sample(fraction=1, shuffle=True, seed=0).sort("id", maintain_order=True)


def recipe(file: Path, data: dict[str, object]) -> Recipe:
    settings = {"data": {"files": [str(file)], "target": "pay", "id": "id"} | data}
    return Recipe.build(settings).replace(SMALL | {"training.epochs": 4})
