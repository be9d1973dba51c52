"""Kinds: what reads a table, judges a network on it and answers for it, by what its rows are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from duree.evaluation.evaluate import Figures
from duree.pipeline.dataset import Question, read_question
from duree.pipeline.forecast_dataset import answer_series, judge_series, read_forecast
from duree.pipeline.model import TrainedModel
from duree.pipeline.predict import Progress, answer_rows, judge_rows
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.tables.split.make_split import Split
from duree.tasks import Task


class Answer(Protocol):
    """Writes what a network says of a table."""

    def __call__(
        self,
        run: Run,
        model: TrainedModel,
        data: Path | str,
        output: Path,
        *,
        raw: bool,
        paths: int | None,
        progress: Progress,
    ) -> None: ...


class Kind(NamedTuple):
    """What is done with rows of one kind."""

    read: Callable[[Recipe, Split | None], Question]
    judge: Callable[[Run, TrainedModel, Path | str], Figures]
    answer: Answer


# Each row is a sequence, or they are gathered into such.
ROWS = Kind(read_question, judge_rows, answer_rows)
# Rows are moments in series, which only a whole table tells.
SERIES = Kind(read_forecast, judge_series, answer_series)


def kind_of(task: Task | type[Task] | None) -> Kind:
    """What is done with the rows that a task asks of; None: a task that is to be found out."""
    return SERIES if task is not None and task.of_series else ROWS
