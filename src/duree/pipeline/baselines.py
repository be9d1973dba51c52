"""Rivals: the baselines of a run, trained on its rows, with what they say of its test rows.

A finished rival is kept in the run folder, so that an interrupted run does not train it again.
"""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.baselines import Baseline
from duree.baselines.targets import CaseWeights
from duree.network.batches import MOST_VALUES
from duree.pipeline.dataset import Dataset
from duree.pipeline.listener import Listener
from duree.pipeline.run import Run
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import Ragged, pieces
from duree.sequences.series_encoder import as_ragged
from duree.storage import is_sealed, read_sealed, write_sealed
from duree.tables.layouts.step_attributes import names_of_step_features
from duree.tasks import Task


@dataclass(frozen=True)
class FittedBaseline:
    """A trained baseline.

    Attributes
    ----------
    name, title, description : str
        As of ``Baseline``.
    predictions : float64 [answers, k]
        Made from the texts of the test rows, where their answers play no part; what the task keeps
        of them.
    fit_seconds : float
    choices : dict
        What was tuned on the validation part, and what was chosen.
    notes : list of str
        What a reader must know, such as a forest cut short.
    """

    name: str
    predictions: NDArray[np.float64]
    fit_seconds: float
    choices: dict[str, Any]
    notes: list[str]
    title: str = ""
    description: str = ""


def fit_baselines(
    run: Run, dataset: Dataset, encoder: Encoder, task: Task, listener: Listener
) -> list[FittedBaseline]:
    """Train every baseline of the task on the very rows that the network had."""
    recipe, split = dataset.recipe, dataset.split
    if not recipe.evaluation.baselines:
        return []
    # What forecasts a series learns from its own past, which a test row holds.
    learned = () if task.of_series else (split.train, split.validation)
    parts: list[Any] = [
        part
        for rows in learned
        for part in (
            _read(dataset, rows),
            task.encode(dataset.target.gather(rows)),
        )
    ]
    if (weights := dataset.weights) is not None:
        parts.append(CaseWeights(weights[split.train], weights[split.validation]))
    tested = _read(dataset, split.test)
    answers = task.encode(dataset.target.gather(split.test)) if task.each_step else None
    baselines = []
    for baseline in task.baselines(recipe, encoder):
        folder = run.folder / "baselines" / baseline.name
        if not is_sealed(folder):
            began = time.perf_counter()
            baseline.fit(*parts)
            seconds = time.perf_counter() - began
            found = _summarised(baseline, tested, task, answers)
            if task.of_series:  # whose methods are fitted at each origin
                seconds = time.perf_counter() - began
            listener.message(f"{baseline.name}: {seconds:.0f} s")
            facts = {
                "fit_seconds": seconds,
                "choices": baseline.choices,
                "notes": list(baseline.notes),
                "title": baseline.title,
                "description": baseline.description,
            }
            predictions = io.BytesIO()
            np.save(predictions, found)
            write_sealed(
                folder,
                {
                    "facts.json": json.dumps(facts).encode(),
                    "predictions.npy": predictions.getvalue(),
                },
            )
        files = read_sealed(folder)
        loaded = np.load(io.BytesIO(files["predictions.npy"]), allow_pickle=False)
        baselines.append(FittedBaseline(baseline.name, loaded, **json.loads(files["facts.json"])))
    return baselines


def _read(dataset: Dataset, rows: NDArray[np.int64]) -> Any:
    """What baselines are given of some rows: a list of texts, their numbers as they are, or a
    series of texts and what stands beside them."""
    texts = dataset.texts.gather(rows)
    if dataset.recipe.data.reads_numbers:
        return as_ragged(texts)
    return texts if names_of_step_features(texts) else texts.to_list()


def _summarised(
    baseline: Baseline, texts: Any, task: Task, answers: Ragged | None
) -> NDArray[np.float64]:
    """What is kept of a baseline's predictions; of those for steps not all are held at once."""
    if answers is None:
        return baseline.predict(texts)
    found = []
    for rows in pieces(answers.lengths, MOST_VALUES // task.outputs):
        predicted = baseline.predict(texts[rows[0] : rows[-1] + 1])
        found.append(task.summarise(predicted, answers.take(rows).values))
    return np.concatenate(found)
