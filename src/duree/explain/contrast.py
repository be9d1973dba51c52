"""Contrast: the steps that decide a prediction, and the words that separate two groups of texts.

Neither is a frequency count. A word in every text of a group separates nothing if the network does
not use it; and because attributions add up to the score, the difference between the mean scores of
two groups is divided completely among the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import norm

from duree.errors import DataError
from duree.explain.attribution import Attributions, Rows, quantity
from duree.explain.model import Model, explanation_of, tokens_of, without
from duree.results.explanations import Flip
from duree.sequences.ragged import Ragged

Floats = NDArray[np.float64]

# Steps tried in each round of a search after the first, those with the largest effect; and the
# most rounds.
CANDIDATES, ROUNDS = 100, 40
# Random sets that a set of steps is compared with.
DRAWS = 100
LEVEL = 0.05
# The fewest rows of a word or phrase that is considered.
LEAST_ROWS = 10


@dataclass(frozen=True)
class Separation:
    """The contribution of a word or phrase to the difference between two groups.

    Attributes
    ----------
    words : str
        Units, separated by spaces.
    rows : (int, int)
        Number of rows of the first and of the second group that contain it.
    share : float
        Its share of the difference between the groups' mean scores (first minus second); the shares
        of all single words sum to 1.
    low, high : float
        95% confidence interval of the share, over rows.
    finding : bool
        Whether it differs significantly from 0, with Bonferroni's correction.
    """

    words: str
    rows: tuple[int, int]
    share: float
    low: float
    high: float
    finding: bool


class Strength(NamedTuple):
    """A token, its number of rows, its mean attribution, and the lower confidence limit."""

    token: int
    rows: int
    mean: float
    least: float


def flip(
    model: Model, sequence: NDArray[np.int32], removable: NDArray[np.bool_] | None = None
) -> Flip:
    """Search for the smallest set of steps whose removal changes the predicted class.

    In each round every remaining step is removed in turn, and the removal with the largest effect
    is kept; afterwards steps that prove unnecessary are restored. The set is compared with 100
    random ones of its size.

    Parameters
    ----------
    model : Model
    sequence : int32 [steps]
    removable : bool [steps], optional
        The steps of which the set may consist; all if not given.

    Returns
    -------
    Flip

    Raises
    ------
    DataError
        The model predicts numbers, not classes.
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
    steps_allowed = np.arange(len(sequence)) if removable is None else np.flatnonzero(removable)
    candidates = steps_allowed
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
    after = _decision(model, left(keep[None]))
    draws = np.random.default_rng(0).random((DRAWS, len(steps_allowed))).argsort(axis=1)
    masks = np.ones((DRAWS, len(sequence)), dtype=bool)
    np.put_along_axis(masks, steps_allowed[draws[:, : len(steps)]], False, axis=1)
    others = model.task.columns(model.predictions(left(masks)))[0].cast(pl.String)
    by_chance = float((others != before).to_numpy().mean())
    return Flip(steps, before, after, len(steps) == 1, by_chance)


def separations(
    sequences: Ragged,
    attributions: Attributions,
    second: NDArray[np.bool_],
    vocabulary: Sequence[str],
    length: int = 1,
) -> list[Separation]:
    """The contribution of each word or phrase to the difference between two groups of rows.

    Parameters
    ----------
    sequences : Ragged of int32
    attributions : Attributions
        Of the same rows, all for the same output.
    second : bool [rows]
        The rows of the second group; both groups need at least two rows.
    vocabulary : word of each token
    length : int
        Number of words in a phrase. A phrase gets the attributions of all its words, so that the
        shares of overlapping phrases sum to more than 1.

    Returns
    -------
    list of Separation
        Words or phrases in at least ten rows, by decreasing contribution.
    """
    kinds, kind, row, total = _by_phrase(sequences, attributions.values.values, length)
    sizes = np.array([(~second).sum(), second.sum()])
    group = second[row].astype(np.int64)
    each = np.zeros((2, 3, len(kinds)))  # for each group: rows, sum, sum of squares
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
    """The mean attribution of each token over the rows that contain it, by lower confidence limit.

    Sorting by the lower limit of the 95% interval favours neither frequent words nor rare ones with
    high values by chance.
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
    """The prediction for one row, as ``predict`` writes it."""
    return str(model.task.columns(model.predictions(row))[0][0])


def _by_phrase(
    sequences: Ragged, values: NDArray[np.float32], length: int
) -> tuple[NDArray[np.int32], Rows, Rows, Floats]:
    """Phrases [kinds, length]; and for each phrase of each row: kind, row, total attribution."""
    rows = np.repeat(np.arange(len(sequences)), sequences.lengths)
    starts = np.flatnonzero(rows[: len(rows) - length + 1] == rows[length - 1 :])
    window = starts[:, None] + np.arange(length)
    kinds, kind = np.unique(tokens_of(sequences).values[window], axis=0, return_inverse=True)
    pairs, which = np.unique(kind.ravel() * len(sequences) + rows[starts], return_inverse=True)
    total = np.bincount(which, values[window].sum(axis=1)).astype(np.float64)
    kind_of, row_of = np.divmod(pairs.astype(np.int64), len(sequences))
    return kinds, kind_of, row_of, total
