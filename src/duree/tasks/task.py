"""Task: what is predicted, with what was learned from the target column.

Each task has its own file in this package; ``CONTRIBUTING.md`` explains how to add one. All that
differs between tasks is in their methods; other code does not check which task it has. Capabilities
that a task lacks (``explanation``, ``export``, ``simulate``) are None.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.baselines import Baseline
from duree.errors import RecipeError
from duree.evaluation.decision import Decision
from duree.evaluation.metrics import MetricSet
from duree.network.batches import Examples
from duree.network.contracts import Criterion, Explanation, Link, Simulated
from duree.network.model import SequenceModel
from duree.network.network import Network
from duree.network.scoring import part_scores, scores
from duree.network.wide import JoinedModel, WideModel
from duree.recipe.recipe import Defaults, Recipe
from duree.recipe.settings import DEFAULT_BUDGET, EpochBudget, ModelSettings
from duree.recipe.space import TUNED
from duree.results.run_files import Bin, Record, Simulation
from duree.sequences.encoder import Encoder, fit_encoder
from duree.sequences.ragged import Ragged
from duree.tables.checks.target import clean_labels
from duree.tables.columns import as_numbers, as_text, with_columns
from duree.tables.layouts.layout import Layout
from duree.tables.table import Table
from duree.tasks.watched import Watched


class Task(ABC):
    """What is predicted, with the possible predictions learned from the training rows.

    ``scores`` are the network's outputs, float32 [targets, outputs]; ``predictions`` are
    probabilities or numbers in the target's units, float64 [targets, outputs]. ``encode``
    determines the number of targets per row: an array has one per row, a Ragged one per step (or,
    if ``examples`` says so, a sequence per row).

    Attributes
    ----------
    name : str
        Its name in recipes.
    title : str
        What is predicted, in the studio's form; an English template.
    layouts : tuple of str
        Names of the layouts it applies to; the last is the default.
    defaults : mapping
        Defaults for settings that the user leaves open.
    stratify : bool
        Whether splits are stratified by the target.
    writes_texts : bool
        Whether targets are texts, and no classes or numbers.
    predicts_together : bool
        Whether networks of several seeds predict together: see ``together``.
    reads_forwards : bool
        Whether steps are predicted from those before them, so that nothing may be read backwards.
    is_exported : bool
        Whether ``export`` is not None.
    watched : Watched
    epoch_budget : EpochBudget
        How long to train if the recipe sets no epochs.
    decided_by_rows : tuple of str
        Settings that ``with_sizes`` decides from the training rows, if the user leaves them open.
    tuned : tuple of str
        Settings that ``duree tune`` varies.
    own_settings, unused_settings : frozenset of str
        Command-line options that only this task has, and those that it does not use.
    run_title : str
        The title in lists of runs; an English template with ``target`` and ``text``.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    layouts: ClassVar[tuple[str, ...]]
    metrics: ClassVar[MetricSet]
    watched: ClassVar[Watched]
    defaults: ClassVar[Defaults] = {}
    stratify: ClassVar[bool] = False
    writes_texts: ClassVar[bool] = False
    predicts_together: ClassVar[bool] = False
    reads_forwards: ClassVar[bool] = False
    is_exported: ClassVar[bool] = False
    epoch_budget: ClassVar[EpochBudget] = DEFAULT_BUDGET
    decided_by_rows: ClassVar[tuple[str, ...]] = ()
    tuned: ClassVar[tuple[str, ...]] = TUNED
    own_settings: ClassVar[frozenset[str]] = frozenset()
    unused_settings: ClassVar[frozenset[str]] = frozenset()
    run_title: ClassVar[str] = "“{target}” from “{text}”"

    @classmethod
    def is_meant(cls, recipe: Recipe) -> bool:
        """Whether a recipe without a task implies this one."""
        return False

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        """Refuse a recipe that does not fit this task.

        Raises
        ------
        RecipeError
        """
        if cls.reads_forwards and recipe.model.bidirectional:
            raise RecipeError(
                "a network that reads from both ends sees what it is to predict",
                fix="leave model.bidirectional out: for this task it is false",
            )

    @classmethod
    def read_target(cls, table: Table, column: str) -> pl.Series:
        """The target column as numbers or trimmed class names."""
        return read_answers(table, column, numeric=cls.metrics.numeric)

    @classmethod
    def metric_choices(cls) -> tuple[str, ...]:
        """The names of metrics that ``evaluation.metric`` may take; empty if none is chosen."""
        return ()

    @classmethod
    def ever_watched(cls) -> Iterable[Watched]:
        """All metrics that early stopping may use."""
        return (cls.watched,)

    @classmethod
    def with_sizes(cls, recipe: Recipe, rows: pl.Series, target: pl.Series) -> Recipe:
        """The recipe with what the training rows decide; by default the same."""
        return recipe

    @classmethod
    def fit_encoder(cls, rows: pl.Series, target: pl.Series, recipe: Recipe) -> Encoder:
        """Fit the encoder of inputs on the training rows; ``target`` are their targets."""
        return fit_encoder(rows, recipe.text)

    @classmethod
    @abstractmethod
    def from_target(cls, target: pl.Series, recipe: Recipe) -> Self:
        """Fit the task to the training targets (no nulls)."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """The number of scores per target."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the outputs; empty for numbers."""
        return ()

    @property
    def distillation_share(self) -> float:
        """The share of distillation from another model in the training loss."""
        return 0.0

    @property
    def explanation(self) -> Explanation | None:
        """How predictions are explained; None if they are not."""
        return None

    @property
    def export(self) -> Link | None:
        """How exported graphs compute ``predictions`` from scores; None if there is no export."""
        return None

    @property
    def decision(self) -> Decision | None:
        """How classes follow from probabilities for the metric that the user names; None if he
        names none, or one that needs no decision."""
        return None

    def given(self, predictions: NDArray[np.float64]) -> NDArray[np.bool_] | None:
        """The predicted class or labels, from probabilities: bool [rows, outputs]; None if rows
        have none."""
        return None

    def fit_decision(
        self, predictions: NDArray[np.float64], targets: NDArray[Any], *weights: NDArray[Any]
    ) -> Decision | None:
        """The same for another model, by its predictions of the validation rows."""
        return None

    def with_encoder(self, encoder: Encoder) -> Self:
        """The task with what it takes from the fitted encoder."""
        return self

    def with_rows(self, training: Examples, validation: Examples) -> Self:
        """The task with what it takes from the encoded rows of both sets."""
        return self

    def network(self, settings: ModelSettings, encoder: Encoder) -> Network:
        """An untrained network for this task and the encoder's output."""
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
        """The targets as numbers: an array with one entry per row, or a Ragged with one per step.

        Raises
        ------
        DataError
            The column has a value that did not occur in ``from_target``.
        """

    def examples(self, sequences: Ragged, target: pl.Series) -> Examples:
        """The inputs and targets of the network."""
        return Examples(sequences, self.encode(target))

    def answers(self, examples: Examples) -> NDArray[Any]:
        """What evaluation compares predictions with, [targets, ...]: by default the targets."""
        return examples.answers

    def prepare_training(
        self, examples: Examples, recipe: Recipe
    ) -> tuple[Self, Examples, Criterion]:
        """The task, the training examples and the training loss with which training begins."""
        return self, examples, self.criterion(examples.answers, recipe)

    def watched_rows(self, validation: Examples) -> Examples:
        """The validation rows by which the epoch is chosen: by default all."""
        return validation

    @abstractmethod
    def criterion(self, targets: NDArray[Any], recipe: Recipe) -> Criterion:
        """The loss ``(scores, targets[, weights]) -> mean``; ``targets`` are the training rows'.

        If each step has a target, scores are [batch, steps, outputs] and targets
        [batch, steps], padded with IGNORED.
        """

    def joining_criterion(self, criterion: Criterion) -> Criterion:
        """The loss on the validation set by which a network is joined with its wide part; by
        default that of training."""
        return criterion

    def calibrate(self, scores: NDArray[np.float32], targets: Any, *weights: NDArray[Any]) -> Self:
        """Calibrate the scores on the validation set."""
        return self

    def complete(self, network: Network, examples: Examples, validation: Examples) -> Self:
        """The task with what it fits once the network is trained: by default the calibration."""
        found = scores(network, validation.sequences)
        return self.calibrate(found, validation.targets, *validation.weighed)

    def predict(self, network: Network, sequences: Ragged) -> NDArray[np.float64]:
        """The predictions for encoded rows, float64 [targets, outputs]."""
        return self.predictions(scores(network, sequences), sequences.lengths)

    @property
    def network_alone(self) -> bool:
        """Whether nothing but the network decides what is predicted."""
        return True

    @property
    def members(self) -> int:
        """The number of networks that predict together."""
        return 1

    def together(self, networks: Sequence[Network]) -> tuple[Self, Network]:
        """The task and the network in which several networks predict together."""
        raise TypeError(f"networks of the task {self.name} do not predict together")

    def are_too_long(self, sequences: Ragged) -> NDArray[np.bool_]:
        """The rows that are longer than what the network can answer, bool [rows]."""
        return np.zeros(len(sequences), dtype=bool)

    def parts(self, network: Network, sequences: Ragged) -> dict[str, NDArray[np.float64]]:
        """The predictions of each part of a joined model alone; empty for other models."""
        found = part_scores(network, sequences)
        return {name: self.predictions(of_part) for name, of_part in found.items()}

    def mixtures(self, summaries: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
        """Further models, mixed from what ``summarise`` gives of each model; by default none."""
        return {}

    def alternatives(
        self, network: Network, sequences: Ragged, predictions: NDArray[np.float64], count: int
    ) -> list[pl.Series] | None:
        """The columns of the second to the last of ``count`` outputs of each row, whose first
        output is in ``predictions``; None if the task has a single output for each."""
        return None

    @abstractmethod
    def predictions(
        self, scores: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Probabilities or numbers from scores; ``lengths`` int64 [rows] are those of the rows."""

    def row_predictions(
        self, predictions: NDArray[np.float64], lengths: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """One prediction per row: that for the last step, if each step has one."""
        return predictions

    def summarise(
        self, predictions: NDArray[np.float64], answers: NDArray[Any]
    ) -> NDArray[np.float64]:
        """The predictions that evaluation and report need: float64 [targets, k], by default all.

        With many steps and outputs, only what ``metrics``, ``calibration`` and ``summary_columns``
        use; ``answers`` are the targets.
        """
        return predictions

    @abstractmethod
    def progress(self, scores: NDArray[np.float32], targets: Any, *weights: NDArray[Any]) -> float:
        """The metric that early stopping uses on the validation set; higher is better."""

    def calibration(self, predictions: NDArray[np.float64], targets: NDArray[Any]) -> list[Bin]:
        """The points of a reliability diagram; empty if the task has none."""
        return []

    def simulate(self, given: Simulated) -> Simulation | None:
        """Results of simulations beyond the next target; None without any."""
        return None

    @abstractmethod
    def columns(self, predictions: NDArray[np.float64]) -> list[pl.Series]:
        """The columns that ``predict`` adds: ``prediction``, then its uncertainty."""

    @classmethod
    def added_names(cls, target: pl.Series, recipe: Recipe) -> list[str]:
        """The names of the columns that ``predict`` will add, so far as the target tells them."""
        return ["prediction"]

    def summary_columns(
        self, predictions: NDArray[np.float64], inputs: pl.Series
    ) -> list[pl.Series]:
        """The same columns from ``summarise``; ``inputs`` are the rows, which some tasks need."""
        return self.columns(predictions)

    def facts(
        self,
        predictions: NDArray[np.float64],
        answers: NDArray[Any],
        inputs: pl.Series,
        target: pl.Series,
    ) -> dict[str, Record]:
        """Further data on the test set for the report: {file of the run folder: record}.

        ``answers`` are the encoded targets; ``inputs`` and ``target`` are those of the rows.
        """
        return {}

    def answer_rows(self, frame: pl.DataFrame, target: pl.Series, layout: Layout) -> pl.DataFrame:
        """The table with one row per target, by default the rows with their target."""
        return frame.with_columns(target)

    def predicted_table(
        self, frame: pl.DataFrame, predictions: NDArray[np.float64], lengths: NDArray[np.int64]
    ) -> pl.DataFrame:
        """The table that ``predict`` writes: all columns, then those of ``columns``.

        ``lengths`` int64 [rows] is the number of predictions of each row, if each step has one.

        Raises
        ------
        DataError
            The table already has a column with the name of one to add.
        """
        return with_columns(frame, self.columns(self.row_predictions(predictions, lengths)))

    @abstractmethod
    def baselines(self, recipe: Recipe, encoder: Encoder) -> Sequence[Baseline]:
        """The baselines, not yet fitted; ``encoder`` is that of the network."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""

    @classmethod
    @abstractmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """The task from the result of ``to_dict``."""


def read_answers(table: Table, column: str, *, numeric: bool) -> pl.Series:
    """A column as numbers, or as trimmed class names."""
    if numeric:
        return as_numbers(table, column)
    return clean_labels(as_text(table, column).fill_null(""))[0]
