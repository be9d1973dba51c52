"""Figures of explanations: context length, faithfulness, arc, map of predictive words."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

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
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.explanations import ArcData, Curves, Explanations

LEFT, RIGHT, HEIGHT, MAP = 0.6, 0.15, 2.1, 2.9  # inches
# A word, the output that it supports, and its position.
Placed = tuple[str, str, tuple[float, float]]
# Colours and markers of outputs on the map; further outputs share the last.
MARKS = [(BLUE, "o"), (RED, "s"), (GREEN, "D"), (ORANGE, "^"), (INK, "v"), (GREY, "P")]
# Minimum distance of labels on the map, in inches.
LINE = 0.14


def draw_memory(found: Explanations, words: Words) -> Figure:
    """The primary metric of the recurrent part by length of context."""
    figure = Figure(figsize=(WIDTH, HEIGHT + 0.75))
    axes = place(figure, LEFT, 0.15, WIDTH - LEFT - RIGHT, HEIGHT)
    steps = [span.steps for span in found.memory]
    values = [span.figure.value for span in found.memory]
    for span in found.memory:
        if span.figure.low is not None and span.figure.high is not None:
            axes.vlines(span.steps, span.figure.low, span.figure.high, color=BLUE, linewidth=1)
    axes.plot(steps, values, color=BLUE, marker="o", markersize=4)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(steps))
    axes.xaxis.set_minor_locator(NullLocator())
    names = [str(step) for step in steps]
    names[-1] = words("all")
    if len(steps) > 1 and steps[-1] < 1.5 * steps[-2]:  # labels would overlap
        names[-2] = ""
    axes.set_xticks(steps, names)
    axes.set_xlabel(words("context length in steps"))
    axes.set_ylabel(words.metric(found.metric))
    _quiet(axes)
    return figure


def draw_faithfulness(curves: Curves, words: Words) -> Figure:
    """Deletion on the left, insertion on the right, each compared with a random order."""
    panel = (WIDTH - 2 * LEFT - RIGHT) / 2
    figure = Figure(figsize=(WIDTH, HEIGHT + 0.95))
    parts = [
        ("words deleted, largest attribution first", curves.deletion, curves.random_deletion),
        ("words inserted, largest attribution first", curves.insertion, curves.random_insertion),
    ]
    for number, (title, ours, random) in enumerate(parts):
        axes = place(figure, LEFT + number * (panel + LEFT), 0.35, panel, HEIGHT)
        shares = [100 * share for share in curves.shares]
        axes.plot(shares, ours, color=BLUE, label=words("by attribution"))
        (line,) = axes.plot(shares, random, color=GREY, label=words("in random order"))
        line.set_linestyle((0, (3, 2)))
        axes.set_title(words(title), pad=8)
        axes.set_xlabel(words("share of the words (%)"))
        axes.set_xlim(0, 100)
        axes.legend(loc="upper right" if number == 0 else "lower right")
        _quiet(axes)
        axes.margins(y=0.12)
    figure.axes[0].set_ylabel(words("probability of the prediction"))
    return figure


def draw_arc(arc: ArcData, words: Words) -> Figure:
    """Passages as dots, their moving average as a line, shuffled passages as a band."""
    figure = Figure(figsize=(WIDTH, HEIGHT + 0.75))
    axes = place(figure, LEFT, 0.2, WIDTH - LEFT - RIGHT, HEIGHT)
    where = [100 * (k + 0.5) / len(arc.values) for k in range(len(arc.values))]
    axes.fill_between(where, arc.low, arc.high, color=PALE, linewidth=0)
    axes.plot(where, arc.values, ".", color=GREY, markersize=3, alpha=0.7)
    axes.plot(where, arc.smooth, color=BLUE)
    for number, change in enumerate(arc.changes, start=1):
        x = 100 * change / len(arc.values)
        axes.axvline(x, color=RED, linewidth=0.9, linestyle=(0, (3, 2)))
        axes.annotate(
            str(number),
            (x, 1),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            color=RED,
        )
    axes.set_xlim(0, 100)
    axes.set_xlabel(words("position in the text (%)"))
    axes.set_ylabel(label(arc.answer, 24))
    _quiet(axes)
    return figure


def draw_map(found: Sequence[Placed], *, named: bool = True) -> Figure:
    """A map of words by the output that they support; or of rows, without labels."""
    figure = Figure(figsize=(WIDTH, MAP + 0.7))
    axes = place(figure, 0.15, 0.35, WIDTH - 0.3, MAP)
    axes.set(xticks=[], yticks=[])
    answers = list(dict.fromkeys(answer for _, answer, _ in found))
    for _, answer, at in found:
        colour, marker = MARKS[min(answers.index(answer), len(MARKS) - 1)]
        axes.plot(*at, marker, color=colour, markersize=4)
    axes.margins(x=0.12, y=0.1)
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())  # the key below must not change them
    if named:
        _label_words(axes, found)
    edge = 0.0
    for number, answer in enumerate(answers):
        colour, marker = MARKS[min(number, len(MARKS) - 1)]
        key = axes.plot([edge + 0.01], [1.06], marker, color=colour, markersize=5)
        key[0].set(transform=axes.transAxes, clip_on=False)
        name = label(answer, 24)
        axes.text(edge + 0.025, 1.06, name, va="center", color=INK, transform=axes.transAxes)
        edge += (text_width(name) + 0.45) / (WIDTH - 0.3)
    return figure


def _label_words(axes: Axes, found: Sequence[Placed]) -> None:
    """Each word once, next to its marker, moved down if it would overlap another label."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    taken: list[tuple[float, float, float]] = []
    shown: set[str] = set()
    for word, _, at in sorted(found, key=lambda placed: -placed[2][1]):
        if word in shown:
            continue
        shown.add(word)
        name = label(word, 20)
        x = (at[0] - left) / (right - left) * (WIDTH - 0.3) + 0.07
        y = (at[1] - bottom) / (top - bottom) * MAP
        width = text_width(name)
        while any(abs(y - b) < LINE and x < c and a < x + width for a, b, c in taken):
            y -= LINE
        taken.append((x, y, x + width))
        axes.text(x / (WIDTH - 0.3), y / MAP, name, va="center", transform=axes.transAxes)


def _quiet(axes: Axes) -> None:
    axes.grid(axis="y", color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(MaxNLocator(5))
