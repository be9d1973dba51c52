"""Listing: one line of figures for each run, and several runs beside one another."""

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
from duree.report.vocabulary import Words
from duree.results.run_files import NETWORK, Metrics
from duree.serving.studio.forms import of_series


@dataclass(frozen=True)
class Asked:
    """What a run asks: a template that ``words`` can tell, and what it names."""

    template: str
    target: str = ""
    text: str = ""


@dataclass(frozen=True)
class Line:
    """One run as the list shows it; figures only where it is finished."""

    name: str
    state: str
    asked: Asked
    cell: str
    rows: int = 0
    metric: str = ""
    ours: Shown | None = None
    baseline: str = ""
    theirs: Shown | None = None
    when: str = ""


@dataclass(frozen=True)
class Pair:
    """Two runs that stand beside one another; ``evidence`` is None where their rows differ."""

    first: str
    second: str
    metric: str
    rows: int
    evidence: Evidence | None


def asked(recipe: Recipe) -> Asked:
    """What a recipe asks."""
    data = recipe.data
    if of_series(recipe):
        return Asked("Forecasting “{target}”", data.target or "")
    if data.token is not None:
        return Asked("“{target}” of each word", data.target or "")
    events = ", ".join(data.event)
    columns = ", ".join((*data.states, *data.series))
    read = data.state or events or columns or data.text or ""
    if data.target == data.text:  # the sequences themselves are foretold
        return Asked("What comes next in “{text}”", text=read)
    return Asked("“{target}” from “{text}”", data.target or "", read)


def line(run: Run, state: str) -> Line:
    """One run as the list shows it."""
    plain = Line(run.folder.name, state, asked(run.recipe), run.recipe.model.cell)
    if state != "finished":
        return plain
    try:
        metrics = Metrics.model_validate(run.read_json("metrics.json"))
    except (DureeError, ValueError):  # of another version, or altered: its own page tells more
        return plain
    primary, rows = metrics.primary_metric, metrics.rows.get("test", 0)
    ours, baseline = metrics.results[NETWORK].estimates.get(primary), metrics.strongest_baseline
    return replace(
        plain,
        rows=rows,
        metric=primary,
        ours=estimate(ours, primary, rows) if ours else None,
        baseline=baseline or "",
        theirs=estimate(metrics.results[baseline].estimates[primary], primary, rows)
        if baseline
        else None,
        when=metrics.test_openings[-1].when if metrics.test_openings else "",
    )


def pairs(runs: list[Run], lines: list[Line]) -> list[Pair]:
    """Each run held against the next: is one network better than the other?"""
    found = []
    for (one, first), (other, second) in pairwise(zip(runs, lines, strict=True)):
        tests = compare_runs(one, other)
        evidence = weigh(tests, first.metric, 0.0)[0] if tests else None
        found.append(Pair(first.name, second.name, first.metric, first.rows, evidence))
    return found


def differing(runs: list[Run], words: Words) -> list[tuple[Choice, list[str]]]:
    """The settings in which runs differ, with each run's value."""
    each = [
        {
            choice.name: choice
            for _, choices in list_choices(run.recipe, words)
            for choice in choices
        }
        for run in runs
    ]
    table = [(choice, [own[name].value for own in each]) for name, choice in each[0].items()]
    return [(choice, values) for choice, values in table if len(set(values)) > 1]
