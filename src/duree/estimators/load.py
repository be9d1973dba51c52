"""Loading of saved estimators and of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl

from duree.errors import RunError
from duree.estimators.classifier import SequenceClassifier
from duree.estimators.regressor import SequenceRegressor
from duree.pipeline.model import TrainedModel
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
    estimator: SequenceClassifier | SequenceRegressor
    if model.task.classes:
        estimator = SequenceClassifier(**model.extra.get("parameters", {}))
        estimator._restore(model.extra.get("attributes", {"classes": list(model.task.classes)}))
    else:
        estimator = SequenceRegressor(**model.extra.get("parameters", {}))
    estimator.model_ = model
    return estimator
