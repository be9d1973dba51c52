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
from duree.tasks import layout_for

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
    ("", "find out from the target"),
    ("classify", "one of several classes"),
    ("multilabel", "several labels at once"),
    ("regress", "a number"),
)
ASKED = (
    ("", "what a column says of each"),
    (NEXT, "what comes next at each step"),
    ("classify", "what a column says: one of several classes"),
    ("regress", "what a column says: a number"),
)
# What is found out from the target, where another question is asked unless one is chosen.
FORECAST, FOUND = "forecast", "found"
OF_SERIES = (
    (FORECAST, "how it goes on"),
    (FOUND, "what a column says of each"),
    ("classify", "what a column says: one of several classes"),
    ("regress", "what a column says: a number"),
)
TARGET = Field("target", "Target", "the column to predict: classes or numbers", needed=True)
CELL = Field(
    "cell",
    "Network",
    "LSTM and GRU remember long; a plain RNN forgets within a sentence",
    "choice",
    choices=CELLS,
)
CELL_OF_FORECASTS = replace(CELL, choices=CELLS_OF_FORECASTS)
TARGET_OF_ALL = replace(TARGET, asked=("", FOUND, "classify", "regress"))
ASK = Field(
    "task", "Question", "of whole sequences, or of each of their steps", "choice", choices=ASKED
)
ASK_OF_SERIES = Field("task", "Question", "of each series", "choice", choices=OF_SERIES)
GROUP = Field("group", "Group", "rows alike here (author, speaker) stay in one part")
GROUP_OF_SERIES = replace(GROUP, asked=TARGET_OF_ALL.asked)
TIME = Field("time", "Time", "train on earlier rows, test on later ones")
NAME = Field("id", "Name of each row", "shown beside its prediction; never read")
WEIGHT = Field("weight", "Weight", "how many people a row stands for")
TEST = Field("test", "Test rows", "or another table that was opened here", "table")
TASK = Field(
    "task",
    "Kind of question",
    "numbers of more than 20 values are predicted as numbers",
    "choice",
    choices=QUESTIONS,
)
SEPARATOR = Field(
    "label_separator",
    "What parts several labels",
    "as ; in “war; trade”; empty: one label each",
    "text",
)
COVARIATE = Field(
    "covariate", "Known throughout", "columns that are read too, with commas between them", "text"
)
ATTRIBUTE = Field(
    "attribute",
    "Told of each event",
    "columns that are read too, with commas between them",
    "text",
)
ENDS = (
    Field("encoding", "Text encoding", "if it was guessed wrongly: gb18030, latin-1, ...", "text"),
    Field("delimiter", "Column delimiter", "if it was guessed wrongly", "text"),
    Field("max_minutes", "Most minutes of training", "empty: as long as it takes", "number"),
    Field(
        "seeds",
        "Networks to train",
        "each from a seed of its own, to see how far chance goes",
        "number",
    ),
    Field("note", "A sentence about the data", "shown at the top of the report", "text"),
)
HORIZON = Field(
    "horizon", "Steps to forecast", "how far ahead", "number", needed=True, asked=(FORECAST,)
)

FORMS: dict[str, Form] = {
    form.rows: form
    for form in (
        Form(
            TEXTS,
            "a text",
            (Field("text", "Text", "the column that is read", needed=True), TARGET, CELL),
            (GROUP, TIME, NAME, WEIGHT, TEST, TASK, SEPARATOR, *ENDS),
        ),
        Form(
            STATES,
            "a life course: a state for each time point, side by side",
            (
                Field("states", "States", "the columns, as first:last", "text", needed=True),
                ASK,
                TARGET_OF_ALL,
                CELL,
            ),
            (COVARIATE, GROUP, TIME, NAME, WEIGHT, TEST, *ENDS),
        ),
        Form(
            SPELLS,
            "a stay in a state, from when till when",
            (
                Field("id", "Person", "whose stay it is", needed=True),
                Field("state", "State", "which state it is a stay in", needed=True),
                Field("start", "Start", "whole numbers or dates", needed=True),
                Field("end", "End", "none: where the next begins"),
                ASK,
                TARGET_OF_ALL,
                CELL,
            ),
            (COVARIATE, GROUP, WEIGHT, TEST, *ENDS),
        ),
        Form(
            EVENTS,
            "an event: who, what, when",
            (
                Field("id", "Person", "whose event it is", needed=True),
                Field("event", "Event", "what happened", needed=True),
                Field("time", "Time", "gives the order; none: as they stand in the table"),
                ASK,
                TARGET_OF_ALL,
                CELL,
            ),
            (ATTRIBUTE, COVARIATE, GROUP, WEIGHT, TEST, *ENDS),
        ),
        Form(
            SERIES,
            "a value of a series at one time",
            (
                Field(
                    "series",
                    "Values",
                    "a column of numbers, or several with commas between them",
                    "text",
                    needed=True,
                ),
                Field("time", "Time", "years, months, dates or numbers", needed=True),
                Field("id", "Series", "which series it is of; none: there is one"),
                ASK_OF_SERIES,
                TARGET_OF_ALL,
                HORIZON,
                CELL_OF_FORECASTS,
            ),
            (
                Field(
                    "past",
                    "Read beside it",
                    "columns that are known up to now, with commas between them",
                    "text",
                    asked=(FORECAST,),
                ),
                Field(
                    "known",
                    "Known beforehand",
                    "columns that are known for the steps to come too",
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
            "a whole series, its values side by side",
            (
                Field("id", "Series", "the column of their names", needed=True),
                Field("series", "Values", "the columns, as first:last", "text", needed=True),
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
                Field("text", "Word", "none: the words of a CoNLL file"),
                Field("id", "Sentence", "alike in all words of a sentence; none: a CoNLL file"),
                Field(
                    "target",
                    "Tags",
                    "a column, or several as in upos,feats,lemma",
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
