"""What a kind of question must tell the workflow; each file beside this one is one kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from torch import Tensor, nn

from duree.baselines import Baseline
from duree.baselines.step_attributes import Encoding
from duree.evaluation.metrics import MetricSet
from duree.network.batches import Examples
from duree.network.model import SequenceModel
from duree.network.wide import JoinedModel, WideModel
from duree.recipe.recipe import Recipe
from duree.recipe.settings import DEFAULT_BUDGET, EpochBudget, ModelSettings
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import Ragged
from duree.sequences.series_encoder import SeriesEncoder
from duree.sequences.state_encoder import StateEncoder
from duree.sequences.text_encoder import TextEncoder
from duree.tables.checks.target import clean_labels
from duree.tables.columns import as_numbers, as_text, with_columns
from duree.tables.layouts.step_attributes import names_of_step_features
from duree.tables.table import Table

# (scores, targets) or (scores, targets, weights of the rows) -> mean.
Loss = Callable[..., Tensor]


class Link(NamedTuple):
    """How predictions follow from scores: ``function(scores * scale + offset)``.

    ``function`` is an ONNX operator: "Softmax" (over the outputs), "Sigmoid" or "Identity".
    """

    function: str
    scale: float
    offset: float


class Task(Protocol):
    """A kind of question together with its possible answers, as learned from the target column.

    ``scores`` are what the network gives, float32 [answers, outputs]; ``predictions`` are what a
    reader wants of them (probabilities, numbers), float64 [answers, outputs]. There is one answer a
    row, or, where ``each_step`` says so, one for each step of its sequence: targets are a Ragged
    then. ``of_series`` says that rows are moments in series, which only a whole table tells (see
    ``duree.pipeline.forecast_dataset``). ``stratify`` tells whether parts are to have the same
    shares of answers, ``watched`` what ``progress`` is called; ``enough``, how long to train, where
    the recipe leaves the epochs open. ``settle``, ``progress`` and the loss take weights of the
    rows, where there are any: of series and of tokens there are none.
    """

    name: ClassVar[str]
    metrics: ClassVar[MetricSet]
    stratify: ClassVar[bool]
    watched: ClassVar[str]
    each_step: ClassVar[bool] = False
    epoch_budget: ClassVar[EpochBudget] = DEFAULT_BUDGET
    of_series: ClassVar[bool] = False

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        """Refuse a recipe that does not fit this task.

        Raises
        ------
        RecipeError
        """
        return None

    @classmethod
    def read_target(cls, table: Table, column: str) -> pl.Series:
        """The target column as this task wants it: numbers, or trimmed class names."""
        if cls.metrics.numeric:
            return as_numbers(table, column)
        return clean_labels(as_text(table, column).fill_null(""))[0]

    @classmethod
    def fit_encoder(cls, rows: pl.Series, recipe: Recipe) -> Encoder:
        """Learn from the training rows how what is read becomes numbers."""
        if recipe.data.reads_numbers:
            return SeriesEncoder.fit(rows, recipe.text.max_length, recipe.text.keep)
        if names_of_step_features(rows):
            return StateEncoder.fit(rows, recipe.text, 0)
        return TextEncoder.fit(rows, recipe.text)

    @classmethod
    def from_target(cls, target: pl.Series, recipe: Recipe) -> Self:
        """Learn the possible answers from the target column (no nulls)."""
        ...

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for a row."""
        ...

    @property
    def distillation_share(self) -> float:
        """The share of the loss that was learned from another model, and not from the answers."""
        return 0.0

    @property
    def classes(self) -> tuple[str, ...]:
        """What each output is called; nothing for numbers."""
        ...

    def reading(self, encoder: Encoder) -> Self:
        """The same task, as it answers where this encoder is what the network reads by."""
        return self

    def network(self, settings: ModelSettings, encoder: Encoder) -> nn.Module:
        """An untrained network that reads what the encoder gives and answers this question."""
        words = None
        if isinstance(encoder, TextEncoder | StateEncoder):
            words = len(encoder.vocabulary)
        size = encoder.size if isinstance(encoder, SeriesEncoder) else None
        network = SequenceModel(
            settings,
            vocabulary_size=words,
            channels=size,
            outputs=self.outputs,
            step_features=encoder.classes if isinstance(encoder, StateEncoder) else (),
        )
        if settings.wide and words is not None:
            return JoinedModel(network, WideModel(words, self.outputs))
        return network

    def examples(self, sequences: Ragged, target: pl.Series) -> Examples:
        """What the network is given of these rows, beside what it is to answer."""
        return Examples(sequences, self.encode(target))

    def asked(self, sequences: Ragged) -> Ragged:
        """What the network reads of encoded rows whose answers are not known."""
        return sequences

    def encode(self, target: pl.Series) -> Any:
        """The target column as numbers: an array with one entry a row, or a Ragged with one a step.

        Raises
        ------
        DataError
            An answer that ``from_target`` did not see.
        """
        ...

    def marks(self, targets: NDArray[Any]) -> NDArray[np.bool_]:
        """Which rows speak for each output, bool [rows, outputs]."""
        ...

    def distilled(self, examples: Examples, recipe: Recipe) -> tuple[Self, Examples, Loss]:
        """The task, the training rows as the loss wants them, and the loss, as training begins."""
        return self, examples, self.loss(examples.answers, recipe)

    def loss(self, targets: Any, recipe: Recipe) -> Loss:
        """The training loss ``(scores, targets) -> mean``; ``targets`` are the training rows'.

        Where each step has an answer, scores are [batch, steps, outputs] and targets
        [batch, steps], with IGNORED where a row has ended.
        """
        ...

    def calibrate(self, scores: NDArray[np.float32], targets: Any, *weights: NDArray[Any]) -> Self:
        """Learn from the validation part how sure the scores are."""
        ...

    def predictions(
        self, scores: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Scores as probabilities or numbers; ``lengths`` int64 [rows] are those of the rows."""
        ...

    def summarise(
        self, predictions: NDArray[np.float64], answers: NDArray[Any]
    ) -> NDArray[np.float64]:
        """What is kept of predictions for judging and telling: float64 [answers, k], all of them.

        Where each of many steps has many outputs, only what ``metrics``, ``calibration`` and
        ``told`` ask of them; ``answers`` are the true ones.
        """
        return predictions

    @property
    def link(self) -> Link:
        """What ``predictions`` does, for those who compute them elsewhere."""
        ...

    def explained(self, scores: Tensor, outputs: Tensor) -> Tensor:
        """What an explanation explains of each row, [batch]; ``outputs`` int64 [batch] says of
        which of its answers: the answer's log-odds, or the number itself."""
        ...

    def chosen(self, predictions: NDArray[np.float64]) -> NDArray[np.int64]:
        """The answer that each row is explained for if none is asked for, int64 [rows]."""
        ...

    def progress(self, scores: NDArray[np.float32], targets: Any, *weights: NDArray[Any]) -> float:
        """The figure that early stopping watches on the validation part; higher is better."""
        ...

    def calibration(
        self, predictions: NDArray[np.float64], targets: NDArray[Any]
    ) -> list[dict[str, Any]]:
        """The points of a reliability diagram, where the task has one."""
        ...

    def simulate(
        self,
        network: nn.Module,
        sequences: Ragged,
        parts: tuple[NDArray[np.int64], NDArray[np.int64]],
        seed: int,
        weights: NDArray[np.float64] | None,
    ) -> dict[str, Any] | None:
        """What else is judged, as plain JSON data for ``simulation.json``; None for most tasks.

        Parameters
        ----------
        network : nn.Module
        sequences : Ragged
            All rows, as encoded.
        parts : (int64, int64)
            The rows that it learned from, and those of the test part.
        seed : int
        weights : float64 [rows] or None
            How much each row counts.
        """
        return None

    def columns(self, predictions: NDArray[np.float64]) -> list[pl.Series]:
        """The columns that ``predict`` adds to a table: ``prediction``, then how sure it is."""
        ...

    def summary_columns(
        self, predictions: NDArray[np.float64], inputs: pl.Series
    ) -> list[pl.Series]:
        """The same of what is ``kept``, with what was read of the rows, which some answers are told
        by."""
        return self.columns(predictions)

    def facts(
        self,
        predictions: NDArray[np.float64],
        answers: NDArray[Any],
        inputs: pl.Series,
        target: pl.Series,
    ) -> dict[str, Any]:
        """What the report shows of the test part beside figures: {file of the run folder: JSON}.

        ``answers`` are those of the examples, ``inputs`` and ``target`` the rows'.
        """
        return {}

    def answer_rows(self, frame: pl.DataFrame, target: pl.Series) -> pl.DataFrame:
        """The table in which each answer has a row: of the rows, with their target."""
        return frame.with_columns(target)

    def answered(
        self, frame: pl.DataFrame, predictions: NDArray[np.float64], lengths: NDArray[np.int64]
    ) -> pl.DataFrame:
        """The table that ``predict`` writes: every column, then what ``columns`` adds.

        ``lengths`` int64 [rows] tells how many answers of ``predictions`` belong to each row, where
        each step has one.

        Raises
        ------
        DataError
            The table has a column called like one that would be added.
        """
        return with_columns(frame, self.columns(predictions))

    def baselines(self, recipe: Recipe, encoder: Encoder) -> Sequence[Baseline]:
        """What anyone should try first, not yet trained; ``encoder`` is the network's."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        ...

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """Make the task that ``to_dict`` described."""
        ...


def mean_of(values: NDArray[Any], *weights: NDArray[Any]) -> float:
    """The mean of one number a row, by the rows' weights where there are any."""
    return float(np.average(values, weights=weights[0] if weights else None))


def encoding_of(encoder: Encoder) -> Encoding | None:
    """How what stands beside each step is read; None where nothing does."""
    if isinstance(encoder, StateEncoder) and encoder.step_features:
        return Encoding(encoder.encode, encoder.classes)
    return None


def units_of(encoder: Encoder) -> Callable[[str], list[str]] | None:
    """What parts a text into the units that the network sees; None where it reads numbers."""
    if isinstance(encoder, SeriesEncoder):
        return None
    texts = encoder.states if isinstance(encoder, StateEncoder) else encoder
    if not isinstance(texts, TextEncoder):
        raise TypeError(f"{type(encoder).__name__} reads no texts")
    return texts.units
