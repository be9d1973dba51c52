"""Spellings in training documents whose words are nearly all known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from duree.sequences.ragged import Ragged

# At least this share of the words is spelt in training.
SPELT_SHARE = 0.003


def spell_some(
    documents: Ragged,
    first: int,
    mark: int,
    spelling: Callable[[int], NDArray[np.int32]],
    seed: int,
) -> Ragged:
    """Documents in which at least ``SPELT_SHARE`` of the words are spelt.

    Where nearly all words are known, a network would not learn how texts go on after a word that is
    spelt. Further ones are drawn by the seed, one occurrence of a word at most.

    Parameters
    ----------
    documents : Ragged of int32
    first, mark : int
        The first code of a word, and the one that opens a spelling.
    spelling : code of a word -> int32 [codes]
    seed : int
    """
    values = documents.values
    words = np.flatnonzero(values >= first)
    lacking = int(SPELT_SHARE * len(words)) - int(np.sum(values == mark))
    if lacking <= 0:
        return documents
    rng = np.random.default_rng(seed)
    drawn = words[rng.permutation(len(words))]
    of_each = drawn[np.unique(values[drawn], return_index=True)[1]]
    places = np.sort(rng.permutation(of_each)[:lacking])
    parts, begin, added = [], 0, np.zeros(len(values) + 1, dtype=np.int64)
    for place in places.tolist():
        spelt = spelling(int(values[place]))
        parts += [values[begin:place], spelt]
        begin, added[place + 1] = place + 1, len(spelt) - 1
    offsets = documents.offsets + np.cumsum(added)[documents.offsets]
    return Ragged(np.concatenate([*parts, values[begin:]]), offsets)
