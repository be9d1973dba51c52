"""Plan: a figure of a run, and the function that draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from duree.report.run_data import RunData
from duree.report.vocabulary import Words


@dataclass(frozen=True)
class Plan:
    """One figure: its name (also of the file), its title, and the function that draws it."""

    name: str
    title: str
    draw: Callable[[RunData, Words], Figure]
