"""Where blanks stand between words and marks, as training texts have them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from duree.sequences.tokenizer import SPACELESS

# Characters of the training texts by which blanks are learned.
SAMPLE = 2_000_000
_SPACELESS = re.compile(f"[{SPACELESS}]")
END_OF_LINE = frozenset({"\n"})


@dataclass(frozen=True)
class Joins:
    """How units are joined to a text, by one blank or by nothing.

    Attributes
    ----------
    before, after : frozenset of str
        Units that mostly have no blank before them, or after them.
    """

    before: frozenset[str] = END_OF_LINE
    after: frozenset[str] = END_OF_LINE

    @classmethod
    def learn(cls, texts: Iterable[str], pattern: re.Pattern[str]) -> Joins:
        """From the blanks in training texts; ``pattern`` is that of a unit."""
        before: Counter[str] = Counter()
        after: Counter[str] = Counter()
        left = SAMPLE
        for text in texts:
            for match in pattern.finditer(text[:left]):
                begin, end = match.span()
                before[match.group()] += _votes(text[begin - 1 : begin])
                after[match.group()] += _votes(text[end : end + 1])
            left = max(left - len(text), 0)
        joined = [frozenset(unit for unit in side if side[unit] > 0) for side in (before, after)]
        return cls(*(END_OF_LINE | side for side in joined))

    def text_of(self, units: Sequence[str]) -> str:
        """The text of words and marks."""
        written, joined = list[str](), True
        for unit in units:
            joins = (joined or unit in self.before) and not _are_words(written, unit)
            written += [unit] if joins else [" ", unit]
            joined = unit in self.after
        return "".join(written)


def _are_words(written: Sequence[str], unit: str) -> bool:
    """Whether a unit would run into the letters or digits before it, in scripts with blanks."""
    ends = [text for text in (written[-1][-1:] if written else "", unit[:1]) if text.isalnum()]
    return len(ends) == 2 and not any(map(_SPACELESS.match, ends))


def _votes(neighbour: str) -> int:
    """Of a character beside a unit: 1 against a blank, -1 for it, 0 at the end of a line."""
    if neighbour in ("", "\n"):
        return 0
    return -1 if neighbour.isspace() else 1
