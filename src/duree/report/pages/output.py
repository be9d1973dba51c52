"""The page of one output: which units of the source each of its units came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from duree.report.pages.row import render_row_page
from duree.report.shading import LEVELS
from duree.report.vocabulary import Words
from duree.results.explanations import OutputData

# Units of a source or of an output that are shown; the JSON file has all.
MOST = 60


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its value, and its class in the style sheet."""

    value: float
    kind: str


@dataclass(frozen=True)
class Line:
    """A unit of the output: what each unit of the source has to do with it."""

    unit: str
    cells: list[Cell]


def render_output(row: OutputData, words: Words) -> str:
    """The page as HTML, without scripts or external files."""
    return render_row_page(
        "output.html",
        words,
        (),
        row=row,
        influence=_lines(row, row.influence),
        attention=_lines(row, row.attention),
        most=MOST,
    )


def _lines(row: OutputData, values: list[list[float]]) -> list[Line]:
    shown = [one[:MOST] for one in values[:MOST]]
    darkest = float(np.abs(shown).max(initial=0.0)) or 1.0
    return [
        Line(unit, [Cell(value, _kind(value / darkest)) for value in of_unit])
        for unit, of_unit in zip(row.outputs, shown, strict=False)
    ]


def _kind(share: float) -> str:
    level = round(share * LEVELS)
    return f"{'for' if level > 0 else 'against'}{abs(level)}" if level else ""
