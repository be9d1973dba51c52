"""What was learned, as the page's templates take it: shaded examples and rows of tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from duree.report.run_data import RunData
from duree.report.shading import Shaded, shade
from duree.results.explanations import Explanations, Shading

# Units of an example that the page shows, at most.
MOST_UNITS = 300


@dataclass(frozen=True)
class Example:
    """A test row with its words shaded; ``place`` counts from 1, ``name`` is its own if any.

    ``sure`` follows what was predicted, in brackets; it may be empty.
    """

    place: int
    name: str
    predicted: str
    sure: str
    text: Shaded


def shaded_examples(run: RunData, explanations: Explanations) -> Iterator[Example]:
    """The most telling examples of each class, or of the largest and smallest numbers."""
    column = run.rows.shaded_column(run)
    if column is None:
        return
    for found in explanations.examples:
        predicted, sure = run.target.answer_shown(run, found.answer, found.sure)
        yield Example(
            place=found.row + 1,
            name=run.row_name(found.row),
            predicted=predicted,
            sure=sure,
            text=_most_predictive(str(run.predictions[column][found.row]), found),
        )


def _most_predictive(text: str, found: Shading) -> Shaded:
    """The text shaded; of a long one the stretch that speaks most, to either side."""
    sums = np.cumsum(np.abs([0.0, *found.values]))
    begin = 0
    if len(found.values) > MOST_UNITS:
        begin = int(np.argmax(sums[MOST_UNITS:] - sums[:-MOST_UNITS]))
    shown = slice(begin, begin + MOST_UNITS)
    return shade(text, found.places[shown], found.values[shown])
