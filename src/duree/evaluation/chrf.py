"""chrF: the F-score of character n-grams, in which recall counts more than precision.

Equal to sacreBLEU's chrF2 with its defaults: characters up to 6-grams without blanks, no words,
beta 2, case kept.

Source: Popović 2015; with orders that either text lacks left out, as in Post 2018 (sacreBLEU).
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ORDER, BETA = 6, 2
# The sums that chrF is made of: of each order, the n-grams of the predicted texts (of texts that
# have an actual one of this order), of the actual texts, and of both.
SUMS = 3 * ORDER


def chrf_counts(predicted: str, actual: str) -> list[int]:
    """The sums of one pair of texts: int [SUMS]."""
    given, truth = ("".join(text.split()) for text in (predicted, actual))
    counts = []
    for order in range(1, ORDER + 1):
        found, wanted = (max(len(text) - order + 1, 0) for text in (given, truth))
        same = given == truth
        hits = found if same else (_ngrams(given, order) & _ngrams(truth, order)).total()
        counts += [found if wanted else 0, wanted, hits]
    return counts


def chrf(sums: Floats) -> Floats:
    """chrF2 from 0 to 100, float64 [...], from sums over texts, float64 [SUMS, ...]."""
    found, wanted, hits = sums[0::3], sums[1::3], sums[2::3]
    counted = (found > 0) & (wanted > 0)
    orders = np.maximum(counted.sum(axis=0), 1)
    precision, recall = (
        np.where(counted, hits / np.where(of > 0, of, 1.0), 0.0).sum(axis=0) / orders
        for of in (found, wanted)
    )
    weighed = BETA**2 * precision + recall
    score = (1 + BETA**2) * precision * recall / np.where(weighed > 0, weighed, 1.0)
    return np.asarray(100 * score)


def _ngrams(text: str, order: int) -> Counter[str]:
    return Counter(text[begin : begin + order] for begin in range(len(text) - order + 1))
