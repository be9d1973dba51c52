"""TrainedModel: a network together with the preparation and the answers that belong to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import nn

from duree.errors import DataError, RunError
from duree.network.batches import Examples
from duree.network.scoring import scores
from duree.network.wide import JoinedModel
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.recipe.settings import ModelSettings
from duree.results.nouns import SERIES, STATES, TEXTS, Nouns
from duree.sequences.encoder import EARLIER_NAMES, ENCODERS, Encoder
from duree.sequences.ragged import Ragged
from duree.sequences.series_encoder import SeriesEncoder
from duree.sequences.state_encoder import StateEncoder
from duree.sequences.text_encoder import TextEncoder
from duree.storage import read_sealed, write_sealed
from duree.tables.columns import as_text, resolve_column
from duree.tables.layouts.covariates import prepend_covariates
from duree.tables.layouts.numeric_series import list_numbers
from duree.tables.layouts.states import join_states
from duree.tables.layouts.step_attributes import with_step_features
from duree.tables.table import Table
from duree.tasks import TASKS, Task
from duree.training.loop import Plan, Progress, train
from duree.training.wide import join, refit_wide, time_for_the_rest, train_wide
from duree.version import __version__

# What version 0.1.0 called parts of networks.
EARLIER_PARTS = {"beside": "step_features", "told": "embeddings", "looks": "word_features"}


@dataclass(frozen=True)
class TrainedModel:
    """Everything that is needed to answer for a new row, and nothing else.

    Attributes
    ----------
    network : SequenceModel or JoinedModel
    encoder : TextEncoder or SeriesEncoder
        The preparation that was fitted on the training rows.
    task : Task
    settings : ModelSettings
        The network's build.
    columns : dict
        Which columns of a table hold what: ``{"text": ..., "target": ...}``.
    extra : dict
        Plain JSON data that is kept with the model: ``states`` or ``series``, the columns of its
        time points, where it reads them side by side; ``spells``, how they were laid out in time,
        or ``channels``, what was measured at each time; and whatever an estimator needs.
    """

    network: nn.Module
    encoder: Encoder
    task: Task
    settings: ModelSettings
    columns: dict[str, str]
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def nouns(self) -> Nouns:
        """What pages call the rows that it reads."""
        return STATES if self.reads_states else SERIES if self.reads_numbers else TEXTS

    @property
    def reads_states(self) -> bool:
        """Whether it reads sequences of states, and not texts."""
        encoder = self.encoder
        if not isinstance(encoder, TextEncoder | StateEncoder):
            return False
        return encoder.settings.segmenter == "states"

    @property
    def reads_columns(self) -> bool:
        """Whether these stand in columns side by side, one for each time point."""
        return "states" in self.extra or "series" in self.extra

    @property
    def reads_numbers(self) -> bool:
        """Whether it reads series of numbers, of which each has an answer."""
        return isinstance(self.encoder, SeriesEncoder)

    @property
    def inputs(self) -> list[str]:
        """The columns that it reads: that of texts or series, or those of the time points;
        covariates.

        Raises
        ------
        DataError
            It forecasts series, and reads no rows.
        """
        if self.task.of_series:
            raise DataError(
                "the network forecasts series, which it reads as whole tables and not row by row",
                fix="use duree predict, duree evaluate or duree serve; the report shows its errors",
            )
        if "series" in self.extra:
            return list(self.extra["series"])
        columns = list(self.extra["states"]) if self.reads_columns else [self.columns["text"]]
        return columns + self.covariates

    @property
    def covariates(self) -> list[str]:
        """The columns that are told before a sequence of states."""
        return list(self.extra.get("covariates", ()))

    @property
    def step_features(self) -> list[str]:
        """What it reads beside each step: the time since the one before, attributes."""
        return list(self.encoder.step_features) if isinstance(self.encoder, StateEncoder) else []

    def has_numbers(self, name: str) -> bool:
        """Whether what stands beside each step by this name are numbers."""
        return (
            isinstance(self.encoder, StateEncoder) and self.encoder.step_features[name].is_ordered
        )

    def texts(self, table: Table) -> pl.Series:
        """What the model reads of a table: its texts, or its states told as texts; and what stands
        beside them.

        Raises
        ------
        DataError
            A column that the model was trained on is missing.
        """
        columns = [resolve_column(table, name) for name in self.inputs]
        covariates = columns[len(columns) - len(self.covariates) :]
        named = dict(zip(self.covariates, covariates, strict=True))
        return with_step_features(
            table, prepend_covariates(table, named, self._sequences(table)), self.step_features
        )

    def target(self, table: Table) -> pl.Series:
        """The answers that a table holds, as the task wants them; the sequences themselves, where
        what comes next in them is asked.

        Raises
        ------
        DataError
            The column is missing.
        """
        if self.columns["target"] == self.columns["text"]:
            return self._sequences(table)
        return self.task.read_target(table, self.columns["target"])

    def _sequences(self, table: Table) -> pl.Series:
        """The texts, or states told as texts, without covariates."""
        if "series" in self.extra:
            return list_numbers(table, [resolve_column(table, name) for name in self.inputs])
        if self.reads_columns:
            states = [resolve_column(table, name) for name in self.extra["states"]]
            return join_states(table, states)
        column = resolve_column(table, self.columns["text"])
        if table.frame.schema[column] == pl.List:
            return table.frame[column]
        return as_text(table, column).fill_null("")

    def encode(self, rows: Any) -> Ragged:
        """Texts or arrays as the network reads them where their answers are not known."""
        return self.task.asked(self.encoder.encode(rows))

    def predictions(self, sequences: Ragged) -> NDArray[np.float64]:
        """Probabilities or numbers for encoded rows, float64 [answers, outputs]."""
        return self.task.predictions(scores(self.network, sequences), sequences.lengths)

    def summarise(self, examples: Examples) -> NDArray[np.float64]:
        """What the task keeps of the predictions, [answers, k]; not all are held at once."""
        parts = [
            self.task.summarise(self.predictions(part.sequences), part.answers)
            for part in examples.pieces(self.task.outputs)
        ]
        return np.concatenate(parts) if parts else self.predictions(examples.sequences)

    def parts(self, sequences: Ragged) -> dict[str, NDArray[np.float64]]:
        """What each part of a joined model says by itself; nothing where there is one part."""
        if not isinstance(self.network, JoinedModel):
            return {}
        parts = {"recurrent_part": self.network.deep, "wide_part": self.network.wide}
        return {
            name: self.task.predictions(scores(part, sequences) * share)
            for (name, part), share in zip(parts.items(), self.network.alone.tolist(), strict=True)
        }

    def save(self, folder: Path | str) -> None:
        """Write weights and descriptions into a sealed folder, replacing what is there."""
        description = {
            "duree": __version__,
            "task": {"name": self.task.name, **self.task.to_dict()},
            "encoder": {"kind": _kind(self.encoder), **self.encoder.to_dict()},
            "settings": self.settings.model_dump(),
            "columns": self.columns,
            "extra": self.extra,
        }
        write_sealed(
            Path(folder),
            {
                "model.json": json.dumps(description, ensure_ascii=False).encode(),
                "weights.safetensors": safetensors.torch.save(self.network.state_dict()),
            },
        )

    @classmethod
    def load(cls, folder: Path | str) -> TrainedModel:
        """Read what ``save`` wrote.

        Raises
        ------
        RunError
            The folder is missing, altered, or made by a newer Durée.
        """
        files = read_sealed(Path(folder))
        try:
            description = json.loads(files["model.json"])
            task, encoder = description["task"], description["encoder"]
            settings = ModelSettings(**description["settings"])
            model = cls.build(
                ENCODERS[EARLIER_NAMES.get(encoder["kind"], encoder["kind"])].from_dict(encoder),
                TASKS[task["name"]].from_dict(task),
                settings,
                description["columns"],
                extra=description["extra"],
            )
            weights = _as_now(safetensors.torch.load(files["weights.safetensors"]))
            model.network.load_state_dict(weights)
            if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
                raise ValueError("some weights are no finite numbers")
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise RunError(
                "the model in {folder!r} does not fit together: {reason}",
                fix="train it again: duree fit --recipe RUN/recipe.toml",
                folder=str(folder),
                reason=str(error).splitlines()[0] if str(error) else type(error).__name__,
            ) from None
        model.network.eval()
        return model

    @classmethod
    def of_run(cls, run: Run) -> TrainedModel:
        """The network that a run trained.

        Raises
        ------
        RunError
            It has none yet.
        """
        if not run.has("model"):
            raise RunError(
                "the run {folder!r} has no trained network yet",
                fix="finish it with: duree resume {folder}",
                folder=str(run.folder),
            )
        return cls.load(run.folder / "model")

    @classmethod
    def build(
        cls,
        encoder: Encoder,
        task: Task,
        settings: ModelSettings,
        columns: dict[str, str],
        seed: int = 0,
        extra: dict[str, Any] | None = None,
    ) -> TrainedModel:
        """An untrained network that fits the encoder and the task."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = task.network(settings, encoder)
        return cls(network, encoder, task, settings, columns, extra or {})


def train_model(
    untrained: TrainedModel,
    examples: Examples,
    validation: Examples,
    recipe: Recipe,
    *,
    seed: int,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    history: Path | None = None,
) -> TrainedModel:
    """Train on one set of rows; choose the epoch, and settle how sure it is, on another."""
    task, network = untrained.task, untrained.network
    task, examples, loss = task.distilled(examples, recipe)
    plan = Plan(examples, validation, loss, task.progress, recipe.training, seed, task.epoch_budget)
    if not isinstance(network, JoinedModel):
        train(network, plan, progress, checkpoint, history)
        return replace(untrained, task=_calibrated(task, network, validation))
    marks = task.marks(examples.answers)
    epochs = train_wide(network.wide, plan, marks)
    train(network.deep, time_for_the_rest(plan), progress, checkpoint, history)
    join(network, validation, loss)
    settled = _calibrated(task, network, validation)
    # Only now may the wide part see the validation rows: they have no choice left to decide.
    marks = np.concatenate([marks, task.marks(validation.answers)])
    refit_wide(network.wide, plan, marks, epochs)
    return replace(untrained, task=settled)


def _calibrated(task: Task, network: nn.Module, validation: Examples) -> Task:
    """The task, with what the validation rows say of how sure the scores are."""
    found = scores(network, validation.sequences)
    return task.calibrate(found, validation.targets, *validation.weighed)


def _kind(encoder: Encoder) -> str:
    return next(kind for kind, encoder_class in ENCODERS.items() if type(encoder) is encoder_class)


def load_networks(run: Run) -> list[TrainedModel]:
    """The run's network, then those of other seeds.

    Raises
    ------
    RunError
        It has none yet.
    """
    others = sorted((run.folder / "seeds").glob("*"), key=lambda folder: int(folder.name))
    return [TrainedModel.of_run(run), *map(TrainedModel.load, others)]


def _as_now(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of version 0.1.0 under the names that the network's parts have today."""
    return {
        ".".join(EARLIER_PARTS.get(part, part) for part in name.split(".")): tensor
        for name, tensor in weights.items()
    }
