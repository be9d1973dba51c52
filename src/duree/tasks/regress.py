"""Regress: one number for each sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import mse_loss

from duree.baselines import Baseline, regression_baselines
from duree.errors import DataError
from duree.evaluation.metrics import REGRESSION, MetricSet
from duree.network.contracts import Criterion, Link
from duree.recipe.recipe import Recipe
from duree.sequences.encoder import Encoder
from duree.tasks.features import encoding_of, has_state_units, units_of
from duree.tasks.row_task import RowTask
from duree.tasks.watched import Watched, mean_of

COVERAGE = 0.95


@dataclass(frozen=True)
class Regress(RowTask):
    """Squared error on the target in units of its training mean and standard deviation.

    ``margin`` is half the width of the 95 % prediction interval: the split-conformal quantile of
    the absolute errors on the validation set (Lei et al. 2018, algorithm 2).
    """

    mean: float
    scale: float
    margin: float = float("inf")
    metric: str | None = None

    name: ClassVar[str] = "regress"
    title: ClassVar[str] = "a number"
    all_metrics: ClassVar[MetricSet] = REGRESSION
    unused_settings: ClassVar[frozenset[str]] = frozenset({"class_names"})
    usually_watched: ClassVar[Watched] = Watched(
        "minus mean absolute error", "mean absolute error on validation", -1
    )

    @classmethod
    def from_target(cls, target: pl.Series, recipe: Recipe) -> Self:
        values = target.to_numpy().astype(np.float64)
        scale = float(values.std())
        if scale == 0:
            raise DataError(
                "the target {column!r} is {value} in every row",
                fix="choose a column that varies",
                column=target.name,
                value=float(values[0]),
            )
        return cls(float(values.mean()), scale, metric=recipe.evaluation.metric)

    @property
    def outputs(self) -> int:
        return 1

    def encode(self, target: pl.Series) -> NDArray[np.float64]:
        return target.cast(pl.Float64).to_numpy(writable=True)

    def indicators(self, targets: NDArray[Any]) -> NDArray[np.bool_]:
        return np.asarray(targets > self.mean)[:, None]

    def criterion(self, targets: NDArray[Any], recipe: Recipe) -> Criterion:
        def loss(scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
            standard = ((targets - self.mean) / self.scale).to(scores.dtype)
            if weights is None:
                return mse_loss(scores[:, 0], standard)
            return (weights * (scores[:, 0] - standard) ** 2).mean()

        return loss

    def calibrate(
        self, scores: NDArray[np.float32], targets: NDArray[Any], *weights: NDArray[Any]
    ) -> Self:
        errors = np.abs(self.predictions(scores)[:, 0] - targets)
        order = np.argsort(errors, kind="stable")
        counts = np.cumsum(weights[0][order] if weights else np.ones(len(errors)))
        # The new row has the mean weight of these rows (Tibshirani et al. 2019).
        rank = int(np.searchsorted(counts, COVERAGE * counts[-1] * (1 + 1 / len(errors)) - 1e-9))
        # With fewer than 19 errors no finite margin covers 95 %: the largest error is used.
        return replace(self, margin=float(errors[order[min(rank, len(errors) - 1)]]))

    def predictions(
        self, scores: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        return scores.astype(np.float64) * self.scale + self.mean

    @property
    def export(self) -> Link:
        return Link("Identity", self.scale, self.mean)

    def explained(self, scores: Tensor, outputs: Tensor) -> Tensor:
        return scores[:, 0] * self.scale + self.mean

    def chosen(self, predictions: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.zeros(len(predictions), dtype=np.int64)

    def usual_progress(
        self, scores: NDArray[np.float32], targets: NDArray[Any], *weights: NDArray[Any]
    ) -> float:
        errors = np.abs(self.predictions(scores)[:, 0] - targets)
        return -mean_of(errors, *weights)

    def columns(self, predictions: NDArray[np.float64]) -> list[pl.Series]:
        value = predictions[:, 0]
        return [
            pl.Series("prediction", value),
            pl.Series("low", value - self.margin),
            pl.Series("high", value + self.margin),
        ]

    @classmethod
    def added_names(cls, target: pl.Series, recipe: Recipe) -> list[str]:
        return ["prediction", "low", "high"]

    def baselines(self, recipe: Recipe, encoder: Encoder) -> Sequence[Baseline]:
        return regression_baselines(
            recipe, units_of(encoder), encoding_of(encoder), states=has_state_units(encoder)
        )

    def to_dict(self) -> dict[str, Any]:
        plain = {"mean": self.mean, "scale": self.scale, "margin": self.margin}
        return plain if self.metric is None else plain | {"metric": self.metric}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        mean, scale, margin = (float(state[name]) for name in ("mean", "scale", "margin"))
        return cls(mean, scale, margin, cls.read_metric(state))
