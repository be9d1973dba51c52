"""What pages say of surprisal: shaded texts with their legend, and groups that were compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from duree.report.numbers import count, number, p_value
from duree.report.safe_text import label
from duree.report.shading import DARKEST, LEVELS, Shaded, shade
from duree.report.vocabulary import Words
from duree.results.surprisal import Comparison, ShownText

# Permutations have p-values of three decimals.
DIGITS = 1000


@dataclass(frozen=True)
class Stretch:
    """A stretch of a shaded text, with the number of the change that begins it, if one does."""

    change: int | None
    shaded: Shaded


def darkest_of(texts: Sequence[ShownText]) -> float:
    """The bits of the darkest shade, the same for all texts."""
    values = np.array([value for text in texts for value in text.values])
    return float(np.quantile(values, DARKEST)) if len(values) else 1.0


def legend(darkest: float) -> list[tuple[int, str]]:
    """The shades, each with the bits that it stands for; text without a shade has fewer."""
    return [(level, number(level * darkest / LEVELS, 1)) for level in range(1, LEVELS + 1)]


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
            "Documents left out, since they trained the network and surprise it less: {n}.",
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
        words("Documents without a value: {n}.", n=count(found.missing)) if found.missing else "",
        words("Documents without a text: {n}.", n=count(found.empty)) if found.empty else "",
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
