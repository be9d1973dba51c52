"""Characters that show a wrong encoding, or that are invisible or misleading."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from duree.tables.finding import Finding

# The bytes 80-BF of UTF-8, read as Latin-1 or as cp1252.
_TAIL = r"[\u{80}-\u{BF}€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"


@dataclass(frozen=True)
class _Suspect:
    check: str
    pattern: str
    what: str
    fix: str


_SUSPECTS = (
    _Suspect(
        "mojibake",
        # Western letters and quotes singly; letters of two or three bytes only in sequence, since
        # é…» may be intended; then the signs of Chinese misread as GBK.
        rf"[ÃÂ]{_TAIL}|â[€\u{{80}}]{_TAIL}|(?:[Ã-ß]{_TAIL}){{2}}|(?:[à-ï]{_TAIL}{{2}}){{2}}"
        "|锟斤拷|烫烫烫|屯屯屯|[锛銆鈥]",
        "signs of a wrong encoding in {column!r}: {count} cells, {times} times, such as "
        "{example!r}",
        "read the file with the encoding it was written in: --set data.encoding=...",
    ),
    _Suspect(
        "replacement_characters",
        r"\u{FFFD}",
        "characters lost in an earlier conversion in {column!r}: {count} cells, {times} times, "
        "as in {example!r}",
        "use the file from before that conversion, if there is one",
    ),
    _Suspect(
        "nul_characters",
        r"\u{0}",
        "NUL characters in {column!r}: {count} cells, {times} times, as in {example!r}",
        "check that the file is text in the encoding given",
    ),
    _Suspect(
        "control_characters",
        r"[\u{1}-\u{8}\u{B}\u{C}\u{E}-\u{1F}\u{7F}-\u{9F}]",
        "control characters in {column!r}: {count} cells, {times} times, as in {example!r}",
        "they are often cp1252 punctuation that was read as Latin-1",
    ),
    _Suspect(
        "bidi_controls",
        r"[\u{202A}-\u{202E}\u{2066}-\u{2069}]",
        "characters that reverse the writing direction in {column!r}: {count} cells, {times} "
        "times, as in {example!r}",
        "make sure that these texts display as intended",
    ),
)


def check_characters(column: pl.Series) -> list[Finding]:
    """Signs of a wrong encoding, lost characters and invisible ones, with their frequencies."""
    findings = []
    for suspect in _SUSPECTS:
        times = column.str.count_matches(suspect.pattern).fill_null(0)
        rows = np.flatnonzero(times)
        if len(rows) == 0:
            continue
        example = column.gather(rows[:1]).str.extract(rf"(.{{0,10}}(?:{suspect.pattern}).{{0,10}})")
        facts = {
            "count": len(rows),
            "column": column.name,
            "times": int(times.sum()),
            "example": example[0] or "",
        }
        shown = tuple(int(row) for row in rows[:5])
        findings.append(Finding(suspect.check, "warning", suspect.what, suspect.fix, facts, shown))
    return findings
