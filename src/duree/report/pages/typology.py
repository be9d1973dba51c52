"""The page of a typology: the network's types of sequences, and those of optimal matching."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from duree.report.figures.style import drawing_style, to_inline_svg, to_svg
from duree.report.figures.typology import draw_type_sequences, draw_type_shares, draw_widths
from duree.report.numbers import count, number
from duree.report.pages.report import page_environment, page_policy, page_style
from duree.report.pages.section import Numbering
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.typology import Typology

# The names of methods to compare sequences.
WAYS = {
    "network": "the network’s vectors",
    "matching": "optimal matching (substitution 2)",
    "rates": "optimal matching (transition rates)",
}

MATCHING = (
    "Abbott, A.; Forrest, J. (1986). Optimal Matching Methods for Historical Sequences. Journal of "
    "Interdisciplinary History 16(3), 471–494.",
    "Gabadinho, A.; Ritschard, G.; Müller, N. S.; Studer, M. (2011). Analyzing and Visualizing "
    "State Sequences in R with TraMineR. Journal of Statistical Software 40(4), 1–37.",
    "Hubert, L.; Arabie, P. (1985). Comparing Partitions. Journal of Classification 2, 193–218.",
)
CLUSTERING = (
    "Kaufman, L.; Rousseeuw, P. J. (1990). Finding Groups in Data. Wiley.",
    "Rousseeuw, P. J. (1987). Silhouettes: A Graphical Aid to the Interpretation and Validation of "
    "Cluster Analysis. Journal of Computational and Applied Mathematics 20, 53–65.",
)


def render_typology(found: Typology, words: Words) -> str:
    """The page as HTML, without scripts or external files."""
    style, figures = page_style(), _figures(found, words)
    return (
        page_environment(words)
        .get_template("typology.html")
        .render(
            found=found,
            types=len(found.sortings[0].kinds),
            paragraphs=list(_paragraphs(found, words)),
            separation=_separation(found, figures, words),
            works=[*(MATCHING if found.agreements else ()), *CLUSTERING],
            numbering=Numbering(),
            language=words.language,
            style=Markup(style),
            policy=page_policy(style),
            figures=figures,
            ways={way: words(title) for way, title in WAYS.items()},
        )
    )


def _paragraphs(found: Typology, words: Words) -> Iterator[str]:
    """Paragraphs on how types were found and their agreement with optimal matching."""
    represented = words(
        "Each text is represented by the vector of {size} hidden states with which the network "
        "summarises it; the vectors are clustered around {k} of them (k-medoids).",
        size=found.size,
        k=len(found.sortings[0].kinds),
    )
    chosen = words("Of 2 to 8 types, this number has the largest mean silhouette.")
    trained = (
        words(
            "The network was trained to predict “{target}”: its types differ in what matters for "
            "that, and may ignore what does not.",
            target=label(found.target, 60),
        )
        if found.target
        else words(
            "The network was trained to predict the next state: its types differ in the present "
            "state and in the states that may follow."
        )
    )
    sampled = words(
        "Distances were computed in samples of {n} distinct texts; all others were assigned to "
        "the type with the nearest medoid (CLARA).",
        n=count(found.seen),
    )
    yield words.joined(
        represented,
        "" if found.given else chosen,
        trained,
        sampled if found.seen < found.distinct else "",
    )
    if found.agreements:
        yield from _matching(found, words)
    elif found.facts:
        yield words(
            "These sequences are too long for pairwise matching within a few minutes: optimal "
            "matching was left out."
        )


def _matching(found: Typology, words: Words) -> Iterator[str]:
    costs = words(
        "Optimal matching does not use the target: it counts the insertions and deletions (cost 1 "
        "each) and substitutions (cost 2) that turn one sequence into another."
    )
    matched = found.distinct if found.matched is None else found.matched
    sampled = words(
        "It was computed for a sample of {n} distinct sequences, not for all {all}.",
        n=count(matched),
        all=count(found.distinct),
    )
    numbered = words(
        "It has the same number of types, numbered so that they share as many rows as possible "
        "with the network’s types."
    )
    yield words.joined(costs, sampled if matched < found.distinct else "", numbered)
    yield words(
        "Agreement of the two: an adjusted Rand index of {value} (1: identical types; 0: chance "
        "agreement).",
        value=number(found.agreements["network", "matching"], 2),
    )


def _separation(found: Typology, figures: dict[str, Markup], words: Words) -> str:
    """The heading for silhouettes and agreement; empty if neither is shown."""
    if found.agreements:
        return words("Separation and agreement")
    return words("Separation") if "widths" in figures else ""


def _figures(found: Typology, words: Words) -> dict[str, Markup]:
    figures = {}
    with drawing_style():
        names = {one.way: words(WAYS[one.way]) for one in found.sortings}
        tried = {names[one.way]: one.widths for one in found.sortings if len(one.widths) > 1}
        if tried:
            title = words("Mean silhouette by number of types")
            figures["widths"] = to_inline_svg(to_svg(draw_widths(tried, words)), "widths", title)
        if found.facts is not None:
            columns = [(names[one.way], one.shapes) for one in found.sortings[:2]]
            title = words("Share of each state over time, by type")
            drawn = draw_type_shares(found.facts, columns, words)
            figures["shares"] = to_inline_svg(to_svg(drawn), "shares", title)
            title = words("Sequences of each type, one per line")
            drawn = draw_type_sequences(found.facts, columns, words)
            figures["lines"] = to_inline_svg(to_svg(drawn), "lines", title)
    return {name: Markup(figure) for name, figure in figures.items()}
