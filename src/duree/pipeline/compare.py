"""Comparison of two runs: whether one network is better than the other, on the same test rows."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np
import polars as pl

from duree.errors import RunError
from duree.evaluation.evaluate import evaluate_models
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.report.load import load_run
from duree.report.run_data import RunData
from duree.results.metrics_file import NETWORK, Comparison
from duree.tables.columns import own_and_added
from duree.tables.split.make_split import group_codes


def compare_runs(one: Run, other: Run) -> list[Comparison] | None:
    """``one`` minus ``other`` in the primary metric, by the tests of a run's verdict.

    Returns
    -------
    list of Comparison, or None
        One for each test; None where the two were not evaluated on the very same rows, or have an
        answer for each step, and so cannot be compared row by row.

    Raises
    ------
    RunError
        A run is not finished.
    """
    first, second = load_run(one.folder), load_run(other.folder)
    if _asked(first) != _asked(second) or not _rows(first).equals(_rows(second)):
        return None
    task, other_task = (TrainedModel.of_run(run).task for run in (one, other))
    group = first.column("group")
    names = [f"probability_{name}" for name in task.classes] or ["prediction"]
    _require_numbers((first, second), names)
    if len(first.predictions) != first.metrics.rows["test"]:
        return None  # with several predictions per row
    probabilities = (
        run.predictions.select(names).to_numpy().astype(float) for run in (first, second)
    )
    # Where one network decides for a named metric, both are compared by what they predict.
    decisions, metrics = (task.decision, other_task.decision), task.metrics
    if some := next(filter(None, decisions), None):
        plain = some.most_probable
        probabilities = (
            (decision or plain).joined(found)
            for decision, found in zip(decisions, probabilities, strict=True)
        )
        metrics = metrics if task.decision else metrics.decided
    evaluation = evaluate_models(
        dict(zip((NETWORK, second.name), probabilities, strict=True)),
        np.asarray(task.encode(first.predictions[first.target_column()])),
        metrics,
        groups=group_codes(first.predictions[group]) if group else None,
        resamples=one.recipe.evaluation.bootstrap,
        seed=one.recipe.seed,
    )
    primary = task.metrics.primary
    return [comparison for comparison in evaluation.comparisons if comparison.metric == primary]


def _require_numbers(runs: Iterable[RunData], names: Iterable[str]) -> None:
    """Refuse runs whose predictions lack a column of numbers."""
    for run, name in product(runs, names):
        kind = run.predictions.schema.get(name)
        if kind is None or not kind.is_numeric():
            raise RunError(
                "predictions.parquet of the run {run!r} has no column {column!r} of numbers",
                fix="copy the run folder again from where it was made, or start a new run",
                run=run.name,
                column=name,
            )


def _asked(run: RunData) -> tuple[str, str, str | None, list[str]]:
    return run.metrics.task, run.target_column(), run.column("group"), run.classes


def _rows(run: RunData) -> pl.DataFrame:
    """The test rows without the columns of predictions."""
    own, _ = own_and_added(run.predictions.columns)
    return run.predictions.select(own)
