"""Preview of an uploaded table: first rows, guessed column types, results of the checks."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from duree.pipeline.by_layout import steps_for
from duree.recipe.recipe import Recipe
from duree.report.vocabulary import Words
from duree.serving.studio.forms import FORMS, Form
from duree.serving.studio.isolated import isolated
from duree.serving.studio.workspace import Upload
from duree.tables.files.conll import is_token_file
from duree.tables.files.stream import require_few_cells, stream_table
from duree.tables.finding import Finding
from duree.tables.guess.columns import ColumnGuess, guess_columns
from duree.tables.guess.rows import TEXTS, guess_columns_of, guess_rows
from duree.tasks import layout_for

# Limits of what is shown: rows, columns, and characters of a cell.
ROWS, COLUMNS, CELL = 8, 100, 300
LEAVE_OUT = "Leave out rows that cannot be used"
# Tables may be large: one is read at a time.
ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Preview:
    """The first rows of a table as they are shown, and a guess at each column."""

    columns: list[ColumnGuess]
    rows: list[list[str]]

    @property
    def seen(self) -> list[ColumnGuess]:
        """The columns of ``rows``."""
        return self.columns[:COLUMNS]


@dataclass(frozen=True)
class CheckResult:
    """One finding, and the rows it is about, counted from 1, with their relevant cells."""

    finding: Finding
    rows: list[tuple[int, list[tuple[str, str]]]]


def preview(upload: Upload, encoding: str | None = None, delimiter: str | None = None) -> Preview:
    """The table's first rows.

    Raises
    ------
    DataError
        The table cannot be read.
    """
    with ONE_AT_A_TIME:
        return _preview(upload, encoding, delimiter)


def check(recipe: Recipe) -> list[CheckResult]:
    """The findings about a recipe's table, the most severe first.

    Raises
    ------
    DataError
        The table cannot be read, or lacks a column.
    """
    # Whatever else is changed in the form, the table is not read again.
    known = Recipe(task=recipe.task, data=recipe.data, forecast=recipe.forecast)
    with ONE_AT_A_TIME:
        return _checked(known)


def read_as_run(recipe: Recipe) -> None:
    """Read a table as its run will, if the checks do not cover the task.

    Raises
    ------
    DataError, ExtraError
        The run would fail.
    """
    with ONE_AT_A_TIME:
        isolated(_read_further, recipe)


def with_guesses(upload: Upload, shown: Preview | None, sent: Mapping[str, str]) -> dict[str, str]:
    """The fields of a form; with guessed columns if nothing was sent yet, or if the row type
    changed."""
    rows = sent.get("rows", "")
    if shown is None or (rows and rows == sent.get("was")):
        return dict(sent)
    tokens = is_token_file(upload.path)
    if rows not in FORMS:
        rows = guess_rows(shown.columns, tokens=tokens)
    found = guess_columns_of(rows, shown.columns, tokens=tokens)
    if (task := FORMS[rows].without_target) and "target" not in found:
        found["task"] = task
    unchanged = {name: value for name, value in sent.items() if not FORMS[rows].has_first(name)}
    return unchanged | found | {"rows": rows}


def without_paths(message: str) -> str:
    """A message without the folders of files on this machine."""
    return re.sub(r"(?<![\w:/])/(?:[^\s'\"/]+/)+", "", message)


def in_page_terms(
    message: str, words: Words, tables: list[Upload], form: Form = FORMS[TEXTS]
) -> str:
    """A message of the library with the page's names for files and fields."""

    def title_of(option: re.Match[str]) -> str:
        name = option[1].replace("-", "_")
        field = form.field(name)
        title = LEAVE_OUT if name == "drop_bad" else field and field.title
        return f"“{words(title)}”" if title else option[0]

    for table in tables:
        message = message.replace(str(table.path), table.name)
    return re.sub(
        r"--([a-z-]+)(?: (?:COLUMN|COL|NAME|CHAR|STEPS)\b)?", title_of, without_paths(message)
    )


@lru_cache(maxsize=16)
def _preview(upload: Upload, encoding: str | None, delimiter: str | None) -> Preview:
    return isolated(_read_preview, upload, encoding, delimiter)


def _read_preview(upload: Upload, encoding: str | None, delimiter: str | None) -> Preview:
    require_few_cells(upload.path)
    frame = next(stream_table(upload.path, encoding=encoding, delimiter=delimiter)).frame
    first = frame[:ROWS, :COLUMNS]
    rows = [[_cell(value) for value in row] for row in first.iter_rows()]
    return Preview(guess_columns(frame), rows)


@lru_cache(maxsize=16)
def _checked(recipe: Recipe) -> list[CheckResult]:
    return isolated(_read_checked, recipe)


def _read_further(recipe: Recipe) -> None:
    steps_for(layout_for(recipe)).check_further(recipe)


def _read_checked(recipe: Recipe) -> list[CheckResult]:
    data = recipe.data
    for file in (*data.files, data.test_file, data.validation_file):
        if file is not None:
            require_few_cells(Path(file))
    layout = layout_for(recipe)
    table, findings = steps_for(layout).check(recipe)
    severity = ("error", "warning", "note", "ok")
    ordered = sorted(findings, key=lambda finding: severity.index(finding.level))
    named = layout(recipe.data).identifying_columns
    return [CheckResult(finding, _cells(table.frame, finding.rows, named)) for finding in ordered]


def _cells(
    frame: pl.DataFrame, rows: tuple[int, ...], named: list[str]
) -> list[tuple[int, list[tuple[str, str]]]]:
    present = [name for name in named if name in frame.columns]
    return [
        (row + 1, [(name, _cell(frame[name][row])) for name in present])
        for row in rows
        if row < frame.height
    ]


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= CELL else text[: CELL - 1] + "…"
