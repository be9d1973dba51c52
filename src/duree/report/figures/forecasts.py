"""Figures of forecasts: fan charts, errors by step, and the coverage of bands."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from duree.report.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    RED,
    WIDTH,
    place,
    text_width,
)
from duree.report.run_data import RunData
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.run_files import Fan, ForecastFacts

LEFT, RIGHT, TOP, BELOW, TITLE, GAP = 0.55, 0.4, 0.3, 0.32, 0.2, 0.5  # inches
ACROSS, SMALL = 3, 1.25
PANEL = 2.4
# Lines to the names of models may be drawn outside the axes.
OUTSIDE = {"linewidth": 1, "clip_on": False}
# Bands from the widest to the narrowest: pairs of levels, and opacity.
BANDS = ((0, 10, "#D3E5F2"), (1, 9, "#9CC5E3"), (3, 7, "#5FA2D0"))
NAMES = ("95\u202f%", "80\u202f%", "40\u202f%")
SHADES = (ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", GREY, "#999999")
DASHES = ((0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (6, 2)), "-", (0, (2, 2)), "-")


def draw_fans(facts: ForecastFacts, words: Words) -> Figure:
    """A panel for each example: past values, actual values, and the bands of the forecast."""
    lines = -(-len(facts.fans) // ACROSS)
    figure = Figure(figsize=(WIDTH, TOP + lines * (SMALL + BELOW + TITLE)))
    width = (WIDTH - LEFT - RIGHT - (ACROSS - 1) * GAP) / ACROSS
    for number, fan in enumerate(facts.fans):
        down, right = divmod(number, ACROSS)
        y = TOP + TITLE + down * (SMALL + BELOW + TITLE)
        axes = place(figure, LEFT + right * (width + GAP), y, width, SMALL)
        _draw_fan(axes, fan, width)
    _draw_key(place(figure, LEFT, 0.02, WIDTH - LEFT - RIGHT, 0.24), words)
    return figure


def _draw_fan(axes: Axes, fan: Fan, width: float) -> None:
    past = np.array(fan.past, dtype=float)
    actual = np.array(fan.actual, dtype=float)
    quantiles = np.array(fan.quantiles)
    before = np.arange(-len(past) + 1, 1)
    ahead = np.arange(0, len(actual) + 1)
    # The fan begins at the last known value.
    known = past[np.isfinite(past)][-1] if np.isfinite(past).any() else quantiles[0, 5]
    opened = np.vstack([np.full(quantiles.shape[1], known), quantiles])
    for low, high, colour in BANDS:
        axes.fill_between(ahead, opened[:, low], opened[:, high], color=colour, linewidth=0)
    axes.plot(ahead, opened[:, 5], color=BLUE, linewidth=1.3)
    axes.plot(before, past, color=INK, linewidth=0.9)
    axes.plot(
        ahead,
        np.concatenate([[known], actual]),
        color=RED,
        linewidth=1.1,
        marker="o",
        markersize=1.8,
    )
    axes.axvline(0, color=PALE, linewidth=0.7, zorder=0)
    most = max(int(width / 0.095), 8)
    axes.set_title(label(fan.series, most), fontsize=8)
    axes.set_xlim(before[0], ahead[-1])
    axes.set_xticks([0, ahead[-1]], [label(fan.origin, 10), label(fan.last, 10)], fontsize=7)
    axes.get_xticklabels()[0].set_horizontalalignment("right")  # long times would overlap
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(_short))
    axes.tick_params(axis="y", labelsize=7, length=2)


def _draw_key(axes: Axes, words: Words) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH - LEFT - RIGHT)
    axes.set_ylim(0, 1)
    x = 0.0
    entries = [
        ("line", INK, words("past")),
        ("line", RED, words("actual")),
        ("line", BLUE, words("forecast (median)")),
        *(
            ("patch", colour, words.set(name))
            for (_, _, colour), name in zip(BANDS, NAMES, strict=True)
        ),
    ]
    for kind, colour, name in entries:
        if kind == "line":
            axes.plot([x, x + 0.22], [0.5, 0.5], color=colour, linewidth=1.6)
        else:
            axes.fill_between([x, x + 0.22], 0.2, 0.8, color=colour, linewidth=0)
        axes.text(x + 0.29, 0.5, name, va="center", color=INK, fontsize=8)
        x += 0.29 + text_width(name) + 0.16


def draw_steps(run: RunData, facts: ForecastFacts, words: Words) -> Figure:
    """The scaled error of the network and each baseline by step; the relative one without scale."""
    measure = "mase" if any(v is not None for v in facts.steps["network"].mase) else "smape"
    figure = Figure(figsize=(WIDTH, PANEL + 0.65))
    names = drawn_models(run, facts)
    shown = [words.model(name, run.metrics.cell) for name in names]
    margin = max(text_width(name, not row) for row, name in enumerate(shown)) + 0.75
    axes = place(figure, LEFT, 0.12, WIDTH - LEFT - margin, PANEL)
    key = place(figure, WIDTH - margin, 0.12, margin, PANEL)
    steps = np.arange(1, facts.horizon + 1)
    lines = [np.array(getattr(facts.steps[name], measure), dtype=float) for name in names]
    styles: list[dict[str, Any]] = [{"color": BLUE, "linewidth": 2.4}]
    styles += [_style(number) for number in range(len(names) - 1)]
    for values, style in reversed(list(zip(lines, styles, strict=True))):
        axes.plot(steps, values, **style)
    axes.set_xlabel(words("step after the origin"))
    is_scaled = measure == "mase"
    axes.set_ylabel(words("scaled error (MASE)" if is_scaled else "relative error (sMAPE)"))
    axes.xaxis.set_major_locator(MaxNLocator(min(facts.horizon, 12), integer=True))
    axes.set_xlim(1, max(facts.horizon, 2))
    axes.set_ylim(0, 1.06 * max(np.nanmax(line) for line in lines) or 1.0)
    _draw_names(key, axes.get_ylim(), [line[-1] for line in lines], styles, shown, margin)
    return figure


def _draw_names(
    axes: Axes,
    limits: tuple[float, float],
    ends: list[float],
    styles: list[dict[str, Any]],
    names: list[str],
    width: float,
) -> None:
    """A line from each end to its name; names are moved so that they do not overlap."""
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(*limits)
    least = 0.16 / PANEL * (limits[1] - limits[0])
    order = sorted(range(len(names)), key=lambda line: ends[line])
    heights = {line: ends[line] for line in order}
    for below, above in pairwise(order):
        heights[above] = max(heights[above], heights[below] + least)
    # Centred, so that names are moved as little as possible.
    shift = float(np.mean([heights[line] - ends[line] for line in order]))
    lowest = heights[order[0]] - shift
    shift += min(lowest - limits[0], 0.0)
    shift += max(heights[order[-1]] - shift - limits[1], 0.0)
    for line in order:
        height = heights[line] - shift
        axes.plot(
            [0.02, 0.3, 0.55], [ends[line], height, height], **styles[line] | {"linewidth": 1}
        )
        own: dict[str, Any] = {"color": BLUE, "weight": "bold"} if line == 0 else {"color": INK}
        axes.text(0.62, height, names[line], va="center", fontsize=8, **own)


def draw_bands(run: RunData, facts: ForecastFacts, words: Words) -> Figure:
    """The share of actual values below each quantile by level, and the coverage of bands."""
    figure = Figure(figsize=(WIDTH, PANEL + 0.65))
    axes = place(figure, LEFT, 0.12, PANEL, PANEL)
    stated = 100 * np.array(facts.levels)
    best = run.strongest_baseline
    names = ["network", *([best] if best in facts.below else [])]
    axes.plot([0, 100], [0, 100], color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
    for name in reversed(names):
        own = name == "network"
        axes.plot(
            stated,
            100 * np.array(facts.below[name], dtype=float),
            marker="D" if own else "o",
            markersize=4.5 if own else 3.5,
            color=BLUE if own else ORANGE,
            linewidth=1.4,
            linestyle="-" if own else (0, (4, 1.5)),
            clip_on=False,
            label=words.model(name, run.metrics.cell),
        )
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_xlabel(words("nominal share below (%)"))
    axes.set_ylabel(words("observed share below (%)"))
    axes.legend(loc="upper left")
    _draw_coverage(place(figure, LEFT + PANEL + 1.6, 0.12, 2.2, PANEL), run, facts, words)
    return figure


def _draw_coverage(axes: Axes, run: RunData, facts: ForecastFacts, words: Words) -> None:
    """The coverage of each model's two bands, with intervals; dashed lines are nominal levels."""
    names = [name for name in run.ranked(run.metrics.primary_metric) if name in facts.steps]
    for metric, share, colour, marker in (
        ("coverage_80", 80, ORANGE, "s"),
        ("coverage_95", 95, BLUE, "o"),
    ):
        axes.axvline(share, color=colour, linewidth=0.8, linestyle=(0, (3, 2)))
        for line, name in enumerate(names):
            found = run.metrics.results[name].estimates.get(metric)
            if found is None:
                continue
            if found.low is not None and found.high is not None:
                axes.plot(
                    [100 * found.low, 100 * found.high], [line, line], color=colour, linewidth=1
                )
            axes.plot(
                [100 * found.value], [line], marker, color=colour, markersize=4.5, clip_on=False
            )
    axes.set_yticks(range(len(names)), [words.model(name, run.metrics.cell) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    # The label is longer than the axis: it ends where the axis does.
    title = words("actual values inside the 80 % and the 95 % band (%)")
    axes.set_xlabel(title, fontsize=8, loc="right")
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.set_xlim(right=100)


def drawn_models(run: RunData, facts: ForecastFacts) -> list[str]:
    """The network, then the baselines, the best first, without those with very large errors."""
    ranked = [name for name in run.ranked(run.metrics.primary_metric) if name in facts.steps]
    others = [name for name in ranked if name != "network"]
    limit = 1.6 * max(_most(facts, name) for name in ["network", *others[:3]])
    return ["network", *(name for name in others if _most(facts, name) <= limit)]


def _most(facts: ForecastFacts, name: str) -> float:
    return max((value for value in facts.steps[name].mase if value is not None), default=0.0)


def _style(place_: int) -> dict[str, Any]:
    return {
        "color": SHADES[place_ % len(SHADES)],
        "linewidth": 1.2,
        "linestyle": DASHES[place_ % len(DASHES)],
    }


def _short(value: float, _: object) -> str:
    """Large numbers with k, M or G."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if sign == 'k' else size):g}{sign}"
    return f"{value:g}"
