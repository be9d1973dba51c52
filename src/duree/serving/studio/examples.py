"""Simulated tables, one of each common kind, to try the studio without data of one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import polars as pl

from duree.examples import counts, letters, life_courses, tagged_words
from duree.serving.studio.workspace import NotFoundError, Upload, Workspace
from duree.tables.files.write import write_table


@dataclass(frozen=True)
class Example:
    """A simulated table; title and description are English templates."""

    title: str
    description: str
    make: Callable[[], pl.DataFrame]


EXAMPLES = {
    "letters": Example(
        "Letters",
        "1,000 texts; is their tone favourable? Word order decides.",
        partial(letters.generate, 1000),
    ),
    "life-courses": Example(
        "Life courses",
        "400 people, 24 months of states; are they settled in the end?",
        life_courses.generate,
    ),
    "strikes": Example(
        "Counts over time", "Strikes by month in six regions, to forecast", counts.generate
    ),
    "tagged-words": Example(
        "Tagged words", "600 sentences with names of persons and places", tagged_words.generate
    ),
}


def add(workspace: Workspace, name: str) -> Upload:
    """Put the example of this name among the uploaded tables.

    Raises
    ------
    NotFoundError
        There is none.
    """
    if name not in EXAMPLES:
        raise NotFoundError(
            "there is no example {name!r}", fix="choose one from the list", name=name
        )
    path = workspace.new_upload(f"{name}.csv")
    write_table(EXAMPLES[name].make(), path)
    return workspace.add_upload(path, path.name.replace("table", name))
