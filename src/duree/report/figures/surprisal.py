"""Figures of surprisal: mean by group, and along a text."""

from __future__ import annotations

from itertools import pairwise

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from duree.report.figures.style import (
    BLUE,
    GREY,
    INK,
    PALE,
    RED,
    WIDTH,
    bare,
    place,
    text_width,
)
from duree.report.numbers import number
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.surprisal import Along, Comparison

ROW, TICK = 0.27, 0.6  # inches from one row, or one number of the scale, to the next
HEIGHT, LEFT, RIGHT = 1.9, 0.65, 0.15  # inches
RATES = {"bits_per_character": "bits per character", "bits_per_unit": "bits per unit"}


def draw_groups(found: Comparison, words: Words) -> Figure:
    """The mean of each group with its interval: ordered values along a line, others in rows."""
    return _in_order(found, words) if found.ordered else _in_rows(found, words)


def _in_rows(found: Comparison, words: Words) -> Figure:
    groups = sorted(found.groups, key=lambda group: -group.bits)
    names = [label(group.name, 28) for group in groups]
    column = [number(group.bits, 2) for group in groups]
    left = max(map(text_width, names)) + 0.15
    right = max(map(text_width, column)) + 0.2
    width, height = WIDTH - left - right, ROW * len(groups)
    figure = Figure(figsize=(WIDTH, height + 0.72))
    axes = place(figure, left, 0.15, width, height)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_yticks(range(len(groups)), names)
    bare(axes, keep="bottom")
    axes.tick_params(axis="x", length=3)
    for row, (group, text) in enumerate(zip(groups, column, strict=True)):
        if group.low is not None and group.high is not None:
            axes.plot([group.low, group.high], [row, row], color=BLUE, linewidth=1.8)
        axes.plot([group.bits], [row], "o" if group.low is not None else ".", color=INK)
        transform = axes.get_yaxis_transform()
        axes.text(1 + right / width, row, text, transform=transform, ha="right", va="center")
    axes.xaxis.set_major_locator(MaxNLocator(max(2, int(width / TICK))))
    axes.margins(x=0.06)
    axes.grid(axis="x", color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(words(RATES[found.rate]))
    return figure


def _in_order(found: Comparison, words: Words) -> Figure:
    figure = Figure(figsize=(WIDTH, HEIGHT + 0.75))
    axes = place(figure, LEFT, 0.15, WIDTH - LEFT - RIGHT, HEIGHT)
    where = list(range(len(found.groups)))
    for x, group in zip(where, found.groups, strict=True):
        if group.low is not None and group.high is not None:
            axes.plot([x, x], [group.low, group.high], color=BLUE, linewidth=1.8)
        axes.plot([x], [group.bits], "o" if group.low is not None else ".", color=INK)
    axes.set_xticks(where, [label(group.name, 12) for group in found.groups])
    axes.set_xlabel(label(found.column, 40))
    axes.set_ylabel(words(RATES[found.rate]))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="y", color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    return figure


def draw_along(found: Along, length: int, words: Words) -> Figure:
    """Passages as dots, the mean of each level as a line, and numbered changes."""
    figure = Figure(figsize=(WIDTH, HEIGHT + 0.75))
    axes = place(figure, LEFT, 0.25, WIDTH - LEFT - RIGHT, HEIGHT)
    edges = [100 * begin / length for begin in [*found.begins, length]]
    middles = [(a + b) / 2 for a, b in pairwise(edges)]
    axes.plot(middles, found.values, ".", color=GREY, markersize=3.5)
    levels = [0, *found.changes, len(found.values)]
    for begin, end in pairwise(levels):
        mean = sum(found.values[begin:end]) / (end - begin)
        axes.plot([edges[begin], edges[end]], [mean, mean], color=BLUE)
    for at, change in enumerate(found.changes, start=1):
        axes.axvline(edges[change], color=RED, linewidth=0.9, linestyle=(0, (3, 2)))
        axes.annotate(
            str(at),
            (edges[change], 1),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            color=RED,
        )
    axes.set_xlim(0, 100)
    axes.set_xlabel(words("position in the text (%)"))
    axes.set_ylabel(words("bits per unit"))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="y", color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    return figure
