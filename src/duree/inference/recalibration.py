"""Recalibration: predictions corrected by the labelled rows, each by a model it did not train.

g is a ridge-penalised regression, logistic for binary variables, of the label on logit(prediction)
and what else is known of a row. It need not be right for an estimate to be valid; the better it is,
the narrower the interval. What else is known is penalised as much as predicts held-out labels best:
it often adds little but noise. Rows of one cluster are in one fold, so that none corrects itself.

Source: cross-fitting as in Zrnic & Candès (2024), "Cross-prediction-powered inference".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from duree.inference.families import CHUNK, Floats, Ints

# Probabilities nearer to 0 and 1 are taken for these, whose logits are -6.9 and 6.9.
CLIPPED = 1e-3
# Of the sum of log-likelihoods, on standardised features; the small one keeps a fold without
# positive rows finite.
PENALTY, INTERCEPT_PENALTY = 1.0, 1e-2
# Candidates for what is known besides predictions, and the splits by which one is chosen.
PENALTIES, SPLITS_TO_CHOOSE = (1e6, 1000.0, 100.0, 10.0, 1.0), 2
LEAST_NOISE = 1e-6  # share of the variance of a number
NEWTON_STEPS, LONGEST_STEP, TOLERANCE = 25, 5.0, 1e-6


def logits(prediction: Floats) -> Floats:
    """The logits of probabilities, at most 6.9."""
    return np.asarray(logit(np.clip(prediction, CLIPPED, 1 - CLIPPED)))


def draw_folds(
    labelled: Ints, cluster: Ints | None, folds: int, splits: int, generator: np.random.Generator
) -> tuple[Ints, NDArray[np.int8]]:
    """The labelled rows and others in their clusters [known], and their folds [splits, known].

    Rows of one cluster are in one fold.
    """
    if cluster is None:
        return labelled, np.stack([_dealt(len(labelled), folds, generator) for _ in range(splits)])
    units = np.unique(cluster[labelled])
    known = np.flatnonzero(np.isin(cluster, units))
    place = np.searchsorted(units, cluster[known])
    return known, np.stack([_dealt(len(units), folds, generator)[place] for _ in range(splits)])


def _dealt(count: int, folds: int, generator: np.random.Generator) -> NDArray[np.int8]:
    """Folds of nearly equal size, in random order."""
    return generator.permutation(np.arange(count) % folds).astype(np.int8)


def fit_folds(
    features: Floats,
    predictions: int,
    target: Floats,
    fold: NDArray[np.int8],
    folds: int,
    *,
    binary: bool,
) -> Floats:
    """The models of all folds of all splits.

    Parameters
    ----------
    features : float [labelled, features]
    predictions : int
        How many of the features, from the first, are predictions.
    target : float [labelled]
    fold : int [splits, labelled]
    binary : bool
        Logistic, not linear.

    Returns
    -------
    float [splits, folds, 1 + features]
        Coefficients, the intercept first.
    """
    centre, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale == 0] = 1.0
    standard = np.column_stack([np.ones(len(features)), (features - centre) / scale])
    chosen = PENALTY
    if predictions < features.shape[1]:
        some = fold[:SPLITS_TO_CHOOSE]
        losses = [
            _loss(
                standard,
                target,
                some,
                _fitted(standard, predictions, target, some, one, folds, binary),
                binary,
            )
            for one in PENALTIES
        ]
        chosen = PENALTIES[int(np.argmin(losses))]
    found = _fitted(standard, predictions, target, fold, chosen, folds, binary)
    found[:, :, 1:] /= scale
    found[:, :, 0] -= found[:, :, 1:] @ centre
    return found


def _fitted(
    standard: Floats,
    predictions: int,
    target: Floats,
    fold: NDArray[np.int8],
    penalty: float,
    folds: int,
    binary: bool,
) -> Floats:
    """The models of standardised features [splits, folds, features]."""
    used = (fold[:, None, :] != np.arange(folds)[:, None]).reshape(-1, len(target)).astype(float)
    penalties = np.full(standard.shape[1], penalty)
    penalties[1 : 1 + predictions] = PENALTY
    penalties[0] = INTERCEPT_PENALTY
    fit = _logistic if binary else _linear
    return fit(standard, target, used, penalties).reshape(len(fold), folds, -1)


def _loss(
    standard: Floats, target: Floats, fold: NDArray[np.int8], models: Floats, binary: bool
) -> float:
    """The mean squared error of labels that a model did not see: the variance of corrections."""
    own = np.take_along_axis(models, fold.astype(np.int64)[:, :, None], axis=1)
    scores = (own * standard).sum(axis=2)
    return float((((expit(scores) if binary else scores) - target) ** 2).mean())


def _gram(standard: Floats, weight: Floats) -> Floats:
    """X'WX for each row of ``weight`` [models, rows]."""
    return (standard.T[None] * weight[:, None, :]) @ standard


def _linear(standard: Floats, target: Floats, used: Floats, penalty: Floats) -> Floats:
    """Ridge regressions [models, features], penalised by the share of variance that is noise."""
    gram, moment = _gram(standard, used), (used * target) @ standard
    noise = 0.0
    for _ in range(2):
        penalised = gram + (noise + LEAST_NOISE) * np.diag(penalty)
        found = np.linalg.solve(penalised, moment[:, :, None])[:, :, 0]
        residual = target - found @ standard.T
        noise = float((residual**2 * used).mean() / max(target.var(), np.finfo(float).tiny))
    return np.asarray(found)


def _logistic(standard: Floats, target: Floats, used: Floats, penalty: Floats) -> Floats:
    """Ridge-penalised logistic regressions [models, features] by Newton's method."""
    found = np.zeros((len(used), standard.shape[1]))
    for _ in range(NEWTON_STEPS):
        mean = expit(found @ standard.T)
        gradient = (used * (target - mean)) @ standard - penalty * found
        curvature = _gram(standard, used * mean * (1 - mean)) + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
        longest = np.abs(step).max(axis=1, keepdims=True)
        found += step * np.minimum(1, LONGEST_STEP / np.maximum(longest, LONGEST_STEP))
        if longest.max() < TOLERANCE:
            break
    return found


def recalibrated(
    features: list[Floats],
    coefficients: Floats,
    known: Ints,
    fold: NDArray[np.int8],
    *,
    binary: bool,
) -> NDArray[np.float32]:
    """The recalibrated predictions of all rows in all splits.

    Parameters
    ----------
    features : list of float [rows, ...]
        Blocks of columns, in the order of the coefficients; not joined, to save memory.
    coefficients : float [splits, folds, 1 + features]
    known : int [known]
        Labelled rows, and rows in their clusters.
    fold : int [splits, known]
        The model that these did not train; all other rows get the mean of all models.

    Returns
    -------
    float32 [rows, splits]
    """
    splits, folds, _ = coefficients.shape
    flat = coefficients.transpose(1, 0, 2).reshape(folds * splits, -1)
    rows = len(features[0])
    found = np.empty((rows, splits), dtype=np.float32, order="F")
    for begin in range(0, rows, CHUNK):
        chunk = slice(begin, begin + CHUNK)
        values = _scores([block[chunk] for block in features], flat, binary=binary)
        summed = values[:, :splits].copy()
        for one in range(1, folds):
            summed += values[:, one * splits : (one + 1) * splits]
        found[chunk] = summed / folds
    values = _scores([block[known] for block in features], flat, binary=binary)
    values = values.reshape(-1, folds, splits)
    chosen = np.take_along_axis(values, fold.T[:, None, :].astype(np.int64), axis=1)
    found[known] = chosen[:, 0]
    return found


def _scores(blocks: list[Floats], flat: Floats, *, binary: bool) -> NDArray[np.float32]:
    """The predictions of each model [rows, models]."""
    scores = np.concatenate(blocks, axis=1) @ flat[:, 1:].T + flat[:, 0]
    single = scores.astype(np.float32)
    return np.asarray(expit(single), dtype=np.float32) if binary else single
