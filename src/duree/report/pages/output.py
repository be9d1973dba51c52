"""The page of one output: which units of the source each of its units came from."""

from __future__ import annotations

from duree.report.output_grid import MOST, grid
from duree.report.pages.row import render_row_page
from duree.report.vocabulary import Words
from duree.results.explanations import OutputData


def render_output(row: OutputData, words: Words) -> str:
    """The page as HTML, without scripts or external files."""
    return render_row_page(
        "output.html",
        words,
        (),
        row=row,
        influence=grid(row, row.influence),
        attention=grid(row, row.attention),
        most=MOST,
    )
