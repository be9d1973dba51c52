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
from duree.errors import translate
from duree.network.batches import MOST_VALUES
from duree.pipeline.dataset import Dataset
from duree.pipeline.listener import Listener
from duree.pipeline.run import Run
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import Ragged, pieces
from duree.storage import is_sealed, read_sealed, write_sealed
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
    answers = task.encode(dataset.target.gather(split.test))
    baselines = []
    for baseline in task.baselines(recipe, encoder):
        folder = run.folder / "baselines" / baseline.name
        if not is_sealed(folder):
            began = time.perf_counter()
            baseline.fit(*parts)
            seconds = time.perf_counter() - began
            found = _summarised(baseline, tested, task, answers)
            if not fits_on_rows:  # but at each origin
                seconds = time.perf_counter() - began
            title = translate(baseline.title) or baseline.name
            listener.message(translate("{model}: {time:.0f} s").format(model=title, time=seconds))
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


def _summarised(
    baseline: Baseline, texts: Any, task: Task, answers: NDArray[Any] | Ragged
) -> NDArray[np.float64]:
    """What is kept of a baseline's predictions; of those for steps not all are held at once."""
    if not isinstance(answers, Ragged):
        return baseline.predict(texts)
    found = []
    for rows in pieces(answers.lengths, MOST_VALUES // task.outputs):
        predicted = baseline.predict(texts[rows[0] : rows[-1] + 1])
        found.append(task.summarise(predicted, answers.take(rows).values))
    return np.concatenate(found)
