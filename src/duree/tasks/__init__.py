"""One file per kind of question. Adding a kind is adding its file, and its line here."""

from __future__ import annotations

import polars as pl

from duree.recipe.settings import DataSettings
from duree.tables.checks.target import is_quantity
from duree.tasks.classify import Classify
from duree.tasks.forecast import Forecast
from duree.tasks.label import Label
from duree.tasks.multilabel import Multilabel
from duree.tasks.next import Next
from duree.tasks.regress import Regress
from duree.tasks.task import Task

__all__ = ["TASKS", "Task", "infer_task"]

OF_ALL_KINDS = (Classify, Forecast, Label, Multilabel, Next, Regress)
TASKS: dict[str, type[Task]] = {task.name: task for task in OF_ALL_KINDS}


def infer_task(target: pl.Series, data: DataSettings) -> str:
    """The kind of question that a target column asks: several labels, a quantity or a class."""
    if data.label_separator is not None:
        return Multilabel.name
    return Regress.name if is_quantity(target) else Classify.name
