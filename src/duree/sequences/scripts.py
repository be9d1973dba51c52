"""Scripts: which writing a text uses, and whether that writing parts its words with spaces."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Character classes, to be set between [ and ]. Digits and punctuation of these scripts are left
# out: those are units of their own everywhere.
HAN = "\u3005\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\U0001b000-\U0001b16f"
THAI_LAO = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf"
KHMER_BURMESE = "\u1000-\u103f\u1050-\u108f\u109a-\u109d\u1780-\u17d3\u17d7\u17dc\u17dd"
SPACELESS = HAN + KANA + THAI_LAO + KHMER_BURMESE

# A text is taken as spaceless from this share of its letters upwards: one Chinese character says
# about as much as three or four Latin letters.
SPACELESS_SHARE = 0.25
# Japanese mixes kana into Han; a Chinese text has next to none.
KANA_SHARE = 0.05

_LETTERS = re.compile(r"[^\W\d_]")
_HAN = re.compile(f"[{HAN}]")
_KANA = re.compile(f"[{KANA}]")
_SPACELESS = re.compile(f"[{SPACELESS}]")


def find_script(texts: Iterable[str]) -> str:
    """The kind of writing that prevails in the texts.

    Returns
    -------
    str
        ``"chinese"``; ``"spaceless"`` (Japanese, Thai, Lao, Khmer, Burmese); or ``"spaced"``, which
        is also the answer for texts without letters.
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
