"""Forms: what may be chosen of a table, by what its rows are; fields are options of ``duree fit``.

Every title and help stands here as it is told in English.
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
from duree.tasks import TASKS

# Fields that name several columns, with commas between them.
SEVERAL = frozenset({"states", "event", "series", "attribute", "covariate", "past", "known"})
NEXT = "next"


@dataclass(frozen=True)
class Field:
    """One choice.

    Attributes
    ----------
    name : str
        The option of ``duree fit``.
    title, help : str
    kind : {"column", "text", "number", "choice", "table"}
        How it is chosen.
    needed : bool
    choices : tuple of (value, title)
        The first is what is not chosen otherwise.
    asked : tuple of str
        The questions to which it belongs, by value of the field ``task``; none: to all.
    """

    name: str
    title: str
    help: str
    kind: str = "column"
    needed: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    asked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """What is wrong with the choices, and the field where it is told; ``""``: above them all."""

    error: DureeError
    field: str


@dataclass(frozen=True)
class Form:
    """The choices for one kind of rows: those that are seen at first, and the others.

    ``task`` is what is asked of such rows, where there is but one question.
    """

    rows: str
    title: str
    first: tuple[Field, ...]
    more: tuple[Field, ...]
    task: str | None = None

    def shown(self, chosen: Mapping[str, str]) -> tuple[Field, ...]:
        """The first fields, as far as they belong to the question."""
        return tuple(field for field in self.first if self._belongs(field, chosen))

    def further(self, chosen: Mapping[str, str]) -> tuple[Field, ...]:
        """The same of the others."""
        return tuple(field for field in self.more if self._belongs(field, chosen))

    def asked_task(self, chosen: Mapping[str, str]) -> str:
        """The value of the field ``task``: what is asked, where more than one thing can be."""
        field = self.field("task")
        return chosen.get("task", field.choices[0][0]) if field else ""

    def _belongs(self, field: Field, chosen: Mapping[str, str]) -> bool:
        return not field.asked or self.asked_task(chosen) in field.asked

    def missing(self, chosen: Mapping[str, str]) -> Fault | None:
        """That a choice was not made which must be."""
        for field in self.shown(chosen):
            if not field.needed or chosen.get(field.name):
                continue
            if field.kind == "number":
                error = DataError("nothing says how many steps to forecast", fix="fill it in")
            else:
                name = field.name
                error = DataError("no {name} column was named", fix="choose one", name=name)
            return Fault(error, field.name)
        return None

    def can_ask(self, value: str) -> bool:
        """Whether it is among the questions."""
        field = self.field("task")
        return field is not None and value in dict(field.choices)

    def asks_first(self, name: str) -> bool:
        """Whether a field of this name is among the first."""
        return any(field.name == name for field in self.first)

    def field(self, name: str) -> Field | None:
        """The field of this name."""
        return next((field for field in (*self.first, *self.more) if field.name == name), None)


# What a recipe has where nothing is chosen stands first.
CELLS = (("lstm", "LSTM"), ("gru", "GRU"), ("rnn", "RNN"))
CELLS_OF_FORECASTS = (("gru", "GRU"), ("lstm", "LSTM"), ("rnn", "RNN"))
QUESTIONS = (
    ("", "inferred from the target"),
    ("classify", "one of several classes"),
    ("multilabel", "several labels at once"),
    ("regress", "a number"),
)
ASKED = (
    ("", "predict a column"),
    (NEXT, "predict each next step"),
    ("classify", "predict a column of classes"),
    ("regress", "predict a column of numbers"),
)
# What is found out from the target, where another question is asked unless one is chosen.
FORECAST, FOUND = "forecast", "found"
OF_SERIES = (
    (FORECAST, "forecast the next steps"),
    (FOUND, "predict a column"),
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
CELL_OF_FORECASTS = replace(CELL, choices=CELLS_OF_FORECASTS)
TARGET_OF_ALL = replace(TARGET, asked=("", FOUND, "classify", "regress"))
ASK = Field(
    "task", "Task", "predict a column, or each next step", "choice", choices=ASKED
)
ASK_OF_SERIES = Field("task", "Task", "forecast each series, or predict a column", "choice", choices=OF_SERIES)
GROUP = Field("group", "Group", "rows with equal values (author, speaker) stay in the same split")
GROUP_OF_SERIES = replace(GROUP, asked=TARGET_OF_ALL.asked)
TIME = Field("time", "Time", "train on earlier rows, test on later ones")
NAME = Field("id", "Row identifier", "shown with the prediction; not an input")
WEIGHT = Field("weight", "Weight", "how many people a row stands for")
TEST = Field("test", "Test rows", "or another uploaded table", "table")
TASK = Field(
    "task",
    "Task",
    "numbers with more than 20 different values are predicted as numbers",
    "choice",
    choices=QUESTIONS,
)
SEPARATOR = Field(
    "label_separator",
    "Label separator",
    "such as ; in “war; trade”; empty: one label per row",
    "text",
)
COVARIATE = Field(
    "covariate", "Covariates", "further input columns, separated by commas", "text"
)
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
    "horizon", "Steps to forecast", "number of steps ahead", "number", needed=True, asked=(FORECAST,)
)

FORMS: dict[str, Form] = {
    form.rows: form
    for form in (
        Form(
            TEXTS,
            "a text",
            (Field("text", "Text", "column of texts", needed=True), TARGET, CELL),
            (GROUP, TIME, NAME, WEIGHT, TEST, TASK, SEPARATOR, *ENDS),
        ),
        Form(
            STATES,
            "a life course: one column of states per time point",
            (
                Field("states", "States", "columns, as first:last", "text", needed=True),
                ASK,
                TARGET_OF_ALL,
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
                ASK,
                TARGET_OF_ALL,
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
                ASK,
                TARGET_OF_ALL,
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
                ASK_OF_SERIES,
                TARGET_OF_ALL,
                HORIZON,
                CELL_OF_FORECASTS,
            ),
            (
                Field(
                    "past",
                    "Past covariates",
                    "columns known up to the present, separated by commas",
                    "text",
                    asked=(FORECAST,),
                ),
                Field(
                    "known",
                    "Future covariates",
                    "columns also known for future steps, separated by commas",
                    "text",
                    asked=(FORECAST,),
                ),
                GROUP_OF_SERIES,
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
                ASK_OF_SERIES,
                TARGET_OF_ALL,
                HORIZON,
                CELL_OF_FORECASTS,
            ),
            (GROUP_OF_SERIES, TEST, *ENDS),
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
    task = TASKS.get(recipe.task or "")
    return task is not None and task.of_series


def form_of(recipe: Recipe) -> Form:
    """The form that a recipe could have come from."""
    data = recipe.data
    if of_series(recipe) or data.reads_numbers:
        return FORMS[SERIES if data.time else WIDE]
    kinds = {TOKENS: data.token, STATES: data.states, SPELLS: data.state, EVENTS: data.event}
    return FORMS[next((rows for rows, column in kinds.items() if column), TEXTS)]


def recipe_of(form: Form, path: str, test: str | None, chosen: Mapping[str, str]) -> Recipe:
    """The recipe that a filled form asks for; what it leaves empty keeps its default.

    Raises
    ------
    RecipeError
        A choice cannot be.
    """
    names = {field.name for field in (*form.shown(chosen), *form.further(chosen))} - {"test"}
    flags: dict[str, Any] = {name: chosen[name] for name in names if name in chosen}
    for field in (*form.first, *form.more):
        if field.name in SEVERAL & flags.keys():
            given = flags[field.name]
            parts = [given] if field.kind == "column" else re.split(r"\s*,\s*", given)
            flags[field.name] = tuple(filter(None, parts))
    asked = form.asked_task(chosen)
    flags |= {"test": test, "task": form.task or (None if asked in ("", FOUND) else asked)}
    flags["drop_bad"] = chosen.get("drop_bad")
    if "part" in chosen:  # the whole form was sent: a box that is not ticked is missing from it
        flags["baselines"] = "baselines" in chosen
    return recipe_from_flags(None, (path,), flags, ())


def at_field(error: DureeError, form: Form, chosen: Mapping[str, str]) -> Fault:
    """An error at the field of which it speaks, as far as it says which that is."""
    facts = error.values
    names = [name for name, given in chosen.items() if given == facts.get("column")]
    names += re.findall(r"\b[a-z]+\.([a-z_]+)\b", str(facts))
    names += [option.replace("-", "_") for option in re.findall(r"--([a-z-]+)", error.fix)]
    fields = {field.name for field in (*form.shown(chosen), *form.further(chosen))}
    return Fault(error, next((name for name in names if name in fields), ""))
