"""The interface of trained models that explanations use; see ``duree.pipeline.model``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import RunError
from duree.network.contracts import Explanation
from duree.network.model import SequenceModel
from duree.network.network import Network
from duree.network.wide import JoinedModel, WideModel
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import EMPTY, Ragged, offsets_of
from duree.sequences.text_encoder import TextEncoder

SENTENCE_ENDS = frozenset(".!?…。！？")


class Answers(Protocol):
    """The part of a task that explanations use; see ``duree.tasks.task.Task``."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the outputs; empty for numbers."""
        ...

    @property
    def explanation(self) -> Explanation | None:
        """How predictions are explained; None if they are not."""
        ...

    def columns(self, predictions: NDArray[np.float64]) -> list[pl.Series]:
        """The columns that ``predict`` writes: ``prediction``, then its uncertainty."""
        ...


class Model(Protocol):
    """A network with its encoder and its task."""

    @property
    def network(self) -> Network:
        """A SequenceModel or JoinedModel."""
        ...

    @property
    def encoder(self) -> Encoder:
        """The encoder fitted on the training rows."""
        ...

    @property
    def task(self) -> Answers:
        """The task with its outputs."""
        ...

    def predictions(self, sequences: Ragged) -> NDArray[np.float64]:
        """Probabilities or numbers, float64 [rows, outputs]."""
        ...


def explanation_of(model: Model) -> Explanation:
    """How the model's predictions are explained.

    Raises
    ------
    RunError
        They are not explained.
    """
    explanation = model.task.explanation
    if explanation is None:
        raise not_explained()
    return explanation


def not_explained() -> RunError:
    """The error for a network whose predictions are not explained."""
    return RunError(
        "a network that forecasts, answers at each step or reads numbers is not explained word "
        "by word",
        fix="see where it errs in the report, and how sure it is with: duree predict",
    )


def recurrent_part(model: Model) -> SequenceModel:
    """The recurrent part of the network."""
    network = model.network
    deep = network.deep if isinstance(network, JoinedModel) else network
    assert isinstance(deep, SequenceModel)
    return deep


def wide_part(model: Model) -> WideModel | None:
    """The wide part, which uses words and pairs of words, if the network has one."""
    return model.network.wide if isinstance(model.network, JoinedModel) else None


def shares_of(model: Model) -> tuple[float, float]:
    """The factors of the scores of the recurrent and of the wide part."""
    if not isinstance(model.network, JoinedModel):
        return 1.0, 0.0
    deep, wide = model.network.shares.tolist()
    return deep, wide


def text_encoder(model: Model) -> TextEncoder:
    """The model's encoder of texts.

    Raises
    ------
    RunError
        The model reads numbers.
    """
    units: TextEncoder | None = model.encoder.units_encoder
    if units is None:
        raise RunError(
            "this network reads numbers, but this analysis is about words",
            fix="look at its gates, its attributions or its use of context instead",
        )
    return units


def tokens_of(sequences: Ragged) -> Ragged:
    """The token of each step, without its step features: int32 [steps]."""
    values = sequences.values
    return sequences if values.ndim == 1 else Ragged(values[:, 0], sequences.offsets)


def without(sequences: Ragged, keep: NDArray[np.bool_]) -> Ragged:
    """Sequences with only the steps in ``keep``, bool [total steps].

    Words are removed with their step features. Numbers belong to times and cannot be removed: they
    are set to zero, which is their training mean. A text without words becomes ``<empty>``.
    """
    if sequences.values.dtype.kind == "f":
        return Ragged(np.where(keep[:, None], sequences.values, 0), sequences.offsets)
    lengths = Ragged(keep, sequences.offsets).sums().astype(np.int64)
    values = sequences.values[keep]
    if (lengths == 0).any():
        empty = np.zeros(values.shape[1:], dtype=values.dtype)  # without step features
        empty[(0,) * empty.ndim] = EMPTY
        values = np.insert(values, offsets_of(lengths)[:-1][lengths == 0], empty, axis=0)
        lengths = np.maximum(lengths, 1)
    return Ragged(values, offsets_of(lengths))


def shuffled(sequences: Ragged, seed: int = 0) -> Ragged:
    """The same rows, with the steps of each in random order."""
    rows = np.repeat(np.arange(len(sequences)), sequences.lengths)
    order = np.lexsort((np.random.default_rng(seed).random(len(rows)), rows))
    return Ragged(sequences.values[order], sequences.offsets)


def sentences(vocabulary: Sequence[str]) -> Callable[[NDArray[np.int32]], NDArray[np.int64]]:
    """A function that numbers the sentences of a row, int64 [steps], by their final marks."""
    ends = np.array([unit in SENTENCE_ENDS for unit in vocabulary])

    def number(row: NDArray[np.int32]) -> NDArray[np.int64]:
        ending = ends[row if row.ndim == 1 else row[:, 0]]
        # The last of several adjacent marks ends the sentence.
        last = ending & ~np.append(ending[1:], False)
        return np.concatenate([[0], np.cumsum(last)[:-1]])

    return number


def principal(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first two principal components, with signs that make the largest entries positive."""
    centred = vectors - vectors.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    found = np.zeros((len(vectors), 2))
    found[:, : len(sizes[:2])] = left[:, :2] * sizes[:2]
    largest = found[np.abs(found).argmax(axis=0), [0, 1]]
    return np.asarray(found * np.where(largest < 0, -1, 1))
