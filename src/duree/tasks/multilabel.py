"""Multilabel: any number of labels for each sequence, from cells with a separator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from duree.baselines import Baseline, label_baselines
from duree.errors import DataError
from duree.evaluation.calibration import fit_temperature, smoothed_loss
from duree.evaluation.metrics import MULTILABEL, MetricSet
from duree.network.contracts import Criterion, Link
from duree.recipe.recipe import Defaults, Recipe
from duree.sequences.encoder import Encoder
from duree.tables.source_rows import Rows
from duree.tasks.decided_task import DecidedTask
from duree.tasks.features import encoding_of, has_state_units, units_of
from duree.tasks.watched import Watched, mean_of


@dataclass(frozen=True)
class Multilabel(DecidedTask):
    """A probability for each label, in alphabetical order; from 0.5 a label is predicted.

    ``offsets`` move that threshold for the metric that the user names: see ``Decision``.
    """

    labels: tuple[str, ...]
    separator: str
    temperature: float = 1.0
    metric: str | None = None
    offsets: tuple[float, ...] = ()

    name: ClassVar[str] = "multilabel"
    title: ClassVar[str] = "several labels at once"
    exclusive: ClassVar[bool] = False
    all_metrics: ClassVar[MetricSet] = MULTILABEL
    usually_watched: ClassVar[Watched] = Watched(
        "share of right labels", "share of right labels on validation", 1
    )
    defaults: ClassVar[Defaults] = {"data": {"label_separator": ";"}}

    @classmethod
    def from_target(cls, target: pl.Series, recipe: Recipe) -> Self:
        separator = recipe.data.label_separator or ";"
        labels = tuple(sorted({label for cell in target for label in _parts(cell, separator)}))
        if not labels:
            raise DataError(
                "the target {column!r} holds no label at all",
                fix="choose another column, or set data.label_separator",
                column=target.name,
            )
        return cls(labels, separator, metric=recipe.evaluation.metric)

    def encode(self, target: pl.Series) -> NDArray[np.int64]:
        places = {label: place for place, label in enumerate(self.labels)}
        marks = np.zeros((len(target), self.outputs), dtype=np.int64)
        for row, cell in enumerate(target):
            for label in _parts(cell, self.separator):
                if label not in places:
                    raise DataError(
                        "the target {column!r} holds {unseen}, which the model was not trained on",
                        "first at {rows}",
                        "the labels it knows are {known}",
                        rows=Rows([row]),
                        column=target.name,
                        unseen=repr(label),
                        known=", ".join(repr(label) for label in self.labels[:20]),
                    )
                marks[row, places[label]] = 1
        return marks

    def indicators(self, targets: NDArray[Any]) -> NDArray[np.bool_]:
        return np.asarray(targets == 1)

    def criterion(self, targets: NDArray[Any], recipe: Recipe) -> Criterion:
        weight = None
        if recipe.training.class_weights == "balanced":
            share = np.clip(targets.mean(axis=0), 1 / len(targets), 1 - 1 / len(targets))
            weight = torch.tensor((1 - share) / share, dtype=torch.float32)

        def loss(scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
            return binary_cross_entropy_with_logits(
                scores,
                targets.to(scores.dtype),
                None if weights is None else weights[:, None],
                pos_weight=weight,
            )

        return loss

    def joining_criterion(self, criterion: Criterion) -> Criterion:
        def loss(scores: Tensor, targets: Tensor, *weights: Tensor) -> Tensor:
            given = (one.numpy() for one in (scores, targets, *weights))
            of_classes, answers, *counts = self._as_classes(*given)
            return torch.tensor(smoothed_loss(of_classes, answers, *counts))

        return loss

    def calibrate(
        self, scores: NDArray[np.float32], targets: NDArray[Any], *weights: NDArray[Any]
    ) -> Self:
        calibrated = replace(
            self, temperature=fit_temperature(*self._as_classes(scores, targets, *weights))
        )
        return replace(calibrated, offsets=calibrated.fit_offsets(scores, targets, *weights))

    def _as_classes(
        self, scores: NDArray[Any], targets: NDArray[Any], *weights: NDArray[Any]
    ) -> tuple[NDArray[Any], ...]:
        """Each label of each row as one of two classes, with scores (0, s)."""
        flat = np.stack([np.zeros(scores.size, dtype=np.float32), scores.ravel()], axis=1)
        return flat, targets.ravel(), *(np.repeat(each, self.outputs) for each in weights)

    def predictions(
        self, scores: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        return np.asarray(expit(scores.astype(np.float64) / self.temperature))

    @property
    def export(self) -> Link:
        return Link("Sigmoid", 1 / self.temperature, 0.0)

    def explained(self, scores: Tensor, outputs: Tensor) -> Tensor:
        return scores.gather(1, outputs[:, None])[:, 0] / self.temperature

    def usual_progress(
        self, scores: NDArray[np.float32], targets: NDArray[Any], *weights: NDArray[Any]
    ) -> float:
        right = ((scores > 0) == (targets == 1)).mean(axis=1)
        return mean_of(right, *weights)

    def names_of(self, given: NDArray[np.bool_]) -> list[str]:
        return [
            self.separator.join(
                label for label, is_given in zip(self.labels, row, strict=True) if is_given
            )
            for row in given.tolist()
        ]

    @classmethod
    def added_names(cls, target: pl.Series, recipe: Recipe) -> list[str]:
        separator = recipe.data.label_separator or ";"
        labels = {label for cell in target.unique() for label in _parts(cell, separator)}
        return ["prediction", *(f"probability_{label}" for label in labels)]

    def baselines(self, recipe: Recipe, encoder: Encoder) -> Sequence[Baseline]:
        return label_baselines(
            recipe, units_of(encoder), encoding_of(encoder), states=has_state_units(encoder)
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "labels": list(self.labels),
            "separator": self.separator,
            "temperature": self.temperature,
        } | self.named_metric()

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        named = cls.read_named_metric(state)
        labels, separator = tuple(state["labels"]), str(state["separator"])
        return cls(labels, separator, float(state["temperature"]), *named)


def _parts(cell: str, separator: str) -> list[str]:
    """The labels of one cell, trimmed; an empty cell has none."""
    return [label for part in cell.split(separator) if (label := part.strip())]
