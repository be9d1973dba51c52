"""A look at an uploaded table: its first rows, what its columns seem to be, what the checks say."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from duree.pipeline.dataset import check_files
from duree.pipeline.forecast_dataset import read_forecast
from duree.recipe.recipe import Recipe
from duree.recipe.settings import DataSettings, ForecastSettings
from duree.report.vocabulary import Words
from duree.serving.studio.forms import FORMS, NEXT, Form, of_series
from duree.serving.studio.workspace import Upload
from duree.tables.files.conll import TOKEN_FILES
from duree.tables.files.stream import stream_table
from duree.tables.finding import Finding
from duree.tables.guess.columns import ColumnGuess, guess_columns
from duree.tables.guess.rows import TEXTS, guess_columns_of, guess_rows
from duree.tables.layouts.series_files import read_series
from duree.tables.table import Table

# Rows that are shown, columns of them, and characters of each cell.
FIRST, WIDEST, CELL = 8, 100, 300
LEAVE_OUT = "Leave out rows that cannot be used"
# Tables may be large: one is read at a time.
ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Preview:
    """The first rows of a table, cell by cell as far as they are shown, and a guess at each
    column."""

    columns: list[ColumnGuess]
    rows: list[list[str]]

    @property
    def seen(self) -> list[ColumnGuess]:
        """The columns of ``rows``."""
        return self.columns[:WIDEST]


@dataclass(frozen=True)
class Found:
    """One finding, and the rows it speaks of, counted from 1, with the cells that matter."""

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


def check(recipe: Recipe) -> list[Found]:
    """All that the checks have to say of a recipe's table, the gravest first.

    Raises
    ------
    DataError
        The table cannot be read, or lacks a column.
    """
    data = recipe.data
    if data.target == data.text:  # what comes next in sequences is no answer to look over
        data = data.model_copy(update={"target": None})
    with ONE_AT_A_TIME:
        return _checked(data, recipe.forecast if of_series(recipe) else None)


def try_out(recipe: Recipe) -> None:
    """Read a table as its run will, where the checks do not tell what is asked of it.

    Raises
    ------
    DataError, ExtraError
        The run could not go on.
    """
    if of_series(recipe):
        with ONE_AT_A_TIME:
            read_forecast(recipe)


def guessed(upload: Upload, shown: Preview | None, sent: Mapping[str, str]) -> dict[str, str]:
    """What was chosen in a form; where its rows are of another kind than it asked of, or nothing
    was sent yet, with a guess at the columns."""
    rows = sent.get("rows", "")
    if shown is None or (rows and rows == sent.get("was")):
        return dict(sent)
    tokens = upload.path.suffix.lower() in TOKEN_FILES
    if rows not in FORMS:
        rows = guess_rows(shown.columns, tokens=tokens)
    found = guess_columns_of(rows, shown.columns)
    if tokens:  # such files say themselves what are words and sentences
        found = {role: name for role, name in found.items() if role == "target"}
    if FORMS[rows].can_ask(NEXT) and "target" not in found:
        found["task"] = NEXT
    answered = {name: value for name, value in sent.items() if not FORMS[rows].asks_first(name)}
    return answered | found | {"rows": rows}


def without_paths(message: str) -> str:
    """A message without the folders in which files lie on this machine."""
    return re.sub(r"(?<![\w:/])/(?:[^\s'\"/]+/)+", "", message)


def plain(message: str, words: Words, tables: list[Upload], form: Form = FORMS[TEXTS]) -> str:
    """A message of the library as the page tells it: with its own names for files and choices."""

    def named(option: re.Match[str]) -> str:
        name = option[1].replace("-", "_")
        field = form.field(name)
        title = LEAVE_OUT if name == "drop_bad" else field and field.title
        return f"“{words(title)}”" if title else option[0]

    for table in tables:
        message = message.replace(str(table.path), table.name)
    return re.sub(
        r"--([a-z-]+)(?: (?:COLUMN|COL|NAME|CHAR|STEPS)\b)?", named, without_paths(message)
    )


@lru_cache(maxsize=16)
def _preview(upload: Upload, encoding: str | None, delimiter: str | None) -> Preview:
    frame = next(stream_table(upload.path, encoding=encoding, delimiter=delimiter)).frame
    first = frame[:FIRST, :WIDEST]
    rows = [[_cell(value) for value in row] for row in first.iter_rows()]
    return Preview(guess_columns(frame), rows)


@lru_cache(maxsize=16)
def _checked(data: DataSettings, forecast: ForecastSettings | None) -> list[Found]:
    if forecast is None:
        table, findings = check_files(data)
    else:
        read = read_series(data, forecast)
        table = Table(pl.DataFrame({read.name: read.series.names}), read.sources)
        findings = read.series.findings
    gravity = ("error", "warning", "note", "ok")
    ordered = sorted(findings, key=lambda finding: gravity.index(finding.level))
    named = [name for name in (data.id, data.group, data.time, data.target, data.text) if name]
    return [Found(finding, _cells(table.frame, finding.rows, named)) for finding in ordered]


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
