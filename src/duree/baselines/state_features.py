"""Summary features of state sequences: time spent, spells, first and last states.

These are what the field uses in regressions in place of the sequence itself (for a review see
Studer & Ritschard 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

# How many of the last states have features of their own.
LAST = 3


class StateFeatures:
    """For each state: time spent, number of spells, the longest spell; whether it is the first
    state, and whether it is the last, the last but one, the last but two.

    Parameters
    ----------
    units : str -> list of str
        Splits a sequence, which is a text, into its covariates and its states.
    covariates : int
        How many of the units are covariates: they have an indicator.

    Attributes
    ----------
    is_unit : bool [features]
        All of them, after ``fit``.
    """

    def __init__(self, units: Callable[[str], list[str]], covariates: int = 0) -> None:
        self.units, self.covariates = units, covariates

    def fit(self, texts: list[str], validation_texts: list[str]) -> tuple[csr_matrix, csr_matrix]:
        """Learn the states from both lists, and count in each."""
        every = {unit for text in [*texts, *validation_texts] for unit in self.units(text)}
        self.places = {state: place for place, state in enumerate(sorted(every))}
        self.is_unit = np.ones((4 + LAST) * max(len(every), 1), dtype=bool)
        return self.count(texts), self.count(validation_texts)

    def count(self, texts: list[str]) -> csr_matrix:
        """The features of each sequence, float32 [rows, features]; unseen states are ignored."""
        found = np.zeros((len(texts), 4 + LAST, max(len(self.places), 1)), dtype=np.float32)
        for row, text in enumerate(texts):
            units = [self.places.get(unit) for unit in self.units(text)]
            self._describe(found[row], units[self.covariates :])
            for covariate in units[: self.covariates]:
                if covariate is not None:
                    found[row, 0, covariate] = 1
        return csr_matrix(found.reshape(len(texts), -1))

    def _describe(self, row: NDArray[np.float32], states: list[int | None]) -> None:
        for state, spell in groupby(states):
            if state is not None:
                length = len(list(spell))
                row[0, state] += length
                row[1, state] += 1
                row[2, state] = max(row[2, state], length)
        for kind, state in enumerate([*states[:1], *states[: -LAST - 1 : -1]], start=3):
            if state is not None:
                row[kind, state] = 1
