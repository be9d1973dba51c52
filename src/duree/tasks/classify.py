"""Classify: one class for each sequence, out of two or more."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor
from torch.nn.functional import cross_entropy

from duree.baselines import Baseline, label_baselines
from duree.errors import DataError
from duree.evaluation.calibration import fit_temperature, reliability, smoothed_loss
from duree.evaluation.metrics import CLASSIFICATION, MetricSet
from duree.network.contracts import Criterion, Link
from duree.recipe.recipe import Recipe
from duree.results.run_files import Bin
from duree.sequences.encoder import Encoder
from duree.tables.checks.target import WHOLE_AS_FLOAT
from duree.tasks.decided_task import DecidedTask
from duree.tasks.features import encoding_of, has_state_units, units_of
from duree.tasks.watched import Watched, mean_of


@dataclass(frozen=True)
class Classify(DecidedTask):
    """Softmax over the classes, in alphabetical order.

    ``temperature`` divides the scores before the softmax; it is fitted on the validation set
    (Guo et al. 2017). It changes the probabilities, but not their order. ``offsets`` decide for the
    metric that the user names: see ``Decision``.
    """

    labels: tuple[str, ...]
    temperature: float = 1.0
    metric: str | None = None
    offsets: tuple[float, ...] = ()

    name: ClassVar[str] = "classify"
    title: ClassVar[str] = "one of several classes"
    exclusive: ClassVar[bool] = True
    all_metrics: ClassVar[MetricSet] = CLASSIFICATION
    stratify: ClassVar[bool] = True
    usually_watched: ClassVar[Watched] = Watched("accuracy", "accuracy on validation", 1)

    @classmethod
    def from_target(cls, target: pl.Series, recipe: Recipe) -> Self:
        classes = tuple(sorted(target.unique().to_list()))
        if len(classes) < 2:
            raise DataError(
                "the target {column!r} has only one class, {label!r}",
                fix="choose a column with at least two",
                column=target.name,
                label=classes[0] if classes else "",
            )
        return cls(classes, metric=recipe.evaluation.metric)

    def encode(self, target: pl.Series) -> NDArray[np.int64]:
        # Runs of version 0.1.0 may have the class 1.0, which is read as 1 now.
        earlier = [label for label in self.classes if re.fullmatch(WHOLE_AS_FLOAT, label)]
        target = target.replace([label.removesuffix(".0") for label in earlier], earlier)
        unseen = sorted(set(target.unique().to_list()) - set(self.classes))
        if unseen:
            raise DataError(
                "the target {column!r} holds {unseen}, which the model was not trained on",
                fix="the classes it knows are {known}",
                column=target.name,
                unseen=", ".join(repr(label) for label in unseen[:5]),
                known=", ".join(repr(label) for label in self.classes[:20]),
            )
        codes = target.replace_strict(
            list(self.classes), range(self.outputs), return_dtype=pl.Int64
        )
        return codes.to_numpy(writable=True)

    def indicators(self, targets: NDArray[Any]) -> NDArray[np.bool_]:
        return np.asarray(targets[:, None] == np.arange(self.outputs))

    def criterion(self, targets: NDArray[Any], recipe: Recipe) -> Criterion:
        weight = None
        if recipe.training.class_weights == "balanced":
            counts = np.bincount(targets, minlength=self.outputs)
            weight = torch.tensor(len(targets) / (self.outputs * counts), dtype=torch.float32)

        def loss(scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
            if weights is None:
                return cross_entropy(scores, targets, weight)
            each = cross_entropy(scores, targets, weight, reduction="none")
            whole = len(targets) if weight is None else weight[targets].sum()
            return (weights * each).sum() / whole

        return loss

    def joining_criterion(self, criterion: Criterion) -> Criterion:
        def loss(scores: Tensor, targets: Tensor, *weights: Tensor) -> Tensor:
            counts = (one.numpy() for one in weights)
            return torch.tensor(smoothed_loss(scores.numpy(), targets.numpy(), *counts))

        return loss

    def calibrate(
        self, scores: NDArray[np.float32], targets: NDArray[Any], *weights: NDArray[Any]
    ) -> Self:
        calibrated = replace(self, temperature=fit_temperature(scores, targets, *weights))
        return replace(calibrated, offsets=calibrated.fit_offsets(scores, targets, *weights))

    def predictions(
        self, scores: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        return np.asarray(softmax(scores.astype(np.float64) / self.temperature, axis=1))

    @property
    def export(self) -> Link:
        return Link("Softmax", 1 / self.temperature, 0.0)

    def explained(self, scores: Tensor, outputs: Tensor) -> Tensor:
        scores = scores / self.temperature
        own = scores.gather(1, outputs[:, None])[:, 0]
        others = scores.scatter(1, outputs[:, None], float("-inf")).logsumexp(dim=1)
        return own - others

    def usual_progress(
        self, scores: NDArray[np.float32], targets: NDArray[Any], *weights: NDArray[Any]
    ) -> float:
        return mean_of(scores.argmax(axis=1) == targets, *weights)

    def calibration(self, predictions: NDArray[np.float64], targets: NDArray[Any]) -> list[Bin]:
        return reliability(predictions[:, : self.outputs], targets)

    def names_of(self, given: NDArray[np.bool_]) -> list[str]:
        names: list[str] = np.array(self.labels, dtype=object)[given.argmax(axis=1)].tolist()
        return names

    @classmethod
    def added_names(cls, target: pl.Series, recipe: Recipe) -> list[str]:
        return ["prediction", *(f"probability_{label}" for label in target.unique().to_list())]

    def baselines(self, recipe: Recipe, encoder: Encoder) -> Sequence[Baseline]:
        return label_baselines(
            recipe, units_of(encoder), encoding_of(encoder), states=has_state_units(encoder)
        )

    def to_dict(self) -> dict[str, Any]:
        plain = {"classes": list(self.classes), "temperature": self.temperature}
        return plain | self.named_metric()

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        named = cls.read_named_metric(state)
        return cls(tuple(state["classes"]), float(state["temperature"]), *named)
