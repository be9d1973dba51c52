"""The last step of a run: the test part is opened, and every model is judged on its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.evaluate import Judgement, judge_models, spread_of_seeds
from duree.pipeline.baselines import Rival
from duree.pipeline.dataset import Question
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.sequences.ragged import Ragged
from duree.sequences.series_encoder import SeriesEncoder
from duree.sequences.state_encoder import LifeEncoder
from duree.sequences.text_encoder import TextEncoder


@dataclass(frozen=True)
class Judged:
    """What judging found out.

    Attributes
    ----------
    judgement : Judgement
    predictions : {model: float64 [answers, k]}
        What the task keeps of them, the network's first. There is an answer for each test row, or
        for each of its steps.
    targets : ndarray [answers] or [answers, labels]
    weights : float64 [answers] or None
    without_shared : dict or None
        The figures on those test rows alone that share nothing with training, where some do.
    seeds : {metric: values} or None
    fit_seconds, choices : {baseline: ...}
    notes : list of str
    further : dict or None
        What else the task judges of the network.
    """

    judgement: Judgement
    predictions: dict[str, NDArray[np.float64]]
    targets: NDArray[Any]
    weights: NDArray[np.float64] | None
    without_shared: dict[str, Any] | None
    seeds: dict[str, list[float]] | None
    fit_seconds: dict[str, float]
    choices: dict[str, dict[str, Any]]
    notes: list[str]
    further: dict[str, Any] | None = None


def judge_on_test(
    run: Run,
    question: Question,
    sequences: Ragged,
    networks: list[TrainedModel],
    rivals: list[Rival],
) -> Judged:
    """Open the test part once, after every choice is made, and judge all models on its rows."""
    rows, task, recipe = question.split.test, networks[0].task, run.recipe
    run.open_test("the final judgement of all models")
    read = sequences.take(rows)
    tested = task.examples(read, question.target.gather(rows))
    of_networks = [network.kept(tested) for network in networks]
    predictions = {"network": of_networks[0], **networks[0].parts(tested.sequences)}
    predictions |= {rival.name: rival.predictions for rival in rivals}
    targets = tested.answers
    units = tested.units(None if question.groups is None else question.groups[rows])
    weights = None if question.weights is None else tested.each(question.weights[rows])
    metrics = task.metrics
    if metrics.counted == "rows":
        metrics = replace(metrics, counted=recipe.data.counted)
    seeds = spread_of_seeds(of_networks, targets, metrics, weights)

    def judge(kept: NDArray[np.bool_]) -> Judgement:
        return judge_models(
            {name: found[kept] for name, found in predictions.items()},
            targets[kept],
            metrics,
            groups=None if units is None else units[kept],
            weights=None if weights is None else weights[kept],
            # The wide part only counts words: it stays a rival that the network must beat.
            parts=("recurrent_part",),
            seeds=seeds,
            resamples=recipe.judging.bootstrap,
            seed=recipe.seed,
        )

    row = tested.units(np.arange(len(rows)))
    apart = ~np.isin(rows, question.split.shared)[row]
    return Judged(
        judge(np.ones(len(targets), dtype=bool)),
        predictions,
        targets,
        weights,
        _without_shared(judge, apart),
        seeds,
        {rival.name: rival.fit_seconds for rival in rivals},
        {rival.name: rival.choices for rival in rivals},
        [
            *_truncation(question, sequences, networks[0]),
            *(f"{rival.name}: {note}" for rival in rivals for note in rival.notes),
        ],
        task.further(
            networks[0].network,
            sequences,
            (question.split.train, question.split.test),
            recipe.seed,
            question.weights,
        ),
    )


def _truncation(question: Question, sequences: Ragged, network: TrainedModel) -> list[str]:
    """How many rows the network sees a part of only; nothing where it sees all of each."""
    encoder = network.encoder
    if isinstance(encoder, SeriesEncoder):
        cut = int((encoder.truncated(question.texts) > 0).sum())
        told = f"network: {cut} of {len(sequences)} series are longer than {encoder.longest} steps"
        return [f"{told}, and were cut"] if cut else []
    if not isinstance(encoder, TextEncoder | LifeEncoder):
        return []
    # Only a text that fills its sequence can have been cut: the others need no second look.
    settings = encoder.settings
    limit = settings.max_length
    full = np.flatnonzero(sequences.lengths == limit)
    cut = int((encoder.truncated(question.texts.gather(full)) > 0).sum())
    if not cut:
        return []
    of_states = settings.segmenter == "states"
    rows, units = ("sequences", "steps") if of_states else ("texts", "units")
    told = f"network: {cut} of {len(sequences)} {rows} are longer than {limit} {units}"
    return [f"{told}, and were cut"]


def _without_shared(judge: Any, apart: NDArray[np.bool_]) -> dict[str, Any] | None:
    """The figures without the test rows that training has seen; None where there are none."""
    if apart.all() or not apart.any():
        return None
    facts = {"rows": int(apart.sum()), "shared": int((~apart).sum())}
    return facts | {"models": judge(apart).models}
