"""Edit rules: how one word becomes another, told so that the same rule serves other words too.

"Taken → take" is: drop one character at the end. A rule keeps what both words share in one piece,
and says what is cut and put before it and after it. So a tagger that gives each word a rule gives
each word its lemma, those it never saw included.

Source: Chrupała 2006; the rules of one piece are those of Straka 2018 (UDPipe 2.0), section 3.4.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import lru_cache

# Stands between the parts of a rule; no cell of a table of tokens holds one.
APART = "\t"
LOWERED, WHOLE = "lower", "whole"


@lru_cache(maxsize=200_000)
def rule_of(word: str, wanted: str) -> str:
    """The rule by which ``word`` becomes ``wanted``.

    Examples
    --------
    >>> apply_rule(rule_of("taken", "take"), "shaken")
    'shake'
    """
    lowered = word.lower()
    case = "" if _shared(word, wanted)[2] >= _shared(lowered, wanted)[2] else LOWERED
    begin, place, length = _shared(lowered if case else word, wanted)
    if length == 0:
        return APART.join((WHOLE, wanted))
    after = place + length
    cut = len(word if not case else lowered) - begin - length
    return APART.join((case, str(begin), wanted[:place], str(cut), wanted[after:]))


def apply_rule(rule: str, word: str) -> str:
    """What the rule makes of a word; the word itself, where it is too short for the rule."""
    case, *parts = rule.split(APART)
    if case == WHOLE:
        return parts[0]
    begin, front, cut, back = int(parts[0]), parts[1], int(parts[2]), parts[3]
    base = word.lower() if case == LOWERED else word
    if begin + cut > len(base):
        return word
    return front + base[begin : len(base) - cut] + back


def _shared(word: str, wanted: str) -> tuple[int, int, int]:
    """The longest piece that both have: where it begins in each, and its length."""
    match = SequenceMatcher(None, word, wanted, autojunk=False).find_longest_match()
    return match.a, match.b, match.size
