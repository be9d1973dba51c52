"""The page of one series: its channels drawn over the shades of what they added."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from duree.report.figures.series import MOST_PANELS, draw_series
from duree.report.figures.style import drawing_style, to_inline_svg, to_svg
from duree.report.pages.row import render_row_page
from duree.report.vocabulary import Words
from duree.results.run_files import Record


class Read(Record):
    """One channel of a series: its values (None where missing), and what each of them added."""

    name: str
    values: list[float | None]
    attributions: list[float]


class SeriesData(Record):
    """One explained series, as its JSON file holds it; ``row`` counts from 1.

    ``start`` and ``score`` are what is explained, of a series that is its training mean throughout
    and of this one: the log-odds of ``said``, or the number. ``faithful`` are areas by method (see
    ``duree.explain.faithfulness``), ``seeds`` rank correlations with networks of other seeds.
    """

    row: int
    predicted: dict[str, Any]
    said: str
    steps: list[str]
    channels: list[Read]
    start: float
    score: float
    faithful: dict[str, dict[str, float]]
    seeds: list[float]


def render_series(row: SeriesData, words: Words) -> str:
    """The page as HTML; it loads and runs nothing."""
    with drawing_style():
        figure: Figure = draw_series(
            row.steps, [(one.name, one.values, one.attributions) for one in row.channels], words
        )
        drawn = to_inline_svg(to_svg(figure), "series", words("The series, shaded"))
    return render_row_page(
        "series.html", words, row.faithful, row=row, figure=Markup(drawn), drawn=MOST_PANELS
    )
