"""Tuning: recipes are tried on training rows and compared on validation rows.

The recipe without any search is trial 0. The test set stays closed: trials end when their network
is trained, and only the run of the best one is evaluated.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import TypeAdapter, ValidationError

from duree.errors import RunError, TrainingError, translate
from duree.evaluation.evaluate import evaluate_models
from duree.network.scoring import scores
from duree.pipeline.dataset import Dataset
from duree.pipeline.encode import encode
from duree.pipeline.listener import Listener
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.pipeline.search import Search, Stopper
from duree.pipeline.seeds import train
from duree.pipeline.training_sets import training_sets
from duree.recipe.recipe import Recipe
from duree.recipe.space import Space, default_space, read_space, value_of
from duree.report.run_folder import RunFolder
from duree.results.metrics_file import NETWORK, Comparison
from duree.results.tuning import Trial, TuningFacts
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import Ragged
from duree.storage import write_file
from duree.training.plan import Progress

STANDING = (
    "{watched} {value:.4g}; the best so far: {best:.4g}, trial {number}; about {left:.0f} min left"
)
FILE, TABLE, DEFAULT = "tuning.json", "trials.csv", "trial_0"


@dataclass
class OpenTrial:
    """A trial that is under way: its run, and the listener that may stop it.

    Of the listener of the search it passes on the training alone.
    """

    number: int
    run: Run
    settings: dict[str, Any]
    stopper: Stopper
    listener: Listener
    began: float = field(default_factory=time.monotonic)

    def title(self, trials: int) -> str:
        """Its number and its settings, as a sentence."""
        if not self.number:
            return translate("Trial 0 of {last}: the recipe as it is").format(last=trials - 1)
        settings = ", ".join(f"{name} = {_short(value)}" for name, value in self.settings.items())
        return translate("Trial {number} of {last}: {settings}").format(
            number=self.number, last=trials - 1, settings=settings
        )

    def step(self, name: str) -> None:
        """Ignored."""

    def message(self, message: str) -> None:
        """Ignored."""

    def training(self, seed: int, watched: str) -> Progress:
        """The listener of its training."""
        self.stopper.listener = self.listener.training(seed, watched)
        return self.stopper


@dataclass
class Tuning:
    """A search for a recipe in a folder: ``tuning.json``, ``trials.csv`` and ``trials/NUMBER``."""

    folder: Path
    recipe: Recipe
    facts: TuningFacts
    search: Search

    @classmethod
    def open(cls, folder: Path, recipe: Recipe, space: Space, trials: int) -> Tuning:
        """Begin a search, or continue one, perhaps with more trials.

        Raises
        ------
        RunError
            The folder holds something else, or a search of another recipe, seed or space.
        """
        recipe = recipe.replace({"evaluation.seeds": 1})
        facts = TuningFacts(wanted=trials, seed=recipe.seed, space=_plain(space))
        tuning = cls(folder, recipe, facts, Search(space, recipe.seed))
        if (folder / FILE).exists() and not (folder / "recipe.toml").exists():
            tuning._continue_from(read_facts(folder))
        elif folder.exists() and any(folder.iterdir()):
            raise RunError(
                "{folder!r} is not empty",
                fix="name a new folder with --out",
                folder=str(folder),
            )
        folder.mkdir(parents=True, exist_ok=True)
        tuning._write()
        return tuning

    def left(self, listener: Listener, minutes: float | None) -> Iterator[OpenTrial]:
        """The trials that are not done, one after the other, as long as time allows."""
        for number in range(len(self.facts.trials), self.facts.wanted):
            spent = sum(trial.seconds for trial in self.facts.trials)
            if minutes is not None and number and spent > 60 * minutes:
                return
            asked, settings = self.search.ask() if number else (None, {})
            stopper, folder = Stopper(asked), self._of_trial(number)
            if (folder / "recipe.toml").is_file():
                run = Run(folder)
                for record in RunFolder(folder).history() if run.has("history.jsonl") else []:
                    stopper.add(record)
            else:
                run = Run.create(folder, self.recipe.replace(settings))
            yield OpenTrial(number, run, settings, stopper, listener)

    def record(self, trial: OpenTrial, model: TrainedModel | None, value: float | str) -> Trial:
        """Note the result of a trial: its network and its value, or None and why it failed."""
        failed = model is None
        done = Trial(
            number=trial.number,
            settings=trial.settings,
            value=None if isinstance(value, str) else value,
            curve=tuple(trial.stopper.curve),
            seconds=time.monotonic() - trial.began,
            ending="failed" if failed else "stopped" if trial.stopper.stopped else "finished",
            reason=value if isinstance(value, str) else "",
        )
        if trial.stopper.trial is not None:
            self.search.close(trial.stopper.trial, done)
        found: dict[str, Any] = {"trials": (*self.facts.trials, done)}
        if model is not None:
            watched = model.task.watched
            found |= {"watched": watched.title, "better": watched.better}
        self.facts = self.facts.model_copy(update=found)
        self._write()
        return done

    def standing(self, done: Trial) -> str:
        """The result of a trial beside the best one so far, and the time that is left."""
        if done.value is None:
            return translate("failed: {reason}").format(reason=done.reason)
        if done.ending == "stopped":
            return translate("stopped: it was behind half of the trials before it")
        facts, (value, number) = self.facts, max(self._finished())
        seconds = sum(one.seconds for one in facts.trials) / len(facts.trials)
        left = seconds * (facts.wanted - len(facts.trials)) / 60
        return translate(STANDING).format(
            watched=translate(facts.watched),
            value=facts.better * done.value,
            best=facts.better * value,
            number=-number,
            left=left,
        )

    def best(self) -> Run:
        """The run of the best finished trial.

        Raises
        ------
        TrainingError
            Every trial failed.
        """
        finished = self._finished()
        if not finished:
            raise TrainingError(
                "every trial failed, trial 0 with: {reason}",
                fix="correct the recipe first, with duree fit",
                reason=self.facts.trials[0].reason,
            )
        number = -max(finished)[1]
        self.facts = self.facts.model_copy(update={"best": number})
        return Run(self._of_trial(number))

    def _finished(self) -> list[tuple[float, int]]:
        """The value and minus the number of each finished trial; the largest pair is the best."""
        return [
            (trial.value, -trial.number)
            for trial in self.facts.trials
            if trial.ending == "finished" and trial.value is not None
        ]

    def describe(self, dataset: Dataset) -> None:
        """Compare the best trial with trial 0, and write what the report states into its run."""
        best, default = (Run(self._of_trial(number)) for number in (self.facts.best or 0, 0))
        comparison = compare_on_validation(dataset, best, default) if self.facts.best else None
        if comparison is not None:
            others = len(self.facts.trials) - 1
            compared = {name: getattr(comparison, name) for name in ("difference", "low", "high")}
            compared |= {"metric": comparison.metric}
            compared["p_value"] = min(1.0, others * comparison.p_value)
            self.facts = self.facts.model_copy(update=compared)
        self._write()
        best.write_json(FILE, self.facts)

    def _of_trial(self, number: int) -> Path:
        return self.folder / "trials" / str(number)

    def _continue_from(self, found: TuningFacts) -> None:
        now, first = self.facts, self._of_trial(0)
        same = (found.seed, found.space) == (now.seed, now.space)
        if first.exists():
            same &= Run(first).recipe.model_dump() == self.recipe.model_dump()
        if not same:
            raise RunError(
                "{folder!r} holds a search of another recipe, seed or space",
                fix="repeat the command that began it, or name a new folder with --out",
                folder=str(self.folder),
            )
        for trial in found.trials[1:]:
            self.search.repeat(trial)
        self.facts = found.model_copy(update={"wanted": max(found.wanted, now.wanted)})

    def _write(self) -> None:
        write_file(self.folder / FILE, self.facts.model_dump_json(indent=1).encode())
        if self.facts.trials:
            rows = [self._row(trial) for trial in self.facts.trials]
            table = pl.DataFrame(rows, infer_schema_length=None, strict=False)
            write_file(self.folder / TABLE, table.write_csv().encode())

    def _row(self, trial: Trial) -> dict[str, Any]:
        """The line of a trial in the table."""
        settings = {name: value_of(self.recipe, name) for name in self.facts.space}
        return {
            "trial": trial.number,
            "validation": None if trial.value is None else self.facts.better * trial.value,
            "epochs": len(trial.curve),
            "seconds": round(trial.seconds, 1),
            "ending": trial.ending,
            **(settings | trial.settings),
        }


def tried(
    dataset: Dataset,
    folder: Path,
    trials: int,
    space: Path | str | None,
    minutes: float | None,
    listener: Listener,
) -> Run:
    """Carry out the trials that are left, and return the run of the best one."""
    recipe = dataset.recipe
    searched = read_space(space, recipe) if space else default_space(recipe, dataset.task.tuned)
    tuning = Tuning.open(folder, recipe, searched, trials)
    for trial in tuning.left(listener, minutes):
        listener.message(trial.title(trials))
        with trial.run.locked():
            done = tuning.record(trial, *_carried_out(trial, dataset))
        listener.message(tuning.standing(done))
    best = tuning.best()
    tuning.describe(dataset)
    return best


def _carried_out(trial: OpenTrial, dataset: Dataset) -> tuple[TrainedModel | None, float | str]:
    """The network of a trial and its validation metric, or None and why its training failed."""
    of_trial = replace(dataset, recipe=trial.run.recipe)
    encoder, sequences = encode(trial.run, of_trial)
    try:
        model = train(trial.run, of_trial, encoder, sequences, trial)[0]
    except TrainingError as error:
        return None, error.message()
    return model, validation_value(of_trial, model, encoder, sequences)


def validation_value(
    dataset: Dataset, model: TrainedModel, encoder: Encoder, sequences: Ragged
) -> float:
    """The watched metric of a trained model on the validation rows; higher is better."""
    task, _, validation = training_sets(dataset, encoder, sequences)
    watched = task.watched_rows(validation)
    found = scores(model.network, watched.sequences)
    return float(model.task.progress(found, watched.targets, *watched.weighed))


def compare_on_validation(dataset: Dataset, best: Run, default: Run) -> Comparison | None:
    """The best trial minus trial 0 in the primary metric, by its title, on the validation rows."""
    rows, found = dataset.split.validation, {}
    texts, target = dataset.texts.gather(rows), dataset.target.gather(rows)
    for name, run in ((NETWORK, best), (DEFAULT, default)):
        model = TrainedModel.of_run(run)
        examples = model.task.examples(model.encode(texts), target)
        found[name] = model.summarise(examples)
    groups = None if dataset.groups is None else dataset.groups[rows]
    weights = None if dataset.weights is None else examples.each(dataset.weights[rows])
    evaluation = evaluate_models(
        found,
        model.task.answers(examples),
        model.task.metrics,
        groups=examples.units(groups),
        weights=weights,
        resamples=dataset.recipe.evaluation.bootstrap,
        seed=dataset.recipe.seed,
    )
    title = model.task.metrics[evaluation.primary].title
    compared = (one for one in evaluation.comparisons if one.metric == evaluation.primary)
    return next((replace(one, metric=title) for one in compared), None)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _plain(space: Space) -> dict[str, Any]:
    """The space as JSON reads it back."""
    found: dict[str, Any] = json.loads(TypeAdapter(Any).dump_json(dict(space)))
    return found


def read_facts(folder: Path) -> TuningFacts:
    """What is known of a search in its folder.

    Raises
    ------
    RunError
        Its file is missing or damaged.
    """
    path = folder / FILE
    try:
        return TuningFacts.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise RunError(
            "{path!r} is damaged", fix="begin a new search, in another folder", path=str(path)
        ) from None
