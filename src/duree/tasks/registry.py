"""Registry: the tasks by name, and the task of a recipe. New tasks are added here.

Other packages add tasks with ``register``.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from duree.errors import DataError, RecipeError
from duree.recipe.faults import Contradiction, FaultyRecipe, fault_of_rule
from duree.recipe.recipe import Recipe, nearest
from duree.recipe.settings import DataSettings
from duree.tables.checks.target import is_quantity
from duree.tables.files.word_vectors import vector_size
from duree.tables.layouts.layout import Layout
from duree.tables.layouts.registry import LAYOUTS, layout_of
from duree.tasks.classify import Classify
from duree.tasks.forecast import Forecast
from duree.tasks.label import Label
from duree.tasks.language import Language
from duree.tasks.multilabel import Multilabel
from duree.tasks.next import Next
from duree.tasks.regress import Regress
from duree.tasks.task import Task
from duree.tasks.transduce import Transduce

TASKS: dict[str, type[Task]] = {}


def register(task: type[Task]) -> type[Task]:
    """Add a task by its name, so that recipes can use it.

    Raises
    ------
    ValueError
        Another task has this name.
    """
    if TASKS.setdefault(task.name, task) is not task:
        raise ValueError(f"there is a task {task.name!r} already")
    return task


for _task in (Classify, Forecast, Label, Language, Multilabel, Next, Regress, Transduce):
    register(_task)


def infer_task(target: pl.Series, data: DataSettings) -> str:
    """The task for a target column: multilabel, regression or classification.

    Raises
    ------
    DataError
        Some of many numbers have names of classes, and others do not.
    """
    if data.label_separator is not None:
        return Multilabel.name
    if not data.class_names:
        return Regress.name if is_quantity(target) else Classify.name
    unnamed = target.filter(~target.is_in(list(data.class_names.values())))
    if is_quantity(unnamed):
        raise DataError(
            "--class-names leaves {count} different numbers in {column!r} without a name",
            fix="name none of them to predict numbers; to predict classes, add --task classify",
            count=unnamed.n_unique(),
            column=target.name,
        )
    return Classify.name


def require_metric(task: type[Task], recipe: Recipe) -> None:
    """Refuse a metric that the task does not have.

    Raises
    ------
    RecipeError
    """
    metric, choices = recipe.evaluation.metric, task.metric_choices()
    if metric is None or metric in choices:
        return
    if not choices:
        raise RecipeError(
            "the task {task} always has the same primary metric",
            fix="leave out --metric",
            task=task.name,
        )
    near = nearest(metric, list(choices))
    raise RecipeError(
        "the task {task} has no metric {name!r}; it has {known}",
        fix="did you mean --metric {near}?" if near else "choose one of these with --metric",
        task=task.name,
        name=metric,
        known=", ".join(choices),
        near=near,
    )


def layout_for(recipe: Recipe) -> type[Layout]:
    """The layout of the recipe's table."""
    # Runs of tasks that are not registered here can be shown, though not used.
    return layout_of(recipe.data, _layouts(TASKS.get(recipe.task or "", Classify)))


def resolve(recipe: Recipe) -> Recipe:
    """The recipe with the defaults of its task and layout for settings that the user left open.

    Resolving twice changes nothing.

    Raises
    ------
    RecipeError
        There is no such task, or settings are incompatible.
    """
    if recipe.task is None:
        meant = next((task.name for task in TASKS.values() if task.is_meant(recipe)), None)
        recipe = recipe.replace({"task": meant}) if meant else recipe
    if recipe.task is not None and recipe.task not in TASKS:
        near = nearest(recipe.task, list(TASKS))
        raise RecipeError(
            "there is no task {name!r}; the tasks are {known}",
            fix="did you mean {near}?" if near else "see: duree fit --help",
            name=recipe.task,
            known=", ".join(TASKS),
            near=near,
        )
    task = None if recipe.task is None else TASKS[recipe.task]
    layout = layout_for(recipe)
    for other in LAYOUTS.values():
        named = other is not layout and other.claims(recipe.data)
        if named and (in_vain := other.named_in_vain(recipe, layout)):
            raise FaultyRecipe([fault_of_rule(in_vain)])
    if recipe.data.vectors is not None:
        recipe = _with_size_of_vectors(recipe, recipe.data.vectors, layout)
    if task is not None:
        recipe = recipe.with_defaults(task.defaults)
        if recipe.data.class_names and "class_names" in task.unused_settings:
            what = "data.class_names names classes, and task = {task} predicts none: leave it out"
            raise FaultyRecipe([fault_of_rule(Contradiction(what, task=task.name))])
        task.check_recipe(recipe)
        require_metric(task, recipe)
    filled = layout.fill(recipe)
    try:
        layout.check_recipe(filled)
    except ValueError as error:
        raise FaultyRecipe([fault_of_rule(error)]) from None
    return filled.decided(() if task is None else task.decided_by_rows)


def _with_size_of_vectors(recipe: Recipe, vectors: str, layout: type[Layout]) -> Recipe:
    """The recipe with embeddings of the size of the vectors that they start from.

    Raises
    ------
    RecipeError, DataError
        The rows have no words, or the file has no vectors.
    """
    if not layout.takes_vectors:
        raise FaultyRecipe(
            [
                fault_of_rule(
                    Contradiction(
                        "data.vectors goes with texts of which classes or numbers are predicted, "
                        "and with tagged words: leave --vectors out"
                    )
                )
            ]
        )
    is_set = "embedding_size" in recipe.model.model_fields_set
    if is_set and not Path(vectors).exists():  # a run that has read them needs them no more
        return recipe
    size = vector_size(vectors)
    if is_set and recipe.model.embedding_size != size:
        raise RecipeError(
            "the vectors of {path!r} have {size} numbers, but model.embedding_size is {set}",
            fix="leave model.embedding_size out: it is then that of the vectors",
            path=vectors,
            size=size,
            set=recipe.model.embedding_size,
        )
    return recipe.replace({"model.embedding_size": size})


def _layouts(task: type[Task]) -> list[type[Layout]]:
    return [LAYOUTS[name] for name in task.layouts]
