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

from duree.errors import RunError
from duree.network.batches import Examples
from duree.network.network import Network
from duree.network.scoring import scores
from duree.network.wide import JoinedModel
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.recipe.settings import DataSettings, ModelSettings
from duree.sequences.encoder import EARLIER_NAMES, ENCODERS, Encoder
from duree.sequences.ragged import Ragged
from duree.storage import read_sealed, write_sealed
from duree.tables.layouts.layout import Layout
from duree.tables.layouts.registry import LAYOUTS, layout_of
from duree.tables.table import Table
from duree.tasks import TASKS, Task
from duree.training.loop import Plan, Progress, train
from duree.training.wide import join, refit_wide, time_for_the_rest, train_wide
from duree.version import __version__

# What estimators keep with a model, besides what is known of its layout.
OF_ESTIMATORS = ("parameters", "attributes")
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
    layout : Layout
        What a row of a table is, and how the training table was read.
    extra : dict
        Plain JSON data that is kept with the model: whatever an estimator needs.
    """

    network: Network
    encoder: Encoder
    task: Task
    settings: ModelSettings
    columns: dict[str, str]
    layout: Layout
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> list[str]:
        """The columns that it reads: that of texts or series, or those of the time points;
        covariates.

        Raises
        ------
        DataError
            It forecasts series, and reads no rows.
        """
        return self.layout.inputs

    @property
    def step_features(self) -> list[str]:
        """What it reads of each step besides: the time since the one before, attributes."""
        return list(self.encoder.step_classes)

    def texts(self, table: Table) -> pl.Series:
        """What the model reads of each row of a table; see ``Layout.sequences``.

        Raises
        ------
        DataError
            A column that the model was trained on is missing.
        """
        return self.layout.sequences(table, self.step_features)

    def target(self, table: Table) -> pl.Series:
        """The answers that a table holds, as the task wants them; the sequences themselves, where
        the next of their steps is predicted.

        Raises
        ------
        DataError
            The column is missing.
        """
        if self.columns["target"] == self.columns["text"]:
            return self.layout.plain(table)
        return self.task.read_target(table, self.columns["target"])

    def encode(self, rows: Any) -> Ragged:
        """Texts or arrays as the network reads them."""
        return self.encoder.encode(rows)

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
            "layout": self.layout.name,
            "extra": {**self.layout.reading, **self.extra},
        }
        write_sealed(
            Path(folder),
            {
                "model.json": json.dumps(description, ensure_ascii=False).encode(),
                "weights.safetensors": safetensors.torch.save(self.network.state_dict()),
            },
        )

    @classmethod
    def load(cls, folder: Path | str, data: DataSettings | None = None) -> TrainedModel:
        """Read what ``save`` wrote.

        ``data`` are the run's settings, which say how tables of several rows a sequence are read.

        Raises
        ------
        RunError
            The folder is missing, altered, or made by a newer Durée.
        """
        files = read_sealed(Path(folder))
        try:
            description = json.loads(files["model.json"])
            task, encoder = description["task"], description["encoder"]
            extra = description["extra"]
            settings = ModelSettings(**description["settings"])
            model = cls.build(
                ENCODERS[EARLIER_NAMES.get(encoder["kind"], encoder["kind"])].from_dict(encoder),
                TASKS[task["name"]].from_dict(task),
                settings,
                description["columns"],
                _layout(description, data),
                extra=_of_estimator(extra),
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
        return cls.load(run.folder / "model", run.recipe.data)

    @classmethod
    def build(
        cls,
        encoder: Encoder,
        task: Task,
        settings: ModelSettings,
        columns: dict[str, str],
        layout: Layout,
        seed: int = 0,
        extra: dict[str, Any] | None = None,
    ) -> TrainedModel:
        """An untrained network that fits the encoder and the task."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = task.network(settings, encoder)
        return cls(network, encoder, task, settings, columns, layout, extra or {})


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
    task, examples, criterion = task.prepare_training(examples, recipe)
    plan = Plan(
        examples, validation, criterion, task.progress, recipe.training, seed, task.epoch_budget
    )
    if not isinstance(network, JoinedModel):
        train(network, plan, progress, checkpoint, history)
        return replace(untrained, task=_calibrated(task, network, validation))
    explanation = task.explanation
    assert explanation is not None  # as for every network with a wide part
    indicators = explanation.indicators(examples.answers)
    epochs = train_wide(network.wide, plan, indicators)
    train(network.deep, time_for_the_rest(plan), progress, checkpoint, history)
    join(network, validation, criterion)
    calibrated = _calibrated(task, network, validation)
    # Only now may the wide part see the validation rows: they have no choice left to decide.
    indicators = np.concatenate([indicators, explanation.indicators(validation.answers)])
    refit_wide(network.wide, plan, indicators, epochs)
    return replace(untrained, task=calibrated)


def _calibrated(task: Task, network: Network, validation: Examples) -> Task:
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


def _of_estimator(extra: dict[str, Any]) -> dict[str, Any]:
    """What an estimator keeps; nothing of a run, whose events may have attributes too."""
    return {name: extra[name] for name in OF_ESTIMATORS} if "parameters" in extra else {}


def _layout(description: dict[str, Any], data: DataSettings | None) -> Layout:
    """What rows of tables are, by what a saved model says of it."""
    columns, extra = description["columns"], description["extra"]
    own = _of_estimator(extra)
    reading = {name: value for name, value in extra.items() if name not in own}
    known = {role: columns[role] for role in ("text", "target") if role in columns}
    if data is None:
        data = DataSettings(**known, **{"states": reading["states"]} if "states" in reading else {})
    if "layout" in description:
        return LAYOUTS[description["layout"]](data, reading)
    # Version 0.1.0 did not say it.
    among = [LAYOUTS[name] for name in TASKS[description["task"]["name"]].layouts]
    return layout_of(data, among)(data, reading)


def _as_now(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of version 0.1.0 under the names that the network's parts have today."""
    return {
        ".".join(EARLIER_PARTS.get(part, part) for part in name.split(".")): tensor
        for name, tensor in weights.items()
    }
