"""The page of surprisal: means by group, shaded texts, and changes along long ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from duree.report.figures.style import drawing_style, to_inline_svg, to_svg
from duree.report.figures.surprisal import RATES, draw_along, draw_groups
from duree.report.numbers import count, number, p_value
from duree.report.pages.report import page_environment, page_policy, page_style
from duree.report.pages.section import Numbering
from duree.report.safe_text import label, quote
from duree.report.shading import DARKEST, LEVELS, Shaded, shade
from duree.report.vocabulary import Words
from duree.results.surprisal import Along, Comparison, ShownText, SurprisalData

# Permutations have p-values of three decimals.
DIGITS = 1000
QUOTED = 70
GROUP_FIGURE = "groups"
WORKS = (
    "Chung, E.; Romano, J. P. (2013). Exact and asymptotically robust permutation tests. Annals of "
    "Statistics 41(2), 484–507.",
    "Holm, S. (1979). A Simple Sequentially Rejective Multiple Test Procedure. Scandinavian "
    "Journal of Statistics 6(2), 65–70.",
)
WORKS_ALONG = (
    "Matteson, D. S.; James, N. A. (2014). A Nonparametric Approach for Multiple Change Point "
    "Analysis of Multivariate Data. Journal of the American Statistical Association 109(505), "
    "334–345.",
)
WORKS_ALWAYS = (
    "Hale, J. (2001). A Probabilistic Earley Parser as a Psycholinguistic Model. Proceedings of "
    "NAACL.",
    "Levy, R. (2008). Expectation-based syntactic comprehension. Cognition 106(3), 1126–1177.",
    "Pimentel, T.; Meister, C. (2024). How to Compute the Probability of a Word. Proceedings of "
    "EMNLP.",
)


@dataclass(frozen=True)
class Stretch:
    """A stretch of a shaded text, with the number of the change that begins it, if one does."""

    change: int | None
    shaded: Shaded


@dataclass(frozen=True)
class Shown:
    """One document as the template shows it."""

    text: ShownText
    name: str
    stretches: list[Stretch]
    figure: Markup | None
    turns: list[str]


def render_surprisal(found: SurprisalData, words: Words) -> str:
    """The page as HTML, without scripts or external files."""
    style, darkest = page_style(), _darkest(found)
    figures = {} if found.comparison is None else {GROUP_FIGURE: _groups(found.comparison, words)}
    texts = [_shown(text, darkest, words) for text in found.texts]
    has_changes = any(text.along for text in found.texts)
    return (
        page_environment(words)
        .get_template("surprisal.html")
        .render(
            found=found,
            rate=words(RATES[found.rate]),
            mean=number(_mean(found), 2),
            texts=texts,
            legend=legend(darkest),
            comparison=found.comparison,
            paragraphs=[] if found.comparison is None else list(compared(found.comparison, words)),
            works=[
                *(WORKS if found.comparison else ()),
                *(WORKS_ALONG if has_changes else ()),
                *WORKS_ALWAYS,
            ],
            digits=DIGITS,
            figures=figures,
            numbering=Numbering(),
            language=words.language,
            style=Markup(style),
            policy=page_policy(style),
        )
    )


def _mean(found: SurprisalData) -> float:
    count = found.characters if found.rate == "bits_per_character" else found.units
    return found.bits / max(count, 1)


def _darkest(found: SurprisalData) -> float:
    """The bits of the darkest shade, the same for all texts."""
    values = np.array([value for text in found.texts for value in text.values])
    return float(np.quantile(values, DARKEST)) if len(values) else 1.0


def legend(darkest: float) -> list[tuple[int, str]]:
    """The shades, each with the bits that it stands for; text without a shade has fewer."""
    return [(level, number(level * darkest / LEVELS, 1)) for level in range(1, LEVELS + 1)]


def _shown(text: ShownText, darkest: float, words: Words) -> Shown:
    return Shown(
        text,
        label(text.name, 60) if text.name else "",
        stretches(text, darkest),
        None if text.along is None else _along(text, words),
        [] if text.along is None else list(_turns(text, text.along, words)),
    )


def stretches(text: ShownText, darkest: float) -> list[Stretch]:
    """A text shaded by the bits of its words, divided where its level changes."""
    starts = [] if text.along is None else [text.along.begins[at] for at in text.along.changes]
    edges = [0, *(start for start in starts if start < len(text.text)), len(text.text)]
    return [
        Stretch(at or None, _shade(text, begin, end, darkest))
        for at, (begin, end) in enumerate(pairwise(edges))
    ]


def _shade(text: ShownText, begin: int, end: int, darkest: float) -> Shaded:
    """A stretch of the text, shaded by the bits of its words."""
    within = [at for at, (place, _) in enumerate(text.places) if begin <= place < end]
    places = [(text.places[at][0] - begin, text.places[at][1] - begin) for at in within]
    return shade(text.text[begin:end], places, [text.values[at] for at in within], darkest)


def _along(text: ShownText, words: Words) -> Markup:
    assert text.along is not None
    with drawing_style():
        drawn = to_svg(draw_along(text.along, len(text.text) + text.cut, words))
    return Markup(to_inline_svg(drawn, f"along{text.row}", words("Surprisal along the text")))


def _turns(text: ShownText, along: Along, words: Words) -> Iterator[str]:
    """A sentence on each change of level."""
    levels = [0, *along.changes, len(along.values)]
    means = [float(np.mean(along.values[begin:end])) for begin, end in pairwise(levels)]
    for change, (before, after) in zip(along.changes, pairwise(means), strict=True):
        begin = along.begins[change]
        yield words(
            "from {before} to {after} bits per unit, at {place} of the text: “{quoted}”",
            before=number(before, 2),
            after=number(after, 2),
            place=f"{100 * begin / (len(text.text) + text.cut):.0f}\u202f%",
            quoted=quote(text.text[begin : begin + QUOTED], QUOTED)
            if begin < len(text.text)
            else "…",
        )


def _groups(found: Comparison, words: Words) -> Markup:
    with drawing_style():
        drawn = to_svg(draw_groups(found, words))
    return Markup(to_inline_svg(drawn, GROUP_FIGURE, words("Mean surprisal by group")))


def compared(found: Comparison, words: Words) -> Iterator[str]:
    """Paragraphs on what was compared, and what was left out."""
    yield words.joined(
        words(
            "Documents that did not train the network: {n}, by “{column}”. Means are ratios of "
            "sums, intervals (95 %) resample documents.",
            n=count(sum(group.documents for group in found.groups)),
            column=label(found.column, 40),
        ),
        words(
            "Left out, since they trained the network and surprise it less: {n} documents.",
            n=count(found.trained),
        )
        if found.trained
        else "",
        words(
            "All documents of these groups trained it: {names}.",
            names=words.quoted(found.only_trained),
        )
        if found.only_trained
        else "",
        words("Without a value: {n} documents.", n=count(found.missing)) if found.missing else "",
        words("Without a text: {n} documents.", n=count(found.empty)) if found.empty else "",
    )
    if found.correlation is not None and found.p_value is not None:
        yield words(
            "Rank correlation of documents’ surprisal with “{column}” (Spearman): {value} "
            "(permutation test, p = {p}).",
            column=label(found.column, 40),
            value=number(found.correlation, 2),
            p=p_value(found.p_value, DIGITS),
        )
    yield words(
        "Each p-value is that of a permutation test of one group against all other documents, "
        "corrected for the number of groups (Holm). A difference may come from subject, genre or "
        "the length of documents as well as from style: surprisal measures how far texts are from "
        "the training texts, and the first units of every document surprise most."
    )
