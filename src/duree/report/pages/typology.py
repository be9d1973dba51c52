"""The page of a typology: what the network takes for alike, beside optimal matching."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from duree.report.figures.style import drawing_style, to_inline_svg, to_svg
from duree.report.figures.typology import (
    TypeFacts,
    draw_type_sequences,
    draw_type_shares,
    draw_widths,
)
from duree.report.pages.report import page_environment, page_policy, page_style
from duree.report.vocabulary import Words
from duree.results.run_files import StateFacts

# What each way of telling sequences apart is called.
WAYS = {
    "network": "the network’s vectors",
    "matching": "optimal matching (substitution 2)",
    "rates": "optimal matching (transition rates)",
}


@dataclass(frozen=True)
class Kind:
    """One type.

    Attributes
    ----------
    rows : int
    silhouette : float
        Mean over its rows.
    heart : str
        The sequence or text at its heart.
    """

    rows: int
    silhouette: float
    heart: str


@dataclass(frozen=True)
class Sorting:
    """Rows in types, by one way of telling them apart.

    Attributes
    ----------
    way : str
        A key of ``WAYS``.
    rows : int
        Rows that have a type.
    kinds : list of Kind
        The first as in the network's typology: others are numbered so that they share as many rows
        as can be.
    widths : {number of types: mean silhouette}
        Of all numbers that were tried.
    shapes : list of TypeFacts
        What to draw of each; nothing where texts were read.
    """

    way: str
    rows: int
    kinds: list[Kind]
    widths: dict[int, float]
    shapes: list[TypeFacts]


@dataclass(frozen=True)
class Typology:
    """All that the page tells.

    Attributes
    ----------
    run, target, data : str
        What the run is called, what its network was trained to predict (nothing, where that is what
        comes next), and the table's name.
    rows, distinct : int
    size : int
        Of the vectors.
    given : bool
        Whether the number of types was.
    seen : int
        Different sequences whose distances were reckoned for the network's types.
    matched : int or None
        Different sequences that were matched; None where that would have taken too long, or texts
        were read.
    sortings : list of Sorting
        The network's first.
    agreements : {(way, way): float}
        Adjusted Rand index (Hubert & Arabie 1985), over the rows that both have parted.
    shared : list of list of int
        Rows by the network's type (down) and that of matching with substitutions of 2 (across).
    facts : StateFacts or None
        For colours and names of the states.
    """

    run: str
    target: str
    data: str
    rows: int
    distinct: int
    size: int
    given: bool
    seen: int
    matched: int | None
    sortings: list[Sorting]
    agreements: dict[tuple[str, str], float]
    shared: list[list[int]]
    facts: StateFacts | None


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
            ways={way: words(told) for way, told in WAYS.items()},
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
