"""Loading of saved estimators and of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl

from duree.errors import RecipeError, RunError
from duree.estimators.classifier import SequenceClassifier
from duree.estimators.regressor import SequenceRegressor
from duree.pipeline.model import TrainedModel
from duree.pipeline.model_file import INVALID, not_fitting
from duree.tasks.label import Label


@dataclass(frozen=True)
class TrainedTagger:
    """The result of ``load`` for a run that tags words."""

    model_: TrainedModel

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """The tags of tokenised sentences in the run's first layer."""
        return next(iter(self.predict_layers(sentences).values()))

    def predict_layers(self, sentences: Sequence[Sequence[str]]) -> dict[str, list[list[str]]]:
        """The tags of tokenised sentences in each layer, by its name."""
        given = pl.Series("tokens", list(map(list, sentences)), dtype=pl.List(pl.String))
        sequences = self.model_.encode(given)
        found = self.model_.task.summary_columns(self.model_.predictions(sequences), given)[::2]
        ends = sequences.offsets.tolist()
        names = self.model_.columns["target"].split(",")
        return {
            name: [tags[begin:end].to_list() for begin, end in pairwise(ends)]
            for name, tags in zip(names, found, strict=True)
        }


def load(folder: Path | str) -> SequenceClassifier | SequenceRegressor | TrainedTagger:
    """Load a model written by ``save`` or ``duree fit``.

    Raises
    ------
    RunError
        There is no model, it was altered, or there is no estimator for its task.
    """
    model = TrainedModel.load(Path(folder) / "model")
    if isinstance(model.task, Label):
        return TrainedTagger(model)
    if model.task.explanation is None:
        raise RunError(
            "a network for the task {task} is no estimator of scikit-learn's kind",
            fix="read it with duree.pipeline.model.TrainedModel, or use duree predict",
            task=model.task.name,
        )
    try:
        estimator = _restored(model)
    except (RecipeError, *INVALID) as error:
        raise not_fitting(folder, error) from None
    estimator.model_ = model
    return estimator


def _restored(model: TrainedModel) -> SequenceClassifier | SequenceRegressor:
    """The estimator with its stored parameters and attributes; an error if they are no estimator's.

    Models of runs have neither.
    """
    kind = SequenceClassifier if model.task.classes else SequenceRegressor
    estimator: SequenceClassifier | SequenceRegressor = kind(**model.extra.get("parameters", {}))
    estimator._recipe()  # raises if a parameter has an impossible value
    if isinstance(estimator, SequenceClassifier):
        classes = list(model.task.classes)
        estimator._restore(model.extra.get("attributes", {"classes": classes}))
        if [str(label) for label in estimator.classes_] != classes:
            raise ValueError(f"extra.attributes.classes: they are {classes} in the network")
    return estimator
