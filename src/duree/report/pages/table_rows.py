"""Rows of the report's tables, with formatted figures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from duree.report.differences import Difference, differences
from duree.report.numbers import (
    MOST_DECIMALS,
    Shown,
    count,
    decimals,
    estimate,
    number,
    share,
)
from duree.report.run_data import RunData
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.metric import known_metric
from duree.results.metrics_file import NETWORK, ClassFigures
from duree.results.run_files import Check
from duree.results.series import ChannelFacts

MOST_CLASSES, MOST_CHANNELS = 60, 20
LEVEL_ORDER = ("error", "warning", "note", "ok")


@dataclass(frozen=True)
class ModelRow:
    """One model: its value in each metric (None if undefined), and which of them are the best."""

    label: str
    ours: bool
    cells: list[Shown | None]
    best: list[bool]
    fit_seconds: float | None


@dataclass(frozen=True)
class SeedRow:
    """One metric over the seeds."""

    metric: str
    mean: str
    deviation: str
    lowest: str
    highest: str
    values: str


@dataclass(frozen=True)
class ClassRow:
    """One class, with formatted figures."""

    label: str
    precision: Shown
    recall: Shown
    f1: Shown
    support: str


@dataclass(frozen=True)
class ChannelRow:
    """One channel of series, with formatted figures: minimum, mean, deviation, maximum."""

    label: str
    missing: str
    cells: list[str]


@dataclass(frozen=True)
class CheckRow:
    """One finding about the data."""

    level: str
    message: str
    rows: str


def model_rows(run: RunData, words: Words) -> list[ModelRow]:
    """All models, best first by the primary metric."""
    results, names = run.metrics.results, run.metrics.metric_names
    order = run.ranked(run.metrics.primary_metric)
    order += [name for name in results if name not in order]
    best = {name: run.metrics.best(name) for name in names}
    rows = []
    for model in order:
        found = results[model].estimates
        rows.append(
            ModelRow(
                words.model(model, run.metrics.cell),
                model == NETWORK,
                [
                    estimate(found[name], run.metrics.metric(name), run.test_rows)
                    if name in found
                    else None
                    for name in names
                ],
                [model in best[name] for name in names],
                results[model].fit_seconds,
            )
        )
    return rows


def difference_rows(run: RunData, words: Words) -> list[tuple[str, list[Difference | None]]]:
    """Each baseline with its difference in each metric (None if undefined)."""
    names = run.metrics.metric_names
    found = {name: {d.model: d for d in differences(run, name)} for name in names}
    others = [name for name in run.ranked(run.metrics.primary_metric) if name != NETWORK]
    rows = [
        (words.model(model, run.metrics.cell), [found[name].get(model) for name in names])
        for model in others
    ]
    return [(model, cells) for model, cells in rows if any(cells)]


def without_shared(run: RunData) -> list[tuple[str, Shown, Shown]]:
    """For each model, the metric without and with shared rows; the network first."""
    shared, metric = run.metrics.without_shared_rows, run.metrics.primary
    if shared is None:
        return []
    everywhere = run.metrics.results
    return [
        (
            name,
            estimate(found.estimates[metric.name], metric, shared.rows),
            estimate(everywhere[name].estimates[metric.name], metric, run.test_rows),
        )
        for name, found in sorted(shared.models.items(), key=lambda pair: pair[0] != NETWORK)
        if metric.name in found.estimates and name in everywhere
    ]


def seed_rows(run: RunData) -> list[SeedRow]:
    """Mean, standard deviation and extremes of each metric over the seeds."""
    if run.metrics.seeds is None:
        return []
    rows = []
    for metric, values in run.metrics.seeds.values.items():
        if len(values) < 2:
            continue
        figure = run.metrics.results[NETWORK].estimates.get(metric)
        low, high = (figure.low, figure.high) if figure else (None, None)
        places = decimals(run.metrics.metric(metric), run.test_rows, values[0], low, high)
        rows.append(
            SeedRow(
                metric,
                number(float(np.mean(values)), places),
                number(float(np.std(values, ddof=1)), places),
                number(min(values), places),
                number(max(values), places),
                "  ".join(number(value, places) for value in values),
            )
        )
    return rows


def class_rows(run: RunData) -> list[ClassRow]:
    """The network's metrics for each class, the most frequent first."""
    found = run.metrics.per_class.get(NETWORK, {})
    order = sorted(found, key=lambda name: (-found[name].support, name))
    return [_class_row(name, found[name]) for name in order[:MOST_CLASSES]]


def _class_row(name: str, figures: ClassFigures) -> ClassRow:
    precision, recall, f1 = (
        estimate(figures.estimate(metric), known_metric(metric), figures.support)
        for metric in ("precision", "recall", "f1")
    )
    return ClassRow(label(name), precision, recall, f1, count(figures.support))


def channel_rows(facts: ChannelFacts) -> list[ChannelRow]:
    """The channels in order, with three significant digits of their deviation."""
    found = []
    for channel in facts.channels[:MOST_CHANNELS]:
        spread = channel.deviation or abs(channel.mean) or 1.0
        places = min(max(0, 2 - math.floor(math.log10(spread))), MOST_DECIMALS)
        values = (channel.low, channel.mean, channel.deviation, channel.high)
        cells = [number(value, places) for value in values]
        missing = share(channel.missing, facts.rows)
        found.append(ChannelRow(label(channel.name), missing, cells))
    return found


def check_rows(run: RunData, words: Words) -> list[CheckRow]:
    """Findings by decreasing severity; rows are counted from 1, as in the files."""

    def gravity(check: Check) -> int:
        return LEVEL_ORDER.index(check.level) if check.level in LEVEL_ORDER else 0

    def message(check: Check) -> str:
        message = (check.message_zh if words.language == "zh" else "") or check.message
        for source in run.data.sources:  # full paths may contain private names
            message = message.replace(source.path, source.name)
        return message

    def rows(check: Check) -> str:
        where = check.where_zh if words.language == "zh" else check.where
        if where:
            return words("(see {where})", where=where)
        if not check.rows:
            return ""
        # Runs of earlier versions count the rows of the table as it was used.
        return words("(rows {rows})", rows=", ".join(count(row + 1) for row in check.rows[:5]))

    return [
        CheckRow(
            check.level if check.level in LEVEL_ORDER else "note",
            message(check),
            rows(check),
        )
        for check in sorted(run.checks, key=gravity)
    ]
