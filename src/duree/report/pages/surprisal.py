"""The page of surprisal: means by group, shaded texts, and changes along long ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from duree.report.figures.style import drawing_style, to_inline_svg, to_svg
from duree.report.figures.surprisal import RATES, draw_along, draw_groups
from duree.report.numbers import number
from duree.report.pages.report import page_environment, page_policy, page_style
from duree.report.pages.section import Numbering
from duree.report.safe_text import label, quote
from duree.report.surprisal_facts import DIGITS, Stretch, compared, darkest_of, legend, stretches
from duree.report.vocabulary import Words
from duree.results.surprisal import Along, Comparison, ShownText, SurprisalData

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
class Shown:
    """One document as the template shows it."""

    text: ShownText
    name: str
    stretches: list[Stretch]
    figure: Markup | None
    turns: list[str]


def render_surprisal(found: SurprisalData, words: Words) -> str:
    """The page as HTML, without scripts or external files."""
    style, darkest = page_style(), darkest_of(found.texts)
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


def _shown(text: ShownText, darkest: float, words: Words) -> Shown:
    return Shown(
        text,
        label(text.name, 60) if text.name else "",
        stretches(text, darkest),
        None if text.along is None else _along(text, words),
        [] if text.along is None else list(_turns(text, text.along, words)),
    )


def _along(text: ShownText, words: Words) -> Markup:
    assert text.along is not None
    with drawing_style():
        drawn = to_svg(draw_along(text.along, len(text.text) + text.cut, words))
    return Markup(to_inline_svg(drawn, f"along{text.row}", words("Surprisal along the text")))


def _turns(text: ShownText, along: Along, words: Words) -> Iterator[str]:
    """A sentence on each change of level."""
    levels = [0, *along.changes, len(along.values)]
    means = [float(np.mean(along.values[begin:end])) for begin, end in pairwise(levels)]
    changes = zip(along.changes, pairwise(means), along.quotes, strict=True)
    for change, (before, after), text_there in changes:
        begin = along.begins[change]
        yield words(
            "from {before} to {after} bits per unit, at {place} of the text: “{quoted}”",
            before=number(before, 2),
            after=number(after, 2),
            place=f"{100 * begin / (len(text.text) + text.cut):.0f}\u202f%",
            quoted=quote(text_there, QUOTED),
        )


def _groups(found: Comparison, words: Words) -> Markup:
    with drawing_style():
        drawn = to_svg(draw_groups(found, words))
    return Markup(to_inline_svg(drawn, GROUP_FIGURE, words("Mean surprisal by group")))
