"""Character n-grams of units: what words that are written alike have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

# Lengths of n-grams, counting the blank before and after a unit.
SHORTEST, LONGEST = 2, 5


def character_ngrams(units: Sequence[str]) -> csr_matrix:
    """Which n-grams of 2 to 5 characters each unit has, a blank before and after it included.

    N-grams of a single unit are left out, since they say no more than the unit itself.

    Returns
    -------
    csr_matrix
        float64 [units, n-grams], 1 where the unit has the n-gram.
    """
    known: dict[str, int] = {}
    columns: list[int] = []
    ends = [0]
    for unit in units:
        found = _ngrams(unit) if len(unit) > 1 else set()
        columns += [known.setdefault(ngram, len(known)) for ngram in sorted(found)]
        ends.append(len(columns))
    shape = (len(units), len(known))
    has = csr_matrix((np.ones(len(columns)), np.array(columns, dtype=np.int64), ends), shape)
    return has[:, np.flatnonzero(has.getnnz(axis=0) > 1)]


def _ngrams(unit: str) -> set[str]:
    text = f" {unit} "
    return {
        text[begin : begin + length]
        for length in range(SHORTEST, LONGEST + 1)
        for begin in range(len(text) - length + 1)
    }
