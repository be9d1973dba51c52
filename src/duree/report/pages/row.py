"""The page of one row: attributions, their faithfulness, gates and arc."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from duree.report.figures.explanations import draw_arc
from duree.report.figures.gates import MOST, draw_gates
from duree.report.figures.style import drawing_style, to_inline_svg, to_svg
from duree.report.numbers import level, p_value
from duree.report.pages.arc import arc_facts
from duree.report.pages.report import page_environment, page_policy, page_style
from duree.report.safe_text import label
from duree.report.shading import shade
from duree.report.vocabulary import Words
from duree.results.explanations import ArcData, RowData
from duree.tables.layouts.persons import GAPS
from duree.tables.layouts.state_strings import MISSING

# The names of attribution methods.
METHODS = {
    "integrated_gradients": "integrated gradients",
    "gradient_times_input": "gradient × input",
    "occlusion": "occlusion",
}

# Maximum number of units in the table of step features.
MOST_STEPS = 200
# Words are not called necessary if a larger share of random sets has the same effect.
MOST_BY_CHANCE = 0.05


def render_row(row: RowData, words: Words) -> str:
    """The page as HTML, without scripts or external files."""
    figures = {}
    if row.gates:
        drawn = _svg(draw_gates, row.units, row.gates, words)
        figures["gates"] = to_inline_svg(drawn, "gates", words("Gates by word"))
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
        only_first=words("Only the first {n} words are drawn; the JSON file contains all.", n=MOST)
        if len(row.units) > MOST
        else "",
        flip=_flip(row, words) if row.flip else "",
        arc=arc_facts(row.arc, words) | {"finding": _strays(row.arc, words)} if row.arc else None,
        steps=list(_steps(row))[:MOST_STEPS],
        step_features=[
            words("time since the previous event") if n == GAPS else n for n in row.step_features
        ],
    )


def render_row_page(template: str, words: Words, methods: Iterable[str], **facts: Any) -> str:
    """A page of one row from a template, with the names of its attribution methods."""
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


def _flip(row: RowData, words: Words) -> Markup | str:
    """A sentence on the smallest set of words whose removal changes the prediction."""
    flip = row.flip
    if flip is None or not flip.steps:
        return words(
            "No set of up to 40 words was found whose removal would change the prediction."
        )
    part = level(flip.by_chance)
    if flip.by_chance > MOST_BY_CHANCE:
        return words(
            "Without {n} of its words the prediction would be “{after}”, but so it would in {part} "
            "of 100 draws of as many words at random: none of them is indispensable.",
            n=len(flip.steps),
            after=label(flip.after),
            part=part,
        )
    units = (Markup('<b class="whole">{}</b>').format(label(row.units[at])) for at in flip.steps)
    comma, stop = ("、", "。") if words.language == "zh" else (", ", ". ")
    return Markup("{}{}{}{}{}").format(
        words("Without these words the prediction would be “{after}”:", after=label(flip.after)),
        words.gap,
        Markup(comma).join(units),
        stop,
        words.joined(
            words("No smaller set has this effect.")
            if flip.smallest
            else words("Each of them is necessary; another, smaller set may exist."),
            words("As many words at random change it in {part} of 100 draws.", part=part),
        ),
    )


def _strays(arc: ArcData, words: Words) -> str:
    """A sentence on whether the arc differs from noise."""
    return words(
        "The curve deviates from its mean more than the same passages in random order do (p = {p})."
        if arc.p_value <= 0.05
        else "The curve varies no more than the same passages in random order do (p = {p}): its "
        "variation may be noise.",
        p=p_value(arc.p_value, 1000),
    )


def _steps(row: RowData) -> Iterator[tuple[str, float, list[str]]]:
    """Each unit with its attribution and step features; empty without step features."""
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
