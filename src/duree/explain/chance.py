"""What chance gives: the words that go with an answer, and the similarity of unrelated words."""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from duree.explain.model import Model, tokens_of
from duree.explain.words import unit_vectors
from duree.sequences.ragged import Ragged

Floats = NDArray[np.float64]

# What is listed exceeds the largest value in this share of random draws.
QUANTILE = 0.95
SHUFFLES, VECTORS = 500, 200


def is_mark(unit: str) -> bool:
    """Whether a unit of a text is punctuation or a number: such as ``,`` or ``10``, not ``3rd``."""
    kinds = {unicodedata.category(sign) for sign in unit}
    return all(kind[0] in "PNZ" or kind in ("Sm", "Sc", "Sk") for kind in kinds)


def go_with_answers(
    sequences: Ragged, tokens: NDArray[np.int64], answers: Floats, seed: int
) -> NDArray[np.bool_]:
    """Which words occur in rows of an answer more often than chance explains.

    Each word's mean answer is compared with the largest of all words when the answers are shuffled
    over the rows (in 95 % of 500 shuffles), each in units of its standard error.

    Parameters
    ----------
    sequences : Ragged of int32
    tokens : int64 [words]
        The words, chosen without regard to these rows' answers.
    answers : float64 [rows]
        1 for rows with the answer and 0 for others; or any numbers.
    seed : int
        Of the shuffles.

    Returns
    -------
    bool [words]
    """
    spread = float(answers.std())
    if not len(tokens) or spread == 0:
        return np.zeros(len(tokens), dtype=bool)
    known = np.sort(tokens)
    steps = tokens_of(sequences).values
    place = np.minimum(np.searchsorted(known, steps), len(known) - 1)
    inside = known[place] == steps
    rows = np.repeat(np.arange(len(sequences)), sequences.lengths)
    pairs = np.unique(place[inside] * len(sequences) + rows[inside])
    word, row = np.divmod(pairs, len(sequences))
    shape = (len(known), len(sequences))
    holds = csr_array((np.ones(len(pairs)), (word, row)), shape=shape)
    counts = np.asarray(holds.sum(axis=1)).ravel()
    # The variance of a sum over rows that are drawn without replacement.
    error = np.sqrt(np.maximum(counts * (1 - counts / len(sequences)), 1e-12))
    centred = (answers - answers.mean()) / spread
    order = np.random.default_rng(seed)
    shuffled = order.permuted(np.tile(centred, (SHUFFLES, 1)), axis=1).T
    largest = np.quantile((holds @ shuffled / error[:, None]).max(axis=0), QUANTILE)
    beyond = (holds @ centred) / error > largest
    return np.asarray(beyond[np.searchsorted(known, tokens)])


def chance_similarity(model: Model, seed: int) -> float:
    """The cosine similarity to its nearest word that 95 % of 200 random vectors do not exceed.

    Each component of a random vector is that of a word drawn for this component alone.
    """
    _, vectors = unit_vectors(model)
    drawn = np.random.default_rng(seed).integers(0, len(vectors), (VECTORS, vectors.shape[1]))
    random = np.take_along_axis(vectors, drawn, axis=0)
    random /= np.maximum(np.linalg.norm(random, axis=1, keepdims=True), 1e-12)
    return float(np.quantile((random @ vectors.T).max(axis=1), QUANTILE))
