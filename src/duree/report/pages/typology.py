"""The page of a typology: what the network takes for alike, beside optimal matching."""

from __future__ import annotations

from markupsafe import Markup

from duree.report.figures.style import drawing_style, to_inline_svg, to_svg
from duree.report.figures.typology import draw_type_sequences, draw_type_shares, draw_widths
from duree.report.pages.report import page_environment, page_policy, page_style
from duree.report.vocabulary import Words
from duree.results.typology import Typology

# What each way of telling sequences apart is called.
WAYS = {
    "network": "the network’s vectors",
    "matching": "optimal matching (substitution 2)",
    "rates": "optimal matching (transition rates)",
}


def render_typology(found: Typology, words: Words) -> str:
    """The page as HTML; it loads and runs nothing."""
    style = page_style()
    return (
        page_environment(words)
        .get_template("typology.html")
        .render(
            found=found,
            language=words.language,
            gap="" if words.language == "zh" else " ",
            style=Markup(style),
            policy=page_policy(style),
            figures=_figures(found, words),
            ways={way: words(title) for way, title in WAYS.items()},
        )
    )


def _figures(found: Typology, words: Words) -> dict[str, Markup]:
    figures = {}
    with drawing_style():
        names = {one.way: words(WAYS[one.way]) for one in found.sortings}
        tried = {names[one.way]: one.widths for one in found.sortings if len(one.widths) > 1}
        if tried:
            title = words("Mean silhouettes by the number of types")
            figures["widths"] = to_inline_svg(to_svg(draw_widths(tried, words)), "widths", title)
        if found.facts is not None:
            columns = [(names[one.way], one.shapes) for one in found.sortings[:2]]
            title = words("Shares of the states over time, by type")
            drawn = draw_type_shares(found.facts, columns, words)
            figures["shares"] = to_inline_svg(to_svg(drawn), "shares", title)
            title = words("Sequences of each type, a line each")
            drawn = draw_type_sequences(found.facts, columns, words)
            figures["lines"] = to_inline_svg(to_svg(drawn), "lines", title)
    return {name: Markup(figure) for name, figure in figures.items()}
