"""Next: the next state or event, predicted after each step of a sequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from duree.baselines import Baseline, next_baselines
from duree.baselines.boosted import MOST_STATES, MOST_STEPS, cross_fitted
from duree.baselines.next_steps import steps_after_the_first
from duree.baselines.step_attributes import with_those_before
from duree.errors import DataError, RecipeError
from duree.evaluation.calibration import fit_temperature, log_of_truth, reliability_of
from duree.evaluation.metrics import MetricSet
from duree.evaluation.next_metrics import NEXT_IN_TERMS, SUMS, terms
from duree.network.batches import Examples
from duree.network.contracts import Criterion, Simulated
from duree.network.network import Network
from duree.network.next_model import StepModel, log_loss_of_steps
from duree.recipe.recipe import Defaults, Recipe
from duree.recipe.settings import STATES, EpochBudget, ModelSettings
from duree.results.run_files import Bin, Simulation
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import UNKNOWN, Ragged, offsets_of
from duree.sequences.state_encoder import StateEncoder
from duree.sequences.text_encoder import SPECIAL, TextEncoder
from duree.tables.columns import as_text, with_columns
from duree.tables.layouts.layout import Layout
from duree.tables.layouts.persons import GAPS
from duree.tables.layouts.state_strings import ARROW
from duree.tables.layouts.states import period_of
from duree.tables.layouts.step_attributes import names_of_step_features
from duree.tables.table import Table
from duree.tasks.distillation import DISTILLED, distilled_loss
from duree.tasks.features import encoding_of
from duree.tasks.simulation import Simulator
from duree.tasks.task import Task
from duree.tasks.watched import Watched, mean_of

# The class of states that do not occur in training.
UNSEEN = "(unseen)"
# Minimum number of rows for distillation from boosted trees.
FEWEST_DISTILLED = 40
# Columns of tables with one row per step: its number and the previous state; and for events with
# times, the time since the previous event.
OF_STEPS, GAP = ("step", "before"), "gap"
# With more states, or steps times states, tables contain only the most probable state.
MOST_COLUMNS, MOST_CELLS = 30, 10_000_000


@dataclass(frozen=True)
class Next(Task):
    """Softmax over the states in training, with one output for all others.

    Attributes
    ----------
    states : tuple of str
        In the order of the encoder's vocabulary: the most frequent first.
    longest : int
        Maximum number of steps of a sequence; longer ones are cut to their last steps.
    times, period : int
        Numbers of time points common to all sequences, and of a year; 0 if there are none.
    temperature : float
        Divides the scores (Guo et al. 2017).
    distillation_share : float
        See ``Task.distillation_share``.
    is_large : bool
        See ``has_many``.
    """

    states: tuple[str, ...]
    longest: int
    times: int = 0
    period: int = 0
    temperature: float = 1.0
    distillation_share: float = 0.0
    is_large: bool = False

    name: ClassVar[str] = "next"
    title: ClassVar[str] = "the next state or event, at each step"
    metrics: ClassVar[MetricSet] = NEXT_IN_TERMS
    layouts: ClassVar[tuple[str, ...]] = ("spells", "events", "states")
    unused_settings: ClassVar[frozenset[str]] = frozenset({"target", "class_names"})
    run_title: ClassVar[str] = "Next step in “{text}”"
    reads_forwards: ClassVar[bool] = True
    watched: ClassVar[Watched] = Watched("minus bits per step", "bits per step on validation", -1)
    defaults: ClassVar[Defaults] = {
        "data": {"target": STATES},
        "model": {
            "embedding_size": 16,
            "bidirectional": False,
            "pooling": "last",
            "word_dropout": 0.0,
            "input_dropout": 0.1,
            "recurrent_dropout": 0.2,
            "output_dropout": 0.3,
        },
        "training": {"batch_size": 16, "learning_rate": 3e-3, "patience": 20},
    }
    # On mvad (33 batches per epoch) the loss decreases for about 3,000 steps.
    epoch_budget: ClassVar[EpochBudget] = EpochBudget(steps=3500, epochs=100)

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        super().check_recipe(recipe)
        if not (recipe.data.states or recipe.data.state or recipe.data.event):
            raise RecipeError(
                "the task next needs columns of states or events, and none are named",
                fix="name them: --states, or --state with --start, or --event",
            )
        if recipe.data.target != STATES:
            raise RecipeError(
                "the sequences themselves are predicted, and {target!r} is named as target too",
                fix="leave --target out, or leave --task next out",
                target=recipe.data.target,
            )

    @classmethod
    def read_target(cls, table: Table, column: str) -> pl.Series:
        """The sequences, which are their own targets.

        Raises
        ------
        DataError
            No sequence has two steps, or the table has a column with a name of ``OF_STEPS``.
        """
        added = [*OF_STEPS, *([GAP] if GAPS in table.frame.columns else [])]
        with_columns(table.frame.clear(), [pl.Series(name, [], pl.Null) for name in added])
        target = as_text(table, column).fill_null("")
        _require_steps((target.str.count_matches(ARROW, literal=True) > 0).any(), len(target))
        return target

    @classmethod
    def fit_encoder(cls, rows: pl.Series, target: pl.Series, recipe: Recipe) -> Encoder:
        # The next state depends mainly on the last ones: longer sequences are cut to their end.
        settings = recipe.text.model_copy(update={"keep": "tail"})
        if recipe.data.covariate or names_of_step_features(rows):
            return StateEncoder.fit(rows, settings, len(recipe.data.covariate))
        return TextEncoder.fit(rows, settings)

    @classmethod
    def from_target(cls, target: pl.Series, recipe: Recipe) -> Self:
        sequences = target.str.split(ARROW)
        lengths = sequences.list.len()
        counts = Counter(state for state in sequences.explode().to_list() if state)
        ranked = sorted(counts, key=lambda state: (-counts[state], state))
        longest = recipe.text.max_length
        on_grid = not recipe.data.event
        return cls(
            tuple(ranked[: recipe.text.max_features]),
            longest,
            min(int(lengths.to_numpy().max()), longest) if on_grid else 0,
            period_of(recipe.data.states) if on_grid else 0,
            is_large=int(lengths.sum()) * len(ranked) > MOST_CELLS,
        )

    @property
    def outputs(self) -> int:
        return len(self.states) + 1

    @property
    def classes(self) -> tuple[str, ...]:
        return (*self.states, UNSEEN)

    def network(self, settings: ModelSettings, encoder: Encoder) -> Network:
        return StepModel(
            settings,
            vocabulary_size=len(SPECIAL) + len(self.states),
            outputs=self.outputs,
            # The last time point is never an input in training: it is treated as the one before.
            times=max(self.times - 1, 0),
            period=self.period,
            covariates=encoder.sizes if isinstance(encoder, StateEncoder) else (),
            step_features=list(encoder.step_classes.values()),
        )

    def codes(self, sequences: Ragged) -> Ragged:
        """The index of each step's state; the last index is for unseen states: int32 [steps]."""
        values = sequences.values
        codes = (values if values.ndim == 1 else values[:, 0]) - len(SPECIAL)
        return Ragged(np.where(codes < 0, len(self.states), codes), sequences.offsets)

    def _steps(self, sequences: Ragged) -> Ragged:
        """The input of baselines: the index of each step's state, its phase of the year (if there
        is a period), its covariates and step features, int32 [steps, 1 + phases + others]."""
        place = sequences.steps
        phase = place[:, None] % self.period if self.period else place[:, None][:, :0]
        features = sequences.values.reshape(len(sequences.values), -1)[:, 1:]
        own = self.codes(sequences).values[:, None]
        read = np.concatenate([own, phase, features], axis=1).astype(np.int32)
        return Ragged(read, sequences.offsets)

    def examples(self, sequences: Ragged, target: pl.Series) -> Examples:
        """Each sequence without its last step, and the targets after each step: see ``encode``."""
        targets = _after(self.codes(sequences))
        _require_steps(len(targets.values) > 0, len(sequences))
        return Examples(sequences.stretches(sequences.offsets[:-1], targets.lengths), targets)

    def encode(self, target: pl.Series) -> Ragged:
        """The state at each step after the first, and the state before it: int32 [steps, 2]."""
        sequences = target.str.split(ARROW).list.tail(self.longest)
        known = dict(zip(self.states, range(len(self.states)), strict=True))
        codes = sequences.explode().replace_strict(
            known, default=len(self.states), return_dtype=pl.Int32
        )
        return _after(Ragged(codes.to_numpy(), offsets_of(sequences.list.len().to_numpy())))

    def prepare_training(
        self, examples: Examples, recipe: Recipe
    ) -> tuple[Self, Examples, Criterion]:
        """Adds distillation from the out-of-fold predictions of boosted trees."""
        came = examples.answers[:, 0].astype(np.int64)
        if self.outputs > MOST_STATES or len(came) > MOST_STEPS or len(examples) < FEWEST_DISTILLED:
            return self, examples, self.criterion(examples.answers, recipe)
        steps = self._steps(examples.sequences)
        predicted = cross_fitted(steps, came, self.outputs, recipe.seed, examples.weights)
        teacher = torch.from_numpy(predicted)
        places = np.arange(len(came), dtype=np.int32)[:, None]
        targets = np.concatenate([examples.answers, places], axis=1)
        examples = replace(examples, targets=Ragged(targets, examples.sequences.offsets))
        return replace(self, distillation_share=DISTILLED), examples, distilled_loss(teacher)

    def criterion(self, targets: NDArray[Any], recipe: Recipe) -> Criterion:
        return log_loss_of_steps

    def calibrate(self, scores: NDArray[np.float32], targets: Any, *weights: NDArray[Any]) -> Self:
        counts = _of_steps(targets, weights)
        return replace(self, temperature=fit_temperature(scores, targets.values[:, 0], *counts))

    def predictions(
        self, scores: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        return np.asarray(softmax(scores.astype(np.float64) / self.temperature, axis=1))

    def summarise(
        self, predictions: NDArray[np.float64], answers: NDArray[Any]
    ) -> NDArray[np.float64]:
        """The terms of the metrics, the most probable state, its probability and, unless there are
        too many, the probabilities of all states.

        float64 [answers, len(SUMS) + 2 (+ states)]
        """
        predicted = (predictions.argmax(axis=1), predictions.max(axis=1))
        found = [terms(predictions, answers), np.stack(predicted, axis=1)]
        return np.concatenate(found if self.has_many else [*found, predictions], axis=1)

    @property
    def has_many(self) -> bool:
        """Whether there are too many states or steps for tables with one column per state."""
        return self.is_large or len(self.states) > MOST_COLUMNS

    def progress(self, scores: NDArray[np.float32], targets: Any, *weights: NDArray[Any]) -> float:
        of_truth = log_of_truth(scores, targets.values[:, 0])
        return float(mean_of(of_truth, *_of_steps(targets, weights)) / np.log(2))

    def calibration(self, predictions: NDArray[np.float64], targets: NDArray[Any]) -> list[Bin]:
        right = predictions[:, SUMS.index("right")] == 1
        return reliability_of(predictions[:, len(SUMS) + 1], right)

    def simulate(self, given: Simulated) -> Simulation | None:
        """Predictions of the state at the last time point from earlier ones, by simulation."""
        if not isinstance(given.network, StepModel) or not self.times:
            return None
        # The token of each output, with which simulations continue.
        tokens = np.append(np.arange(len(self.states)) + len(SPECIAL), UNKNOWN)
        parts = given.train, given.test
        seen, tested = (given.sequences.take(rows) for rows in parts)
        counts = () if given.weights is None else (given.weights[rows] for rows in parts)
        simulator = Simulator(given.network, tokens, given.times, self.temperature, given.seed)
        return simulator.evaluate(tested, self.codes(seen), self.codes(tested), *counts)

    def columns(self, predictions: NDArray[np.float64]) -> list[pl.Series]:
        return self._columns(predictions.argmax(axis=1), predictions.max(axis=1), predictions)

    def summary_columns(
        self, predictions: NDArray[np.float64], inputs: pl.Series
    ) -> list[pl.Series]:
        best, sure, *_ = predictions.T[len(SUMS) :]
        return self._columns(best.astype(np.int64), sure, predictions[:, len(SUMS) + 2 :])

    def _columns(
        self, best: NDArray[np.int64], sure: NDArray[np.float64], shares: NDArray[np.float64]
    ) -> list[pl.Series]:
        """The most probable state and, unless ``has_many``, the probabilities of all states."""
        predicted = pl.Series("prediction", self.classes, dtype=pl.String).gather(best)
        if self.has_many:
            return [predicted, pl.Series("probability", sure)]
        names = (f"probability_{state}" for state in self.classes)
        return [
            predicted,
            *(pl.Series(name, column) for name, column in zip(names, shares.T, strict=True)),
        ]

    def answer_rows(self, frame: pl.DataFrame, target: pl.Series, layout: Layout) -> pl.DataFrame:
        """One row per predicted step: its number, the previous state and the true one.

        For events with times also ``gap``, the time since the previous event.
        """
        # Columns of steps would otherwise be repeated in each row.
        frame = frame.drop(layout.step_columns, strict=False)
        of_steps = {target.name: target.str.split(ARROW)}
        if GAPS in frame.columns:
            of_steps |= {GAP: frame[GAPS]}
        steps = pl.DataFrame(of_steps).with_columns(
            pl.int_ranges(1, pl.col(target.name).list.len() + 1).alias("step"),
            pl.col(target.name).list.eval(pl.element().shift()).alias("before"),
        )
        names = [*OF_STEPS, *of_steps]
        steps = steps.select(pl.col(names).list.tail(self.longest).list.slice(1))
        # Lists of attributes would otherwise be repeated in each row.
        lists = [name for name, kind in frame.schema.items() if kind == pl.List]
        others = frame.drop([*names, *lists], strict=False)
        joined = pl.concat([others, steps], how="horizontal")
        return joined.explode(names).filter(pl.col("step").is_not_null())

    def row_predictions(
        self, predictions: NDArray[np.float64], lengths: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """The predictions of the state after the last step of each sequence."""
        return predictions[np.cumsum(lengths) - 1]

    def baselines(self, recipe: Recipe, encoder: Encoder) -> Sequence[Baseline]:
        encoding = encoding_of(encoder)

        def read(rows: Any) -> Ragged:
            found = encoder.encode(_series(rows))
            return self._steps(
                found if encoding is None else with_those_before(found, len(encoding.classes))
            )

        return next_baselines(read, self.outputs, recipe, on_grid=self.times > 0)

    def to_dict(self) -> dict[str, Any]:
        return {
            "states": list(self.states),
            "longest": self.longest,
            "times": self.times,
            "period": self.period,
            "temperature": self.temperature,
            "distillation_share": self.distillation_share,
            "is_large": self.is_large,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        return cls(
            tuple(state["states"]),
            int(state["longest"]),
            int(state["times"]),
            int(state["period"]),
            float(state["temperature"]),
            float(state.get("distillation_share", state.get("taught_share", 0.0))),
            bool(state.get("is_large", False)),
        )


def _series(rows: Any) -> pl.Series:
    """The rows of baselines as a Series of texts, or of structs with step features."""
    return rows if isinstance(rows, pl.Series) else pl.Series(rows, dtype=pl.String)


def _require_steps(found: bool, rows: int) -> None:
    if not found:
        raise DataError(
            "no sequence among {rows} rows has two steps: nothing follows anything",
            fix="name more time points, or rows with more events",
            rows=rows,
        )


def _after(codes: Ragged) -> Ragged:
    """The code of each step after the first of its row, and of the previous one: [steps, 2]."""
    places = steps_after_the_first(codes)
    pairs = np.stack([codes.values[places], codes.values[places - 1]], axis=1)
    return Ragged(pairs, offsets_of(np.maximum(codes.lengths - 1, 0)))


def _of_steps(
    targets: Ragged, weights: tuple[NDArray[Any], ...]
) -> tuple[NDArray[np.float64], ...]:
    """The weights of rows, if any, repeated for each step: float64 [steps]."""
    return tuple(np.repeat(each.astype(np.float64), targets.lengths) for each in weights)
