"""Decisions: which class or labels follow from probabilities, for the metric that a user names.

The most probable class is the best guess for accuracy, but not for macro-F1 where classes are rare.
An offset for each class (or label) moves the decision; probabilities are left as they are.

Source: Lipton et al. 2014, for why F1 wants another threshold than 0.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from duree.evaluation import weighted_metrics as weighted
from duree.evaluation.weighted_metrics import Floats, Weighted, ratio
from duree.results.metric import ACCURACY, MACRO_F1, MICRO_F1, SUBSET_ACCURACY

Marks = NDArray[np.bool_]

# Offsets to choose from, on the scale of log-probabilities.
GRID = np.linspace(-3.0, 3.0, 25)
# Shares of the offsets that are tried: all, or less.
SHARES = (0.25, 0.5, 0.75, 1.0)
FOLDS, SWEEPS, RESAMPLES = 5, 5, 200
# Probabilities are raised to this before their logarithm is taken.
FLOOR = 1e-12


def _all_right(given: Marks, actual: Marks) -> Weighted:
    """The share of rows with exactly the true class, or the true labels."""
    return weighted.mean((given == actual).all(axis=1).astype(np.float64))


# The metrics of decisions, each from marks of what is predicted and true [rows, outputs].
OF_DECISIONS: Mapping[str, Callable[[Marks, Marks], Weighted]] = {
    ACCURACY.name: _all_right,
    SUBSET_ACCURACY.name: _all_right,
    MACRO_F1.name: weighted.macro_f1,
    MICRO_F1.name: weighted.micro_f1,
}


@dataclass(frozen=True)
class Decision:
    """What is predicted, given probabilities.

    Attributes
    ----------
    offsets : tuple of float
        One for each output. The class with the largest log-probability plus offset is predicted;
        or each label whose log-odds plus offset are not negative. All 0: the most probable class,
        or labels from 0.5 on.
    exclusive : bool
        Whether a row has one class, and not any number of labels.
    """

    offsets: tuple[float, ...]
    exclusive: bool

    @classmethod
    def unmoved(cls, outputs: int, *, exclusive: bool) -> Decision:
        """The decision for the most probable class, or for labels from 0.5 on."""
        return cls((0.0,) * outputs, exclusive)

    @property
    def is_moved(self) -> bool:
        """Whether it is another than the most probable one."""
        return any(self.offsets)

    @property
    def most_probable(self) -> Decision:
        """The same without offsets."""
        return self.unmoved(len(self.offsets), exclusive=self.exclusive)

    def given(self, probabilities: Floats) -> Marks:
        """The predicted class or labels, bool [rows, outputs]."""
        if not self.is_moved:
            return _most_probable(probabilities, self.exclusive)
        return _given(_scores(probabilities, self.exclusive) + self.offsets, self.exclusive)

    def joined(self, probabilities: Floats) -> Floats:
        """The probabilities, then ``given`` as 0 and 1: float64 [rows, 2 * outputs]."""
        return np.concatenate([probabilities, self.given(probabilities)], axis=1)

    def by_name(self, names: Sequence[str]) -> dict[str, float]:
        """The offset of each class or label; of labels, a threshold instead."""
        values = self.offsets if self.exclusive else expit(np.negative(self.offsets)).tolist()
        return dict(zip(names, values, strict=True))


def fit_decision(
    probabilities: Floats,
    actual: Marks,
    metric: str,
    weights: NDArray[Any] | None = None,
    *,
    exclusive: bool,
) -> Decision:
    """The decision with the best metric on rows that the model was not trained on.

    Offsets are found one at a time, again and again; then a share of all is taken, by
    cross-validation among these rows. They stay 0 unless the gain on rows left out is beyond its
    standard error under the bootstrap (the rule of one standard error: Breiman et al. 1984).

    Parameters
    ----------
    probabilities : float64 [rows, outputs]
    actual : bool [rows, outputs]
        The true class or labels.
    metric : str
        One of ``OF_DECISIONS``.
    weights : float [rows], optional
        Weights of the rows.
    exclusive : bool
        See ``Decision``.
    """
    rows, outputs = probabilities.shape
    counts = np.ones(rows) if weights is None else np.asarray(weights, dtype=np.float64)
    scores = _scores(probabilities, exclusive)
    none = Decision.unmoved(outputs, exclusive=exclusive)
    left_out = {share: np.zeros_like(actual) for share in SHARES}
    for held in _folds(actual):
        others = np.setdiff1d(np.arange(rows), held)
        found = _Search(scores[others], actual[others], counts[others], metric, exclusive).climb()
        for share, given in left_out.items():
            given[held] = _given(scores[held] + share * found, exclusive)
    figure = OF_DECISIONS[metric]
    plain = figure(_given(scores, exclusive), actual)
    moved = {share: figure(given, actual) for share, given in left_out.items()}
    gains = {
        share: float((of(counts[:, None]) - plain(counts[:, None]))[0])
        for share, of in moved.items()
    }
    best = max(gains, key=lambda share: gains[share])
    drawn = np.random.default_rng(0).multinomial(rows, np.full(rows, 1 / rows), RESAMPLES).T
    resampled = counts[:, None] * drawn
    noise = float(np.nanstd(moved[best](resampled) - plain(resampled)))
    if not gains[best] > noise:
        return none
    offsets = best * _Search(scores, actual, counts, metric, exclusive).climb()
    return Decision(tuple(map(float, offsets)), exclusive)


def attainable(
    probabilities: Floats,
    actual: Marks,
    metric: str,
    weights: NDArray[Any] | None = None,
    *,
    exclusive: bool,
) -> float:
    """The metric by the offsets that suit these very rows best; see ``fit_decision``.

    Early stopping uses it: the metric of the most probable classes would not change for many epochs
    where a rare class is never the most probable one.
    """
    counts = np.ones(len(actual)) if weights is None else np.asarray(weights, dtype=np.float64)
    scores = _scores(probabilities, exclusive)
    offsets = _Search(scores, actual, counts, metric, exclusive).climb()
    figure = OF_DECISIONS[metric](_given(scores + offsets, exclusive), actual)
    return float(figure(counts[:, None])[0])


@dataclass(frozen=True)
class _Search:
    """The search for offsets on some rows: their scores, true marks and weights."""

    scores: Floats
    actual: Marks
    weights: Floats
    metric: str
    exclusive: bool

    def climb(self) -> Floats:
        """The offsets, each the best given the others; float64 [outputs]."""
        outputs = self.scores.shape[1]
        offsets, order = np.zeros(outputs), np.argsort(self.actual.sum(axis=0), kind="stable")
        # A constant on all classes changes nothing: the most frequent one keeps 0.
        moved = order[:-1] if self.exclusive else order
        for _ in range(SWEEPS):
            before = offsets.copy()
            for place in moved:
                values = self.along(offsets, int(place))
                best = np.flatnonzero(values >= values.max() - 1e-12)
                offsets[place] = GRID[best[np.abs(GRID[best]).argmin()]]
            if np.array_equal(before, offsets):
                break
        return offsets

    def along(self, offsets: Floats, place: int) -> Floats:
        """The metric at each offset of ``GRID`` of one output, the others as they are."""
        scores, actual, weights = self.scores + offsets, self.actual, self.weights
        least, instead = np.zeros(len(scores)), None
        if self.exclusive:
            scores[:, place] = -np.inf
            instead = scores.argmax(axis=1)
            least = scores.max(axis=1)
        # The first offset of the grid from which on a row is given the output.
        first = np.searchsorted(GRID, least - self.scores[:, place])
        if self.metric == SUBSET_ACCURACY.name:
            given = scores >= 0
            given[:, place] = actual[:, place]
            return self._right(first, place, weights * (given == actual).all(axis=1))
        given = np.eye(actual.shape[1], dtype=bool)[instead] if self.exclusive else scores >= 0
        given[:, place] = False
        hits, ends = (
            (weights @ marks)[None] - self._passed(first, marks, weights * self.exclusive)
            for marks in (given & actual, given)
        )
        hits[:, place] = self._passed(first, actual[:, [place]], weights)[:, 0]
        ends[:, place] = self._passed(first, np.ones((len(actual), 1)), weights)[:, 0]
        return _figure(self.metric, hits, ends, weights @ actual, weights.sum())

    def _passed(self, first: NDArray[np.int64], marks: NDArray[Any], weights: Floats) -> Floats:
        """The weighted sums of ``marks`` over rows that are given the output: [grid, columns]."""
        sums = np.zeros((len(GRID) + 1, marks.shape[1]))
        np.add.at(sums, first, marks * weights[:, None])
        return np.asarray(np.cumsum(sums, axis=0)[:-1])

    def _right(self, first: NDArray[np.int64], place: int, weights: Floats) -> Floats:
        """The share of rows with all labels right, given those whose other labels are."""
        true = self.actual[:, place]
        marks = np.stack([true, ~true], axis=1)
        passed = self._passed(first, marks, weights)
        right = passed[:, 0] + weights @ ~true - passed[:, 1]
        return np.asarray(right / self.weights.sum())


def _figure(metric: str, hits: Floats, given: Floats, actual: Floats, total: float) -> Floats:
    """A metric from the counts of each output, [grid, outputs]."""
    if metric == ACCURACY.name:
        return np.asarray(hits.sum(axis=1) / total)
    if metric == MICRO_F1.name:
        return ratio(2 * hits.sum(axis=1), given.sum(axis=1) + actual.sum())
    f1 = ratio(2 * hits, given + actual)
    occurs = ~np.isnan(f1)
    return ratio(np.where(occurs, f1, 0.0).sum(axis=1), occurs.sum(axis=1).astype(np.float64))


def _scores(probabilities: Floats, exclusive: bool) -> Floats:
    """Log-probabilities of classes, or log-odds of labels."""
    logs = np.log(np.maximum(probabilities, FLOOR))
    return logs if exclusive else logs - np.log(np.maximum(1 - probabilities, FLOOR))


def _given(scores: Floats, exclusive: bool) -> Marks:
    return _largest(scores) if exclusive else np.asarray(scores >= 0)


def _most_probable(probabilities: Floats, exclusive: bool) -> Marks:
    return _largest(probabilities) if exclusive else np.asarray(probabilities >= 0.5)


def _largest(values: Floats) -> Marks:
    return np.asarray(values.argmax(axis=1)[:, None] == np.arange(values.shape[1]))


def _folds(actual: Marks) -> list[NDArray[np.int64]]:
    """Folds of rows, with as equal numbers of each class, or set of labels, as there can be."""
    mixed = np.random.default_rng(0).permutation(len(actual))
    _, kind = np.unique(actual[mixed], axis=0, return_inverse=True)
    order = mixed[np.argsort(kind.reshape(-1), kind="stable")]
    return [np.sort(order[fold::FOLDS]) for fold in range(FOLDS) if len(order[fold::FOLDS])]
