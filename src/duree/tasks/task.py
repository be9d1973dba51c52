"""Task: what is predicted of each row, together with what was learned of its target column.

Each file beside this one is one task; ``CONTRIBUTING.md`` says how to add another. A task hands out
what differs between tasks, and nothing outside asks which one it has. A capability that a task may
lack (``explanation``, ``export``, ``simulate``) is None there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.baselines import Baseline
from duree.evaluation.metrics import MetricSet
from duree.network.batches import Examples
from duree.network.contracts import Criterion, Explanation, Link, Simulated
from duree.network.model import SequenceModel
from duree.network.network import Network
from duree.network.wide import JoinedModel, WideModel
from duree.recipe.recipe import Defaults, Recipe
from duree.recipe.settings import DEFAULT_BUDGET, EpochBudget, ModelSettings
from duree.results.run_files import Bin, Record, Simulation
from duree.sequences.encoder import Encoder, fit_encoder
from duree.sequences.ragged import Ragged
from duree.tables.checks.target import clean_labels
from duree.tables.columns import as_numbers, as_text, with_columns
from duree.tables.layouts.layout import Layout
from duree.tables.table import Table


class Watched(NamedTuple):
    """The figure that early stopping watches on the validation part.

    Attributes
    ----------
    name : str
        What progress calls it, whose higher values are better: "minus" something, for an error.
    title : str
        What the report calls it.
    better : int
        1 where a higher value of ``title`` is better, else -1.
    """

    name: str
    title: str
    better: int


class Task(ABC):
    """What is predicted, with its possible answers as learned from the training rows.

    ``scores`` are what the network gives, float32 [answers, outputs]; ``predictions`` are what a
    reader wants of them (probabilities, numbers), float64 [answers, outputs]. ``encode`` decides
    how many answers a row has: an array has one a row, a Ragged one for each step.

    Attributes
    ----------
    name : str
        As the recipe calls it.
    title : str
        What is predicted, as the studio's form calls it; an English template.
    layouts : tuple of str
        Names of the layouts whose rows it can be asked of; the last is meant where none is named.
    defaults : mapping
        What the recipe has where the user leaves it open.
    stratify : bool
        Whether the parts of the split are to have the same shares of answers.
    is_exported : bool
        Whether ``export`` says how predictions follow from scores.
    watched : Watched
    epoch_budget : EpochBudget
        How long to train, where the recipe leaves the epochs open.
    own_settings, unused_settings : frozenset of str
        Options of the command line that only this task has, and those that it has no use for.
    run_title : str
        What lists of runs say; an English template with ``target`` and ``text``.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    layouts: ClassVar[tuple[str, ...]]
    metrics: ClassVar[MetricSet]
    watched: ClassVar[Watched]
    defaults: ClassVar[Defaults] = {}
    stratify: ClassVar[bool] = False
    is_exported: ClassVar[bool] = False
    epoch_budget: ClassVar[EpochBudget] = DEFAULT_BUDGET
    own_settings: ClassVar[frozenset[str]] = frozenset()
    unused_settings: ClassVar[frozenset[str]] = frozenset()
    run_title: ClassVar[str] = "“{target}” from “{text}”"

    @classmethod
    def is_meant(cls, recipe: Recipe) -> bool:
        """Whether a recipe that names no task can only mean this one."""
        return False

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
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
        return fit_encoder(rows, recipe.text)

    @classmethod
    @abstractmethod
    def from_target(cls, target: pl.Series, recipe: Recipe) -> Self:
        """Learn the possible answers from the target column (no nulls)."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many numbers the network gives for an answer."""

    @property
    def classes(self) -> tuple[str, ...]:
        """What each output is called; nothing for numbers."""
        return ()

    @property
    def distillation_share(self) -> float:
        """The share of the loss that was learned from another model, and not from the answers."""
        return 0.0

    @property
    def explanation(self) -> Explanation | None:
        """How answers are explained unit by unit; None where they are not."""
        return None

    @property
    def export(self) -> Link | None:
        """What ``predictions`` does, for those who compute them elsewhere; None: it is no such."""
        return None

    def with_encoder(self, encoder: Encoder) -> Self:
        """The same task, as it answers where this encoder is what the network reads by."""
        return self

    def network(self, settings: ModelSettings, encoder: Encoder) -> Network:
        """An untrained network that reads what the encoder gives and answers this task."""
        words = encoder.vocabulary_size
        network = SequenceModel(
            settings,
            vocabulary_size=words,
            channels=encoder.input_size,
            outputs=self.outputs,
            step_features=list(encoder.step_classes.values()),
        )
        if settings.wide and words is not None and self.explanation is not None:
            return JoinedModel(network, WideModel(words, self.outputs))
        return network

    @abstractmethod
    def encode(self, target: pl.Series) -> NDArray[Any] | Ragged:
        """The target column as numbers: an array with one entry a row, or a Ragged with one a step.

        Raises
        ------
        DataError
            An answer that ``from_target`` did not see.
        """

    def examples(self, sequences: Ragged, target: pl.Series) -> Examples:
        """What the network is given of these rows, and what it is to answer."""
        return Examples(sequences, self.encode(target))

    def prepare_training(
        self, examples: Examples, recipe: Recipe
    ) -> tuple[Self, Examples, Criterion]:
        """The task, the training rows and the training loss, as training begins."""
        return self, examples, self.criterion(examples.answers, recipe)

    @abstractmethod
    def criterion(self, targets: NDArray[Any], recipe: Recipe) -> Criterion:
        """The loss ``(scores, targets[, weights]) -> mean``; ``targets`` are the training rows'.

        Where each step has an answer, scores are [batch, steps, outputs] and targets
        [batch, steps], with IGNORED where a row has ended.
        """

    def calibrate(self, scores: NDArray[np.float32], targets: Any, *weights: NDArray[Any]) -> Self:
        """Learn from the validation part how sure the scores are."""
        return self

    @abstractmethod
    def predictions(
        self, scores: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Scores as probabilities or numbers; ``lengths`` int64 [rows] are those of the rows."""

    def row_predictions(
        self, predictions: NDArray[np.float64], lengths: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Those of the predictions that answer for rows of which nothing more is known."""
        return predictions

    def summarise(
        self, predictions: NDArray[np.float64], answers: NDArray[Any]
    ) -> NDArray[np.float64]:
        """What evaluation and report need of the predictions: float64 [answers, k], all of them.

        Where each of many steps has many outputs, only what ``metrics``, ``calibration`` and
        ``summary_columns`` ask of them; ``answers`` are the true ones.
        """
        return predictions

    @abstractmethod
    def progress(self, scores: NDArray[np.float32], targets: Any, *weights: NDArray[Any]) -> float:
        """The figure that early stopping watches on the validation part; higher is better."""

    def calibration(self, predictions: NDArray[np.float64], targets: NDArray[Any]) -> list[Bin]:
        """The points of a reliability diagram, where the task has one."""
        return []

    def simulate(self, given: Simulated) -> Simulation | None:
        """What the network foresees beyond the next answer, as plain JSON data; None: nothing."""
        return None

    @abstractmethod
    def columns(self, predictions: NDArray[np.float64]) -> list[pl.Series]:
        """The columns that ``predict`` adds to a table: ``prediction``, then how sure it is."""

    def summary_columns(
        self, predictions: NDArray[np.float64], inputs: pl.Series
    ) -> list[pl.Series]:
        """The same of a summary, with what was read of the rows, on which some answers depend."""
        return self.columns(predictions)

    def facts(
        self,
        predictions: NDArray[np.float64],
        answers: NDArray[Any],
        inputs: pl.Series,
        target: pl.Series,
    ) -> dict[str, Record]:
        """What the report shows of the test part besides figures: {file of the run folder: JSON}.

        ``answers`` are those of the examples, ``inputs`` and ``target`` the rows'.
        """
        return {}

    def answer_rows(self, frame: pl.DataFrame, target: pl.Series, layout: Layout) -> pl.DataFrame:
        """The table in which each answer has a row: of the rows, with their target."""
        return frame.with_columns(target)

    def predicted_table(
        self, frame: pl.DataFrame, predictions: NDArray[np.float64], lengths: NDArray[np.int64]
    ) -> pl.DataFrame:
        """The table that ``predict`` writes: every column, then what ``columns`` adds.

        ``lengths`` int64 [rows] says how many answers of ``predictions`` belong to each row, where
        each step has one.

        Raises
        ------
        DataError
            The table has a column called like one that would be added.
        """
        return with_columns(frame, self.columns(self.row_predictions(predictions, lengths)))

    @abstractmethod
    def baselines(self, recipe: Recipe, encoder: Encoder) -> Sequence[Baseline]:
        """What anyone should try first, not yet trained; ``encoder`` is the network's."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""

    @classmethod
    @abstractmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """Make the task that ``to_dict`` described."""


def mean_of(values: NDArray[Any], *weights: NDArray[Any]) -> float:
    """The mean of one number a row, by the rows' weights where there are any."""
    return float(np.average(values, weights=weights[0] if weights else None))
