"""The page of one series: its channels with attributions."""

from __future__ import annotations

from markupsafe import Markup
from matplotlib.figure import Figure

from duree.report.figures.series import MOST_PANELS, draw_series
from duree.report.figures.style import drawing_style, to_inline_svg, to_svg
from duree.report.pages.row import render_row_page
from duree.report.vocabulary import Words
from duree.results.explanations import SeriesData


def render_series(row: SeriesData, words: Words) -> str:
    """The page as HTML, without scripts or external files."""
    with drawing_style():
        figure: Figure = draw_series(
            row.steps, [(one.name, one.values, one.attributions) for one in row.channels], words
        )
        drawn = to_inline_svg(to_svg(figure), "series", words("The series with attributions"))
    return render_row_page(
        "series.html", words, row.faithful, row=row, figure=Markup(drawn), drawn=MOST_PANELS
    )
