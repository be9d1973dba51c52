"""Contrast: what would turn a decision round, and what holds two groups of texts apart.

Neither is a frequency count. A word that stands in every text of a group holds nothing apart if the
network does not heed it; and because attributions add up to the score, the difference between two
groups' mean scores is parted among the words without a rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from duree.errors import DataError
from duree.explain.attribution import Attributions, Rows, quantity
from duree.explain.model import Model, explanation_of, tokens_of, without
from duree.results.explanations import Flip
from duree.sequences.ragged import Ragged

Floats = NDArray[np.float64]

# All steps are looked at in the first round of a search, later those that weighed most; and rounds
# at most.
CANDIDATES, ROUNDS = 100, 40
LEVEL = 0.05
# A word or phrase is looked at if it stands in so many rows.
LEAST_ROWS = 10


@dataclass(frozen=True)
class Separation:
    """How much a word or phrase does to hold two groups apart.

    Attributes
    ----------
    words : str
        Units with spaces between.
    rows : (int, int)
        Rows of the first and of the second group that hold it.
    share : float
        Its part of the difference between the groups' mean scores (first minus second); all single
        words together make 1.
    low, high : float
        95 % interval of the same, over rows.
    finding : bool
        Whether it differs from 0 by more than chance, with Bonferroni's correction.
    """

    words: str
    rows: tuple[int, int]
    share: float
    low: float
    high: float
    finding: bool


class Strength(NamedTuple):
    """A token, the rows that hold it, what it was given in each on average, and at least so."""

    token: int
    rows: int
    mean: float
    least: float


def flip(model: Model, sequence: NDArray[np.int32]) -> Flip:
    """Look for the fewest steps whose removal flips the decision.

    In each round every step that is left is taken out in turn, and the one whose loss weighs most
    is lost; afterwards each of them that proves not to be needed is put back.

    Parameters
    ----------
    model : Model
    sequence : int32 [steps]

    Raises
    ------
    DataError
        The model says numbers, which are no decisions.
    """
    if not model.task.classes:
        raise DataError(
            "a predicted number is not a decision that could flip",
            fix="look at its attributions: they show what each word added to it",
        )
    row = Ragged(sequence, np.array([0, len(sequence)]))
    output = explanation_of(model).chosen(model.predictions(row))
    before = _decision(model, row)

    def left(masks: NDArray[np.bool_]) -> Ragged:
        return without(row.take(np.zeros(len(masks), dtype=np.int64)), masks.ravel())

    def flips(keep: NDArray[np.bool_]) -> bool:
        return _decision(model, left(keep[None])) != before

    keep = np.ones(len(sequence), dtype=bool)
    candidates = np.arange(len(sequence))
    while not flips(keep):
        if len(candidates) == 0 or (~keep).sum() == ROUNDS:
            return Flip([], before, before, False)
        masks = np.tile(keep, (len(candidates), 1))
        masks[np.arange(len(candidates)), candidates] = False
        found = quantity(model, left(masks), np.repeat(output, len(candidates)))
        keep = masks[found.argmin()]
        candidates = candidates[np.argsort(found, kind="stable")][1 : CANDIDATES + 1]
    for step in np.flatnonzero(~keep):
        keep[step] = True
        if not flips(keep):
            keep[step] = False
    steps = np.flatnonzero(~keep).tolist()
    return Flip(steps, before, _decision(model, left(keep[None])), len(steps) == 1)


def separations(
    sequences: Ragged,
    attributions: Attributions,
    second: NDArray[np.bool_],
    vocabulary: Sequence[str],
    length: int = 1,
) -> list[Separation]:
    """What each word, or phrase of so many words, does to hold two groups of rows apart.

    Parameters
    ----------
    sequences : Ragged of int32
    attributions : Attributions
        Of the same rows, and all for the same output.
    second : bool [rows]
        Which rows are of the second group; both groups have two at least.
    vocabulary : word of each token
    length : int
        Words of a phrase. It counts all that its words were given, so that the shares of phrases,
        which overlap, make more than 1.

    Returns
    -------
    list of Separation
        Words or phrases that stand in ten rows or more, the one that does most first.
    """
    kinds, kind, row, total = _by_phrase(sequences, attributions.values.values, length)
    sizes = np.array([(~second).sum(), second.sum()])
    group = second[row].astype(np.int64)
    each = np.zeros((2, 3, len(kinds)))  # of each group: rows, sum, sum of squares
    for place, weights in enumerate((np.ones(len(total)), total, total**2)):
        for number in (0, 1):
            inside = group == number
            each[number, place] = np.bincount(kind[inside], weights[inside], len(kinds))
    means = each[:, 1] / sizes[:, None]
    variances = (each[:, 2] / sizes[:, None] - means**2) / (sizes[:, None] - 1)
    difference, error = means[0] - means[1], np.sqrt(variances.sum(axis=0))
    way = attributions.score - attributions.start
    whole = float(way[~second].mean() - way[second].mean())
    common = np.flatnonzero(each[:, 0].sum(axis=0) >= LEAST_ROWS)
    beyond = norm.ppf(1 - LEVEL / 2 / max(len(common), 1))
    share, margin = difference / whole, norm.ppf(1 - LEVEL / 2) * error / abs(whole)
    return [
        Separation(
            words=" ".join(vocabulary[token] for token in kinds[place]),
            rows=(int(each[0, 0, place]), int(each[1, 0, place])),
            share=float(share[place]),
            low=float(share[place] - margin[place]),
            high=float(share[place] + margin[place]),
            finding=bool(abs(difference[place]) > beyond * error[place]),
        )
        for place in common[np.argsort(-np.abs(difference[common]), kind="stable")]
    ]


def strengths(sequences: Ragged, given: Ragged) -> list[Strength]:
    """What each token was given in the rows that hold it, the surest to be high first.

    Sorted by the lower end of the mean's 95 % interval: neither the commonest words come first, nor
    rare ones that were lucky.
    """
    kinds, kind, _, total = _by_phrase(sequences, given.values, 1)
    rows = np.bincount(kind, minlength=len(kinds))
    mean = np.bincount(kind, total, len(kinds)) / rows
    squares = np.bincount(kind, (total - mean[kind]) ** 2, len(kinds))
    error = np.sqrt(squares / np.maximum(rows - 1, 1) / rows)
    least = mean - norm.ppf(1 - LEVEL / 2) * error
    return [
        Strength(int(kinds[place, 0]), int(rows[place]), float(mean[place]), float(least[place]))
        for place in np.argsort(-least, kind="stable")
    ]


def _decision(model: Model, row: Ragged) -> str:
    """What ``predict`` would write for one row."""
    return str(model.task.columns(model.predictions(row))[0][0])


def _by_phrase(
    sequences: Ragged, values: NDArray[np.float32], length: int
) -> tuple[NDArray[np.int32], Rows, Rows, Floats]:
    """Phrases [kinds, length]; and for each phrase of each row: kind, row, what it was given."""
    rows = np.repeat(np.arange(len(sequences)), sequences.lengths)
    starts = np.flatnonzero(rows[: len(rows) - length + 1] == rows[length - 1 :])
    window = starts[:, None] + np.arange(length)
    kinds, kind = np.unique(tokens_of(sequences).values[window], axis=0, return_inverse=True)
    pairs, which = np.unique(kind.ravel() * len(sequences) + rows[starts], return_inverse=True)
    total = np.bincount(which, values[window].sum(axis=1)).astype(np.float64)
    kind_of, row_of = np.divmod(pairs.astype(np.int64), len(sequences))
    return kinds, kind_of, row_of, total
