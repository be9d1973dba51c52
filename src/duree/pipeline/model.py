"""TrainedModel: a network with its encoder, task and layout."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import safetensors.torch
import torch
from numpy.typing import NDArray

from duree.errors import DataError, RunError, command
from duree.evaluation.decision import Decision
from duree.forked import uses_threads
from duree.network.batches import Examples
from duree.network.network import Network
from duree.network.wide import of_version_0_1
from duree.pipeline.model_file import (
    INVALID,
    Description,
    not_fitting,
    require_estimator,
    require_shapes,
)
from duree.pipeline.parts import read_part_decisions
from duree.pipeline.run import Run
from duree.recipe.settings import DataSettings, ModelSettings
from duree.results.metrics_file import NETWORK
from duree.sequences.encoder import EARLIER_NAMES, ENCODERS, Encoder
from duree.sequences.ragged import Ragged
from duree.storage import read_sealed, seal_of, write_sealed
from duree.tables.layouts.layout import Layout
from duree.tables.layouts.registry import LAYOUTS, layout_of
from duree.tables.table import Table
from duree.tasks import TASKS, Task
from duree.version import __version__

# The keys that estimators add to ``extra``, besides those of the layout.
OF_ESTIMATORS = ("parameters", "attributes")
# Names of parts of networks in version 0.1.0.
EARLIER_PARTS = {"beside": "step_features", "told": "embeddings", "looks": "word_features"}


@dataclass(frozen=True)
class TrainedModel:
    """A network with all that is needed to predict new rows.

    Attributes
    ----------
    network : Network
    encoder : Encoder
        Fitted on the training rows.
    task : Task
    settings : ModelSettings
        The settings of the network.
    columns : dict
        The columns of a table by role: ``{"text": ..., "target": ...}``.
    layout : Layout
        The layout of tables, and how the training table was read.
    extra : dict
        Plain JSON data of an estimator, stored with the model.
    part_decisions : {part: Decision}
        Those of the parts of a joined model alone, if the user names a metric of decisions.
    """

    network: Network
    encoder: Encoder
    task: Task
    settings: ModelSettings
    columns: dict[str, str]
    layout: Layout
    extra: dict[str, Any] = field(default_factory=dict)
    part_decisions: dict[str, Decision] = field(default_factory=dict)

    @property
    def inputs(self) -> list[str]:
        """The columns of inputs: texts, series or time points; then covariates.

        Raises
        ------
        DataError
            The network forecasts, and reads whole series.
        """
        return self.layout.inputs

    @property
    def step_features(self) -> list[str]:
        """The names of the step features: the time since the previous event, attributes."""
        return list(self.encoder.step_classes)

    def texts(self, table: Table) -> pl.Series:
        """The inputs of the rows of a table; see ``Layout.sequences``.

        Raises
        ------
        DataError
            A column that the model was trained on is missing.
        """
        return self.layout.sequences(table, self.step_features)

    def target(self, table: Table) -> pl.Series:
        """The targets in a table, as read by the task; the sequences themselves if their next steps
        are predicted.

        Raises
        ------
        DataError
            The column is missing.
        """
        if self.columns["target"] == self.columns["text"]:
            return self.layout.plain(table)
        return self.task.read_target(table, self.columns["target"])

    def encode(self, rows: Any) -> Ragged:
        """Rows as encoded sequences."""
        uses_threads("torch", torch.get_num_threads())
        if isinstance(rows, pl.Series):
            uses_threads("polars")
        return self.encoder.encode(rows)

    def predictions(self, sequences: Ragged) -> NDArray[np.float64]:
        """Probabilities or numbers for encoded rows, float64 [targets, outputs]."""
        return self.task.predict(self.network, sequences)

    def alternatives(
        self, sequences: Ragged, predictions: NDArray[np.float64], count: int
    ) -> list[pl.Series]:
        """The columns of ``count`` outputs of each row without the first, that in ``predictions``.

        Raises
        ------
        DataError
            The task has one prediction for each row, without alternatives.
        """
        found = self.task.alternatives(self.network, sequences, predictions, count)
        if found is None:
            raise no_alternatives()
        return found

    def summarise(self, examples: Examples) -> NDArray[np.float64]:
        """``Task.summarise`` of the predictions, [targets, k]; computed in pieces."""
        parts = [
            self.task.summarise(self.predictions(part.sequences), self.task.answers(part))
            for part in examples.pieces(self.task.outputs)
        ]
        return np.concatenate(parts) if parts else self.predictions(examples.sequences)

    def parts(self, examples: Examples) -> dict[str, NDArray[np.float64]]:
        """What ``summarise`` gives, of each part of a joined model alone; empty for others."""
        found = self.task.parts(self.network, examples.sequences)
        answers = self.task.answers(examples) if found else np.zeros(0)
        return {name: self._summarised(name, one, answers) for name, one in found.items()}

    @property
    def decisions(self) -> dict[str, Decision]:
        """The decisions of the network and of its parts, if the user names a metric of them."""
        own = self.task.decision
        return {} if own is None else {NETWORK: own, **self.part_decisions}

    def of_part(self, name: str, found: NDArray[np.float32]) -> NDArray[np.float64]:
        """What ``summarise`` gives, from the scores of a part that has one target for each row."""
        return self._summarised(name, self.task.predictions(found), np.zeros(0))

    def _summarised(
        self, name: str, predictions: NDArray[np.float64], answers: NDArray[Any]
    ) -> NDArray[np.float64]:
        decision = self.part_decisions.get(name, self.task.decision)
        if decision is None:
            return self.task.summarise(predictions, answers)
        return decision.joined(predictions)

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
        if self.part_decisions:
            offsets = {name: one.offsets for name, one in self.part_decisions.items()}
            description["part_offsets"] = offsets
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

        ``data`` are the run's settings, needed for layouts with several rows per sequence.

        Raises
        ------
        RunError
            The folder is missing, altered, or written by a newer version of Durée.
        """
        uses_threads("torch", torch.get_num_threads())
        files = read_sealed(Path(folder))
        try:
            description = Description.read(files["model.json"])
            settings = ModelSettings(**description.settings)
            kind = str(description.encoder["kind"])
            encoder = ENCODERS[EARLIER_NAMES.get(kind, kind)].from_dict(description.encoder)
            task = TASKS[description.task["name"]].from_dict(description.task)
            task = task.with_encoder(encoder)
            weights = _as_now(safetensors.torch.load(files["weights.safetensors"]))
            if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
                raise ValueError("some weights are no finite numbers")
            decisions = read_part_decisions(task, description.part_offsets)
            require_estimator(description.extra, len(task.classes))
            build = partial(
                cls.build,
                encoder,
                task,
                settings,
                description.columns,
                _layout(description, data),
                extra=_of_estimator(description.extra),
            )
            require_shapes(weights, settings.num_layers, lambda: build().network)
            model = build()
            model.network.load_state_dict(weights)
        except INVALID as error:
            raise not_fitting(folder, error) from None
        model.network.eval()
        return replace(model, part_decisions=decisions)

    @classmethod
    def of_run(cls, run: Run) -> TrainedModel:
        """The network that a run trained.

        Raises
        ------
        RunError
            It has none yet, or ``metrics.json`` describes another.
        """
        if not run.has("model"):
            raise RunError(
                "the run {folder!r} has no trained network yet",
                fix="finish it with: {command}",
                command=command("duree", "resume", run.folder),
                folder=str(run.folder),
            )
        model = cls.load(run.folder / "model", run.recipe.data)
        _require_described(run)
        return model

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
        """A model with an untrained network for the encoder and the task."""
        uses_threads("torch", torch.get_num_threads())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = task.network(settings, encoder)
        return cls(network, encoder, task, settings, columns, layout, extra or {})


def no_alternatives() -> DataError:
    """The error where a network has no alternatives to its predictions."""
    return DataError(
        "several outputs for each row are for networks that write sequences (task = transduce)",
        fix="leave --nbest out",
    )


def _kind(encoder: Encoder) -> str:
    return next(kind for kind, encoder_class in ENCODERS.items() if type(encoder) is encoder_class)


def load_networks(run: Run) -> list[TrainedModel]:
    """The run's network, then those of other seeds.

    Raises
    ------
    RunError
        It has none yet.
    """
    of_seeds = (path for path in (run.folder / "seeds").glob("*") if path.name.isdecimal())
    others = sorted(of_seeds, key=lambda folder: int(folder.name))
    return [TrainedModel.of_run(run), *map(TrainedModel.load, others)]


def _require_described(run: Run) -> None:
    """Refuse a network that is not the one whose figures are in the run's ``metrics.json``."""
    if not run.has("metrics.json"):
        return
    metrics = run.read_json("metrics.json")
    named = metrics.get("manifest") if isinstance(metrics, dict) else None
    if named is not None and named != seal_of(run.folder / "model"):
        raise RunError(
            "the model in {folder!r} is not the one that its metrics.json describes",
            fix="copy the whole run folder again from where it was made",
            folder=str(run.folder),
        )


def _of_estimator(extra: dict[str, Any]) -> dict[str, Any]:
    """The keys of an estimator; none for runs, whose layouts may also have ``attributes``."""
    return {name: extra[name] for name in OF_ESTIMATORS} if "parameters" in extra else {}


def _layout(description: Description, data: DataSettings | None) -> Layout:
    """The layout of a saved model."""
    columns, extra = description.columns, description.extra
    own = _of_estimator(extra)
    reading = {name: value for name, value in extra.items() if name not in own}
    known = {role: columns[role] for role in ("text", "target") if role in columns}
    if data is None:
        data = DataSettings(**known, **{"states": reading["states"]} if "states" in reading else {})
    if description.layout is not None:
        return LAYOUTS[description.layout](data, reading)
    # Models of version 0.1.0 have no key "layout".
    among = [LAYOUTS[name] for name in TASKS[description.task["name"]].layouts]
    return layout_of(data, among)(data, reading)


def _as_now(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of version 0.1.0 under the current names."""
    named = {
        ".".join(EARLIER_PARTS.get(part, part) for part in name.split(".")): tensor
        for name, tensor in weights.items()
    }
    if (ratios := named.pop("wide.scale", None)) is None:
        return named
    wide = of_version_0_1(named["wide.weight"], ratios, len(named["deep.embedding.weight"]))
    return named | {f"wide.{name}": tensor for name, tensor in wide.items()}
