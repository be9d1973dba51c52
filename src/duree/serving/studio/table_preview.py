"""Preview of an uploaded table: first rows, guessed column types, results of the checks."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from duree.errors import Phrase
from duree.pipeline.by_layout import steps_for
from duree.pipeline.expected_time import expected_seconds
from duree.recipe.recipe import Recipe
from duree.report.vocabulary import Words
from duree.serving.studio import class_names
from duree.serving.studio.forms import FORMS, Form
from duree.serving.studio.isolated import isolated
from duree.serving.studio.workspace import Upload
from duree.tables.files.conll import is_token_file
from duree.tables.files.stream import require_few_cells, stream_table
from duree.tables.finding import Finding
from duree.tables.guess.columns import ColumnGuess, guess_columns, possible_targets
from duree.tables.guess.rows import TEXTS, further_columns, guess_columns_of, guess_rows
from duree.tables.source_rows import named_rows
from duree.tables.table import Table
from duree.tasks import layout_for

# Limits of what is shown: rows, columns, and characters of a cell.
ROWS, COLUMNS, CELL = 8, 100, 300
# What messages write for the value of an option.
VALUES = r"(?:COLUMN|COL|NAME|CHAR|STEPS)\b|列名|步数"
# Titles of what is no field of its own, by option.
TITLES = {"drop_bad": "Leave out rows that cannot be used", "class_names": class_names.TITLE}
TITLES |= {"raw": "duree predict --raw"}
# Tables may be large: one is read at a time.
ONE_AT_A_TIME = threading.Lock()
# One recipe is measured at a time, beside the reading of tables.
MEASURING = threading.Lock()
ASKED: dict[tuple[str, ...], Recipe] = {}


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
    """One finding, and the rows it is about, as the files count them, with their relevant cells."""

    finding: Finding
    rows: list[tuple[Phrase, list[tuple[str, str]]]]


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


def guess_fields(upload: Upload, shown: Preview | None, sent: Mapping[str, str]) -> dict[str, str]:
    """What the fields of a form probably are, by the table; for the rows that were sent, if any.

    A target is guessed only where it is evident.
    """
    if shown is None:
        return {}
    tokens = is_token_file(upload.path)
    rows = sent.get("rows", "")
    if rows not in FORMS:
        rows = guess_rows(shown.columns, tokens=tokens)
    found = guess_columns_of(rows, shown.columns, tokens=tokens)
    taken = set(found.values())
    further = {
        name: column
        for name, column in further_columns(shown.columns).items()
        if column not in taken and name not in found
    }
    task = FORMS[rows].without_target
    if task and "target" not in found and not _may_have_target(shown.columns, found):
        found["task"] = task
    return further | found | {"rows": rows}


def expected_time(recipe: Recipe) -> float | None:
    """The longest that training will take, in seconds; None if another recipe for the same table
    was asked about meanwhile.

    Raises
    ------
    DureeError
        The run would fail.
    """
    ASKED[recipe.data.files] = recipe
    with MEASURING:
        # Forms change faster than recipes are measured: only the latest counts.
        return _measured(recipe) if ASKED[recipe.data.files] is recipe else None


def with_guesses(guessed: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, str]:
    """The fields of a form; with guessed columns if nothing was sent yet, or if the row type
    changed."""
    rows = sent.get("rows", "")
    if not guessed or (rows and rows == sent.get("was")):
        return dict(sent)
    form = FORMS[guessed["rows"]]
    unchanged = {name: value for name, value in sent.items() if not form.has_first(name)}
    # Weights change what is learned: they are offered, and never chosen by themselves.
    return unchanged | {name: column for name, column in guessed.items() if name != "weight"}


def _may_have_target(columns: list[ColumnGuess], found: Mapping[str, str]) -> bool:
    """Whether a column that is no input could be the target."""
    names = [column.name for column in columns]
    inputs: set[str] = set()
    for named in found.values():
        first, _, last = named.partition(":")
        if named not in names and first in names and last in names:
            inputs.update(names[names.index(first) : names.index(last) + 1])
        else:
            inputs.add(named)
    return any(column.name not in inputs for column in possible_targets(columns))


def without_paths(message: str) -> str:
    """A message without the folders of files on this machine."""
    return re.sub(r"(?<![\w:/])/(?:[^\s'\"/]+/)+", "", message)


def in_page_terms(
    message: str, words: Words, tables: list[Upload], form: Form = FORMS[TEXTS]
) -> str:
    """A message of the library with the page's names for files and fields."""

    # Chinese has no spaces around quotation marks.
    gap = r"( ?)" if words.language == "zh" else "()"

    def title_of(option: re.Match[str]) -> str:
        name = option[2].replace("-", "_")
        field = form.field(name)
        title = TITLES.get(name) or (field and field.title)
        return f"“{words(title)}”" if title else option[0]

    for table in tables:
        message = message.replace(str(table.path), table.name)
    option = rf"{gap}--([a-z-]+)(?: (?:{VALUES}))?{gap}"
    return re.sub(option, title_of, without_paths(message))


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, the most severe first."""
    severity = ("error", "warning", "note", "ok")
    return sorted(findings, key=lambda finding: severity.index(finding.level))


def first_cells(frame: pl.DataFrame) -> list[list[str]]:
    """The cells of the first rows as they are shown."""
    return [[_cell(value) for value in row] for row in frame[:ROWS].iter_rows()]


@lru_cache(maxsize=16)
def _preview(upload: Upload, encoding: str | None, delimiter: str | None) -> Preview:
    return isolated(_read_preview, upload, encoding, delimiter)


def _read_preview(upload: Upload, encoding: str | None, delimiter: str | None) -> Preview:
    require_few_cells(upload.path)
    frame = next(stream_table(upload.path, encoding=encoding, delimiter=delimiter)).frame
    return Preview(guess_columns(frame), first_cells(frame[:, :COLUMNS]))


@lru_cache(maxsize=16)
def _checked(recipe: Recipe) -> list[CheckResult]:
    return isolated(_read_checked, recipe)


@lru_cache(maxsize=16)
def _measured(recipe: Recipe) -> float:
    return isolated(expected_seconds, recipe)


def _read_further(recipe: Recipe) -> None:
    steps_for(layout_for(recipe)).check_further(recipe)


def _read_checked(recipe: Recipe) -> list[CheckResult]:
    data = recipe.data
    for file in (*data.files, data.test_file, data.validation_file):
        if file is not None:
            require_few_cells(Path(file))
    layout = layout_for(recipe)
    table, findings = steps_for(layout).check(recipe)
    ordered = by_severity(findings)
    named = layout(recipe.data).identifying_columns
    return [CheckResult(finding, _cells(table, finding.rows, named)) for finding in ordered]


def _cells(
    table: Table, rows: tuple[int, ...], named: list[str]
) -> list[tuple[Phrase, list[tuple[str, str]]]]:
    frame = table.frame
    present = [name for name in named if name in frame.columns]
    return [
        (named_rows(table, [row]), [(name, _cell(frame[name][row])) for name in present])
        for row in rows
        if row < frame.height
    ]


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= CELL else text[: CELL - 1] + "…"
