"""The units of texts that a language model reads: characters, parts of words, or words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Literal, cast, get_args

from duree.errors import DataError
from duree.recipe.settings import TextSettings
from duree.sequences.byte_pairs import pieces_of
from duree.sequences.ragged import evenly_spaced
from duree.sequences.tokenizer import SPACELESS, characters_of, find_script

Kind = Literal["characters", "subwords", "words", "symbols"]

# Fewer words are too few to learn their meanings: texts are then read by characters.
MANY_WORDS = 200_000
# Texts, and characters of each, by which the script is found and whether marks are set apart.
SAMPLE, OF_EACH = 200, 5_000
# If at most these shares of what stands between blanks end with a mark, or with a full stop (which
# abbreviations have too), texts were segmented before, as those of the Penn Treebank (0 and 0.016):
# words are then what stands between blanks.
ATTACHED_MARKS, ATTACHED_STOPS = 0.001, 0.03
_DIGIT = re.compile(r"\d")
_MARK = re.compile(r"\w[,;:!?)\"”’」]+(?=\s|$)")
_STOP = re.compile(r"\w\.(?=\s|$)")
# Characters of a text that are split at once: memory does not grow with the text.
BLOCK = 1_000_000


def choose_kind(texts: Sequence[str], settings: TextSettings) -> Kind:
    """The units of texts, as the recipe says or by the training texts.

    Words, if the texts are written with blanks and have ``MANY_WORDS`` words; characters otherwise.
    Words stand between blanks (``"symbols"``) if punctuation marks are already set apart.

    Raises
    ------
    DataError
        The recipe asks for units that a language model does not have.
    """
    if settings.numbers == "one":
        raise DataError(
            "text.numbers = one makes units of a text that do not stand in it",
            fix="choose keep or digits",
        )
    segmenter = settings.segmenter
    if segmenter not in ("auto", *get_args(Kind)):
        raise DataError(
            "text.segmenter = {segmenter!r} does not segment texts for a language model",
            fix="leave it at auto, or choose characters, subwords or words",
            segmenter=segmenter,
        )
    sample = [texts[place][:OF_EACH] for place in evenly_spaced(len(texts), SAMPLE)]
    if segmenter == "auto":
        if find_script(sample) != "spaced" or not _have_words(texts, MANY_WORDS):
            return "characters"
    elif segmenter != "words":
        return cast(Kind, segmenter)
    words = sum(len(text.split()) for text in sample)
    marks, stops = (sum(len(end.findall(text)) for text in sample) for end in (_MARK, _STOP))
    segmented = marks <= ATTACHED_MARKS * words and stops <= ATTACHED_STOPS * words
    return "symbols" if segmented else "words"


def with_form(text: str, settings: TextSettings) -> str:
    """The text as the vocabulary has it, of the same length: lower-cased, or its digits 0.

    A character whose lower case is longer, such as the Turkish İ, is kept.
    """
    if settings.lowercase:
        lower = text.lower()
        if len(lower) != len(text):
            lower = "".join(one.lower() if len(one.lower()) == 1 else one for one in text)
        text = lower
    return _DIGIT.sub("0", text) if settings.numbers == "digits" else text


def blocks(text: str) -> Iterator[str]:
    """The text in blocks, all but the first with a blank at their begin: no unit crosses them."""
    begin = 0
    while begin < len(text):
        end = begin + BLOCK
        if end < len(text):
            cut = text.rfind(" ", begin + 1, end)
            cut = cut if cut > 0 else text.find(" ", end)
            end = cut if cut > 0 else len(text)
        yield text[begin:end]
        begin = end


def pattern_of(kind: Kind) -> re.Pattern[str]:
    """The pattern of the units of a text; of parts of words, the words.

    Of words, blanks belong to no unit, and the end of a line is a unit; otherwise every character
    of the text belongs to one unit.
    """
    if kind == "subwords":
        return pieces_of()
    return _WORDS_BETWEEN_BLANKS if kind == "symbols" else _words()


_WORDS_BETWEEN_BLANKS = re.compile(r"\n|[^\s]+")


@cache
def _words() -> re.Pattern[str]:
    """Words with inner apostrophes, numbers, characters of scripts without blanks, marks, ends of
    lines; every alternative takes linear time."""
    mark = characters_of("Mn", "Mc", "Me")
    letter = rf"[^\W{SPACELESS}]"
    return re.compile(
        rf"\d++(?:[.,:/]\d++)++"
        rf"|(?:{letter}[{mark}]*+)++(?:['’](?:{letter}[{mark}]*+)++)*+"
        rf"|[{SPACELESS}][{mark}]*+"
        rf"|\n|\S[{mark}]*+"
    )


def _have_words(texts: Sequence[str], many: int) -> bool:
    """Whether the texts have so many words between blanks."""
    found = 0
    for text in texts:
        for block in blocks(text):
            found += len(block.split())
            if found >= many:
                return True
    return False
