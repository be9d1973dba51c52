"""Estimators with scikit-learn's interface, and ``load`` for models and runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import Tags, assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from duree.errors import DataError, RunError
from duree.network.batches import Examples
from duree.pipeline.embed import embed
from duree.pipeline.model import TrainedModel, train_model
from duree.recipe.recipe import Recipe, setting_names
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import Ragged
from duree.sequences.series_encoder import SeriesEncoder
from duree.sequences.text_encoder import TextEncoder
from duree.tables.layouts.texts import Texts
from duree.tasks import Task
from duree.tasks.classify import Classify
from duree.tasks.label import Label
from duree.tasks.regress import Regress


class SequenceEstimator(BaseEstimator):  # type: ignore[misc]
    """The base of the classifier and the regressor. Every parameter is a setting of the recipe.

    They are explained in ``docs/reference/recipe.md``; the defaults are those of the recipe.
    """

    def __init__(
        self,
        *,
        cell: str = "lstm",
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = True,
        pooling: str = "max",
        embedding_size: int = 128,
        memory: int | None = None,
        word_dropout: float = 0.2,
        input_dropout: float = 0.3,
        layer_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        output_dropout: float = 0.5,
        wide: bool = True,
        segmenter: str = "auto",
        lowercase: bool = True,
        numbers: str = "keep",
        max_features: int = 30_000,
        max_length: int = 1000,
        keep: str = "both",
        optimiser: str = "adam",
        learning_rate: float = 2e-3,
        weight_decay: float = 0.0,
        schedule: str = "cosine",
        clip_norm: float = 1.0,
        batch_size: int = 64,
        epochs: int | None = None,
        patience: int = 10,
        averaging: bool = True,
        class_weights: str = "none",
        max_minutes: float | None = None,
        validation_share: float = 0.1,
        seed: int = 0,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.embedding_size = embedding_size
        self.memory = memory
        self.word_dropout = word_dropout
        self.input_dropout = input_dropout
        self.layer_dropout = layer_dropout
        self.recurrent_dropout = recurrent_dropout
        self.output_dropout = output_dropout
        self.wide = wide
        self.segmenter = segmenter
        self.lowercase = lowercase
        self.numbers = numbers
        self.max_features = max_features
        self.max_length = max_length
        self.keep = keep
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.clip_norm = clip_norm
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.averaging = averaging
        self.class_weights = class_weights
        self.max_minutes = max_minutes
        self.validation_share = validation_share
        self.seed = seed

    def save(self, folder: Path | str) -> None:
        """Write the fitted model into ``folder``, for ``duree.load``."""
        check_is_fitted(self, "model_")
        extra = {"parameters": self.get_params(), "attributes": self._attributes()}
        replace(self.model_, extra=extra).save(Path(folder) / "model")

    def _fit(
        self, rows: pl.Series | NDArray[np.float32], targets: NDArray[Any], task: Task
    ) -> Self:
        recipe = self._recipe()
        train, validation = _two_parts(targets, recipe, stratify=task.stratify)
        encoder: Encoder
        if isinstance(rows, pl.Series):
            encoder = TextEncoder.fit(rows.gather(train), recipe.text)
        else:
            encoder = SeriesEncoder.fit(rows[train])
        layout = Texts(recipe.data)
        untrained = TrainedModel.build(encoder, task, recipe.model, {}, layout, recipe.seed)
        sequences = untrained.encode(rows)
        examples, held_out = (
            Examples(sequences.take(part), targets[part]) for part in (train, validation)
        )
        self.model_ = train_model(untrained, examples, held_out, recipe, seed=recipe.seed)
        return self

    def embed(self, X: Any) -> NDArray[np.float32]:
        """The vector of each sequence: its pooled hidden states.

        Returns
        -------
        float32 [rows, directions * hidden_size]
        """
        sequences = self._encoded(X)
        return embed(self.model_, sequences)

    def _predictions(self, X: Any) -> NDArray[np.float64]:
        sequences = self._encoded(X)
        return self.model_.predictions(sequences)

    def _encoded(self, X: Any) -> Ragged:
        check_is_fitted(self, "model_")
        rows = self._rows(X, reset=False)
        reads_texts = self.model_.encoder.units_encoder is not None
        if isinstance(rows, pl.Series) is reads_texts:
            return self.model_.encode(rows)
        raise DataError(
            "the model reads {expected}, and was given {given}",
            fix="give it the kind of rows that it was fitted on",
            expected="texts" if reads_texts else "numbers",
            given="texts" if isinstance(rows, pl.Series) else "numbers",
        )

    def _rows(self, X: Any, reset: bool) -> pl.Series | NDArray[np.float32]:
        """Texts as a Series, or numbers as float32 [rows, steps(, channels)]."""
        texts = as_texts(X)
        if texts is not None:
            return texts
        numbers: NDArray[np.float32] = validate_data(
            self,
            X,
            reset=reset,
            dtype=np.float32,
            allow_nd=True,
            ensure_min_features=1,
            ensure_all_finite="allow-nan",
        )
        return numbers

    def _recipe(self) -> Recipe:
        """The recipe with the estimator's parameters."""
        values = {
            name: getattr(self, short)
            for name in setting_names()
            if hasattr(self, short := name.rpartition(".")[2])
        }
        return Recipe().replace(values)

    def _attributes(self) -> dict[str, Any]:
        """Fitted attributes, as plain JSON data."""
        return {}

    def _restore(self, attributes: dict[str, Any]) -> None:
        """Set the fitted attributes from the result of ``_attributes``."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.non_deterministic = False
        return tags


class SequenceClassifier(ClassifierMixin, SequenceEstimator):  # type: ignore[misc]
    """A recurrent network that classifies sequences.

    Parameters
    ----------
    cell : {"gru", "lstm", "rnn"}
    hidden_size : int
    seed : int
        The same data, parameters, machine and seed give exactly the same model.
    **others
        See ``SequenceEstimator``.

    Attributes
    ----------
    classes_ : ndarray [classes]
    model_ : TrainedModel

    Examples
    --------
    >>> from duree import SequenceClassifier
    >>> texts = ["a fine day", "a bad day", "fine weather", "bad weather"] * 10
    >>> model = SequenceClassifier(hidden_size=8, epochs=5).fit(texts, [1, 0, 1, 0] * 10)
    >>> model.predict(["fine"]).shape
    (1,)
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on sequences and their classes.

        Parameters
        ----------
        X : list, Series or array of str [rows]; or array of numbers [rows, steps(, channels)]
            Numbers in the order of steps; NaN if missing.
        y : array-like [rows]

        Raises
        ------
        DataError, RecipeError, TrainingError, ValueError
        """
        rows = self._rows(X, reset=True)
        labels = column_or_1d(np.asarray(y), warn=True)
        if labels.dtype.kind == "f":
            assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        _check_size(rows, labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                "y has only one class, {label!r}",
                fix="a classifier needs at least two",
                label=str(self.classes_[0]),
            )
        task = Classify(tuple(str(label) for label in self.classes_))
        return self._fit(rows, codes.astype(np.int64), task)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities float64 [rows, classes], in the order of ``classes_``."""
        return self._predictions(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row."""
        best = self._predictions(X).argmax(axis=1)
        chosen: NDArray[Any] = self.classes_[best]
        return chosen

    def _attributes(self) -> dict[str, Any]:
        return {"classes": self.classes_.tolist()}

    def _restore(self, attributes: dict[str, Any]) -> None:
        self.classes_ = np.array(attributes["classes"])


class SequenceRegressor(RegressorMixin, SequenceEstimator):  # type: ignore[misc]
    """A recurrent network that predicts one number per sequence. See ``SequenceClassifier``.

    Attributes
    ----------
    model_ : TrainedModel
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on sequences and their targets; X as for ``SequenceClassifier``."""
        rows = self._rows(X, reset=True)
        numbers = column_or_1d(np.asarray(y, dtype=np.float64), warn=True)
        assert_all_finite(numbers, input_name="y")
        _check_size(rows, numbers)
        task = Regress.from_target(pl.Series("y", numbers), self._recipe())
        return self._fit(rows, numbers, task)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The predicted number of each row."""
        return self._predictions(X)[:, 0]


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


def as_texts(X: Any) -> pl.Series | None:
    """Texts in any usual container as one Series; None if X holds something else.

    Raises
    ------
    DataError
        Some entries are texts and others are not.
    """
    if isinstance(X, str):
        raise DataError("one text was given instead of a list of texts", fix="write [text]")
    values = np.asarray(X, dtype=object) if isinstance(X, list | tuple) else np.asarray(X)
    if values.dtype.kind not in "OUST":
        return None
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    are_texts = [isinstance(value, str) for value in values.ravel()]
    if values.ndim != 1 or not any(are_texts):
        return None
    if not all(are_texts):
        row = are_texts.index(False)
        raise DataError(
            "row {row} is {value!r}, and no text",
            fix="fill missing texts in, or leave the row out",
            row=row + 1,
            value=values[row],
        )
    return pl.Series("text", [str(value) for value in values], dtype=pl.String)


def _check_size(rows: pl.Series | NDArray[Any], targets: NDArray[Any]) -> None:
    """Require as many targets as rows, and at least two rows, for training and validation."""
    if len(rows) == 1:
        raise DataError("one sample is too few", fix="give at least two")
    if len(rows) != len(targets):
        raise DataError(
            "X has {rows} rows and y has {targets}",
            fix="give one answer a row",
            rows=len(rows),
            targets=len(targets),
        )


def _two_parts(
    targets: NDArray[Any], recipe: Recipe, stratify: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training and validation rows, stratified by class if possible."""
    rows = np.arange(len(targets))
    size = max(1, round(recipe.data.validation_share * len(rows)))
    alike = stratify and np.bincount(targets).min() > 1 and size >= len(np.unique(targets))
    train, validation = train_test_split(
        rows, test_size=size, random_state=recipe.seed, stratify=targets if alike else None
    )
    return np.sort(train), np.sort(validation)
