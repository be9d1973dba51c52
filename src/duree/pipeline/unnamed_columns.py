"""Columns that a recipe does not name: an error with those of the table, and a proposal."""

from __future__ import annotations

from pathlib import Path

from duree.errors import DataError, command
from duree.recipe.recipe import Recipe
from duree.recipe.settings import DataSettings
from duree.tables.columns import listed
from duree.tables.files.conll import is_token_file
from duree.tables.files.stream import stream_table
from duree.tables.guess.columns import ColumnGuess, guess_columns, guess_target
from duree.tables.guess.rows import (
    EVENTS,
    SERIES,
    SPELLS,
    STATES,
    TEXTS,
    TOKENS,
    WIDE,
    guess_columns_of,
    guess_rows,
)
from duree.tables.layouts.states import state_columns
from duree.tables.table import Table
from duree.tasks import TASKS, layout_for

# What rows seem to be, and which options to add.
PROPOSALS = {
    TEXTS: "texts seem to be in {column!r}: add {options}",
    STATES: "rows seem to be life courses, with a column of states per time point: add {options}",
    SPELLS: "rows seem to be spells: add {options}",
    EVENTS: "rows seem to be events: add {options}",
    TOKENS: "rows seem to be tagged words: add {options}",
    SERIES: "rows seem to be time steps of series: add {options}",
    WIDE: "rows seem to be time series: add {options}",
}
# Options that a command for such rows needs besides those that were guessed.
NEEDED = {SERIES: {"horizon": "N"}, WIDE: {"horizon": "N"}}
TARGET = {"target": "COLUMN"}


def require_inputs_and_target(recipe: Recipe) -> None:
    """Require that a resolved recipe names the columns of its inputs and of its target.

    Raises
    ------
    DataError
        It does not, or it names one for both, or the table cannot be read.
    """
    if recipe.data.text is None:
        raise _without_inputs(recipe)
    if recipe.data.target is None:
        raise _without_target(recipe)
    layout = layout_for(recipe)
    # Where states are predicted themselves, both are the column that the layout makes.
    is_own = layout.are_documents or recipe.data.text in layout.made
    if recipe.data.target == recipe.data.text and not is_own:
        raise DataError(
            "{column!r} is named both as input and as target",
            fix="name another column with --target",
            column=recipe.data.text,
        )


def _without_inputs(recipe: Recipe) -> DataError:
    """The error for a recipe without columns of texts, states, events or series."""
    file, table = _first_rows(recipe)
    columns = guess_columns(table.frame)
    tokens = is_token_file(Path(file))
    rows = guess_rows(columns, tokens=tokens)
    found = guess_columns_of(rows, columns, tokens=tokens)
    proposal = PROPOSALS[rows]
    if not found.keys() - TARGET.keys() and not tokens:
        proposal = "name it by one of the options that duree fit --help lists by kind of table"
    able = [task.name for task in TASKS.values() if rows in task.layouts]
    task = {"task": able[0]} if len(able) == 1 else {}
    target = {"target": found.pop("target")} if "target" in found else {}
    options = found | (target or NEEDED.get(rows, TARGET)) | task
    if recipe.data.target:
        options.pop("target", None)
    return DataError(
        "no column of texts, states, events or series was named",
        "{file} has the columns {columns}",
        proposal,
        file=file,
        columns=_names(columns),
        column=found.get("text", ""),
        options=_as_typed(options),
    )


def _without_target(recipe: Recipe) -> DataError:
    """The error for a recipe without a target."""
    file, table = _first_rows(recipe)
    columns = guess_columns(table.frame)
    tokens = is_token_file(Path(file))
    named = _named_columns(recipe.data, table)
    guessed = guess_columns_of(guess_rows(columns, tokens=tokens), columns).get("target")
    if guessed is None or guessed in named:
        guessed = guess_target([column for column in columns if column.name not in named])
    layout = layout_for(recipe).name
    without = [
        task.name
        for task in TASKS.values()
        if layout in task.layouts and TARGET.keys() <= task.unused_settings
    ]
    remedy = "add --target COLUMN"
    if guessed:
        remedy = "the target may be {target!r}: add {options}"
    elif without:
        remedy = "add --target COLUMN, or --task {task}, which needs none"
    return DataError(
        "no column to predict was named",
        "{file} has the columns {columns}",
        remedy,
        file=file,
        columns=_names(columns),
        target=guessed,
        options=_as_typed({"target": guessed or ""}),
        task=", ".join(without),
    )


def _first_rows(recipe: Recipe) -> tuple[str, Table]:
    """The first file of a recipe, and its first rows."""
    data = recipe.data
    if not data.files:
        raise DataError("no table was given", fix="name its file: duree fit TABLE ...")
    pieces = stream_table(data.files[0], encoding=data.encoding, delimiter=data.delimiter)
    return data.files[0], next(pieces)


def _named_columns(data: DataSettings, table: Table) -> set[str]:
    """The columns that have a role already."""
    sequence = (data.text, data.state, data.start, data.end, data.token)
    rows = (data.id, data.group, data.time, data.weight)
    several = (data.states, data.series)
    ranges = (name for names in several for name in state_columns(table, names))
    return {
        *filter(None, (*sequence, *rows)),
        *ranges,
        *data.event,
        *data.attribute,
        *data.covariate,
    }


def _names(columns: list[ColumnGuess]) -> str:
    return listed([column.name for column in columns])


def _as_typed(options: dict[str, str]) -> str:
    """Options as they are typed."""
    return command(*(word for name, value in options.items() for word in (f"--{name}", value)))
