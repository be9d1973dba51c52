"""Judgement: every model's figures with intervals, the comparisons, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.comparison import NETWORK, compare
from duree.evaluation.metrics import Floats, MetricSet
from duree.evaluation.uncertainty import interval, resampled, wilson
from duree.evaluation.verdict import Verdict, decide

Figures = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Judgement:
    """What ``metrics.json`` says of the models.

    Attributes
    ----------
    models : {model: {metric: {"value", "low", "high"}}}
    comparisons : list of {"model", "metric", "difference", "low", "high", "p_value", "method"}
    verdict : Verdict
    """

    models: dict[str, Figures]
    comparisons: list[dict[str, Any]]
    verdict: Verdict


def judge_models(
    predictions: Mapping[str, Floats],
    targets: NDArray[Any],
    metrics: MetricSet,
    *,
    groups: NDArray[np.int64] | None = None,
    seeds: Mapping[str, list[float]] | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Judgement:
    """Judge all models on the same rows.

    Parameters
    ----------
    predictions : {model: float64 [rows, outputs]}
        Probabilities or numbers; the one called ``network`` is compared with all others.
    targets : ndarray [rows] or [rows, labels]
    metrics : MetricSet
    groups : int64 [rows], optional
        Rows that belong together; whole groups are resampled then.
    seeds : {metric: values}, optional
        The same figures of networks from several seeds; see ``spread_of_seeds``.
    resamples, seed : int
        The bootstrap's size, and where its random numbers begin.
    """
    values = {name: metrics.values(found, targets) for name, found in predictions.items()}
    drawn = resampled(predictions, targets, metrics, groups, resamples, seed)
    models = {name: _figures(values[name], drawn[name], len(targets)) for name in values}
    comparisons = compare(values, drawn, predictions, targets, metrics, groups is not None)
    verdict = decide(models, comparisons, metrics, len(targets), seeds)
    return Judgement(models, [asdict(comparison) for comparison in comparisons], verdict)


def judge_alone(
    predictions: Floats, targets: NDArray[Any], metrics: MetricSet, *, seed: int = 0
) -> Figures:
    """One model's figures with their intervals."""
    return judge_models({NETWORK: predictions}, targets, metrics, seed=seed).models[NETWORK]


def spread_of_seeds(
    networks: list[Floats], targets: NDArray[Any], metrics: MetricSet
) -> dict[str, list[float]] | None:
    """Each metric's value for the network of every seed; None where there is only one."""
    if len(networks) < 2:
        return None
    each = [metrics.values(found, targets) for found in networks]
    return {name: [values[name] for values in each] for name in each[0]}


def _figures(values: dict[str, float], drawn: dict[str, Floats], rows: int) -> Figures:
    figures = {}
    for name, value in values.items():
        between = interval(drawn[name])
        if between is None or not np.isfinite(value):
            continue
        if name == "accuracy" and value in (0.0, 1.0):
            # Every resample of an all-right set is all right: the bootstrap would claim certainty.
            between = wilson(value * rows, rows)
        figures[name] = {"value": value, "low": between[0], "high": between[1]}
    return figures
