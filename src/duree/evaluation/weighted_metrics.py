"""Metrics under row weights, which make thousands of resamples fast.

A resample is described by how often each row was drawn. Each metric is prepared once for a set of
rows, including sorting, as a function from weights float64 [rows, resamples] to values [resamples]
that is little more than a matrix product. With weights of 1 it is the plain metric, so that a
figure and its interval share one definition. What is not defined (an AUC without a second class) is
NaN, and left out of the results.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Weighted = Callable[[Floats], Floats]


def ratio(above: Floats, below: Floats) -> Floats:
    """``above / below``, NaN where ``below`` is not positive."""
    undefined = np.full(np.shape(above), np.nan)
    return np.asarray(np.divide(above, below, out=undefined, where=below > 0))


def total(weights: Floats) -> Floats:
    """The sum of each column; eight times as fast as ``numpy.sum`` on narrow arrays."""
    return np.asarray(np.ones(len(weights)) @ weights)


def mean(of_rows: Floats) -> Weighted:
    """The mean of one number per row."""
    return lambda weights: of_rows @ weights / total(weights)


def mean_of_sums(above: Floats, below: Floats) -> Weighted:
    """The ratio of two sums over rows."""
    return lambda weights: ratio(above @ weights, below @ weights)


def macro_f1(predicted: NDArray[np.bool_], actual: NDArray[np.bool_]) -> Weighted:
    """Mean F1 over classes that occur in targets or predictions; marks are [rows, classes]."""
    hits = sparse.csr_array((predicted & actual).T, dtype=np.float64)
    ends = sparse.csr_array(predicted.T.astype(np.float64) + actual.T)

    def metric(weights: Floats) -> Floats:
        f1 = ratio(2 * (hits @ weights), ends @ weights)
        occurs = ~np.isnan(f1)
        return ratio(np.where(occurs, f1, 0.0).sum(axis=0), occurs.sum(axis=0).astype(np.float64))

    return metric


def class_counts(predicted: NDArray[np.bool_], actual: NDArray[np.bool_]) -> dict[str, Weighted]:
    """How often each class was predicted correctly, predicted, and true: [classes, resamples]."""
    marks = {"hits": predicted & actual, "given": predicted, "actual": actual}
    sums = {name: sparse.csr_array(of.T, dtype=np.float64) for name, of in marks.items()}
    return {f"class_{name}": rows.__matmul__ for name, rows in sums.items()}


def micro_f1(predicted: NDArray[np.bool_], actual: NDArray[np.bool_]) -> Weighted:
    """F1 over all marks [rows, labels] together."""
    hits = (predicted & actual).sum(axis=1, dtype=np.float64)
    ends = predicted.sum(axis=1, dtype=np.float64) + actual.sum(axis=1)
    return lambda weights: ratio(2 * (hits @ weights), ends @ weights)


def auc(scores: Floats, positive: NDArray[np.bool_]) -> Weighted:
    """Area under the ROC curve: how often a positive outranks a negative (ties count half).

    Source: Hanley & McNeil 1982. Negatives are grouped by the scores of the positives above them,
    so that sums are over the distinct scores of positives only.
    """
    cases = np.unique(scores[positive])
    ups, downs = np.flatnonzero(positive), np.flatnonzero(~positive)
    # A negative is outranked from its left slot on, and tied where its right slot is the next one.
    slots = [np.searchsorted(cases, scores[downs], side) for side in ("left", "right")]
    halves = [_sums(slot, downs, len(cases) + 1, len(scores)) for slot in slots]
    lost = (halves[0] + halves[1]) / 2
    own = _sums(np.searchsorted(cases, scores[ups]), ups, len(cases), len(scores))

    def metric(weights: Floats) -> Floats:
        of_cases = own @ weights
        outranked = np.cumsum((lost @ weights)[:-1], axis=0)
        positives = total(of_cases)
        wins = np.einsum("cr,cr->r", of_cases, outranked)
        return ratio(wins, positives * (total(weights) - positives))

    return metric


def mean_auc(scores: Floats, marks: NDArray[np.bool_]) -> Weighted:
    """Mean AUC over the classes or labels with positive and negative rows; [rows, classes]."""
    each = [auc(scores[:, place], marks[:, place]) for place in range(scores.shape[1])]

    def metric(weights: Floats) -> Floats:
        areas = np.stack([of_class(weights) for of_class in each])
        defined = ~np.isnan(areas)
        return ratio(np.where(defined, areas, 0.0).sum(axis=0), defined.sum(axis=0) * 1.0)

    return metric


def calibration(confidence: Floats, right: NDArray[np.bool_], bins: int) -> dict[str, Weighted]:
    """Expected calibration error over bins of equal mass, and the sampling noise of its bins.

    ``calibration_error`` is the mean gap between confidence and share of correct rows over bins;
    ``calibration_noise`` the mean distance of each bin's gap from its plain value.

    Source: Naeini et al. 2015; bins of equal mass because they bias it least (Roelofs et al. 2022).
    """
    rows = len(confidence)
    place = equal_mass_bins(confidence, bins)
    gaps = _sums(place, np.arange(rows), bins, rows, right - confidence)
    plain = gaps @ np.ones((rows, 1)) / rows
    return {
        "calibration_error": lambda weights: total(np.abs(gaps @ weights)) / total(weights),
        "calibration_noise": lambda weights: total(np.abs(gaps @ weights / total(weights) - plain)),
    }


def equal_mass_bins(values: Floats, bins: int) -> NDArray[np.int64]:
    """The bin of each value, from 0; bins hold as equal numbers as ties allow."""
    edges = np.quantile(values, np.arange(1, bins) / bins)
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def r2(predicted: Floats, actual: Floats) -> Weighted:
    """Share of the variance explained; not defined where the targets are constant."""
    centred = actual - actual.mean()
    error, first, second = mean((predicted - actual) ** 2), mean(centred), mean(centred**2)

    def metric(weights: Floats) -> Floats:
        square = second(weights)
        variance = square - first(weights) ** 2
        # Rounding may leave a tiny variance where all drawn targets are equal.
        return 1 - ratio(error(weights), variance * (variance > 1e-12 * square))

    return metric


def spearman(predicted: Floats, actual: Floats) -> Weighted:
    """Spearman's rank correlation, ranked anew in every resample; ties share their mean rank."""
    ranks = _centred_ranks(predicted), _centred_ranks(actual)

    def metric(weights: Floats) -> Floats:
        one, other = (rank(weights) for rank in ranks)
        drawn = weights * one
        covariance, variance = (np.einsum("nr,nr->r", drawn, ranks) for ranks in (other, one))
        np.multiply(weights, other, out=drawn)
        return ratio(covariance, np.sqrt(variance * np.einsum("nr,nr->r", drawn, other)))

    return metric


def _centred_ranks(values: Floats) -> Weighted:
    """Each row's rank among the drawn rows, minus the mean rank: float64 [rows, resamples]."""
    _, place = np.unique(values, return_inverse=True)
    tied = _sums(place, np.arange(len(place)), int(place.max()) + 1, len(place))

    def ranks(weights: Floats) -> Floats:
        drawn = tied @ weights
        ends = np.cumsum(drawn, axis=0)
        drawn += total(weights)
        drawn /= 2
        ends -= drawn
        return np.take(ends, place, axis=0)

    return ranks


def _sums(
    slots: NDArray[np.int64],
    rows: NDArray[np.int64],
    count: int,
    total: int,
    values: Floats | None = None,
) -> Any:
    """A sparse matrix [count, total] that sums rows (times their values) by slot."""
    entries = np.ones(len(rows)) if values is None else values
    return sparse.csr_array((entries, (slots, rows)), shape=(count, total))
