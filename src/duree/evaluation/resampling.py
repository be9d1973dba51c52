"""Resampling: the rows that models are evaluated on, and the resamples that all models share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from duree.evaluation.metrics import MetricSet
from duree.evaluation.weighted_metrics import Floats

# Weights of so many rows times resamples at once: 1.6 MB, which stays in the processor's cache.
CHUNK_VALUES = 200_000


@dataclass(frozen=True)
class Sample:
    """Rows as they were sampled: independently, or in groups.

    Attributes
    ----------
    unit : int64 [rows]
        The unit of each row, from 0.
    grouped : bool
    weights : float64 [rows] or None
        Weights of the rows; None: all equal.
    """

    unit: NDArray[np.int64]
    grouped: bool
    weights: Floats | None = None

    @classmethod
    def of(
        cls, rows: int, groups: NDArray[np.int64] | None, weights: Floats | None = None
    ) -> Sample:
        """Independent rows, or groups; with a single group rows are resampled."""
        if groups is None or len(np.unique(groups)) == 1:
            return cls(np.arange(rows), grouped=False, weights=weights)
        return cls(np.unique(groups, return_inverse=True)[1], grouped=True, weights=weights)

    @property
    def is_plain(self) -> bool:
        """Whether rows are independent and have equal weights."""
        return not self.grouped and self.weights is None

    def weighed(self, counts: Floats) -> Floats:
        """The weights of rows [rows, resamples], from how often they were drawn."""
        return counts if self.weights is None else counts * self.weights[:, None]

    @property
    def each_unit(self) -> Sample:
        """The sample in which each unit is one row, with the sums over the unit."""
        return Sample(np.arange(self.units), grouped=self.grouped)

    def added_up(self, of_rows: Floats) -> Floats:
        """Sums over the rows of each unit, by their weights: [rows, k] to [units, k]."""
        rows = np.arange(len(self.unit))
        weights = np.ones(len(rows)) if self.weights is None else self.weights
        matrix = sparse.csr_array((weights, (self.unit, rows)), shape=(self.units, len(rows)))
        return np.asarray(matrix @ of_rows)

    @property
    def units(self) -> int:
        """How many units there are."""
        return int(self.unit.max()) + 1

    def of_rows(self, of_units: NDArray[Any]) -> Floats:
        """Values of units [units, resamples], as float64 [rows, resamples]."""
        return (of_units[self.unit] if self.grouped else of_units).astype(np.float64)

    def chunks(self, resamples: int) -> Iterator[int]:
        """``resamples`` in blocks that fit the cache."""
        at_once = max(1, CHUNK_VALUES // len(self.unit))
        for start in range(0, resamples, at_once):
            yield min(at_once, resamples - start)


@dataclass(frozen=True)
class Trial:
    """The rows that all models are evaluated on, the metrics, and the resamples.

    Attributes
    ----------
    targets : ndarray [rows] or [rows, labels]
    metrics : MetricSet
    sample : Sample
    resamples, seed : int
        The number of resamples, and the seed of their random numbers.
    """

    targets: NDArray[Any]
    metrics: MetricSet
    sample: Sample
    resamples: int
    seed: int

    @property
    def drawn(self) -> Sample:
        """The sample whose rows ``weights`` and ``swaps`` are for."""
        return self.sample.each_unit if self.metrics.sums else self.sample

    def scored(self, predictions: Floats) -> Floats:
        """The input of ``metrics.prepare``, a row for each unit that is drawn."""
        sums = self.metrics.sums
        return self.sample.added_up(predictions[:, :sums]) if sums else predictions

    def weights(self) -> Iterator[Floats]:
        """The weights of the rows in each resample: float64 [rows, some resamples]."""
        rng, units = np.random.default_rng(self.seed), self.drawn.units
        for size in self.drawn.chunks(self.resamples):
            drawn = rng.integers(units, size=(size, units)) + np.arange(size)[:, None] * units
            counts = np.bincount(drawn.ravel(), minlength=size * units).reshape(size, units)
            yield self.drawn.weighed(self.drawn.of_rows(np.ascontiguousarray(counts.T)))

    def swaps(self) -> Iterator[Floats]:
        """Whether two models are swapped in a row: 0 or 1, float64 [rows, some resamples]."""
        rng, units = np.random.default_rng((self.seed, 1)), self.drawn.units
        for size in self.drawn.chunks(self.resamples):
            yield self.drawn.of_rows(rng.integers(2, size=(units, size), dtype=np.int8))

    def resampled(self, models: Mapping[str, Floats]) -> dict[str, dict[str, Floats]]:
        """All that ``prepare`` gives, under the same resamples: {model: {name: values}}."""
        prepared = {
            (name, metric): function
            for name, predictions in models.items()
            for metric, function in self.metrics.prepare(
                self.scored(predictions), self.targets
            ).items()
        }
        parts: dict[tuple[str, str], list[Floats]] = {key: [] for key in prepared}
        for weights in self.weights():
            for key, function in prepared.items():
                parts[key].append(function(weights))
        values: dict[str, dict[str, Floats]] = {name: {} for name in models}
        for (name, metric), drawn in parts.items():
            values[name][metric] = np.concatenate(drawn, axis=-1)
        return values
