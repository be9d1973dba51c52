"""Counts of units and of pairs of neighbours; each text is segmented once for all baselines."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from duree.sequences.ragged import Ragged

# Texts that are counted at a time.
CHUNK = 5000
# Features that occur once cannot be shared with another text.
LEAST_SEEN = 2
# A feature's key is its unit's number, or that of its left unit shifted plus its right unit's. No
# feature has these two: the number of an unknown unit, and the key of a pair that does not exist.
UNKNOWN, NOTHING = 0, -1
SHIFT = 32


class Ngrams:
    """Bags of units and pairs.

    Parameters
    ----------
    units : str -> list of str
        The network's own segmentation, so that all models see the same words.

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
        """Learn the features from both lists, and count them in both.

        The choice of features does not depend on targets, so it may use the validation texts.
        """
        if self._recall(texts) is None or self._recall(validation_texts) is None:
            self.known.clear()
            learn = self.numbers.__getitem__
            both = [(some, self._tokens(some, learn)) for some in (texts, validation_texts)]
            self.features = _frequent([keys for _, tokens in both for keys, _ in _chunks(tokens)])
            self.is_unit = self.features["key"].to_numpy() >> SHIFT == 0
            self.known.extend((some, self._count(tokens)) for some, tokens in both)
        return self.count(texts), self.count(validation_texts)

    def count(self, texts: list[str]) -> csr_matrix:
        """The counts of features in each text, float32 [rows, features]."""
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
        """Counts by joining keys with features, float32 [rows, features]."""
        parts = [csr_matrix((0, self.features.height), dtype=np.float32)]
        for keys, starts in _chunks(tokens):
            found = pl.DataFrame({"key": keys}).join(
                self.features, on="key", how="left", maintain_order="left"
            )["feature"]
            is_feature = found.is_not_null().to_numpy()
            before = np.concatenate([[0], np.cumsum(is_feature)])
            columns = found.drop_nulls().to_numpy(writable=True)
            ones = np.ones(len(columns), dtype=np.float32)
            shape = (len(starts) - 1, self.features.height)
            part = csr_matrix((ones, columns, before[starts]), shape=shape)
            part.sum_duplicates()
            parts.append(part)
        return vstack(parts, format="csr")


def _chunks(tokens: Ragged) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Keys of all units and pairs in order, and where each row begins, some rows at a time."""
    for begin in range(0, len(tokens), CHUNK):
        offsets = tokens.offsets[begin : begin + CHUNK + 1]
        units = tokens.values[offsets[0] : offsets[-1]].astype(np.int64)
        starts = offsets - offsets[0]
        keys = np.full((len(units), 2), NOTHING)
        keys[:, 0] = units
        left, right = units[:-1], units[1:]
        keys[:-1, 1] = np.where(left == UNKNOWN, NOTHING, left << SHIFT | right)
        # The last unit of a row has no right neighbour.
        keys[starts[1:][np.diff(starts) > 0] - 1, 1] = NOTHING
        yield keys.ravel(), 2 * starts


def _frequent(chunks: list[NDArray[np.int64]]) -> pl.DataFrame:
    """Key and index (feature, int32) of all frequent features, in order of key."""
    seen = pl.concat([pl.Series("key", keys).value_counts() for keys in chunks])
    seen = seen.group_by("key").agg(pl.col("count").sum()).filter(pl.col("key") != NOTHING)
    frequent = seen.filter(pl.col("count") >= LEAST_SEEN)
    keys = (frequent if frequent.height else seen)["key"].sort()
    # Models need at least one feature, even where no text has a unit.
    keys = keys if len(keys) else pl.Series("key", [UNKNOWN])
    return pl.DataFrame(
        {"key": keys, "feature": pl.int_range(len(keys), dtype=pl.Int32, eager=True)}
    )


class Features(Protocol):
    """Features of rows, which are a list of texts, or a Ragged of numbers.

    Attributes
    ----------
    is_unit : bool [features]
        Which features a forest uses, after ``fit``.
    """

    is_unit: NDArray[np.bool_]

    def fit(self, texts: Any, validation_texts: Any) -> tuple[csr_matrix, csr_matrix]:
        """Learn the features, and compute them for both lists, [rows, features]."""
        ...

    def count(self, texts: Any) -> csr_matrix:
        """The features of other rows, [rows, features]."""
        ...
