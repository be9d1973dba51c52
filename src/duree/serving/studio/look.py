"""A look at an uploaded table: its first rows, what its columns seem to be, what the checks say."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from duree.question import check_files
from duree.report.vocabulary import Words
from duree.serving.studio.shelf import Upload
from duree.settings import DataSettings
from duree.tables.finding import Finding
from duree.tables.guess import ColumnGuess, guess_columns
from duree.tables.stream import stream_table

FIRST, CELL = 8, 300  # rows that are shown, and characters of each cell
# Tables may be large: one is read at a time.
ONE_AT_A_TIME = threading.Lock()
# What the page calls the options that the messages of the command line name.
OPTIONS = {
    "drop-bad": "Leave out rows that cannot be used",
    "encoding": "Text encoding",
    "delimiter": "Column delimiter",
    "group": "Group",
    "time": "Time",
    "id": "Name of each row",
}


@dataclass(frozen=True)
class Preview:
    """The first rows of a table, cell by cell, and a guess at each column."""

    columns: list[ColumnGuess]
    rows: list[list[str]]


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


def check(data: DataSettings) -> list[Found]:
    """All that the checks have to say, the gravest first.

    Raises
    ------
    DataError
        The table cannot be read, or lacks a column.
    """
    with ONE_AT_A_TIME:
        return _checked(data)


def without_paths(message: str) -> str:
    """A message without the folders in which files lie on this machine."""
    return re.sub(r"(?<![\w:/])/(?:[^\s'\"/]+/)+", "", message)


def plain(message: str, words: Words, tables: list[Upload]) -> str:
    """A message of the library as the page tells it: with its own names for files and choices."""

    def named(option: re.Match[str]) -> str:
        quotes = "“{}”" if option[1] in OPTIONS else "{}"
        return quotes.format(words(OPTIONS.get(option[1], option[0])))

    for table in tables:
        message = message.replace(str(table.path), table.name)
    return re.sub(r"--([a-z-]+)(?: (?:COLUMN|NAME|CHAR)\b)?", named, without_paths(message))


@lru_cache(maxsize=16)
def _preview(upload: Upload, encoding: str | None, delimiter: str | None) -> Preview:
    frame = next(stream_table(upload.path, encoding=encoding, delimiter=delimiter)).frame
    rows = [[_cell(value) for value in row] for row in frame.head(FIRST).iter_rows()]
    return Preview(guess_columns(frame), rows)


@lru_cache(maxsize=16)
def _checked(data: DataSettings) -> list[Found]:
    table, findings = check_files(data)
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
