"""Regions of a text: its words and its sentences, by the places where they begin.

Regions cover a text: each reaches to the begin of the next, so that the blanks and line ends after
a word belong to it, as they do where a probability says that a word ends here and not later (Oh &
Schuler 2024; Pimentel & Meister 2024). Blanks before the first word belong to that word.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from duree.sequences.tokenizer import SPACELESS

Ints = NDArray[np.int64]

# What stands between blanks is a word; in scripts without blanks, every character is one.
_WORD = re.compile(rf"[{SPACELESS}]|[^\s{SPACELESS}]+")
_CLOSING = "\"'”’»›」』）)】\\]》〉"
_END = re.compile(
    rf"[。！？…｡](?:[。！？…｡]*[{_CLOSING}]*)\s*"  # no blank is needed between Chinese sentences
    rf"|[.!?…]+[{_CLOSING}]*\s+"
    r"|\n[^\S\n]*\n\s*"  # an empty line ends a sentence without a mark, such as a title
)
_LINE_END = re.compile(r"\n\s*")
LEAST_MARKED = 0.1
# A full stop after these does not end a sentence.
_ABBREVIATIONS = re.compile(
    "mr|mrs|ms|dr|prof|st|sr|jr|rev|hon|gen|col|capt|messrs|vs|cf|viz|nos?|vols?|fig|pp|eds?"
    r"|e\.g|i\.e|bzw|z\.b|d\.h|hr|fr|nr|mme|mlle"
)


def word_begins(text: str) -> Ints:
    """Where each word begins, int64 [words]: the first at 0; none in a text of blanks."""
    begins = np.array([found.start() for found in _WORD.finditer(text)], dtype=np.int64)
    begins[:1] = 0
    return begins


def sentence_begins(text: str) -> Ints:
    """Where each sentence begins, int64 [sentences]: the first at 0; none in a text of blanks.

    A sentence ends after ``. ! ? …`` and closing quotation marks where a blank follows, after
    their Chinese forms, and at an empty line. A full stop does not end one before a small letter,
    and after initials and some abbreviations. Where such ends are fewer than a tenth of the lines,
    as in corpora with a sentence a line, lines are sentences.
    """
    last = len(text.rstrip())
    if last == 0:
        return np.zeros(0, dtype=np.int64)
    first = len(text) - len(text.lstrip())
    ends = [found.end() for found in _END.finditer(text) if _ends_sentence(text, found)]
    lines = [found.end() for found in _LINE_END.finditer(text)]
    chosen = lines if len(ends) < LEAST_MARKED * len(lines) else ends
    return np.array([0, *(end for end in chosen if first < end < last)], dtype=np.int64)


def regions_of(spans: Ints, begins: Ints, text: str) -> Ints:
    """The region of each unit: that in which its first character other than a blank stands.

    A unit of blanks belongs to the region of the unit before it. Regions in which no unit begins
    are not counted, so that a unit over several regions makes them one.

    Parameters
    ----------
    spans : int64 [units, 2]
        Where the units stand in the text, in order.
    begins : int64 [regions]
    text : str

    Returns
    -------
    int64 [units]
        From 0, without gaps, never falling.
    """
    pieces = [text[begin:end] for begin, end in spans.tolist()]
    blank = np.array([len(piece) - len(piece.lstrip()) for piece in pieces], dtype=np.int64)
    first = spans[:, 0] + blank
    found = np.maximum(np.searchsorted(begins, first, "right") - 1, 0)
    found[first >= spans[:, 1]] = 0  # a blank, or the end
    found = np.maximum.accumulate(found) if len(found) else found
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _ends_sentence(text: str, found: re.Match[str]) -> bool:
    """Whether a mark ends a sentence: not so a full stop before a small letter, or after an
    initial or an abbreviation."""
    if found.group()[:1] != ".":
        return True
    if text[found.end() : found.end() + 1].islower():
        return False
    if not found.group().lstrip(".")[0].isspace():  # closing quotation marks
        return True
    word = text[max(0, found.start() - 12) : found.start()].split()
    before = word[-1].lstrip("(\"'“‘") if word else ""
    is_initial = len(before) == 1 and before.isalpha() and before.isupper() and before != "I"
    return not (is_initial or _ABBREVIATIONS.fullmatch(before.lower()))
