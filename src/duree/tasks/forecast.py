"""Forecast: the next values of a series, as quantiles of each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from duree.baselines import Baseline
from duree.baselines.forecasts import forecast_baselines
from duree.errors import DataError
from duree.evaluation.forecast_metrics import FORECASTS, FURTHER, quantiles_of
from duree.evaluation.metrics import MetricSet
from duree.network.contracts import Criterion
from duree.network.distributions import DISTRIBUTIONS, Distribution
from duree.network.forecaster import Forecaster
from duree.network.network import Network
from duree.recipe.quantile_levels import BAND_80, BAND_95, LEVELS, MEDIAN
from duree.recipe.recipe import Defaults, Recipe
from duree.recipe.settings import ModelSettings
from duree.sequences.encoder import Encoder
from duree.sequences.transform import Transform
from duree.sequences.window_encoder import WindowEncoder
from duree.tables.layouts.layout import Layout
from duree.tables.layouts.rolling_origins import Plan
from duree.tasks.sample_paths import at_scores, correlation, draw_scores, normal_scores
from duree.tasks.task import Task
from duree.tasks.watched import Watched

Floats = NDArray[np.float64]

# Limits on the factor by which bands are widened.
LEAST_STRETCH, MOST_STRETCH = 0.5, 3.0
# With fewer errors than this the bands are not adjusted.
FEWEST_ERRORS = 40
# Lower bound for the mean of counts: with a mean of 0 every other count would be impossible.
LEAST_MEAN = 1e-3


@dataclass(frozen=True)
class Forecast(Task):
    """A distribution for each step to forecast, relative to its reference.

    ``transform`` is inverted in predictions. ``stretch`` multiplies the distance of each quantile
    from the median, so that bands have their nominal coverage on the validation set
    (split-conformal, as Romano et al. 2019). ``correlations`` [horizon][horizon] are those between
    the steps of sample paths. Forecasts of ``counts`` are never below 0.
    """

    horizon: int
    distribution: str = "quantiles"
    transform: Transform = field(default_factory=Transform)
    unit: float = 1.0
    stretch: tuple[float, ...] = (1.0,) * len(LEVELS)
    correlations: tuple[tuple[float, ...], ...] = ()
    counts: bool = False

    name: ClassVar[str] = "forecast"
    title: ClassVar[str] = "the next values of a series"
    metrics: ClassVar[MetricSet] = FORECASTS
    layouts: ClassVar[tuple[str, ...]] = ("forecast_origins",)
    own_settings: ClassVar[frozenset[str]] = frozenset({"horizon", "past", "known"})
    unused_settings: ClassVar[frozenset[str]] = frozenset({"target", "group", "class_names"})
    run_title: ClassVar[str] = "Forecasting “{target}”"
    watched: ClassVar[Watched] = Watched("minus OWA", "OWA on validation", -1)
    defaults: ClassVar[Defaults] = {
        "model": {
            "cell": "gru",
            "bidirectional": False,
            "pooling": "last",
            "input_dropout": 0.0,
            "output_dropout": 0.0,
            "wide": False,
        }
    }

    @classmethod
    def is_meant(cls, recipe: Recipe) -> bool:
        return bool(recipe.data.series) and recipe.data.target is None

    @classmethod
    def fit_encoder(cls, rows: pl.Series, target: pl.Series, recipe: Recipe) -> Encoder:
        settings = recipe.forecast
        horizon, window, season = settings.horizon, settings.window, settings.season
        if horizon is None or window is None or season is None:
            raise TypeError("what the recipe leaves open is found where series are read")
        first = rows[0]
        # The channels of the calendar have no column; they precede the known covariates.
        channels = len(first["known"]) // (len(first["values"]) + horizon)
        circles = [f"calendar {place}" for place in range(1, channels - len(settings.known) + 1)]
        return WindowEncoder.fit(
            rows,
            horizon=horizon,
            window=window,
            season=season,
            transform=settings.transform,
            difference=settings.difference,
            past=settings.past,
            known=(*circles, *settings.known),
        )

    @classmethod
    def from_target(cls, target: pl.Series, recipe: Recipe) -> Self:
        values = answers(target)
        distribution = recipe.forecast.distribution
        known = values[np.isfinite(values)]
        odd = known[(known < 0) | (known % 1 != 0)]
        if DISTRIBUTIONS[distribution].counts and len(odd):
            raise DataError(
                "forecast.distribution = negative_binomial is for counts, and {value:g} is none",
                fix="set forecast.distribution=student, or correct the value",
                value=float(odd[0]),
            )
        return cls(values.shape[1], distribution, counts=not len(odd))

    def with_encoder(self, encoder: Encoder) -> Self:
        assert isinstance(encoder, WindowEncoder)
        return replace(self, transform=encoder.transform, unit=encoder.unit)

    def plan(self, encoder: Encoder, naive_season: int | None) -> Plan:
        """The plan for forecasts after the last step of each series."""
        assert isinstance(encoder, WindowEncoder)
        naive = naive_season or encoder.season
        return Plan(self.horizon, encoder.window, encoder.season, naive, 1)

    def network(self, settings: ModelSettings, encoder: Encoder) -> Network:
        assert isinstance(encoder, WindowEncoder)
        return Forecaster(
            settings,
            channels=encoder.channels,
            relative=encoder.relative,
            horizon=self.horizon,
            distribution=self.family,
        )

    @property
    def family(self) -> Distribution:
        """The family of distributions."""
        found: Distribution = DISTRIBUTIONS[self.distribution]
        return found

    @property
    def outputs(self) -> int:
        return self.horizon * (self.family.size + 2) + 1

    def encode(self, target: pl.Series) -> Floats:
        further = [target.struct.field(name).cast(pl.Float64).to_numpy() for name in FURTHER]
        return np.column_stack([answers(target), *further])

    def criterion(self, targets: NDArray[Any], recipe: Recipe) -> Criterion:
        family, horizon = self.family, self.horizon

        def loss(scores: Tensor, targets: Tensor) -> Tensor:
            parameters, reference, unit = self._parts(scores)
            values = targets[:, :horizon]
            known = values.isfinite()
            if family.counts:
                parameters = self._as_counts(parameters, reference, unit)
                losses = family.loss(parameters, values.nan_to_num().to(parameters.dtype))
            else:
                moved = torch.from_numpy(self.transform.defined(values.numpy()))
                known = moved.isfinite()
                standard = ((moved - reference) / unit[:, None]).nan_to_num()
                losses = family.loss(parameters, standard.to(parameters.dtype))
            weight = known * self._weight(unit)[:, None].to(losses.dtype)
            return (losses * weight).sum() / weight.sum().clamp(min=1e-9)

        return loss

    def calibrate(self, scores: NDArray[np.float32], targets: Any, *weights: NDArray[Any]) -> Self:
        values = targets[:, : self.horizon]
        calibrated = self._stretched(scores, values)
        # Where counts are cut at 0, several quantiles would be equal.
        quantiles = quantiles_of(replace(calibrated, counts=False).predictions(scores))
        tied = correlation(normal_scores(values, quantiles)).tolist()
        return replace(calibrated, correlations=tuple(tuple(row) for row in tied))

    def predictions(
        self, scores: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> Floats:
        quantiles, reference, unit = self._standard(self, scores)
        if not self.family.counts:
            moved = reference[..., None] + unit[:, None, None] * quantiles
            quantiles = self._undone(moved)
        return quantiles.reshape(len(scores), -1)

    def paths(self, scores: NDArray[np.float32], count: int, seed: int) -> Floats:
        """Sample paths for each row, float64 [rows, count, horizon]."""
        quantiles, reference, unit = self._standard(self, scores)
        tied = np.array(self.correlations).reshape(self.horizon, self.horizon)
        drawn = draw_scores(len(scores), count, tied, seed)
        each = np.broadcast_to(quantiles[:, None], (len(scores), count, *quantiles.shape[1:]))
        values = at_scores(drawn, each)
        if self.family.counts:
            return np.asarray(np.maximum(np.rint(values), 0.0))
        return self._undone(reference[:, None] + unit[:, None, None] * values)

    def progress(self, scores: NDArray[np.float32], targets: Any, *weights: NDArray[Any]) -> float:
        values = self.metrics.values(self.predictions(scores), targets)
        # OWA and MASE are not defined for series that do not change.
        return -next(values[name] for name in ("owa", "mase", "smape") if name in values)

    def answer_rows(self, frame: pl.DataFrame, target: pl.Series, layout: Layout) -> pl.DataFrame:
        steps = pl.int_ranges(1, pl.lit(self.horizon + 1), dtype=pl.Int64).alias("step")
        actual = target.struct.field("values").alias(target.name)
        return (
            frame.with_columns(steps, actual)
            .explode(frame.columns[-1], "step", target.name)
            .with_columns(pl.col(target.name).fill_nan(None))
        )

    def baselines(self, recipe: Recipe, encoder: Encoder) -> Sequence[Baseline]:
        season = recipe.forecast.season or 1
        return forecast_baselines(self.horizon, season, recipe.forecast.naive_season or season)

    def columns(self, predictions: Floats) -> list[pl.Series]:
        quantiles = quantiles_of(predictions).reshape(-1, len(LEVELS))
        places = {
            "prediction": MEDIAN,
            "low": BAND_95[0],
            "high": BAND_95[1],
            "low_80": BAND_80[0],
            "high_80": BAND_80[1],
        }
        return [pl.Series(name, quantiles[:, place]) for name, place in places.items()]

    def to_dict(self) -> dict[str, Any]:
        return {
            "horizon": self.horizon,
            "distribution": self.distribution,
            "transform": self.transform.to_dict(),
            "unit": self.unit,
            "stretch": list(self.stretch),
            "correlations": [list(row) for row in self.correlations],
            "counts": self.counts,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        return cls(
            int(state["horizon"]),
            str(state["distribution"]),
            Transform(**state["transform"]),
            float(state["unit"]),
            tuple(state["stretch"]),
            tuple(tuple(row) for row in state["correlations"]),
            bool(state.get("counts", False)),
        )

    def _undone(self, moved: Floats) -> Floats:
        """Values in their own unit, which are at least 0 if they are counts."""
        values = self.transform.undo(moved)
        return np.maximum(values, 0.0) if self.counts else values

    def _stretched(self, scores: NDArray[np.float32], values: Floats) -> Self:
        """The task with bands that have their nominal coverage of ``values``."""
        if self.family.counts or np.isfinite(values).sum() < FEWEST_ERRORS:
            return self
        plain = replace(self, stretch=(1.0,) * len(LEVELS))
        quantiles, reference, unit = self._standard(plain, scores)
        actual = (self.transform.defined(values) - reference) / unit[:, None]
        known = np.isfinite(actual)
        errors = (actual - quantiles[..., MEDIAN])[known]
        stretch = np.ones(len(LEVELS))
        for low in range(MEDIAN):
            high = len(LEVELS) - 1 - low
            below, above = (
                np.abs(quantiles[..., end] - quantiles[..., MEDIAN])[known] for end in (low, high)
            )
            away = np.sort(np.abs(errors) / np.maximum(np.where(errors < 0, below, above), 1e-12))
            rank = min(int(np.ceil((LEVELS[high] - LEVELS[low]) * (len(away) + 1))), len(away))
            stretch[[low, high]] = np.clip(away[rank - 1], LEAST_STRETCH, MOST_STRETCH)
        return replace(self, stretch=tuple(stretch.tolist()))

    def _parts(self, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """From scores: parameters [batch, horizon, size]; in float64 the reference [batch, horizon]
        and the unit [batch]."""
        sizes = [self.horizon * self.family.size, self.horizon, self.horizon, 1]
        flat, high, low, unit = torch.split(scores, sizes, dim=1)
        parameters = flat.view(len(scores), self.horizon, self.family.size)
        return parameters, high.double() + low.double(), unit[:, 0].double()

    def _as_counts(self, parameters: Tensor, reference: Tensor, unit: Tensor) -> Tensor:
        """Parameters with the mean converted from units to counts."""
        mean = reference + unit[:, None] * parameters[..., 0].double()
        if self.transform.power == 0:
            mean = mean.clamp(max=30.0).exp() - self.transform.shift
        counts = mean.clamp(min=LEAST_MEAN).to(parameters.dtype)
        return torch.stack([counts, parameters[..., 1]], dim=-1)

    def _weight(self, unit: Tensor) -> Tensor:
        """Row weights: with a transformation, halfway between errors in units and unscaled ones."""
        if self.transform.power == 1 or self.family.counts:
            return torch.ones_like(unit)
        return (unit / self.unit).sqrt()

    @staticmethod
    def _standard(task: Forecast, scores: NDArray[np.float32]) -> tuple[Floats, Floats, Floats]:
        """Quantiles [rows, horizon, levels] in units (or counts), reference and unit."""
        parameters, reference, unit = task._parts(torch.from_numpy(scores))
        if task.family.counts:
            parameters = task._as_counts(parameters, reference, unit)
        quantiles = task.family.quantiles(parameters.double().numpy(), LEVELS)
        if not task.family.counts:
            middle = quantiles[..., MEDIAN, None]
            quantiles = np.sort(middle + (quantiles - middle) * np.array(task.stretch), axis=-1)
        return quantiles, reference.numpy(), unit.numpy()


def answers(target: pl.Series) -> Floats:
    """The values after each origin, float64 [rows, horizon]; NaN if missing."""
    values: Sequence[Any] = target.struct.field("values").to_list()
    return np.array(values, dtype=np.float64)
