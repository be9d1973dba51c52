"""Forms: the settings of a run by type of row; the fields are options of ``duree fit``.

Titles and help texts are the English ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from duree.errors import DataError, DureeError
from duree.recipe.flags import recipe_from_flags
from duree.recipe.recipe import Recipe
from duree.tables.guess.rows import EVENTS, SERIES, SPELLS, STATES, TEXTS, TOKENS, WIDE
from duree.tasks import layout_for

# Fields that name several columns, separated by commas.
MULTIPLE = frozenset({"states", "event", "series", "attribute", "covariate", "past", "known"})
NEXT = "next"


@dataclass(frozen=True)
class Field:
    """One field of a form.

    Attributes
    ----------
    name : str
        The option of ``duree fit``.
    title, help : str
    kind : {"column", "text", "number", "choice", "table"}
        How it is filled in.
    needed : bool
    choices : tuple of (value, title)
        The first is the default.
    tasks : tuple of str
        Values of the field ``task`` for which it is shown; empty: for all.
    """

    name: str
    title: str
    help: str
    kind: str = "column"
    needed: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True)
class FormError:
    """An error in the form, and the field where it is shown; ``""``: above the form."""

    error: DureeError
    field: str


@dataclass(frozen=True)
class Form:
    """The fields for one type of row: those that are visible at first, and the others.

    ``task`` is the task of such rows, if there is only one.
    """

    rows: str
    title: str
    first: tuple[Field, ...]
    more: tuple[Field, ...]
    task: str | None = None

    def visible(self, chosen: Mapping[str, str]) -> tuple[Field, ...]:
        """The first fields that belong to the chosen task."""
        return tuple(field for field in self.first if self._belongs(field, chosen))

    def folded(self, chosen: Mapping[str, str]) -> tuple[Field, ...]:
        """The other fields that belong to the chosen task."""
        return tuple(field for field in self.more if self._belongs(field, chosen))

    def chosen_task(self, chosen: Mapping[str, str]) -> str:
        """The value of the field ``task``; empty if the form has none."""
        field = self.field("task")
        return chosen.get("task", field.choices[0][0]) if field else ""

    def _belongs(self, field: Field, chosen: Mapping[str, str]) -> bool:
        return not field.tasks or self.chosen_task(chosen) in field.tasks

    def missing(self, chosen: Mapping[str, str]) -> FormError | None:
        """An error for the first required field that is empty."""
        for field in self.visible(chosen):
            if not field.needed or chosen.get(field.name):
                continue
            if field.kind == "number":
                error = DataError("nothing says how many steps to forecast", fix="fill it in")
            else:
                name = field.name
                error = DataError("no {name} column was named", fix="choose one", name=name)
            return FormError(error, field.name)
        return None

    def offers(self, value: str) -> bool:
        """Whether the field ``task`` has this value among its choices."""
        field = self.field("task")
        return field is not None and value in dict(field.choices)

    def has_first(self, name: str) -> bool:
        """Whether a field of this name is among the first."""
        return any(field.name == name for field in self.first)

    def field(self, name: str) -> Field | None:
        """The field of this name."""
        return next((field for field in (*self.first, *self.more) if field.name == name), None)


# The default of the recipe comes first.
CELLS = (("lstm", "LSTM"), ("gru", "GRU"), ("rnn", "RNN"))
FORECAST_CELLS = (("gru", "GRU"), ("lstm", "LSTM"), ("rnn", "RNN"))
TEXT_TASKS = (
    ("", "inferred from the target"),
    ("classify", "one of several classes"),
    ("multilabel", "several labels at once"),
    ("regress", "a number"),
)
SEQUENCE_TASKS = (
    ("", "predict a column"),
    (NEXT, "predict each next step"),
    ("classify", "predict a column of classes"),
    ("regress", "predict a column of numbers"),
)
# INFERRED: the task is inferred from the target.
FORECAST, INFERRED = "forecast", "found"
SERIES_TASKS = (
    (FORECAST, "forecast the next steps"),
    (INFERRED, "predict a column"),
    ("classify", "predict a column of classes"),
    ("regress", "predict a column of numbers"),
)
TARGET = Field("target", "Target", "column to predict: classes or numbers", needed=True)
CELL = Field(
    "cell",
    "Network",
    "LSTM and GRU keep long context; a plain RNN forgets within a sentence",
    "choice",
    choices=CELLS,
)
FORECAST_CELL = replace(CELL, choices=FORECAST_CELLS)
SEQUENCE_TARGET = replace(TARGET, tasks=("", INFERRED, "classify", "regress"))
SEQUENCE_TASK = Field(
    "task", "Task", "predict a column, or each next step", "choice", choices=SEQUENCE_TASKS
)
SERIES_TASK = Field(
    "task", "Task", "forecast each series, or predict a column", "choice", choices=SERIES_TASKS
)
GROUP = Field("group", "Group", "rows with equal values (author, speaker) stay in the same split")
SERIES_GROUP = replace(GROUP, tasks=SEQUENCE_TARGET.tasks)
TIME = Field("time", "Time", "train on earlier rows, test on later ones")
NAME = Field("id", "Row identifier", "shown with the prediction; not an input")
WEIGHT = Field("weight", "Weight", "how many people a row stands for")
TEST = Field("test", "Test rows", "or another uploaded table", "table")
TEXT_TASK = Field(
    "task",
    "Task",
    "numbers with more than 20 different values are predicted as numbers",
    "choice",
    choices=TEXT_TASKS,
)
SEPARATOR = Field(
    "label_separator",
    "Label separator",
    "such as ; in “war; trade”; empty: one label per row",
    "text",
)
COVARIATE = Field("covariate", "Covariates", "further input columns, separated by commas", "text")
ATTRIBUTE = Field(
    "attribute",
    "Event attributes",
    "further input columns, separated by commas",
    "text",
)
ENDS = (
    Field("encoding", "Text encoding", "if detected wrongly: gb18030, latin-1, ...", "text"),
    Field("delimiter", "Column delimiter", "if detected wrongly", "text"),
    Field("max_minutes", "Maximum training time (minutes)", "empty: no limit", "number"),
    Field(
        "seeds",
        "Networks to train",
        "each with its own seed, to show the effect of chance",
        "number",
    ),
    Field("note", "Note on the data", "shown at the top of the report", "text"),
)
HORIZON = Field(
    "horizon",
    "Steps to forecast",
    "number of steps ahead",
    "number",
    needed=True,
    tasks=(FORECAST,),
)

FORMS: dict[str, Form] = {
    form.rows: form
    for form in (
        Form(
            TEXTS,
            "a text",
            (Field("text", "Text", "column of texts", needed=True), TARGET, CELL),
            (GROUP, TIME, NAME, WEIGHT, TEST, TEXT_TASK, SEPARATOR, *ENDS),
        ),
        Form(
            STATES,
            "a life course: one column of states per time point",
            (
                Field("states", "States", "columns, as first:last", "text", needed=True),
                SEQUENCE_TASK,
                SEQUENCE_TARGET,
                CELL,
            ),
            (COVARIATE, GROUP, TIME, NAME, WEIGHT, TEST, *ENDS),
        ),
        Form(
            SPELLS,
            "a spell: a state with its start and end",
            (
                Field("id", "Person", "identifier of the person", needed=True),
                Field("state", "State", "column of states", needed=True),
                Field("start", "Start", "whole numbers or dates", needed=True),
                Field("end", "End", "none: until the next spell starts"),
                SEQUENCE_TASK,
                SEQUENCE_TARGET,
                CELL,
            ),
            (COVARIATE, GROUP, WEIGHT, TEST, *ENDS),
        ),
        Form(
            EVENTS,
            "an event: person, event, time",
            (
                Field("id", "Person", "identifier of the person", needed=True),
                Field("event", "Event", "column of events", needed=True),
                Field("time", "Time", "order of the events; none: order of the table"),
                SEQUENCE_TASK,
                SEQUENCE_TARGET,
                CELL,
            ),
            (ATTRIBUTE, COVARIATE, GROUP, WEIGHT, TEST, *ENDS),
        ),
        Form(
            SERIES,
            "one time step of a time series",
            (
                Field(
                    "series",
                    "Values",
                    "a column of numbers, or several separated by commas",
                    "text",
                    needed=True,
                ),
                Field("time", "Time", "years, months, dates or numbers", needed=True),
                Field("id", "Series", "identifier of the series; none: a single series"),
                SERIES_TASK,
                SEQUENCE_TARGET,
                HORIZON,
                FORECAST_CELL,
            ),
            (
                Field(
                    "past",
                    "Past covariates",
                    "columns known up to the present, separated by commas",
                    "text",
                    tasks=(FORECAST,),
                ),
                Field(
                    "known",
                    "Future covariates",
                    "columns also known for future steps, separated by commas",
                    "text",
                    tasks=(FORECAST,),
                ),
                SERIES_GROUP,
                TEST,
                *ENDS,
            ),
        ),
        Form(
            WIDE,
            "a time series: one column per time point",
            (
                Field("id", "Series", "identifier of the series", needed=True),
                Field("series", "Values", "columns, as first:last", "text", needed=True),
                SERIES_TASK,
                SEQUENCE_TARGET,
                HORIZON,
                FORECAST_CELL,
            ),
            (SERIES_GROUP, TEST, *ENDS),
        ),
        Form(
            TOKENS,
            "a word of a sentence",
            (
                Field("text", "Word", "none: words of a CoNLL file"),
                Field("id", "Sentence", "identifier of the sentence; none: a CoNLL file"),
                Field(
                    "target",
                    "Tags",
                    "a column, or several: upos,feats,lemma",
                    "text",
                    needed=True,
                ),
                CELL,
            ),
            (GROUP, TEST, *ENDS),
            "label",
        ),
    )
}


def of_series(recipe: Recipe) -> bool:
    """Whether series are to be forecast."""
    return layout_for(recipe).is_forecast


def form_of(recipe: Recipe) -> Form:
    """The form that could have made a recipe."""
    data = recipe.data
    if of_series(recipe) or data.reads_numbers:
        return FORMS[SERIES if data.time else WIDE]
    kinds = {TOKENS: data.token, STATES: data.states, SPELLS: data.state, EVENTS: data.event}
    return FORMS[next((rows for rows, column in kinds.items() if column), TEXTS)]


def recipe_of(form: Form, path: str, test: str | None, chosen: Mapping[str, str]) -> Recipe:
    """The recipe of a filled form; empty fields keep their defaults.

    Raises
    ------
    RecipeError
        A value is not allowed.
    """
    names = {field.name for field in (*form.visible(chosen), *form.folded(chosen))} - {"test"}
    flags: dict[str, Any] = {name: chosen[name] for name in names if name in chosen}
    for field in (*form.first, *form.more):
        if field.name in MULTIPLE & flags.keys():
            given = flags[field.name]
            parts = [given] if field.kind == "column" else re.split(r"\s*,\s*", given)
            flags[field.name] = tuple(filter(None, parts))
    wanted = form.chosen_task(chosen)
    flags |= {"test": test, "task": form.task or (None if wanted in ("", INFERRED) else wanted)}
    flags["drop_bad"] = chosen.get("drop_bad")
    if "part" in chosen:  # the whole form was sent: an unchecked box is missing from it
        flags["baselines"] = "baselines" in chosen
    return recipe_from_flags(None, (path,), flags, ())


def at_field(error: DureeError, form: Form, chosen: Mapping[str, str]) -> FormError:
    """An error, at the field that it is about if it says which."""
    facts = error.values
    names = [name for name, given in chosen.items() if given == facts.get("column")]
    names += re.findall(r"\b[a-z]+\.([a-z_]+)\b", str(facts))
    names += [option.replace("-", "_") for option in re.findall(r"--([a-z-]+)", error.fix)]
    fields = {field.name for field in (*form.visible(chosen), *form.folded(chosen))}
    return FormError(error, next((name for name in names if name in fields), ""))
