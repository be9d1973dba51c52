"""The page of one row: its words shaded, how far that is to be believed, its gates, its arc."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from duree.report.figures.explanations import draw_arc
from duree.report.figures.gates import MOST, draw_gates
from duree.report.figures.style import drawing_style, to_inline_svg, to_svg
from duree.report.pages.report import page_environment, page_policy, page_style
from duree.report.shading import shade
from duree.report.vocabulary import Words
from duree.results.explanations import RowData
from duree.tables.layouts.persons import GAPS
from duree.tables.layouts.state_strings import MISSING

# What each attribution is called.
METHODS = {
    "integrated_gradients": "integrated gradients",
    "gradient_times_input": "gradient × input",
    "occlusion": "occlusion",
}

# Units that the table of what stands beside them shows.
MOST_STEPS = 200


def render_row(row: RowData, words: Words) -> str:
    """The page as HTML; it loads and runs nothing."""
    figures = {}
    if row.gates:
        drawn = _svg(draw_gates, row.units, row.gates, words)
        figures["gates"] = to_inline_svg(drawn, "gates", words("Gates under the words"))
    if row.arc:
        drawn = _svg(draw_arc, row.arc, words)
        figures["arc"] = to_inline_svg(drawn, "arc", words("The prediction along the text"))
    shades = row.shading
    return render_row_page(
        "row.html",
        words,
        row.faithful,
        row=row,
        figures={name: Markup(figure) for name, figure in figures.items()},
        shaded=shade(row.text, shades.places, shades.values),
        by_sentence=shade(row.text, shades.places, row.by_sentence),
        most_drawn=MOST,
        steps=list(_steps(row))[:MOST_STEPS],
        step_features=[
            words("time since the one before") if n == GAPS else n for n in row.step_features
        ],
        flipping=[row.units[step] for step in row.flip.steps] if row.flip else [],
    )


def render_row_page(template: str, words: Words, methods: Iterable[str], **facts: Any) -> str:
    """A page of one row, whose attributions are by these methods."""
    style = page_style()
    return (
        page_environment(words)
        .get_template(template)
        .render(
            language=words.language,
            style=Markup(style),
            policy=page_policy(style),
            methods={name: words(METHODS[name]) for name in methods},
            **facts,
        )
    )


def _steps(row: RowData) -> Iterator[tuple[str, float, list[str]]]:
    """Each unit with what it was given, and what stands beside it; nothing where nothing does."""
    if not row.step_features:
        return
    given = row.attributions["integrated_gradients"]
    for unit, value, *others in zip(row.units, given, *row.step_features.values(), strict=True):
        cells = (f"{one:g}" if isinstance(one, float) else one or MISSING for one in others)
        yield unit, value, list(cells)


def _svg(draw: Any, *arguments: Any) -> str:
    with drawing_style():
        figure: Figure = draw(*arguments)
        return to_svg(figure)
