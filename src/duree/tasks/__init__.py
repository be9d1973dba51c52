"""One file per kind of question. Adding a kind is adding its file, and its line here."""

from __future__ import annotations

import polars as pl

from duree.recipe import DataSettings
from duree.tasks.classify import Classify
from duree.tasks.multilabel import Multilabel
from duree.tasks.regress import Regress
from duree.tasks.task import Task

__all__ = ["TASKS", "Task", "infer_task"]

TASKS: dict[str, type[Task]] = {task.name: task for task in (Classify, Multilabel, Regress)}

# A number that takes more values than this is a quantity; fewer, a code for a class.
MOST_NUMBERED_CLASSES = 20


def infer_task(target: pl.Series, data: DataSettings) -> str:
    """The kind of question that a target column asks: several labels, a quantity or a class."""
    if data.label_separator is not None:
        return Multilabel.name
    numbers = target.cast(pl.Float64, strict=False)
    is_number = numbers.null_count() == target.null_count()
    if is_number and numbers.n_unique() > MOST_NUMBERED_CLASSES:
        return Regress.name
    return Classify.name
