"""Shaded examples for the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from duree.report.run_data import RunData
from duree.report.shading import Shaded, shade
from duree.results.explanations import Explanations, Shading

# Maximum number of units of an example.
MOST_UNITS = 300


@dataclass(frozen=True)
class Example:
    """A shaded test row; ``place`` is its number among the test rows, from 1.

    ``sure`` is shown in brackets after the prediction; it may be empty.
    """

    place: int
    predicted: str
    sure: str
    text: Shaded


def shaded_examples(run: RunData, explanations: Explanations) -> Iterator[Example]:
    """The examples of each class, or of the largest and smallest numbers."""
    column = run.rows.shaded_column(run)
    if column is None:
        return
    for found in explanations.examples:
        predicted, sure = run.target.answer_shown(run, found.answer, found.sure)
        yield Example(
            place=found.row + 1,
            predicted=predicted,
            sure=sure,
            text=_most_predictive(str(run.predictions[column][found.row]), found),
        )


def _most_predictive(text: str, found: Shading) -> Shaded:
    """The shaded text; of a long one, the passage with the largest absolute attributions."""
    sums = np.cumsum(np.abs([0.0, *found.values]))
    begin = 0
    if len(found.values) > MOST_UNITS:
        begin = int(np.argmax(sums[MOST_UNITS:] - sums[:-MOST_UNITS]))
    shown = slice(begin, begin + MOST_UNITS)
    return shade(text, found.places[shown], found.values[shown])
