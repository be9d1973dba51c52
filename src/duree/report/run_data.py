"""RunData: everything that a report tells, read from a run folder and checked on the way in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import polars as pl
from pydantic import TypeAdapter, ValidationError

from duree.errors import RunError
from duree.recipe.recipe import Recipe
from duree.report.vocabulary import Words
from duree.results.explanations import Explanations
from duree.results.run_files import (
    Bin,
    Check,
    DataFacts,
    Epoch,
    ForecastFacts,
    Metrics,
    Simulation,
    SplitData,
    StateFacts,
    StepFeature,
    WaitFacts,
    is_part,
)
from duree.results.series import ChannelFacts
from duree.results.tags import TagFacts

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RunData:
    """A finished run.

    Attributes
    ----------
    name : str
        The run folder's own name.
    recipe : Recipe
    metrics : Metrics
    checks : list of Check
    split : SplitData
    data : DataFacts
    history : list of Epoch
    predictions : polars.DataFrame [test rows]
        Input columns, then ``prediction`` and, for classes, one ``probability_<class>`` each.
    baselines : polars.DataFrame or None
        ``row`` (place among the test rows), ``model`` and ``prediction``.
    calibration : dict
        ``{model: bins}``; empty where there are no classes.
    explanations : Explanations or None
        None where the run was made before there were any.
    states : StateFacts or None
        None where the rows are no sequences of states.
    channels : ChannelFacts or None
        None where the rows are no series of numbers.
    simulation : Simulation or None
        What more than one step ahead was foretold, where it was.
    beside : dict
        What was read beside each event, by its column: ``{name: Beside}``.
    waits : WaitFacts or None
        How well waiting times of events were told, where they have times.
    forecasts : ForecastFacts or None
        None where the run forecasts no series.
    tags : TagFacts or None
        None where the words are not tagged.
    """

    name: str
    recipe: Recipe
    metrics: Metrics
    checks: list[Check]
    split: SplitData
    data: DataFacts
    history: list[Epoch]
    predictions: pl.DataFrame
    baselines: pl.DataFrame | None
    calibration: dict[str, list[Bin]]
    explanations: Explanations | None
    states: StateFacts | None = None
    channels: ChannelFacts | None = None
    simulation: Simulation | None = None
    waiting_times: WaitFacts | None = None
    step_features: dict[str, StepFeature] = field(default_factory=dict)
    forecasts: ForecastFacts | None = None
    tags: TagFacts | None = None

    def words(self, language: str) -> Words:
        """What its pages say, in a language."""
        data = self.recipe.data
        if data.reads_numbers:
            return Words(language, numbers=True)
        if self.forecasts is not None:
            return Words(language, forecasts=True)
        return Words(language, data.reads_states, self.answers_steps, data.token is not None)

    @property
    def reads(self) -> str | None:
        """What the network reads, as the user named it."""
        data = self.recipe.data
        if data.reads_states:
            states = (*data.states, *filter(None, [data.state]), *data.event)
            return ", ".join((*states, *data.attribute))
        return ", ".join(data.series) if data.reads_numbers else self.column("text")

    @property
    def answers_steps(self) -> bool:
        """Whether it is steps of sequences that are right or wrong."""
        return self.metrics.counted == "steps"

    @property
    def answers(self) -> int:
        """How many answers the figures rest on."""
        return len(self.predictions)

    @property
    def test_rows(self) -> int:
        """How many rows, or tagged words, the figures rest on."""
        return self.metrics.rows["test"] if self.tags is None else self.tags.tokens

    @property
    def classes(self) -> list[str]:
        """The classes that were to be told apart; none where the target is a number."""
        names = self.predictions.columns
        if "prediction" not in names or self.tags is not None:
            return []
        last = len(names) - 1 - names[::-1].index("prediction")
        prefix = "probability_"
        named = [name[len(prefix) :] for name in names[last + 1 :] if name.startswith(prefix)]
        if named or not self.answers_steps:
            return named
        # Of many states only the likeliest has its probability told.
        answers = self.predictions[self.target_column()].cast(pl.String)
        return answers.drop_nulls().unique().sort().to_list()

    @property
    def is_multilabel(self) -> bool:
        """Whether a row may have several labels."""
        return bool(self.classes) and self.recipe.data.label_separator is not None

    @property
    def best_epoch(self) -> Epoch | None:
        """The epoch whose weights were kept: best figure, then lowest validation loss."""
        return max(self.history, key=lambda e: (e.metric, -e.validation_loss), default=None)

    def ranked(self, metric: str) -> list[str]:
        """Models that have this figure, the best first; then the network's parts."""
        return self.metrics.ranked(metric)

    @property
    def strongest_baseline(self) -> str | None:
        """The baseline that did best by the primary metric."""
        return self.metrics.strongest_baseline

    @staticmethod
    def is_part(model: str) -> bool:
        """Whether the model is a part of the network that was judged by itself too."""
        return is_part(model)

    def column(self, role: str) -> str | None:
        """The column that plays ``role`` (``text``, ``target``, ``id``), where it is there."""
        wanted: str | None = getattr(self.recipe.data, role)
        if wanted is None or wanted in self.predictions.columns:
            return wanted
        alike = [c for c in self.predictions.columns if c.strip().casefold() == wanted.casefold()]
        return alike[0] if alike else None

    def target_column(self) -> str:
        """The target's column.

        Raises
        ------
        RunError
            The predictions do not hold it.
        """
        name = self.column("target") if self.tags is None else ", ".join(self.tags.layers)
        if name is None:
            raise RunError(
                "the run {run!r} has no target among its predictions",
                fix="start a new run",
                run=self.name,
            )
        return name


def load_run(folder: Path | str) -> RunData:
    """Read a finished run folder.

    Raises
    ------
    RunError
        A file is missing, cannot be read, or does not hold what it should.
    """
    folder = Path(folder)
    recipe = Recipe.read(_existing(folder, "recipe.toml"))
    calibration = _bytes(folder, "calibration.json", optional=True) or b"{}"
    return RunData(
        name=folder.resolve().name,
        recipe=recipe,
        metrics=_parse(Metrics, folder, "metrics.json"),
        checks=_parse(list[Check], folder, "checks.json"),
        split=_parse(SplitData, folder, "split.json"),
        data=_parse(DataFacts, folder, "data.json"),
        history=read_history(folder),
        predictions=_table(folder, "predictions.parquet"),
        baselines=_table(folder, "baselines.parquet", ["row", "model", "prediction"])
        if (folder / "baselines.parquet").exists()
        else None,
        calibration=_validate(dict[str, list[Bin]], folder, "calibration.json", calibration),
        explanations=_parse_if_there(Explanations, folder, "explanations.json"),
        states=_parse_if_there(StateFacts, folder, "states.json"),
        channels=_parse_if_there(ChannelFacts, folder, "channels.json"),
        simulation=_parse_if_there(Simulation, folder, "simulation.json", "further.json"),
        waiting_times=_parse_if_there(WaitFacts, folder, "waiting_times.json", "waits.json"),
        step_features=_parse_if_there(
            dict[str, StepFeature], folder, "step_features.json", "beside.json"
        )
        or {},
        forecasts=_parse_if_there(ForecastFacts, folder, "forecasts.json"),
        tags=_parse_if_there(TagFacts, folder, "tags.json"),
    )


def read_history(folder: Path) -> list[Epoch]:
    """The epochs of a run that are done; none before the first.

    Raises
    ------
    RunError
        The file cannot be read, or does not hold what it should.
    """
    content = _bytes(folder, "history.jsonl", optional=True) or b""
    lines = (line for line in content.splitlines() if line.strip())
    return [_validate(Epoch, folder, "history.jsonl", line) for line in lines]


def _existing(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise RunError(
            "{folder!r} holds no {name}, which a finished run has",
            fix="finish the run with: duree resume {folder}",
            folder=str(folder),
            name=name,
        )
    return path


def _bytes(folder: Path, name: str, *, optional: bool = False) -> bytes | None:
    if optional and not (folder / name).exists():
        return None
    try:
        return _existing(folder, name).read_bytes()
    except OSError as error:
        raise _unreadable(folder, name, error.strerror or str(error)) from None


def _parse(kind: type[T], folder: Path, name: str) -> T:
    return _validate(kind, folder, name, _bytes(folder, name) or b"")


def _parse_if_there(kind: type[T], folder: Path, *names: str) -> T | None:
    """What a file holds, by its name or by those that it had in earlier versions."""
    there = (name for name in names if (folder / name).exists())
    return next((_parse(kind, folder, name) for name in there), None)


def _validate(kind: type[T], folder: Path, name: str, content: bytes) -> T:
    try:
        return TypeAdapter(kind).validate_python(json.loads(content))
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise _unreadable(folder, name, f"{where}: {fault['msg'].lower()}") from None
    except (ValueError, RecursionError) as error:
        raise _unreadable(folder, name, str(error)) from None


def _table(folder: Path, name: str, columns: list[str] | None = None) -> pl.DataFrame:
    try:
        return pl.read_parquet(_existing(folder, name), columns=columns)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _unreadable(folder, name, str(error).partition("\n")[0]) from None


def _unreadable(folder: Path, name: str, reason: str) -> RunError:
    return RunError(
        "{name} of the run {folder!r} cannot be read: {reason}",
        fix="copy the run folder again from where it was made, or start a new run",
        folder=str(folder),
        name=name,
        reason=reason,
    )
