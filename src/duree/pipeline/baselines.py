"""Baselines of a run: trained on its training rows, with predictions for its test rows.

A trained baseline is stored in the run folder, so that an interrupted run does not train it again.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from duree.baselines import Baseline, LabelBaseline
from duree.baselines.targets import CaseWeights
from duree.baselines.time_limit import OutOfTime, current_limit, time_limit
from duree.errors import translate, user_language
from duree.evaluation.decision import Decision
from duree.network.batches import Examples
from duree.pipeline.dataset import Dataset
from duree.pipeline.listener import Listener
from duree.pipeline.run import Run
from duree.report.methods.baselines import left_out_sentence
from duree.report.numbers import seconds
from duree.report.vocabulary import Words
from duree.results.baseline import LeftOut
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import Ragged
from duree.storage import is_sealed, read_sealed, write_sealed
from duree.tasks import Task

# An expected time from this many seconds on is reported.
WORTH_SAYING = 60.0


@dataclass(frozen=True)
class FittedBaseline:
    """A trained baseline.

    Attributes
    ----------
    name, title, description : str
        As of ``Baseline``.
    predictions : float64 [answers, k]
        For the test rows, as ``Task.summarise`` gives them.
    fit_seconds : float
    choices : dict
        Settings chosen on the validation set, with their values.
    notes : list of str
        What a reader must know, such as a forest that was stopped early.
    decision : {class: float}
        Its offset (of a label: threshold), if the user names a metric of decisions.
    """

    name: str
    predictions: NDArray[np.float64]
    fit_seconds: float
    choices: dict[str, JsonValue]
    notes: list[str]
    title: str = ""
    description: str = ""
    decision: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainedBaselines:
    """The baselines of a run.

    Attributes
    ----------
    fitted : list of FittedBaseline
    left_out : {name: LeftOut}
        Those that would have taken longer than the time limit.
    """

    fitted: list[FittedBaseline]
    left_out: dict[str, LeftOut]


def fit_baselines(
    run: Run,
    dataset: Dataset,
    encoder: Encoder,
    sequences: Ragged,
    task: Task,
    listener: Listener,
) -> TrainedBaselines:
    """Train every baseline of the task on the rows that the network was trained on.

    One that would take longer than ``training.max_minutes`` is left out.
    """
    recipe, split = dataset.recipe, dataset.split
    trained = TrainedBaselines([], {})
    if not recipe.evaluation.baselines:
        return trained
    # A forecasting baseline is fitted to the past of each series, which the test rows hold.
    fits_on_rows = dataset.layout.fits_on_rows
    learned = (split.train, split.validation) if fits_on_rows else ()
    parts: list[Any] = [
        part
        for rows in learned
        for part in (
            encoder.for_baselines(dataset.texts.gather(rows)),
            task.encode(dataset.target.gather(rows)),
        )
    ]
    if (weights := dataset.weights) is not None:
        parts.append(CaseWeights(weights[split.train], weights[split.validation]))
    tested = encoder.for_baselines(dataset.texts.gather(split.test))
    examples = task.examples(sequences.take(split.test), dataset.target.gather(split.test))

    def train(baseline: Baseline) -> dict[str, bytes]:
        began = time.perf_counter()
        baseline.fit(*parts)
        spent = time.perf_counter() - began
        found, of_class = _summarised(baseline, tested, task, examples), {}
        if task.decision is not None:
            decision = _decision(baseline, task, parts)
            found, of_class = decision.joined(found), decision.by_name(task.classes)
        if not fits_on_rows:  # it is fitted while it predicts
            spent = time.perf_counter() - began
        title = translate(baseline.title) or baseline.name
        listener.message(translate("{model}: {time:.0f} s").format(model=title, time=spent))
        facts = {
            "fit_seconds": spent,
            "choices": baseline.choices,
            "notes": [*baseline.notes, *current_limit().notes],
            "title": baseline.title,
            "description": baseline.description,
        } | ({"decision": of_class} if of_class else {})
        predictions = io.BytesIO()
        np.save(predictions, found)
        return {
            "facts.json": json.dumps(facts).encode(),
            "predictions.npy": predictions.getvalue(),
        }

    for baseline in task.baselines(recipe, encoder):
        folder = run.folder / "baselines" / baseline.name
        if not is_sealed(folder):
            write_sealed(folder, _within_limit(run, baseline, train, listener))
        files = read_sealed(folder)
        facts = json.loads(files["facts.json"])
        if "predictions.npy" not in files:
            trained.left_out[baseline.name] = LeftOut(**facts)
            continue
        loaded = np.load(io.BytesIO(files["predictions.npy"]), allow_pickle=False)
        trained.fitted.append(FittedBaseline(baseline.name, loaded, **facts))
    return trained


def _decision(baseline: Baseline, task: Task, parts: list[Any]) -> Decision:
    """The decision of a baseline, by its predictions of validation rows before the last fit."""
    _, _, _, targets, *weights = parts
    counts = [given.validation for given in weights if given.validation is not None]
    decision = task.fit_decision(cast("LabelBaseline", baseline).held_out, targets, *counts)
    assert decision is not None  # the task decides
    return decision


def _within_limit(
    run: Run,
    baseline: Baseline,
    train: Callable[[Baseline], dict[str, bytes]],
    listener: Listener,
) -> dict[str, bytes]:
    """The files of a trained baseline, or of one that was left out for want of time."""
    minutes, words = run.recipe.training.max_minutes, Words(user_language())

    def say(message: str) -> None:
        run.log(message)
        listener.message(message)

    def expect(expected: float) -> None:
        if expected >= WORTH_SAYING:
            model, about = words(baseline.title), seconds(expected, words)
            say(words("{model}: about {time} expected", model=model, time=about))

    try:
        with time_limit(minutes, expect):
            return train(baseline)
    except OutOfTime as late:
        left_out = LeftOut(baseline.title, late.seconds, 60 * (minutes or 0))
        say(left_out_sentence(left_out, words))
        return {"facts.json": json.dumps(asdict(left_out)).encode()}


def _summarised(
    baseline: Baseline, texts: Any, task: Task, examples: Examples
) -> NDArray[np.float64]:
    """``Task.summarise`` of the predictions; those of sequences are made piece by piece."""
    if not isinstance(examples.targets, Ragged):
        return baseline.predict(texts)
    found, begin = [], 0
    for piece in examples.pieces(task.outputs):
        predicted = baseline.predict(texts[begin : begin + len(piece)])
        found.append(task.summarise(predicted, task.answers(piece)))
        begin += len(piece)
    return np.concatenate(found)
