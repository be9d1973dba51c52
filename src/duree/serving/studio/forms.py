"""Forms: the settings of a run by type of row; the fields are options of ``duree fit``.

Titles and help texts are the English ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from duree.errors import DataError, DureeError
from duree.recipe.recipe import Recipe
from duree.recipe.settings import DataSettings
from duree.serving.studio.metric_choices import metric_choices
from duree.tables.guess.rows import EVENTS, SERIES, SPELLS, STATES, TEXTS, TOKENS, WIDE
from duree.tables.layouts.forecast_origins import ForecastOrigins
from duree.tables.layouts.numeric_series import NumericSeries
from duree.tables.layouts.registry import LAYOUTS
from duree.tasks import TASKS, Task, layout_for


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
    """

    name: str
    title: str
    help: str
    kind: str = "column"
    needed: bool = False
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class FormError:
    """An error in the form, and the field where it is shown; ``""``: above the form."""

    error: DureeError
    field: str


@dataclass(frozen=True)
class Form:
    """The fields for one type of row: those that are visible at first, and the others.

    Attributes
    ----------
    rows, title : str
        What a row is, as it was guessed and as the page calls it.
    layouts : tuple of str
        Names of the layouts that such rows may have, the usual one first.
    first, more : tuple of Field
    """

    rows: str
    title: str
    layouts: tuple[str, ...]
    first: tuple[Field, ...]
    more: tuple[Field, ...]

    @property
    def tasks(self) -> list[type[Task]]:
        """The tasks that such rows can be used for."""
        return [task for task in TASKS.values() if set(task.layouts) & set(self.layouts)]

    @property
    def task(self) -> str | None:
        """The task, if there is only one."""
        return self.tasks[0].name if len(self.tasks) == 1 else None

    @property
    def task_choices(self) -> tuple[tuple[str, str], ...]:
        """The values of the field ``task`` with their titles, the default first."""
        # A layout that one task alone takes is the usual one, where there is another.
        usual = [task for task in self.tasks if task.layouts == self.layouts[:1]]
        others = [other for other in self.tasks if other not in usual]
        inferred = (INFERRED if usual else "", "inferred from the target")
        named = [(task.name, task.title) for task in others]
        return (*((task.name, task.title) for task in usual), inferred, *named)

    def visible(self, chosen: Mapping[str, str]) -> tuple[Field, ...]:
        """The first fields that belong to the chosen task."""
        return tuple(filter(None, (self._shown(field, chosen) for field in self.first)))

    def folded(self, chosen: Mapping[str, str]) -> tuple[Field, ...]:
        """The other fields that belong to the chosen task."""
        return tuple(filter(None, (self._shown(field, chosen) for field in self.more)))

    def offering(self, names: Iterable[str]) -> Form:
        """The form with these of its other fields among the first."""
        offered = tuple(field for field in self.more if field.name in set(names))
        others = tuple(field for field in self.more if field not in offered)
        return replace(self, first=self.first + offered, more=others)

    def chosen_task(self, chosen: Mapping[str, str]) -> type[Task] | None:
        """The task that was chosen for such rows; None where it is to be inferred."""
        default = self.task_choices[0][0] if self.field("task") else self.task or ""
        offered = {task.name: task for task in self.tasks}
        name = chosen.get("task", default)
        return offered.get(default if name in TASKS.keys() - offered.keys() else name)

    def names_classes(self, chosen: Mapping[str, str]) -> bool:
        """Whether the chosen task has classes that may get names."""
        task = self.chosen_task(chosen)
        return task is None or "class_names" not in task.unused_settings

    def test_rows(self, chosen: Mapping[str, str]) -> str:
        """Where test rows come from, unless another table is chosen."""
        task = self.chosen_task(chosen)
        return LAYOUTS[task.layouts[-1] if task else self.layouts[-1]].test_rows

    def _shown(self, field: Field, chosen: Mapping[str, str]) -> Field | None:
        """The field as it is shown for the chosen task; None where it has no meaning."""
        task = self.chosen_task(chosen)
        own = any(field.name in other.own_settings for other in TASKS.values())
        if own and (task is None or field.name not in task.own_settings):
            return None
        if task is not None and field.name in task.unused_settings:
            return None
        if field.name == "covariate" and not self._takes_covariates(task):
            return None
        if field.name == "metric":
            choices = metric_choices([task] if task else self.tasks)
            return replace(field, choices=choices) if choices else None
        return replace(field, choices=self.task_choices) if field.name == "task" else field

    def _takes_covariates(self, task: type[Task] | None) -> bool:
        """Whether such rows may have covariates, if they are used for a task."""
        layouts = set(self.layouts) & set(task.layouts) if task else self.layouts[:1]
        return any(LAYOUTS[name].takes_covariates for name in layouts)

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

    def is_filled(self, data: DataSettings) -> bool:
        """Whether settings name all columns that such rows need."""
        needed = {field.name for field in self.first if field.needed}
        return all(getattr(data, name) for name in needed & DataSettings.model_fields.keys())

    @property
    def without_target(self) -> str | None:
        """A task that needs no target, if there is one."""
        return next((t.name for t in self.tasks if "target" in t.unused_settings), None)

    def has_first(self, name: str) -> bool:
        """Whether a field of this name is among the first."""
        return any(field.name == name for field in self.first)

    def field(self, name: str) -> Field | None:
        """The field of this name."""
        return next((field for field in (*self.first, *self.more) if field.name == name), None)


# The default of the recipe comes first.
CELLS = (("lstm", "LSTM"), ("gru", "GRU"), ("rnn", "RNN"))
FORECAST_CELLS = (("gru", "GRU"), ("lstm", "LSTM"), ("rnn", "RNN"))
# The value of the field ``task`` where the task is inferred from the target, and none is usual.
INFERRED = "found"
TARGET = Field("target", "Target", "column to predict: classes or numbers", needed=True)
CELL = Field(
    "cell",
    "Network",
    "LSTM and GRU keep long context; a plain RNN forgets it within a few steps",
    "choice",
    choices=CELLS,
)
FORECAST_CELL = replace(CELL, choices=FORECAST_CELLS)
GROUP = Field("group", "Group", "rows with equal values (author, speaker) stay in the same split")
TIME = Field("time", "Time", "train on earlier rows, test on later ones")
NAME = Field("id", "Row identifier", "shown with the prediction; not an input")
WEIGHT = Field("weight", "Weight", "how many people a row represents")
TEST = Field("test", "Test rows", "or another uploaded table", "table")
TASK = Field(
    "task",
    "Task",
    "numbers with more than 20 different values are predicted as numbers",
    "choice",
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
    Field(
        "metric", "Primary metric", "what classes are decided for, and models compared by", "choice"
    ),
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
HORIZON = Field("horizon", "Steps to forecast", "number of steps ahead", "number", needed=True)

# Series are forecast unless something else is asked of them.
SERIES_LAYOUTS = (ForecastOrigins.name, NumericSeries.name)

FORMS: dict[str, Form] = {
    form.rows: form
    for form in (
        Form(
            TEXTS,
            "a text",
            ("texts", "documents", "pairs"),
            (Field("text", "Text", "column of texts", needed=True), TARGET, CELL),
            (COVARIATE, GROUP, TIME, NAME, WEIGHT, TEST, TASK, SEPARATOR, *ENDS),
        ),
        Form(
            STATES,
            "a life course: one column of states per time point",
            ("states",),
            (
                Field("states", "States", "columns, as first:last", "text", needed=True),
                TASK,
                TARGET,
                CELL,
            ),
            (COVARIATE, GROUP, TIME, NAME, WEIGHT, TEST, *ENDS),
        ),
        Form(
            SPELLS,
            "a spell: a state with its start and end",
            ("spells",),
            (
                Field("id", "Person", "identifier of the person", needed=True),
                Field("state", "State", "column of states", needed=True),
                Field("start", "Start", "whole numbers or dates", needed=True),
                Field("end", "End", "none: until the next spell starts"),
                TASK,
                TARGET,
                CELL,
            ),
            (COVARIATE, GROUP, WEIGHT, TEST, *ENDS),
        ),
        Form(
            EVENTS,
            "an event: person, event, time",
            ("events",),
            (
                Field("id", "Person", "identifier of the person", needed=True),
                Field("event", "Event", "column of events", needed=True),
                Field("time", "Time", "order of the events; none: order of the table"),
                TASK,
                TARGET,
                CELL,
            ),
            (ATTRIBUTE, COVARIATE, GROUP, WEIGHT, TEST, *ENDS),
        ),
        Form(
            SERIES,
            "one time step of a time series",
            SERIES_LAYOUTS,
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
                TASK,
                TARGET,
                HORIZON,
                FORECAST_CELL,
            ),
            (
                Field(
                    "past",
                    "Past covariates",
                    "columns known up to the present, separated by commas",
                    "text",
                ),
                Field(
                    "known",
                    "Future covariates",
                    "columns also known for future steps, separated by commas",
                    "text",
                ),
                GROUP,
                TEST,
                *ENDS,
            ),
        ),
        Form(
            WIDE,
            "a time series: one column per time point",
            SERIES_LAYOUTS,
            (
                Field("id", "Series", "identifier of the series", needed=True),
                Field("series", "Values", "columns, as first:last", "text", needed=True),
                TASK,
                TARGET,
                HORIZON,
                FORECAST_CELL,
            ),
            (GROUP, TEST, *ENDS),
        ),
        Form(
            TOKENS,
            "a word of a sentence",
            ("tokens",),
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
        ),
    )
}


def form_of(recipe: Recipe) -> Form:
    """The form that could have made a recipe."""
    found = [form for form in FORMS.values() if layout_for(recipe).name in form.layouts]
    filled = (form for form in found if form.is_filled(recipe.data))
    return next(filled, found[-1] if found else FORMS[TEXTS])
