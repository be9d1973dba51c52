"""The evaluation: the test set is opened, and every model is evaluated on its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from duree.evaluation.evaluate import Evaluation, evaluate_models, spread_of_seeds
from duree.evaluation.resampling import Sample, Trial
from duree.network.contracts import Simulated
from duree.pipeline.baselines import TrainedBaselines
from duree.pipeline.dataset import Dataset
from duree.pipeline.model import TrainedModel
from duree.pipeline.rare_classes import rare_classes
from duree.pipeline.run import Run
from duree.report.run_folder import RunFolder
from duree.results.baseline import BaselineWords, LeftOut
from duree.results.metrics_file import INTERPOLATED, ModelResult, Seeds, WithoutShared
from duree.results.precision_recall import PrecisionRecall
from duree.results.run_files import Ending, Epoch, Simulation, StateFacts
from duree.sequences.ragged import Ragged
from duree.tables.source_rows import locating


@dataclass(frozen=True)
class TestResult:
    """The evaluation on the test set, and what it rests on.

    Attributes
    ----------
    evaluation : Evaluation
    predictions : {model: float64 [answers, k]}
        As ``Task.summarise`` gives them, the network's first. There is an answer for each test row,
        or for each of its steps.
    targets : ndarray [answers] or [answers, labels]
    weights : float64 [answers] or None
    without_shared : WithoutShared or None
        The metrics on the test rows without near-duplicates in training, where some have them.
    seeds : Seeds or None
    fit_seconds, choices, words : {baseline: ...}
    notes : list of str
    left_out : {baseline: LeftOut}
    decisions : {model: {class: float}}
        Offsets (of labels: thresholds) by which each model decides, if the user names a metric of
        decisions.
    rare : PrecisionRecall or None
        Precision and recall of the rare classes, where there are any.
    simulation : Simulation or None
        See ``Task.simulate``.
    """

    evaluation: Evaluation
    predictions: dict[str, NDArray[np.float64]]
    targets: NDArray[Any]
    weights: NDArray[np.float64] | None
    without_shared: WithoutShared | None
    seeds: Seeds | None
    fit_seconds: dict[str, float]
    choices: dict[str, dict[str, JsonValue]]
    words: dict[str, BaselineWords]
    notes: list[str]
    left_out: dict[str, LeftOut]
    decisions: dict[str, dict[str, float]]
    rare: PrecisionRecall | None = None
    simulation: Simulation | None = None


def evaluate_on_test(
    run: Run,
    dataset: Dataset,
    sequences: Ragged,
    networks: list[TrainedModel],
    trained: TrainedBaselines,
) -> TestResult:
    """Open the test set once, after all choices are made, and evaluate every model on its rows."""
    rows, task, recipe = dataset.split.test, networks[0].task, run.recipe
    baselines = trained.fitted
    run.open_test("the final evaluation of all models")
    read = sequences.take(rows)
    with locating(dataset.table, rows):
        tested = task.examples(read, dataset.target.gather(rows))
    of_networks = [network.summarise(tested) for network in networks]
    predictions = {"network": of_networks[0], **networks[0].parts(tested)}
    predictions |= {baseline.name: baseline.predictions for baseline in baselines}
    predictions |= task.mixtures(predictions)
    targets = task.answers(tested)
    units = tested.units(None if dataset.groups is None else dataset.groups[rows])
    weights = None if dataset.weights is None else tested.each(dataset.weights[rows])
    metrics = task.metrics
    if metrics.counted == "rows":
        metrics = replace(metrics, counted=dataset.layout.counted)
    seeds = spread_of_seeds(of_networks, targets, metrics, weights)
    folder = RunFolder(run.folder)
    ended, states = unfinished(folder.history()), folder.record_if_there(StateFacts, "states.json")

    def evaluate(keep: NDArray[np.bool_]) -> Evaluation:
        return evaluate_models(
            {name: found[keep] for name, found in predictions.items()},
            targets[keep],
            metrics,
            groups=None if units is None else units[keep],
            weights=None if weights is None else weights[keep],
            # The wide part only counts words: it stays a baseline that the network must beat. A
            # mixture with a baseline is not simpler than the network.
            parts=("recurrent_part", INTERPOLATED),
            seeds=seeds,
            unfinished=ended,
            resamples=recipe.evaluation.bootstrap,
            seed=recipe.seed,
        )

    cut = networks[0].encoder.truncation(dataset.texts, sequences)
    row = tested.units(np.arange(len(rows)))
    apart = ~np.isin(rows, dataset.split.shared)[row]
    evaluation = evaluate(np.ones(len(targets), dtype=bool))
    sample = Sample.of(len(targets), units, weights)
    trial = Trial(targets, metrics, sample, recipe.evaluation.bootstrap, recipe.seed)
    strongest = str(evaluation.verdict.values.get("baseline"))
    return TestResult(
        evaluation,
        predictions,
        targets,
        weights,
        _without_shared(evaluate, apart),
        Seeds(values=seeds) if seeds else None,
        {baseline.name: baseline.fit_seconds for baseline in baselines},
        {baseline.name: baseline.choices for baseline in baselines},
        {
            baseline.name: BaselineWords(baseline.title, baseline.description)
            for baseline in baselines
        },
        [
            *([f"network: {cut}"] if cut else []),
            *(f"{baseline.name}: {note}" for baseline in baselines for note in baseline.notes),
        ],
        trained.left_out,
        {name: one.by_name(task.classes) for name, one in networks[0].decisions.items()}
        | {baseline.name: baseline.decision for baseline in baselines if baseline.decision},
        rare_classes(task, predictions, targets, trial, [strongest]),
        task.simulate(
            Simulated(
                networks[0].network,
                sequences,
                dataset.split.train,
                dataset.split.test,
                recipe.seed,
                dataset.weights,
                states.times if states else [],
            )
        ),
    )


def unfinished(history: list[Epoch]) -> Ending | None:
    """Why training ended, if its last epoch was the best; None if it had stopped improving."""
    *earlier, last = history
    improving = bool(earlier) and last.metric > max(epoch.metric for epoch in earlier)
    return last.ended if improving and last.ended != "patience" else None


def _without_shared(
    evaluate: Callable[[NDArray[np.bool_]], Evaluation], apart: NDArray[np.bool_]
) -> WithoutShared | None:
    """The metrics without the test rows that training has seen; None if there are none."""
    if apart.all() or not apart.any():
        return None
    return WithoutShared(
        rows=int(apart.sum()),
        shared=int((~apart).sum()),
        models={
            name: ModelResult.model_validate(figures)
            for name, figures in evaluate(apart).models.items()
        },
    )
