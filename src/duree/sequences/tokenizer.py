"""Segmentation of texts into units: words, characters and punctuation marks.

Texts are first normalised to Unicode's NFKC, not NFC, so that a word is the same unit however it
was typed or scanned: full-width ＡＢＣ becomes ABC, the ligature in "ﬁnd" becomes f and i. Curly
quotation marks become straight; invisible marks (soft hyphens, direction marks, variation
selectors) are removed; HTML line breaks become spaces.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import chain

import numpy as np

from duree.errors import ExtraError
from duree.recipe.settings import TextSettings
from duree.tables.layouts.state_strings import ARROW

_BREAK = re.compile(r"<(?:br\s*/?|/p\s*)>", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_DIGIT = re.compile(r"\d")
_JOINERS = "\u200c\u200d"
_APOSTROPHES = "\u2018\u2019\u201b\u02bc\u2032\u00b4\uff07"
_QUOTES = "\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02"
_INVISIBLE = [
    0x00AD,
    0x061C,
    *range(0x200E, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x206A),
    *range(0xFE00, 0xFE10),
    0xFEFF,
    *range(0xE0100, 0xE01F0),
]
_ONE_FORM: dict[int, str | None] = {
    **dict.fromkeys(map(ord, _APOSTROPHES), "'"),
    **dict.fromkeys(map(ord, _QUOTES), '"'),
    **dict.fromkeys(_INVISIBLE),
}
# The characters in jieba's dictionary; and the longest run passed to it at a time, since its time
# can grow with the square of the length.
_JIEBA_HAN = "\u4e00-\u9fd5"
_JIEBA_RUN = 500
# Equivalent to the full pattern on ASCII text, and more than twice as fast.
_ASCII_UNIT = re.compile(
    r"[0-9]++(?:[.,:/][0-9]++)++|[A-Za-z0-9]++(?:'[A-Za-z0-9]++)*+|[!-/:-@\[-`{-~]"
)
_HAN_RUN = re.compile(f"[{_JIEBA_HAN}]+")


@dataclass(frozen=True)
class Segmenter:
    """Splits texts into units, by settings whose segmenter is not "auto".

    Words keep their inner apostrophes (*don't*); a number, date or time is one unit (*1,000.5*,
    *9/11*); every punctuation mark and every emoji is a unit of its own; combining marks stay with
    what they mark. Scripts without spaces are split into characters or, for Chinese, into words by
    jieba; with ``words`` they are split only at marks and spaces. ``pieces``, if given, may split
    each unit further.

    Raises
    ------
    ExtraError
        The segmenter is jieba, and that package is not installed.
    """

    settings: TextSettings
    pieces: Callable[[str], Sequence[str]] | None = None

    def __post_init__(self) -> None:
        if self.settings.segmenter == "jieba":
            _jieba_cut()

    def __call__(self, text: str) -> list[str]:
        """All units of the text, in order."""
        units = self._units(text)
        if self.pieces is None:
            return units
        return [piece for unit in units for piece in self.pieces(unit)]

    def _units(self, text: str) -> list[str]:
        if self.settings.segmenter == "states":
            return text.split(ARROW) if text else []
        text = self.normalise(text)
        if text.isascii():
            return _ASCII_UNIT.findall(text)
        pieces = _unit_pattern(self.settings.segmenter).findall(text)
        if self.settings.segmenter != "jieba":
            return pieces
        cut = _jieba_cut()
        return [
            unit
            for piece in pieces
            for unit in (cut(piece) if _HAN_RUN.fullmatch(piece) else [piece])
        ]

    def places(self, text: str) -> list[tuple[int, int]]:
        """The position (begin, end) of each unit in the text, in order.

        Units that normalisation made of the same characters share a position.
        """
        if self.settings.segmenter == "states":
            ends = np.cumsum([len(state) + len(ARROW) for state in self(text)]).tolist()
            begins = [0, *ends[:-1]] if ends else []
            return [(begin, end - len(ARROW)) for begin, end in zip(begins, ends, strict=True)]
        normal, origins = self._normalise_by_piece(text)
        found, begin = [], 0
        for unit in self(text):
            begin = normal.find(unit, begin)
            end = begin + len(unit)
            found.append((origins[begin][0], origins[end - 1][1]))
            begin = end
        return found

    def _normalise_by_piece(self, text: str) -> tuple[str, list[tuple[int, int]]]:
        """``normalise(text)``, and the position in the text that each of its characters is from."""
        pieces: list[str] = []
        origins: list[tuple[int, int]] = []
        for match in _piece_pattern().finditer(text):
            piece, (begin, end) = self._one_form(match.group()), match.span()
            pieces.append(piece)
            if len(piece) == end - begin:
                origins += [(place, place + 1) for place in range(begin, end)]
            else:
                origins += [(begin, end)] * len(piece)
        whole = "".join(pieces)
        if self.settings.numbers == "one":
            for number in reversed(list(_NUMBER.finditer(whole))):
                first, last = number.start(), number.end()
                origins[first:last] = [(origins[first][0], origins[last - 1][1])]
        return self._mask_numbers(whole), origins

    def normalise(self, text: str) -> str:
        """The normalised text."""
        return self._mask_numbers(self._one_form(text))

    def _one_form(self, text: str) -> str:
        if "<" in text:
            text = _BREAK.sub(" ", text)
        if text.isascii():
            return text.lower() if self.settings.lowercase else text
        text = unicodedata.normalize("NFKC", text.translate(_ONE_FORM))
        if self.settings.lowercase:
            # The Turkish İ would otherwise become an i with a second dot.
            text = unicodedata.normalize("NFKC", text.lower().replace("i\u0307", "i"))
        return text

    def _mask_numbers(self, text: str) -> str:
        if self.settings.numbers == "one":
            return _NUMBER.sub("0", text)
        return _DIGIT.sub("0", text) if self.settings.numbers == "digits" else text


def resolve(settings: TextSettings, sample: list[str]) -> TextSettings:
    """The settings with "auto" replaced according to the script of a sample of texts."""
    if settings.segmenter != "auto":
        return settings
    script = find_script(sample)
    if script == "spaced":
        return settings.model_copy(update={"segmenter": "words"})
    has_jieba = script == "chinese" and find_spec("jieba") is not None
    return settings.model_copy(update={"segmenter": "jieba" if has_jieba else "characters"})


@cache
def _unit_pattern(segmenter: str) -> re.Pattern[str]:
    """The pattern of a unit; every alternative takes linear time."""
    mark = characters_of("Mn", "Mc", "Me")
    unseen = characters_of("Cc", "Cf")
    letter = rf"[^\W_{SPACELESS}]"
    word = rf"{letter}++(?:[{mark}{_JOINERS}]++{letter}*+|'{letter}++)*+"
    cluster = f"[{SPACELESS}][{mark}]*+"
    spaceless = {
        "words": f"[{SPACELESS}][{SPACELESS}{mark}]*+",
        "characters": cluster,
        "jieba": f"[{_JIEBA_HAN}]{{1,{_JIEBA_RUN}}}(?![{mark}])|{cluster}",
    }
    # An emoji may be followed by marks, skin tones or tags, and joined to others.
    symbol = rf"(?:[^\w\s{unseen}]|_)[{mark}\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*+"
    return re.compile(
        rf"\d++(?:[.,:/]\d++)++"
        rf"|{word}"
        rf"|{spaceless[segmenter]}"
        rf"|[\U0001f1e6-\U0001f1ff]{{2}}"
        rf"|{symbol}(?:\u200d{symbol})*+"
    )


@cache
def _piece_pattern() -> re.Pattern[str]:
    """The pattern of pieces whose normalisation does not depend on their context."""
    mark = characters_of("Mn", "Mc", "Me")
    return re.compile(
        rf"{_BREAK.pattern}|[\x00-;=-\x7f]+(?![{mark}])"
        rf"|[\u1100-\u11ff]+[{mark}]*+|[\s\S][{mark}]*+",
        re.IGNORECASE,
    )


@cache
def characters_of(*categories: str) -> str:
    """The characters of Unicode categories, as ranges for a character class."""
    # Beyond the first two planes, only the tags and selectors of plane 14 are marks or invisible.
    codes = [
        code
        for code in chain(range(0x20000), range(0xE0000, 0xE0200))
        if unicodedata.category(chr(code)) in categories
    ]
    starts = [code for code, before in zip(codes, [-2, *codes], strict=False) if code != before + 1]
    ends = [code for code, after in zip(codes, [*codes[1:], -2], strict=True) if after != code + 1]
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in zip(starts, ends, strict=True))


@cache
def _jieba_cut() -> Callable[[str], list[str]]:
    """jieba's segmentation with its default dictionary, without messages or files on disk."""
    try:
        with warnings.catch_warnings():
            # The import may warn about setuptools' pkg_resources and old escape sequences.
            warnings.simplefilter("ignore")
            import jieba
    except ImportError:
        raise ExtraError("jieba", "chinese", "segmenting Chinese into words") from None
    tokenizer = jieba.Tokenizer()
    # By default jieba reads a cache from the temporary folder, which other users can write to.
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    cut: Callable[[str], list[str]] = tokenizer.lcut
    return cut


# Character classes, for use between [ and ]. Digits and punctuation of these scripts are left out,
# since they are always units of their own.
HAN = "\u3005\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\U0001b000-\U0001b16f"
THAI_LAO = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf"
KHMER_BURMESE = "\u1000-\u103f\u1050-\u108f\u109a-\u109d\u1780-\u17d3\u17d7\u17dc\u17dd"
SPACELESS = HAN + KANA + THAI_LAO + KHMER_BURMESE

# The share of letters from which texts count as spaceless: a Chinese character corresponds to about
# three or four Latin letters.
SPACELESS_SHARE = 0.25
# Japanese mixes kana with Han characters; Chinese texts have almost no kana.
KANA_SHARE = 0.05

_LETTERS = re.compile(r"[^\W\d_]")
_HAN = re.compile(f"[{HAN}]")
_KANA = re.compile(f"[{KANA}]")
_SPACELESS = re.compile(f"[{SPACELESS}]")


def find_script(texts: Iterable[str]) -> str:
    """The predominant type of script in the texts.

    Returns
    -------
    str
        ``"chinese"``; ``"spaceless"`` (Japanese, Thai, Lao, Khmer, Burmese); or ``"spaced"``, also
        for texts without letters.
    """
    letters = han = kana = spaceless = 0
    for text in texts:
        letters += len(_LETTERS.findall(text))
        if not text.isascii():
            han += len(_HAN.findall(text))
            kana += len(_KANA.findall(text))
            spaceless += len(_SPACELESS.findall(text))
    if letters == 0 or spaceless < SPACELESS_SHARE * letters:
        return "spaced"
    if han > spaceless / 2 and kana < KANA_SHARE * spaceless:
        return "chinese"
    return "spaceless"
