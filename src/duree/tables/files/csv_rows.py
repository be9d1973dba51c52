"""The rows of one delimited file, taken block by block and checked against its header."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.tables.files.csv_structure import (
    Dialect,
    Marks,
    Structure,
    bare_words,
    find_structure,
    to_columns,
    to_series,
)
from duree.tables.files.limits import (
    CELL_LIMIT,
    blank_lines,
    check_row_length,
    column_names,
    refuse_title,
    title_above,
)
from duree.tables.finding import Finding
from duree.tables.table import BareWords, added_up

LINES_NAMED = 50
NAMELESS = "\0"  # begins the name of a column that has none; names hold no NUL otherwise
# As R, Stata, SQL, Excel and pandas write missing values.
MISSING_WORDS = frozenset(
    ("NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NaT", "NULL", "null", "None", ".", "\\N")
)

_TOO_LONG = (
    "quote texts that contain {delimiter!r}, or choose the delimiter with --delimiter; "
    "single rows can be left out with --drop-bad"
)
_ROW_NAMES = (
    "the first column seems to hold row names, as R writes them: use "
    "write.csv(table, FILE, row.names = FALSE), or name that column in the first line"
)
_TOO_SHORT = "complete these rows, or leave them out with --drop-bad"


@dataclass
class MalformedRows:
    """The rows whose number of cells differs from the header's.

    Attributes
    ----------
    count : int
    lines : list of int
        The lines on which the first of them begin.
    widths : set of int
        Their numbers of cells.
    example : str
        The beginning of the first of them.
    first_width : int
        The number of cells of the first of them.
    """

    count: int = 0
    lines: list[int] = field(default_factory=list)
    widths: set[int] = field(default_factory=set)
    example: str = ""
    first_width: int = 0

    @property
    def line_numbers(self) -> str:
        """The line numbers as text."""
        return ", ".join(map(str, self.lines)) + ", ..." * (self.count > len(self.lines))

    def follow_title(self, rows: int, columns: int, delimiter: str) -> bool:
        """Whether a single cell is above them that seems to be a title: most of ``rows`` rows are
        as wide as the first of them, which holds names and no sentence with a comma."""
        cells = self.example.split(delimiter)
        names = {cell for cell in cells if cell and not cell[0].isspace()}
        is_header = len(names) == len(cells) == self.first_width
        return columns == 1 and len(self.widths) == 1 and is_header and self.count > rows / 2

    def refusal(self, path: Path, rows: int, names: list[str], delimiter: str) -> DataError:
        """The error for a table of ``rows`` rows that holds them."""
        columns = len(names)
        if self.follow_title(rows, columns, delimiter):
            return title_above(names[0], path)
        values: dict[str, object] = {
            "file": str(path),
            "line": self.lines[0],
            "cells": self.first_width,
            "columns": columns,
            "text": self.example,
            "count": self.count,
            "lines": self.line_numbers,
            "delimiter": delimiter,
        }
        fix = _TOO_LONG if self.first_width > columns else _TOO_SHORT
        # The first row name that R gives, in quotes.
        is_named = self.example.startswith(f'"1"{delimiter}')
        if is_named and self.count == rows and self.widths == {columns + 1}:
            fix = _ROW_NAMES
        if self.count == rows and len(self.widths) == 1:
            return DataError(
                "every row has {cells} cells, but the header has {columns} columns",
                "{file}, row 1 (line {line}): {text!r}",
                fix,
                **values,
            )
        return DataError(
            "line {line} has {cells} cells, but the header has {columns} columns: {text!r}",
            "{file}; malformed rows: {count}, on lines {lines}",
            fix,
            **values,
        )

    def finding(self, path: Path) -> Finding:
        """The finding that they were left out."""
        return Finding(
            "bad_rows",
            "warning",
            "malformed rows of {file} left out, whose number of cells differs from the "
            "header's: {count}, on lines {lines}",
            values={"count": self.count, "file": str(path), "lines": self.line_numbers},
        )


class Rows:
    """Reads blocks of text, collects the columns of good rows, and counts the others."""

    def __init__(self, path: Path, dialect: Dialect, drop_bad: bool, first_line: int = 1) -> None:
        self.path, self.dialect, self.drop_bad = path, dialect, drop_bad
        self.names: list[str] | None = None
        self.frames: list[pl.DataFrame] = []
        self.kept: list[NDArray[np.int64]] = []  # the numbers of the rows in frames, from 1
        self.malformed = MalformedRows()
        self.count = 0  # rows taken, malformed ones included
        self.blank_lines = 0
        self.line = first_line  # where the first row not yet taken begins
        self.bare: BareWords = {}
        self.nameless = 0  # columns left out

    def take(self, data: bytes, final: bool = False) -> bytes:
        """Take the complete rows of ``data`` and return the incomplete one at its end.

        Raises
        ------
        DataError
            A quote is never closed, or is closed within a cell; a cell or row is too long.
        """
        structure = find_structure(data, self.dialect)
        self._check(structure, final)
        wanted = ~structure.blank
        self.blank_lines += len(wanted) - int(wanted.sum())
        if self.names is None and wanted.any():
            self.names = self._take_header(structure, wanted)
        if self.names is not None:
            self._take_rows(structure, wanted, self.names)
        self.line += self._lines(structure, structure.rest)
        check_row_length(len(data) - structure.rest, self.line, self.path)
        return data[structure.rest :]

    def hand_over(self) -> list[pl.DataFrame]:
        """The rows taken since the last call; they are released.

        Raises
        ------
        DataError
            One of them is malformed.
        """
        if self.malformed.count:
            raise self._refusal()
        frames, self.frames = self.frames, []
        return [self._named(frame, whole=False) for frame in frames]

    def frame(self) -> pl.DataFrame:
        """All rows, once every block has been taken.

        Raises
        ------
        DataError
            Some rows are malformed and may not be left out, or all are malformed.
        """
        if not self.count:
            return self._named(pl.DataFrame(schema=self.names or []), whole=True)
        malformed, columns = self.malformed, len(self.names or [])
        is_title = malformed.follow_title(self.count, columns, self.dialect.delimiter)
        if is_title or malformed.count == self.count or (malformed.count and not self.drop_bad):
            raise self._refusal()
        return self._named(pl.concat(self.frames, rechunk=False), whole=True)

    def numbers(self) -> NDArray[np.int64] | None:
        """The numbers of the rows of ``frame`` among all rows, from 1; None if it has them all."""
        return np.concatenate(self.kept) if self.malformed.count else None

    def _refusal(self) -> DataError:
        """The error for malformed rows."""
        return self.malformed.refusal(
            self.path, self.count, self.names or [], self.dialect.delimiter
        )

    def findings(self) -> Iterator[Finding]:
        """Findings on rows and lines that were left out."""
        if self.malformed.count:
            yield self.malformed.finding(self.path)
        if self.blank_lines:
            yield blank_lines(self.blank_lines, self.path)
        if self.nameless:
            yield Finding(
                "nameless_columns",
                "note",
                "columns of {file} with neither a name nor cells were left out: {count}",
                values={"file": str(self.path), "count": self.nameless},
            )

    def _take_header(self, structure: Structure, wanted: Marks) -> list[str]:
        """The column names in the first wanted row, which is then unmarked."""
        header = np.arange(len(wanted)) == np.argmax(wanted)
        wanted &= ~header
        cells = to_series(structure, header).fill_null("").to_list()
        # Names of their own, until it is known which of them have cells.
        distinct = [name if name.strip() else f"{NAMELESS}{i}" for i, name in enumerate(cells)]
        return column_names(distinct, self.path)

    def _named(self, frame: pl.DataFrame, whole: bool) -> pl.DataFrame:
        """The frame without its empty nameless columns; if not ``whole``, a single one stays."""
        nameless = [column for column in frame if column.name.startswith(NAMELESS)]
        if not nameless:
            return frame
        filled = [column.name for column in nameless if column.null_count() < len(column)]
        if not whole and len(nameless) == 1:
            filled = [nameless[0].name]
        self.nameless = len(nameless) - len(filled)
        kept = frame.drop([column.name for column in nameless if column.name not in filled])
        names = [name if not name.startswith(NAMELESS) else "" for name in kept.columns]
        refuse_title(names, self.path)
        column_names([""] * len(filled), self.path)
        return kept.rename(dict.fromkeys(filled, ""))

    def _take_rows(self, structure: Structure, wanted: Marks, names: list[str]) -> None:
        first, self.count = self.count + 1, self.count + int(wanted.sum())
        fits = structure.cells == len(names)
        self._note_malformed(structure, wanted & ~fits)
        # Once the file will be refused, the rest is read only to count malformed rows.
        good = wanted & fits
        if good.any() and (self.drop_bad or not self.malformed.count):
            frame = to_columns(structure, good, names)
            self.frames.append(frame)
            if self.drop_bad:
                self.kept.append(first + np.flatnonzero(good[wanted]))
            bare = bare_words(structure, good, frame, MISSING_WORDS)
            self.bare = added_up([self.bare, bare]) if bare else self.bare

    def _note_malformed(self, structure: Structure, rows: Marks) -> None:
        malformed, starts, cells = self.malformed, structure.starts, structure.cells
        malformed.count += int(rows.sum())
        malformed.widths.update(np.unique(cells[rows]).tolist())
        for row in np.flatnonzero(rows)[: LINES_NAMED - len(malformed.lines)]:
            if not malformed.lines:
                malformed.first_width = int(cells[row])
                malformed.example = _excerpt(structure, starts[row], structure.row_ends[row])
            malformed.lines.append(self._line_at(structure, starts[row]))

    def _check(self, structure: Structure, final: bool) -> None:
        length, start = structure.longest
        if structure.fault >= 0:
            raise DataError(
                "the quoted cell that opens on line {opened} is followed by more text on "
                "line {line}: {text!r}",
                "in {file}",
                'write a quote inside a quoted cell twice (""), or close the one left open',
                opened=self._line_at(structure, structure.opened),
                line=self._line_at(structure, structure.fault),
                text=_excerpt(structure, structure.fault),
                file=str(self.path),
            )
        if length > CELL_LIMIT:
            raise DataError(
                "the cell that begins on line {line} is longer than {limit} bytes",
                "in {file}",
                "close the quote if one was left open there; otherwise split the text into "
                "several rows",
                line=self._line_at(structure, start),
                limit=CELL_LIMIT,
                file=str(self.path),
            )
        if final and structure.opened >= 0:
            raise DataError(
                "the quote that opens on line {line} is never closed: {text!r}",
                "in {file}",
                'add the closing quote; a quote inside a quoted cell is written twice ("")',
                line=self._line_at(structure, structure.opened),
                text=_excerpt(structure, structure.opened),
                file=str(self.path),
            )

    def _line_at(self, structure: Structure, position: int) -> int:
        return self.line + self._lines(structure, position)

    def _lines(self, structure: Structure, end: int) -> int:
        """Number of lines that end before ``end``, including those within quotes."""
        return int(np.count_nonzero(structure.text[:end] == ord(self.dialect.newline)))


def _excerpt(structure: Structure, start: int, end: int | None = None) -> str:
    """Up to 80 characters from ``start``."""
    text = structure.text[start : start + 320 if end is None else min(end, start + 320)]
    return text.tobytes().decode(errors="ignore")[:80]  # the last character may be cut
