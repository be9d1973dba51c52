"""Comparison of the network with each baseline, on the very same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from duree.evaluation.metrics import Floats, MetricSet
from duree.evaluation.uncertainty import interval, p_value

NETWORK = "network"


@dataclass(frozen=True)
class Comparison:
    """Network minus baseline in one metric; ``model`` is the baseline."""

    model: str
    metric: str
    difference: float
    low: float
    high: float
    p_value: float
    method: str


def compare(
    values: Mapping[str, Mapping[str, float]],
    resamples: Mapping[str, Mapping[str, Floats]],
    predictions: Mapping[str, Floats],
    targets: NDArray[Any],
    metrics: MetricSet,
    grouped: bool,
) -> list[Comparison]:
    """Paired bootstrap in every metric against every baseline; McNemar's test in accuracy too.

    McNemar's test takes rows as independent, so it is left out where they come in groups.
    """
    method = "paired bootstrap by group" if grouped else "paired bootstrap"
    found = []
    for model in values:
        if model == NETWORK:
            continue
        for metric, value in values[NETWORK].items():
            differences = resamples[NETWORK][metric] - resamples[model][metric]
            between = interval(differences)
            if between is None or not np.isfinite(value - values[model][metric]):
                continue
            difference = value - values[model][metric]
            found.append(
                Comparison(model, metric, difference, *between, p_value(differences), method)
            )
            if metric == "accuracy" and not grouped:
                p = mcnemar(predictions[NETWORK], predictions[model], targets)
                found.append(Comparison(model, metric, difference, *between, p, "McNemar exact"))
    return found


def mcnemar(one: Floats, other: Floats, targets: NDArray[Any]) -> float:
    """Exact two-sided p-value that two classifiers err equally often (McNemar 1947)."""
    one_right, other_right = one.argmax(axis=1) == targets, other.argmax(axis=1) == targets
    only_one = int((one_right & ~other_right).sum())
    only_other = int((other_right & ~one_right).sum())
    if only_one + only_other == 0:
        return 1.0
    return float(binomtest(only_one, only_one + only_other).pvalue)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """P-values adjusted for making all of these comparisons at once (Holm 1979)."""
    adjusted, largest = {}, 0.0
    for place, (name, p) in enumerate(sorted(p_values.items(), key=lambda pair: pair[1])):
        largest = max(largest, min(1.0, p * (len(p_values) - place)))
        adjusted[name] = largest
    return adjusted
