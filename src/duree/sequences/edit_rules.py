"""Edit rules: transformations of one word into another that also apply to other words.

"Taken → take" is: remove one character at the end. A rule keeps the longest common substring, and
states what is removed and added before and after it. A tagger that predicts rules can thus predict
the lemmas of unseen words.

Source: Chrupała 2006; rules with one substring are those of Straka 2018 (UDPipe 2.0), section 3.4.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import lru_cache

# The separator of the parts of a rule, which does not occur in tables of tokens.
APART = "\t"
LOWERED, WHOLE = "lower", "whole"


@lru_cache(maxsize=200_000)
def rule_of(word: str, wanted: str) -> str:
    """The rule that transforms ``word`` into ``wanted``.

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
    """The word after the rule; unchanged if it is too short for it."""
    case, *parts = rule.split(APART)
    if case == WHOLE:
        return parts[0]
    begin, front, cut, back = int(parts[0]), parts[1], int(parts[2]), parts[3]
    base = word.lower() if case == LOWERED else word
    if begin + cut > len(base):
        return word
    return front + base[begin : len(base) - cut] + back


def _shared(word: str, wanted: str) -> tuple[int, int, int]:
    """The longest common substring: its start in each word, and its length."""
    match = SequenceMatcher(None, word, wanted, autojunk=False).find_longest_match()
    return match.a, match.b, match.size
