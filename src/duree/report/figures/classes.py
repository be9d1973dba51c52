"""Figures for classes: confusion matrix, largest confusions, reliability."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from duree.evaluation.verdict import FEW_ROWS
from duree.report.figures.style import BLUE, GREY, INK, ORANGE, PALE, WIDTH, bare, place, text_width
from duree.report.numbers import count, share
from duree.report.run_data import RunData
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.metrics_file import NETWORK
from duree.results.run_files import Bin
from duree.results.tags import TagFacts

# With more classes a matrix is not legible, and the largest confusions are shown.
MOST_IN_MATRIX = 12
MOST_CONFUSIONS = 20
MOST_RELIABILITY = 4
TITLE = 0.38  # inches for two lines


def confusions(run: RunData) -> pl.DataFrame:
    """Confusions: the ``true`` and ``predicted`` class, ``rows``, and ``share`` of the true class.

    Sorted by decreasing number of rows; pairs without rows are left out.
    """
    predicted = run.predictions["prediction"].cast(pl.String).alias("predicted")
    pairs = pl.DataFrame(
        [run.predictions[run.target_column()].cast(pl.String).alias("true"), predicted]
    )
    counted = pairs.group_by("true", "predicted").agg(pl.len().cast(pl.Int64).alias("rows"))
    shares = (pl.col("rows") / pl.col("rows").sum().over("true")).alias("share")
    order = ["rows", "true", "predicted"]
    return counted.with_columns(shares).sort(order, descending=[True, False, False])


def draw_confusion(run: RunData, words: Words) -> Figure:
    """The confusion matrix or, with many classes, the largest confusions."""
    classes = run.target.classes(run)
    if len(classes) > MOST_IN_MATRIX:
        return _draw_largest(run, words)
    found = {
        (true, predicted): (n, part) for true, predicted, n, part in confusions(run).iter_rows()
    }
    return draw_matrix(classes, found, run.test_rows, words)


def draw_matrix(
    classes: list[str],
    found: Mapping[tuple[str, str], tuple[int, float]],
    rows: int,
    words: Words,
) -> Figure:
    """A confusion matrix with counts and row shares; the darkness of a cell shows its row share.

    ``found`` is {(true, predicted): (count, share of the true class)}; ``rows`` is the total.
    """
    names = [label(name, 24) for name in classes]
    left = max(text_width(name) for name in names) + 0.5
    cell = min(1.35, (WIDTH - left - 0.1) / len(names))
    tall = min(cell, 0.62)
    figure = Figure(figsize=(WIDTH, tall * len(names) + 0.75))
    axes = place(figure, left, 0.65, cell * len(names), tall * len(names))
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    bare(axes)
    slanted = any(text_width(name) > cell - 0.05 for name in names)
    shown = [label(name, max(3, int(cell * 13))) for name in names] if slanted else names
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(names)), shown)
    axes.set_yticks(range(len(names)), names)
    axes.xaxis.set_label_position("top")
    axes.set_xlabel(words("predicted"), color=GREY)
    axes.set_ylabel(words("true"), color=GREY)
    small = cell < 0.6
    for down, true in enumerate(classes):
        for across, predicted in enumerate(classes):
            cell_rows, part = found.get((true, predicted), (0, 0.0))
            percent = words.set(share(part, rows if not small else FEW_ROWS - 1))
            _draw_cell(axes, (down, across), cell_rows, part, percent, small)
    return figure


def _draw_cell(
    axes: Axes, at: tuple[int, int], rows: int, part: float, shown: str, small: bool
) -> None:
    true, predicted = at
    colour = BLUE if true == predicted else ORANGE
    axes.bar(
        predicted, 0.96, 0.96, true - 0.48, color=colour, alpha=0.06 + 0.84 * part, linewidth=0
    )
    ink = "white" if part > 0.55 and true == predicted else INK
    size = 7.5 if small else 9
    middle: dict[str, Any] = {"ha": "center", "va": "center", "color": ink}
    if not rows:  # a share of 0 says no more
        axes.text(predicted, true, "0", fontsize=size, **middle | {"color": GREY})
        return
    axes.text(predicted, true - 0.17, count(rows), fontsize=size, **middle)
    axes.text(predicted, true + 0.2, shown, fontsize=size - 1.5, **middle)


def _draw_largest(run: RunData, words: Words) -> Figure:
    """Bars of the most frequent confusions, with their share of the true class."""
    wrong = confusions(run).filter(pl.col("true") != pl.col("predicted")).head(MOST_CONFUSIONS)
    return draw_bars(list(wrong.iter_rows()), words)


def draw_bars(wrong: list[tuple[str, str, int, float]], words: Words) -> Figure:
    """Bars of confusions (true, predicted, count, share of the true class)."""
    shown = [f"{label(true, 24)} → {label(predicted, 24)}" for true, predicted, *_ in wrong]
    height = 0.24 * max(len(shown), 1)
    left = max((text_width(text) for text in shown), default=0.0) + 0.15
    figure = Figure(figsize=(WIDTH, height + 0.65))
    axes = place(figure, left, 0.1, WIDTH - left - 0.9, height)
    axes.barh(range(len(shown)), [rows for *_, rows, _ in wrong], 0.66, color=ORANGE)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_yticks(range(len(shown)), shown)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    bare(axes, keep="bottom")
    axes.set_xlabel(words.of_answers("test rows (and their share of the true class)"))
    for row, (*_, rows, part) in enumerate(wrong):
        axes.annotate(
            words.set(f"{count(rows)}  ({share(part, FEW_ROWS - 1)})"),
            (rows, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
        )
    return figure


def draw_reliability(run: RunData, words: Words) -> Figure:
    """Reliability diagrams side by side: the network, then the best baselines."""
    size, gap = 1.42, 0.2
    figure = Figure(figsize=(WIDTH, TITLE + size + 0.5))
    models = reliability_models(run)
    sure = [one.confidence for model in models for one in run.calibration[model]]
    # With two classes the confidence is at least one half.
    start = 0.5 if min(sure) >= 0.5 else 0.0
    for number, model in enumerate(models):
        axes = place(figure, 0.5 + number * (size + gap), TITLE, size, size)
        colour = BLUE if model == NETWORK else INK
        _draw_curve(axes, run.calibration[model], colour, start)
        title = "\n".join(wrap(words.model(model, run.metrics.cell), 22)[:2])
        axes.set_title(title, fontsize=8.5, color=colour)
        axes.set_xlabel(words("predicted confidence"))
        if number:
            axes.set_yticklabels([])
        else:
            axes.set_ylabel(words("share correct"))
    return figure


def reliability_models(run: RunData) -> list[str]:
    """The network and the best baselines with reliability data, except the majority class."""
    ranked = run.ranked(run.metrics.primary_metric)
    shown = [
        name
        for name in ranked
        if run.calibration.get(name) and name != "majority" and not run.is_part(name)
    ]
    return sorted(shown, key=lambda name: name != NETWORK)[:MOST_RELIABILITY]


def _draw_curve(axes: Axes, bins: list[Bin], colour: str, start: float) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.7, linestyle=(0, (3, 2)))
    at = [one.confidence for one in bins]
    axes.vlines(at, [b.low for b in bins], [b.high for b in bins], colour, linewidth=1.2)
    axes.plot(at, [one.observed for one in bins], "o-", color=colour, markersize=3.5, linewidth=1)
    axes.set_xlim(start - 0.02, 1.02)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xticks([start, (1 + start) / 2, 1])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(color=PALE, linewidth=0.5)


def draw_tags(facts: TagFacts, words: Words) -> Figure:
    """The confusion matrix of tags or, with many tags, the largest confusions."""
    if not 0 < len(facts.table) <= MOST_IN_MATRIX:
        wrong = [(one.true, one.predicted, one.count, one.share) for one in facts.confusions]
        return draw_bars(wrong, words)
    sums = {true: sum(row.values()) for true, row in facts.table.items()}
    found = {
        (true, predicted): (count, count / max(sums[true], 1))
        for true, row in facts.table.items()
        for predicted, count in row.items()
    }
    return draw_matrix(list(facts.table), found, facts.tokens, words)
