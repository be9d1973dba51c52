"""Uncertainty: percentile bootstrap (Efron 1979), by group where rows belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.metrics import Floats, MetricSet

LEVEL = 0.95
# Resamples at once: 100 x 25,000 rows of float64 are 20 MB.
CHUNK_VALUES = 2_500_000


def resampled(
    models: Mapping[str, Floats],
    targets: NDArray[Any],
    metrics: MetricSet,
    groups: NDArray[np.int64] | None,
    resamples: int,
    seed: int,
) -> dict[str, dict[str, Floats]]:
    """Every metric of every model under the same resamples: {model: {metric: [resamples]}}.

    Because the resamples are shared, the difference of two models' values is a paired one.
    """
    prepared = {name: metrics.prepare(found, targets) for name, found in models.items()}
    values: dict[str, dict[str, list[Floats]]] = {
        name: {metric: [] for metric in functions} for name, functions in prepared.items()
    }
    for weights in draw_weights(len(targets), groups, resamples, seed):
        for name, functions in prepared.items():
            for metric, function in functions.items():
                values[name][metric].append(function(weights))
    return {
        name: {metric: np.concatenate(parts) for metric, parts in of_model.items()}
        for name, of_model in values.items()
    }


def draw_weights(
    rows: int, groups: NDArray[np.int64] | None, resamples: int, seed: int
) -> Iterator[Floats]:
    """How often each row is drawn, float64 [some resamples, rows]; whole groups where given."""
    rng = np.random.default_rng(seed)
    units = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    count = int(units.max()) + 1
    at_once = max(1, CHUNK_VALUES // rows)
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        drawn = rng.integers(0, count, (size, count)) + np.arange(size)[:, None] * count
        weights = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count)
        yield weights.astype(np.float64)[:, units]


def interval(values: Floats) -> tuple[float, float] | None:
    """The 95 % percentile interval of the defined values; None where there is none."""
    defined = values[np.isfinite(values)]
    if len(defined) == 0:
        return None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def wilson(successes: float, rows: int) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share: honest where a bootstrap of all-right is not."""
    z = 1.959964  # the standard normal's 0.975 quantile
    share = successes / rows
    centre = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return float(max(centre - half, 0.0)), float(min(centre + half, 1.0))


def p_value(differences: Floats) -> float:
    """Two-sided bootstrap p-value of no difference (Davison & Hinkley 1997, section 4.4)."""
    defined = differences[np.isfinite(differences)]
    below, above = (defined <= 0).sum(), (defined >= 0).sum()
    return float(min(1.0, 2 * (min(below, above) + 1) / (len(defined) + 1)))
