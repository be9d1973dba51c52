"""BLEU: how many n-grams of the predicted texts stand in the actual ones, with a penalty for short
predictions.

Equal to sacreBLEU with its defaults: one reference, case kept, n-grams up to 4, exponential
smoothing.

Source: Papineni et al. 2002; Post 2018 (which settings must be told); the smoothing is method 3 of
Chen & Cherry 2014.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ORDER = 4
# The sums that BLEU is made of: n-grams that are in both texts, those of the predictions, and the
# length of the actual texts in tokens.
SUMS = 2 * ORDER + 1

# Marks that tokeniser 13a always sets apart; the others depend on digits.
_SIGNS = "".join(sign for sign in string.punctuation if sign not in "',-.")
_APART = re.compile(f"([{re.escape(_SIGNS)}])")
_AFTER_OTHERS = re.compile(r"([^0-9])([.,])")
_BEFORE_OTHERS = re.compile(r"([.,])([^0-9])")
_DASH = re.compile(r"([0-9])-")
_ENTITIES = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}
# Characters that sacreBLEU's tokeniser zh sets apart: Chinese ones of the first plane, its marks
# and, as a side effect, other signs from U+2001 on; not those of other planes.
_CHINESE = re.compile(
    "([\u2001-\u2a6d\u2e80-\u2fdf\u2ff0-\u303f\u3100-\u312f\u31a0-\u31bf\u31c0-\u31ef"
    "\u3200-\u4db5\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\ufe10-\ufe1f"
    "\ufe30-\ufe4f\uff00-\uffef])"
)


@lru_cache(maxsize=2**14)
def tokenise_13a(text: str) -> tuple[str, ...]:
    """The tokens of a text as mteval-v13a and sacreBLEU's ``13a`` split it."""
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    if "&" in text:
        for entity, sign in _ENTITIES.items():
            text = text.replace(entity, sign)
    return _split_marks(f" {text} ")


@lru_cache(maxsize=2**14)
def tokenise_zh(text: str) -> tuple[str, ...]:
    """The tokens of a Chinese text as sacreBLEU's ``zh`` splits it: characters; other words as
    ``13a`` does."""
    return _split_marks(_CHINESE.sub(r" \1 ", text.strip()))


def word_counts(predicted: str, actual: str) -> list[int]:
    """The sums of one pair of texts with words: int [SUMS]."""
    return _counts(tokenise_13a(predicted), tokenise_13a(actual))


def chinese_counts(predicted: str, actual: str) -> list[int]:
    """The sums of one pair of Chinese texts: int [SUMS]."""
    return _counts(tokenise_zh(predicted), tokenise_zh(actual))


def bleu(sums: Floats) -> Floats:
    """BLEU from 0 to 100, float64 [...], from sums over texts, float64 [SUMS, ...].

    0 where no token is right, or the predictions have no 4-gram.
    """
    hits, totals, length = sums[:ORDER], sums[ORDER : 2 * ORDER], sums[-1]
    given = np.maximum(totals[0], 1e-300)
    penalty = np.where(totals[0] < length, np.exp(1 - length / given), 1.0)
    missing = hits == 0
    # Each order without any hit counts as half as many as the one before it.
    smoothed = np.where(missing, 0.5 ** np.cumsum(missing, axis=0), hits)
    defined = (totals > 0).all(axis=0) & (hits > 0).any(axis=0)
    logarithms = np.log(smoothed / np.where(totals > 0, totals, 1.0)).mean(axis=0)
    return np.asarray(np.where(defined, 100 * penalty * np.exp(logarithms), 0.0))


def _split_marks(text: str) -> tuple[str, ...]:
    text = _APART.sub(r" \1 ", text)
    text = _AFTER_OTHERS.sub(r"\1 \2 ", text)
    text = _BEFORE_OTHERS.sub(r" \1 \2", text)
    return tuple(_DASH.sub(r"\1 - ", text).split())


def _counts(predicted: Sequence[str], actual: Sequence[str]) -> list[int]:
    totals = [max(len(predicted) - order, 0) for order in range(ORDER)]
    if predicted == actual:
        return [*totals, *totals, len(actual)]
    hits, wanted = [0] * ORDER, _ngrams(actual)
    for ngram, count in _ngrams(predicted).items():
        hits[len(ngram) - 1] += min(count, wanted[ngram])
    return [*hits, *totals, len(actual)]


def _ngrams(tokens: Sequence[str]) -> Counter[tuple[str, ...]]:
    return Counter(
        tuple(tokens[begin : begin + order])
        for order in range(1, ORDER + 1)
        for begin in range(len(tokens) - order + 1)
    )
