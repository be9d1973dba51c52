"""Counts of single units and pairs of neighbours, taken once and shared by the baselines."""

from __future__ import annotations

from collections.abc import Callable

from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

# A pair seen in one text alone tells nothing about another one.
FEWEST_TEXTS = 2


class Ngrams:
    """Bags of units and pairs, with the units that the network reads.

    Parameters
    ----------
    units : str -> list of str
        The network's own segmentation, so that no model sees better words than another.
    """

    def __init__(self, units: Callable[[str], list[str]]) -> None:
        self.vectorizer = CountVectorizer(
            analyzer=lambda text: _with_pairs(units(text)), min_df=FEWEST_TEXTS
        )
        self.known: dict[int, tuple[list[str], csr_matrix]] = {}

    def fit(self, texts: list[str]) -> csr_matrix:
        """Learn the vocabulary of the training texts (once), and count them."""
        if id(texts) not in self.known:
            self.vectorizer.min_df = FEWEST_TEXTS if len(texts) > 2 * FEWEST_TEXTS else 1
            self.known[id(texts)] = (texts, self.vectorizer.fit_transform(texts))
        return self.known[id(texts)][1]

    def count(self, texts: list[str]) -> csr_matrix:
        """Counts int64 [rows, features] of any texts."""
        if id(texts) not in self.known:
            self.known[id(texts)] = (texts, self.vectorizer.transform(texts))
        return self.known[id(texts)][1]

    def is_single(self) -> list[bool]:
        """Which features are single units."""
        return [" " not in name for name in self.vectorizer.get_feature_names_out()]


def _with_pairs(units: list[str]) -> list[str]:
    return units + [f"{left} {right}" for left, right in zip(units, units[1:], strict=False)]
