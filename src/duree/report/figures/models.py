"""Forest plots: every model with its interval, and the network minus each baseline."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from duree.report.differences import Difference, differences
from duree.report.figures.style import BLUE, GREY, INK, PALE, RED, WIDTH, bare, place, text_width
from duree.report.numbers import difference, estimate, p_value
from duree.report.run_data import RunData
from duree.report.vocabulary import Words
from duree.results.metric import Metric
from duree.results.metrics_file import NETWORK
from duree.results.run_files import Estimate

ROW, TICK = 0.29, 0.6  # inches from one row, or one number of the scale, to the next
TRIVIAL = ("majority", "mean")
FAVOURED = {"network": BLUE, "baseline": RED, "": GREY}


def draw_models(run: RunData, words: Words) -> Figure:
    """The primary metric of all models, the best at the top."""
    metric, rows = run.metrics.primary, run.test_rows
    order = run.ranked(metric.name)
    found = {name: run.metrics.results[name].estimates[metric.name] for name in order}
    names = [words.model(name, run.metrics.cell) for name in order]
    figures = [str(estimate(found[name], metric, rows)) for name in order]
    bold = order.index(NETWORK) if NETWORK in order else None
    figure, axes = _forest(names, [figures], [words("95 % interval")], bold)
    axes.set_xlim(*_limits(order, found, metric))
    for row, name in enumerate(order):
        ours = name == NETWORK
        colour, marker = (BLUE, "D") if ours else (GREY if run.is_part(name) else INK, "o")
        _whisker(axes, row, found[name].value, _ends(found[name]), colour, marker)
    _embolden(axes, order)
    axes.set_xlabel(words.metric(metric.name))
    return figure


def draw_differences(run: RunData, words: Words) -> Figure:
    """Network minus baseline in the primary metric, with intervals."""
    metric, rows = run.metrics.primary, run.test_rows
    found = differences(run, metric.name)
    names = [words.model(item.model, run.metrics.cell) for item in found]
    columns = [
        [str(difference(metric, item.evidence, rows)) for item in found],
        [p_value(item.evidence.p_value, rows, item.evidence.is_bound) for item in found],
    ]
    figure, axes = _forest(names, columns, [words("95 % interval"), words("p (Holm)")])
    axes.set_xlim(*_around_zero(found))
    for row, item in enumerate(found):
        against = item.evidence
        marker = "D" if item.favours else "o"
        ends = (against.low, against.high)
        _whisker(axes, row, against.difference, ends, FAVOURED[item.favours], marker)
    axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
    axes.set_xlabel(words("difference in {metric}", metric=words.metric(metric.name)))
    _say_sides(axes, words, metric.gain(1.0))
    return figure


def _forest(
    names: list[str], columns: list[list[str]], titles: list[str], bold: int | None = None
) -> tuple[Figure, Axes]:
    """Axes with one row per name, names on the left and columns of figures on the right."""
    left = max(text_width(name, row == bold) for row, name in enumerate(names)) + 0.15
    widths = [
        max(text_width(text) for text in [*column, title]) + 0.15
        for column, title in zip(columns, titles, strict=True)
    ]
    width, height = WIDTH - left - sum(widths) - 0.1, ROW * len(names)
    figure = Figure(figsize=(WIDTH, height + 0.78))
    axes = place(figure, left, 0.26, width, height)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    bare(axes, keep="bottom")
    axes.tick_params(axis="x", length=3)
    axes.xaxis.set_major_locator(MaxNLocator(max(2, int(width / TICK))))
    axes.grid(axis="x", color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    edge = width
    for column, title, column_width in zip(columns, titles, widths, strict=True):
        edge += column_width
        for row, text in enumerate(column):
            _write(axes, edge / width, row, text, INK)
        _write(axes, edge / width, -0.9, title, GREY)
    return figure, axes


def _write(axes: Axes, x: float, y: float, text: str, colour: str, align: str = "right") -> None:
    axes.text(x, y, text, transform=axes.get_yaxis_transform(), ha=align, va="center", color=colour)


def _whisker(
    axes: Axes, row: int, centre: float, ends: tuple[float, float], colour: str, marker: str
) -> None:
    """A point and its interval; an arrow at the edge if it is outside the axes."""
    low, high = axes.get_xlim()
    if not low <= centre <= high:
        side, arrow = (low, "<") if centre < low else (high, ">")
        axes.plot([side], [row], marker=arrow, color=colour, markersize=5.5, clip_on=False)
        return
    axes.plot(ends, [row, row], color=colour, linewidth=1.8, solid_capstyle="butt", zorder=2)
    style: dict[str, Any] = {"markersize": 5.5, "zorder": 3, "clip_on": False}
    axes.plot([centre], [row], marker=marker, color=colour, **style)


def _embolden(axes: Axes, order: list[str]) -> None:
    """Set the name of the network in bold, so that it can be found without colour."""
    for name, tick in zip(order, axes.get_yticklabels(), strict=True):
        if name == NETWORK:
            tick.set_color(BLUE)
            tick.set_fontweight("bold")


def _ends(figure: Estimate) -> tuple[float, float]:
    low = figure.value if figure.low is None else figure.low
    high = figure.value if figure.high is None else figure.high
    return low, high


def _limits(order: list[str], found: dict[str, Estimate], metric: Metric) -> tuple[float, float]:
    """Limits that show the differences; chance-level models may be outside."""
    ends = {name: _ends(found[name]) for name in order}
    whole = np.array(list(ends.values()))
    thinking = np.array([ends[name] for name in order if name not in TRIVIAL])
    if len(thinking) > 1 and np.ptp(thinking) < np.ptp(whole) / 2.5:
        whole = thinking
    margin = max(float(np.ptp(whole)) * 0.12, 1e-6)
    low, high = float(whole.min()) - margin, float(whole.max()) + margin
    # No tick may stand where no value can be.
    return (max(low, 0.0), min(high, 1.0)) if metric.bounded else (low, high)


def _around_zero(rows: list[Difference]) -> tuple[float, float]:
    """Limits that include zero and are not determined by chance-level baselines."""
    thinking = [item for item in rows if item.model not in TRIVIAL] or rows
    found = [item.evidence for item in thinking]
    values = [0.0, *(end for one in found for end in (one.low, one.difference, one.high))]
    margin = max((max(values) - min(values)) * 0.12, 1e-6)
    return min(values) - margin, max(values) + margin


def _say_sides(axes: Axes, words: Words, sign: float) -> None:
    """Label which side of zero favours which model."""
    sides = [words("← baseline better"), words("network better →")]
    if sign < 0:
        sides = [words("← network better"), words("baseline better →")]
    low, high = axes.get_xlim()
    zero = (0 - low) / (high - low)
    room = axes.get_position().width * WIDTH
    for text, x, align, space in (
        (sides[0], zero - 0.015, "right", zero),
        (sides[1], zero + 0.015, "left", 1 - zero),
    ):
        if text_width(text) < space * room:
            _write(axes, x, -0.9, text, GREY, align)
