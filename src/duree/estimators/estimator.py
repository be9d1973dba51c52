"""The base of the classifier and the regressor: parameters, training and reading of rows."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from duree.errors import DataError
from duree.estimators.inputs import as_texts
from duree.estimators.lists import as_lists
from duree.forked import uses_threads
from duree.network.batches import Examples
from duree.pipeline.embed import embed
from duree.pipeline.model import TrainedModel
from duree.pipeline.train_model import Learn, train_model
from duree.recipe.recipe import Recipe, setting_names
from duree.recipe.settings import ModelSettings
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import Ragged
from duree.sequences.series_encoder import SeriesEncoder
from duree.sequences.text_encoder import TextEncoder
from duree.tables.files.word_vectors import read_word_vectors
from duree.tables.layouts.texts import Texts
from duree.tables.split.folds import draw_folds
from duree.tasks import Task
from duree.tasks.features import has_state_units
from duree.training.loop import train
from duree.training.word_vectors import train_from_vectors


class SequenceEstimator(BaseEstimator):  # type: ignore[misc]
    """The base of the classifier and the regressor. Every parameter is a setting of the recipe.

    They are explained in ``docs/reference/recipe.md``; the defaults are those of the recipe. With
    ``vectors``, a file of word vectors, embeddings have their size instead of ``embedding_size``.
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
        vectors: str | None = None,
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
        self.vectors = vectors
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
        parameters = {name: _plain(value) for name, value in self.get_params().items()}
        extra = {"parameters": parameters, "attributes": self._attributes()}
        replace(self.model_, extra=extra).save(Path(folder) / "model")

    def _fit(
        self,
        rows: pl.Series | NDArray[np.float32],
        targets: NDArray[Any],
        task: Task,
        weights: NDArray[np.float32] | None,
    ) -> Self:
        recipe = self._recipe()
        if weights is not None:
            used = np.flatnonzero(weights)
            rows = _taken(rows, used)
            targets, weights = targets[used], weights[used]
        train, validation = _two_parts(targets, recipe, stratify=task.stratify)
        encoder: Encoder
        kind = _kind_of(rows)
        if isinstance(rows, pl.Series):
            uses_threads("polars")
        learned = _taken(rows, train)
        if kind == "numbers" or not isinstance(learned, pl.Series):
            encoder = SeriesEncoder.fit(learned)
        else:
            segmenter = {"segmenter": kind} if kind == "states" else {}
            encoder = TextEncoder.fit(learned, recipe.text.model_copy(update=segmenter))
        layout = Texts(recipe.data)
        settings, learn = _start(recipe, encoder, kind)
        untrained = TrainedModel.build(encoder, task, settings, {}, layout, recipe.seed)
        sequences = untrained.encode(rows)
        examples, held_out = (
            Examples(
                sequences.take(part), targets[part], None if weights is None else weights[part]
            )
            for part in (train, validation)
        )
        classes = targets[np.concatenate([train, validation])] if task.stratify else None
        self.model_ = train_model(
            untrained,
            examples,
            held_out,
            recipe,
            seed=recipe.seed,
            folds=partial(draw_folds, len(targets), classes, seed=recipe.seed),
            learn=learn,
        )
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
        encoder = self.model_.encoder
        expected = "states" if has_state_units(encoder) else "texts"
        expected = "numbers" if encoder.units_encoder is None else expected
        if (given := _kind_of(rows)) == expected:
            return self.model_.encode(rows)
        raise DataError(
            "the model reads {expected}, and was given {given}",
            fix="give it the kind of rows that it was fitted on",
            expected=expected,
            given=given,
        )

    def _rows(self, X: Any, reset: bool) -> pl.Series | NDArray[np.float32]:
        """Texts, states or series of different lengths as a Series, or numbers as float32
        [rows, steps(, channels)]."""
        lists = as_lists(X)
        if lists is not None:
            return lists
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
            name: _plain(getattr(self, short))
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


def _taken(
    rows: pl.Series | NDArray[np.float32], which: NDArray[np.int64]
) -> pl.Series | NDArray[np.float32]:
    """Some of the rows."""
    return rows.gather(which) if isinstance(rows, pl.Series) else rows[which]


def _kind_of(rows: pl.Series | NDArray[np.float32]) -> str:
    """What the rows hold: "texts", "states" or "numbers"."""
    if not isinstance(rows, pl.Series) or rows.dtype != pl.String:
        return "numbers"
    return "states" if rows.name == "states" else "texts"


def _start(recipe: Recipe, encoder: Encoder, kind: str) -> tuple[ModelSettings, Learn]:
    """The network's settings and how it is trained: from word vectors, if there are any."""
    if recipe.data.vectors is None:
        return recipe.model, train
    if kind != "texts":
        raise DataError(
            "word vectors are for texts, and the rows are {given}",
            fix="leave vectors out",
            given=kind,
        )
    vectors = read_word_vectors(recipe.data.vectors, encoder.embedded_words)
    size = {"embedding_size": vectors.values.shape[1]}
    return recipe.model.model_copy(update=size), partial(train_from_vectors, vectors)


def _plain(value: object) -> object:
    """A parameter without NumPy's type, which searches give to numbers."""
    return value.item() if isinstance(value, np.generic) else value


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
