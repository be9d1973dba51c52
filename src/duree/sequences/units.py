"""From a text to its units: words, numbers and marks; characters where a script has no spaces."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Literal

from duree.errors import ExtraError
from duree.recipe import TextSettings

Segmenter = Literal["words", "characters", "jieba"]

# A word is letters with their combining marks and joiners, and apostrophes inside it; a number is
# digits; anything else but white space is a mark of its own.
MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u200c\u200d"
LETTER = rf"(?:[^\W\d_]|[{MARKS}])"
WORD = rf"{LETTER}+(?:'{LETTER}+)*"
HAN_KANA_THAI = "\u0e00-\u0e7f\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
SPACELESS = re.compile(rf"[{HAN_KANA_THAI}]")
WORD_UNITS = re.compile(rf"{WORD}|\d+|[^\w\s]|_")
CHARACTER_UNITS = re.compile(rf"[{HAN_KANA_THAI}]|(?:(?![{HAN_KANA_THAI}]){LETTER})+|\d+|[^\w\s]|_")
BREAK_TAG = re.compile(r"<\s*/?\s*(?:br|p)\s*/?\s*>", re.IGNORECASE)
CURLY_APOSTROPHES = str.maketrans("\u2019\u2018\u02bc", "'''")
DIGIT, NUMBER = re.compile(r"\d"), re.compile(r"\d+")

# A column whose letters belong by this share to scripts without spaces is not parted at spaces.
SPACELESS_SHARE = 0.3
SAMPLE = 1000


def choose_segmenter(texts: Iterable[str], settings: TextSettings) -> Segmenter:
    """The segmenter that the settings name, or the one that suits the script of the texts."""
    if settings.segmenter != "auto":
        return settings.segmenter
    sample = "".join(text[:1000] for text in islice(texts, SAMPLE))
    letters = sum(character.isalpha() for character in sample)
    if len(SPACELESS.findall(sample)) <= SPACELESS_SHARE * letters:
        return "words"
    return "jieba" if _load_jieba() else "characters"


def make_splitter(segmenter: Segmenter, lowercase: bool, numbers: str) -> Callable[[str], list[str]]:
    """A function from a text to its units.

    Raises
    ------
    ExtraError
        The segmenter is jieba, which is not installed.
    """
    split = {"words": WORD_UNITS.findall, "characters": CHARACTER_UNITS.findall}.get(segmenter)
    if split is None:
        cut = _load_jieba()
        if cut is None:
            raise ExtraError("jieba", "chinese", "Chinese word segmentation")

        def split(text: str) -> list[str]:
            return [unit for unit in cut(text) if not unit.isspace()]

    def units(text: str) -> list[str]:
        text = normalise(text)
        text = text.lower() if lowercase else text
        if numbers != "keep":
            text = (DIGIT if numbers == "digits" else NUMBER).sub("0", text)
        return split(text)

    return units


def normalise(text: str) -> str:
    """One spelling for what reads alike: composed letters, straight apostrophes, no break tags.

    NFKC also folds full-width letters and ligatures, which differ in no reader's eye.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(CURLY_APOSTROPHES)
    return BREAK_TAG.sub(" ", text) if "<" in text else text


def _load_jieba() -> Callable[[str], list[str]] | None:
    """jieba's cut with its own dictionary, quiet; None where it is not installed."""
    try:
        import jieba
    except ImportError:
        return None
    jieba.setLogLevel(logging.WARNING)
    cut: Callable[[str], list[str]] = jieba.lcut
    return cut
