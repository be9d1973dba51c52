"""Texts from data, made safe to display: shortened, with invisible characters shown."""

from __future__ import annotations

import re
import unicodedata

HTML_BREAK = re.compile(r"(?:<br\s*/?>\s*)+", re.IGNORECASE)
# Controls, soft hyphen, direction marks and overrides, other invisible signs, private use.
# U+200C and U+200D stay: Persian, Indic scripts and emoji are spelt with them.
HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ue000-\uf8ff\ud800-\udfff"
    "\U000e0000-\U000e007f\U000f0000-\U0010ffff]"
)
PICTURES = {"\n": "↵ ", "\r": "", "\t": "⇥ ", "\u2028": "↵ ", "\u2029": "↵ "}
ELLIPSIS = " […] "


def visible(text: str) -> str:
    """The text with every control, direction or invisible character shown as a sign."""
    return HIDDEN.sub(_picture, text)


def cut_middle(text: str, limit: int) -> str:
    """At most about ``limit`` columns of the text: its head and its tail, with ``[…]`` between.

    A Chinese character takes two columns. Combining marks stay with their letters.
    """
    if columns(text) <= limit:
        return text
    each = max(1, int(limit * len(text) / columns(text)) // 2)
    head, tail = each, len(text) - each
    # Between words if one ends nearby, otherwise between letters.
    near = each // 10
    head = max(text.rfind(" ", head - near, head), 0) or head
    tail = text.find(" ", tail, tail + near) if " " in text[tail : tail + near] else tail
    while head > 0 and _clings(text[head]):
        head -= 1
    while tail < len(text) and _clings(text[tail]):
        tail += 1
    return text[:head].rstrip() + ELLIPSIS + text[tail:].lstrip()


def quote(text: str, limit: int) -> str:
    """A text for quotation in the report, with ↵ for the HTML line breaks common in corpora."""
    return visible(cut_middle(HTML_BREAK.sub("\n", text).strip(), limit))


def label(text: str, limit: int = 32) -> str:
    """A class, column or file name for a table or figure."""
    shown = visible(cut_middle(text, limit).replace(ELLIPSIS, "…"))
    return shown if shown.strip() else f"“{shown}”"


def columns(text: str) -> int:
    """Columns of a terminal that the text takes: two for each wide character."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _picture(match: re.Match[str]) -> str:
    sign = match.group()
    return PICTURES.get(sign, f"⟨U+{ord(sign):04X}⟩")


def _clings(sign: str) -> bool:
    return unicodedata.category(sign).startswith("M") or sign == "\u200d"
