"""The list of runs, one summary per run, and the comparison of several."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from duree.errors import DureeError
from duree.evaluation.verdict import Evidence, weigh
from duree.pipeline.compare import compare_runs
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.report.numbers import Shown, estimate
from duree.report.pages.settings import Choice, list_choices
from duree.report.run_folder import RunFolder
from duree.report.terms import Terms
from duree.report.vocabulary import Words
from duree.results.metric import Metric
from duree.results.metrics_file import NETWORK, Metrics
from duree.storage import given_name
from duree.tasks import TASKS, Task, layout_for


@dataclass(frozen=True)
class TaskLabel:
    """The task of a run: a template to translate, and its values."""

    template: str
    target: str = ""
    text: str = ""


@dataclass(frozen=True)
class RunSummary:
    """One run as the list shows it; metrics only if it is finished.

    ``baseline`` is the title of the best one, an English template.
    """

    name: str
    state: str
    label: TaskLabel
    cell: str
    rows: int = 0
    metric: Metric | None = None
    network: Shown | None = None
    baseline: str = ""
    best: Shown | None = None
    when: str = ""


@dataclass(frozen=True)
class PairComparison:
    """Two runs compared; ``evidence`` is None if their rows differ."""

    first: str
    second: str
    metric: Metric | None
    rows: int
    evidence: Evidence | None


def task_label(recipe: Recipe) -> TaskLabel:
    """What a recipe predicts, and from which columns."""
    read = layout_for(recipe)(recipe.data).input_name
    task = TASKS.get(recipe.task or "", Task)
    return TaskLabel(task.run_title, recipe.data.target or read, read)


def summarize(run: Run, state: str) -> RunSummary:
    """One run as the list shows it."""
    plain = RunSummary(run.folder.name, state, task_label(run.recipe), run.recipe.model.cell)
    if state != "finished":
        return plain
    try:
        return _with_figures(plain, RunFolder(run.folder).metrics)
    except (DureeError, KeyError):  # altered: its own page says more
        return plain


def _with_figures(plain: RunSummary, metrics: Metrics) -> RunSummary:
    """The summary of a finished run, with its figures."""
    primary, rows = metrics.primary, metrics.rows.get("test", 0)
    ours = metrics.results[NETWORK].estimates.get(primary.name)
    baseline = metrics.strongest_baseline
    return replace(
        plain,
        rows=rows,
        metric=primary,
        network=estimate(ours, primary, rows) if ours else None,
        baseline=Terms(metrics.metrics, metrics.baselines).model(baseline) if baseline else "",
        best=estimate(metrics.results[baseline].estimates[primary.name], primary, rows)
        if baseline
        else None,
        when=metrics.test_openings[-1].when if metrics.test_openings else "",
    )


def compare_pairs(runs: list[Run], summaries: list[RunSummary]) -> list[PairComparison]:
    """Each run compared with the next: is one network better than the other?"""
    found = []
    for (one, first), (other, second) in pairwise(zip(runs, summaries, strict=True)):
        tests = compare_runs(one, other)
        evidence = weigh(tests, first.metric, 0.0)[0] if tests and first.metric else None
        found.append(PairComparison(first.name, second.name, first.metric, first.rows, evidence))
    return found


def differing_settings(runs: list[Run], words: Words) -> list[tuple[Choice, list[str]]]:
    """The settings in which runs differ, with each run's value."""
    each = [
        {
            choice.name: choice
            for _, choices in list_choices(run.recipe, words, _names(run))
            for choice in choices
        }
        for run in runs
    ]
    table = [(choice, [own[name].value for own in each]) for name, choice in each[0].items()]
    return [(choice, values) for choice, values in table if len(set(values)) > 1]


def _names(run: Run) -> dict[str, str]:
    """The names that the run's uploaded tables had, by their paths."""
    data = run.recipe.data
    files = (*data.files, data.test_file, data.validation_file)
    return {file: given_name(file) for file in files if file}
