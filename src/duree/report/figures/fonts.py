"""Fonts: installed fonts for characters that the default font lacks, such as Chinese.

Only PDF files need them: SVG files contain texts, and the browser chooses the font.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

# Included in matplotlib, so that the layout is the same on all machines.
OWN = "DejaVu Sans"
CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
    "Noto Sans CJK JP",
    "Noto Sans CJK TC",
    "Heiti SC",
    "STHeiti",
    "SimSun",
    "Arial Unicode MS",
)


def families_for(texts: list[str]) -> list[str] | None:
    """Font families that together have all characters of the texts; None if there are none."""
    needed = {sign for text in texts for sign in text if not sign.isspace()}
    missing = {sign for sign in needed if ord(sign) not in _characters(_path_of(OWN))}
    if not missing:
        return [OWN]
    return _with(missing) or (_with(missing) if _find_new_fonts() else None)


def _with(missing: set[str]) -> list[str] | None:
    """The default font and one that has the missing characters; None if none has."""
    for family in _installed():
        if all(ord(sign) in _characters(_path_of(family)) for sign in missing):
            return [OWN, family]
    return None


@cache
def _find_new_fonts() -> int:
    """Add the fonts that were installed after matplotlib listed them; how many there are.

    It lists fonts once for all programs, and keeps the list for years.
    """
    known = {font.fname for font in font_manager.fontManager.ttflist}
    added = 0
    for path in sorted({*font_manager.findSystemFonts()} - known):
        with suppress(OSError, RuntimeError, ValueError):  # no font that can be read
            font_manager.fontManager.addfont(path)
            added += 1
    return added


def _installed() -> list[str]:
    known = {font.name for font in font_manager.fontManager.ttflist}
    return [family for family in CHINESE if family in known]


def _path_of(family: str) -> tuple[str, int]:
    """The file of a font, and its index in it (collections have several fonts)."""
    if family == OWN:
        path = font_manager.findfont(OWN)
        return str(path), getattr(path, "face_index", 0)
    font = next(f for f in font_manager.fontManager.ttflist if f.name == family)
    return font.fname, getattr(font, "index", 0)


@cache
def _characters(place: tuple[str, int]) -> frozenset[int]:
    """The characters of a font; none if its file is damaged, or gone since matplotlib listed it."""
    path, index = place
    try:
        # Before 3.11 matplotlib opens only the first font of a collection.
        font = FT2Font(path, face_index=index) if index else FT2Font(path)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(font.get_charmap())
