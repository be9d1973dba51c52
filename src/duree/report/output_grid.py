"""Grids of outputs: what each unit of a source has to do with each unit of an output, shaded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from duree.report.shading import LEVELS
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


def grid(row: OutputData, values: list[list[float]]) -> list[Line]:
    """The values of each unit of an output for each unit of its source, with their shades."""
    shown = [one[:MOST] for one in values[:MOST]]
    darkest = float(np.abs(shown).max(initial=0.0)) or 1.0
    return [
        Line(unit, [Cell(value, _kind(value / darkest)) for value in of_unit])
        for unit, of_unit in zip(row.outputs, shown, strict=False)
    ]


def _kind(share: float) -> str:
    level = round(share * LEVELS)
    return f"{'for' if level > 0 else 'against'}{abs(level)}" if level else ""
