"""Counts of units and of pairs of neighbouring units; each text is parted once for all baselines."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from itertools import count

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from duree.sequences.ragged import Ragged

# Texts that are counted at a time.
CHUNK = 5000
# What was seen once tells nothing about another text.
LEAST_SEEN = 2
# No feature has these keys: a unit that is not known, and the pair that a last unit has no partner for.
UNKNOWN, NOTHING = 0, -1


class Ngrams:
    """Bags of units and pairs.

    Parameters
    ----------
    units : str -> list of str
        The network's own segmentation, so that no model sees better words than another.

    Attributes
    ----------
    is_unit : bool [features]
        Which features are single units, after ``fit``.
    """

    def __init__(self, units: Callable[[str], list[str]]) -> None:
        self.units = units
        self.numbers: defaultdict[str, int] = defaultdict(count(UNKNOWN + 1).__next__)
        # The latest lists of texts with their counts: training, validation and test rows.
        self.known: deque[tuple[Sequence[str], csr_matrix]] = deque(maxlen=3)

    def fit(self, texts: list[str], validation_texts: list[str]) -> tuple[csr_matrix, csr_matrix]:
        """Learn the features from both lists, and count them in each.

        Which features there are is no choice that answers play a part in, so the validation texts
        may have their say.
        """
        if self._recall(texts) is None:
            learn = self.numbers.__getitem__
            tokens = [self._tokens(some, learn) for some in (texts, validation_texts)]
            self.features = _frequent([key for part in tokens for key in _keys(part)])
            self.is_unit = self.features["key"].to_numpy() >> 32 == 0
            for some, part in zip((texts, validation_texts), tokens, strict=True):
                self.known.append((some, self._count(part)))
        return self.count(texts), self.count(validation_texts)

    def count(self, texts: list[str]) -> csr_matrix:
        """How often each text holds each feature, float32 [rows, features]."""
        found = self._recall(texts)
        if found is None:
            find = self.numbers.get
            found = self._count(self._tokens(texts, lambda unit: find(unit, UNKNOWN)))
            self.known.append((texts, found))
        return found

    def _recall(self, texts: list[str]) -> csr_matrix | None:
        return next((counts for known, counts in self.known if known is texts), None)

    def _tokens(self, texts: list[str], number: Callable[[str], int]) -> Ragged:
        return Ragged.from_rows([number(unit) for unit in self.units(text)] for text in texts)

    def _count(self, tokens: Ragged) -> csr_matrix:
        size = self.features.height
        parts = [self._count_chunk(keys, size) for keys in _keys(tokens)]
        return vstack(parts, format="csr") if parts else csr_matrix((0, size), dtype=np.float32)
