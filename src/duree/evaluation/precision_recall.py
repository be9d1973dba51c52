"""Precision and recall of rare classes, for which accuracy and the ROC curve say little.

Source: Davis & Goadrich 2006; Saito & Rehmsmeier 2015.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.resampling import Trial
from duree.evaluation.uncertainty import interval
from duree.evaluation.weighted_metrics import Floats, Weighted, ratio
from duree.results.precision_recall import Curve, RareClass
from duree.results.run_files import Estimate

# A class is rare below this share of the rows, and this share of what it would have if all classes
# were equally frequent.
RARE, UNEQUAL = 0.2, 0.75
# Fewer rows than this show nothing.
FEWEST = 5
# Points of a curve.
MOST_POINTS = 100


def rare_outputs(actual: NDArray[np.bool_], *, exclusive: bool) -> list[int]:
    """The places of rare classes or labels, the rarest first; ``actual`` is [rows, outputs]."""
    shares, counts = actual.mean(axis=0), actual.sum(axis=0)
    limit = min(RARE, UNEQUAL / actual.shape[1]) if exclusive else RARE
    order = np.argsort(shares, kind="stable").tolist()
    return [place for place in order if shares[place] < limit and counts[place] >= FEWEST]


def rare_class(
    name: str,
    predictions: Mapping[str, Floats],
    given: NDArray[np.bool_],
    actual: NDArray[np.bool_],
    trial: Trial,
) -> RareClass:
    """The figures of one class.

    Parameters
    ----------
    name : str
    predictions : {model: float64 [rows]}
        The probability of the class.
    given, actual : bool [rows]
        Whether the network predicts the class, and whether it is true.
    trial : Trial
        The rows, with their weights and resamples.
    """
    one = trial.sample.weighed(np.ones((len(actual), 1)))[:, 0]
    hits, units = one @ (given & actual), min(int(actual.sum()), trial.sample.units)
    prepared = {model: average_precision(found, actual) for model, found in predictions.items()}
    drawn: dict[str, list[Floats]] = {model: [] for model in prepared}
    for weights in trial.weights():
        for model, of_weights in prepared.items():
            drawn[model].append(of_weights(weights))
    curves = {}
    for model, found in predictions.items():
        low, high = interval(np.concatenate(drawn[model]), units) or (0.0, 1.0)
        value = float(prepared[model](one[:, None])[0])
        average = Estimate(value=value, low=min(low, value), high=max(high, value))
        recall, precision = zip(*_points(found, actual, one), strict=True)
        curves[model] = Curve(recall=list(recall), precision=list(precision), average=average)
    return RareClass(
        name=name,
        rows=int(actual.sum()),
        share=float(one @ actual / one.sum()),
        recall=float(hits / (one @ actual)),
        precision=float(hits / (one @ given)) if given.any() else None,
        curves=curves,
    )


def average_precision(scores: Floats, positive: NDArray[np.bool_]) -> Weighted:
    """The mean precision over the positive rows, each at the threshold of its own score.

    Equal to scikit-learn's; rows with the same score are taken together.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    true = positive[order][:, None]

    def metric(weights: Floats) -> Floats:
        drawn = weights[order]
        hits, given = (np.cumsum(of, axis=0)[ends] for of in (drawn * true, drawn))
        gained = np.diff(hits, axis=0, prepend=0.0)
        precision = ratio(hits, given)
        total = np.where(np.isnan(precision), 0.0, gained * precision).sum(axis=0)
        return ratio(total, hits[-1])

    return metric


def _points(
    scores: Floats, positive: NDArray[np.bool_], weights: Floats
) -> Iterator[tuple[float, float]]:
    """Recall and precision at falling thresholds, as many as a figure can show."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits, given = (np.cumsum(of[order])[ends] for of in (weights * positive, weights))
    recall, precision = hits / hits[-1], hits / given
    # Evenly spaced in recall, and the last of each.
    steps = np.searchsorted(recall, np.linspace(1 / MOST_POINTS, 1, MOST_POINTS) - 1e-9)
    for place in np.unique(steps).tolist():
        yield round(float(recall[place]), 4), round(float(precision[place]), 4)
