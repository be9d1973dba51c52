"""Rows that have more or fewer cells than the header: counted, shown, and refused or left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from duree.errors import DataError
from duree.tables.finding import Finding

LINES_TOLD = 50

_TOO_LONG = (
    "put texts that hold {delimiter!r} in quotes, or choose the delimiter with --delimiter; "
    "single rows can be left out with --drop-bad"
)
_TOO_SHORT = "complete these rows, or leave them out with --drop-bad"


@dataclass
class Misfits:
    """What is known of the rows that do not fit.

    Attributes
    ----------
    count : int
    lines : list of int
        The lines on which the first of them begin.
    widths : set of int
        The numbers of cells that they have.
    example : str
        How the first of them begins.
    first_width : int
        How many cells the first of them has.
    """

    count: int = 0
    lines: list[int] = field(default_factory=list)
    widths: set[int] = field(default_factory=set)
    example: str = ""
    first_width: int = 0

    @property
    def told_lines(self) -> str:
        """The line numbers as text."""
        return ", ".join(map(str, self.lines)) + ", ..." * (self.count > len(self.lines))

    def refusal(self, path: Path, rows: int, columns: int, delimiter: str) -> DataError:
        """The error that tells of them, in a table of ``rows`` rows."""
        values: dict[str, object] = {
            "file": str(path),
            "line": self.lines[0],
            "cells": self.first_width,
            "columns": columns,
            "text": self.example,
            "count": self.count,
            "lines": self.told_lines,
            "delimiter": delimiter,
        }
        fix = _TOO_LONG if self.first_width > columns else _TOO_SHORT
        if self.count == rows and len(self.widths) == 1:
            return DataError(
                "every row has {cells} cells, but the header names {columns} columns",
                "{file}, row 1 (line {line}): {text!r}",
                fix,
                **values,
            )
        return DataError(
            "line {line} has {cells} cells, but the header names {columns} columns: {text!r}",
            "{file}; rows that do not fit: {count}, on lines {lines}",
            fix,
            **values,
        )

    def finding(self, path: Path) -> Finding:
        """Tells that they were left out."""
        return Finding(
            "bad_rows",
            "warning",
            "rows of {file} left out because they do not fit its header: {count}, on lines {lines}",
            values={"count": self.count, "file": str(path), "lines": self.told_lines},
        )
