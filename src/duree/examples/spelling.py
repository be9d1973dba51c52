"""Simulated words in an old spelling and in that after a reform, with known rules.

The reform writes one letter for each sound; the old spelling follows a scribe's habits, some of
which he has only now and then. Half of the words occur several times, as words of a text do.
"""

from __future__ import annotations

import numpy as np
import polars as pl

ONSETS = ("b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "st", "br", "gl")
VOWELS = ("a", "e", "i", "o", "u")
CODAS = ("", "", "", "n", "r", "s", "t", "l", "k")
# The share of words in which a scribe follows a habit of the second kind.
NOW_AND_THEN = 0.3


def generate(rows: int, seed: int = 0) -> pl.DataFrame:
    """Words in both spellings: ``old`` and ``new``, String [rows]."""
    rng = np.random.default_rng(seed)
    types = [_word(rng) for _ in range(max(rows // 2, 1))]
    # Zipf's law: the word of rank r is drawn in proportion to 1 / (r + 5).
    shares = 1 / (np.arange(len(types)) + 5)
    drawn = rng.choice(len(types), rows, p=shares / shares.sum())
    new = [types[place] for place in drawn]
    return pl.DataFrame({"old": [_old(word, rng) for word in new], "new": new})


def _word(rng: np.random.Generator) -> str:
    syllables = 1 + int(rng.choice(3, p=(0.3, 0.5, 0.2)))
    return "".join(
        str(rng.choice(ONSETS)) + str(rng.choice(VOWELS)) + str(rng.choice(CODAS))
        for _ in range(syllables)
    )


def _old(word: str, rng: np.random.Generator) -> str:
    """The word as a scribe writes it."""
    old = word.replace("k", "ck").replace("f", "ph")
    if old.endswith("i"):
        old = f"{old[:-1]}y"
    if old.startswith("u"):
        old = f"v{old[1:]}"
    if old[-1] in "nrstl":  # as a sign that the vowel before it is short
        old += old[-1]
    if rng.random() < NOW_AND_THEN:
        old = old.replace("t", "th", 1)
    return old
