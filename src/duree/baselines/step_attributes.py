"""Attributes of steps as features, for models that do not read in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from duree.baselines.ngrams import Features
from duree.sequences.ragged import Ragged
from duree.tables.layouts.step_attributes import sequences_of


@dataclass(frozen=True)
class Encoding:
    """How rows are encoded.

    Attributes
    ----------
    encode : rows -> Ragged of int32 [steps, 1 + attributes]
        The token of each step, then the class of each of its attributes.
    classes : sequence of (int, bool)
        For each attribute the number of classes, and whether they are ordered.
    """

    encode: Callable[[pl.Series], Ragged]
    classes: Sequence[tuple[int, bool]]


class WithStepFeatures:
    """Features of sequences, and of the attributes of their steps.

    For each attribute: the share of steps in each class; where classes are ordered, also their mean
    and the last one.

    Parameters
    ----------
    features : Features
        Of the sequences as texts.
    encoding : Encoding

    Attributes
    ----------
    is_unit : bool [features]
        All of them, after ``fit``.
    """

    def __init__(self, features: Features, encoding: Encoding) -> None:
        self.features, self.encoding = features, encoding

    def fit(self, rows: pl.Series, validation_rows: pl.Series) -> tuple[csr_matrix, csr_matrix]:
        """See ``Features``; rows are Struct, with the attributes."""
        parts = rows, validation_rows
        counted = self.features.fit(*(sequences_of(part).to_list() for part in parts))
        train, validation = (
            _joined(of_texts, self._features(part))
            for of_texts, part in zip(counted, parts, strict=True)
        )
        self.is_unit = np.ones(train.shape[1], dtype=bool)
        return train, validation

    def count(self, rows: pl.Series) -> csr_matrix:
        """The features of each row, float32 [rows, features]."""
        return _joined(self.features.count(sequences_of(rows).to_list()), self._features(rows))

    def _features(self, rows: pl.Series) -> NDArray[np.float32]:
        sequences = self.encoding.encode(rows)
        row = np.repeat(np.arange(len(sequences)), sequences.lengths)
        found = []
        for place, (size, is_ordered) in enumerate(self.encoding.classes, start=1):
            codes = sequences.values[:, place]
            cells = np.bincount(row * size + codes, minlength=len(sequences) * size)
            counts = cells.reshape(len(sequences), size)
            found.append(counts / sequences.lengths[:, None])
            if is_ordered:
                known = np.maximum(counts[:, 1:].sum(axis=1), 1)
                found.append((counts @ np.arange(size) / known)[:, None])
                found.append(codes[sequences.offsets[1:] - 1][:, None])
        return np.concatenate(found, axis=1).astype(np.float32)


def with_those_before(sequences: Ragged, things: int) -> Ragged:
    """Sequences whose steps also have the attributes of the step before, 0 for the first step.

    Parameters
    ----------
    sequences : Ragged of int32 [steps, 1 + features]
    things : int
        How many of the features, which are the last ones.
    """
    values = sequences.values
    before = np.zeros((len(values), things), dtype=values.dtype)
    if things:
        later = np.flatnonzero(sequences.steps > 0)
        before[later] = values[later - 1, -things:]
    return Ragged(np.concatenate([values, before], axis=1), sequences.offsets)


def _joined(of_texts: csr_matrix, others: NDArray[np.float32]) -> csr_matrix:
    return hstack([of_texts, csr_matrix(others)], format="csr")
