"""Figures of an estimate: a forest plot of its terms, and what more labels would bring."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from duree.report.estimate_facts import Beside, EstimateFacts
from duree.report.figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    bare,
    place,
    text_width,
)
from duree.report.numbers import count
from duree.report.vocabulary import Words

# Narrower than other figures, so that a telephone shows its letters in a readable size.
PAGE = 4.9  # inches
ROW, LEGEND, SCALE, GAP, TICK = 0.5, 0.34, 0.34, 0.16, 0.62
# The widest interval over the narrowest, from which each term gets a scale of its own.
SAME_SCALE = 8.0
MOST_LINES = 6
CURVE = 2.1
# Colour, marker and vertical place of each method within a row.
METHODS = {
    "terms": (BLUE, "D", -0.22),
    "labelled_only": (INK, "o", 0.05),
    "naive": (ORANGE, "s", 0.29),
}


def draw_terms(facts: EstimateFacts, words: Words) -> Figure:
    """Each term by our estimate, by labels alone, and by predictions taken for the truth."""
    shown = facts.shown
    names = [facts.name(one.own.term, words) for one in shown]
    left = min(max(map(text_width, names)) + 0.15, PAGE * 0.42)
    ratio = facts.widest_over_narrowest
    groups = [[one] for one in shown] if ratio > SAME_SCALE else [shown]
    heights = [ROW * len(group) for group in groups]
    total = LEGEND + sum(heights) + SCALE * len(groups) + GAP * (len(groups) - 1) + 0.1
    figure = Figure(figsize=(PAGE, total))
    top = LEGEND
    for group, height in zip(groups, heights, strict=True):
        axes = place(figure, left, top, PAGE - left - 0.12, height)
        _forest(axes, group, facts, words)
        top += height + SCALE + GAP
    _legend(figure, words)
    return figure


def _forest(axes: Axes, rows: Sequence[Beside], facts: EstimateFacts, words: Words) -> None:
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [facts.name(one.own.term, words) for one in rows])
    bare(axes, keep="bottom")
    axes.tick_params(axis="x", length=3)
    low, high = _limits(rows, with_zero=not facts.record.shares)
    axes.set_xlim(low, high)
    width = axes.get_position().width * PAGE
    axes.xaxis.set_major_locator(MaxNLocator(max(2, int(width / TICK))))
    axes.grid(axis="x", color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    if low < 0 < high:
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
    for place_of_row, row in enumerate(rows):
        for method, (colour, marker, offset) in METHODS.items():
            if (term := row.by(method)) is None:
                continue
            y = place_of_row + offset
            inside = low <= term.estimate <= high
            if term.low is not None and term.high is not None:
                ends = np.clip([term.low, term.high], low, high)
                if ends[0] < ends[1]:
                    axes.plot(ends, [y, y], color=colour, linewidth=1.6, zorder=2)
                for end, sign, edge in ((term.low, "<", low), (term.high, ">", high)):
                    if not low <= end <= high and inside:
                        axes.plot([edge], [y], marker=sign, color=colour, markersize=4)
            where = term.estimate if inside else (low if term.estimate < low else high)
            shape = marker if inside else ("<" if term.estimate < low else ">")
            axes.plot([where], [y], marker=shape, color=colour, markersize=4.6, clip_on=False)


def _limits(rows: Sequence[Beside], *, with_zero: bool) -> tuple[float, float]:
    """Limits that hold our intervals and the other estimates, and their intervals if near."""
    ours = [end for one in rows for end in one.ends("terms")]
    low, high = min(ours), max(ours)
    others = [term.estimate for one in rows for term in one.others]
    reach = 4 * max(high - low, 1e-9)
    others += [
        end for one in rows for method in ("labelled_only", "naive") for end in one.ends(method)
    ]
    near = [end for end in others if low - reach <= end <= high + reach]
    ends = [low, high, *near, *([0.0] if with_zero and low - reach <= 0 <= high + reach else [])]
    margin = max(0.05 * (max(ends) - min(ends)), 1e-9)
    return min(ends) - margin, max(ends) + margin


def _legend(figure: Figure, words: Words) -> None:
    """The methods with their markers, above the axes."""
    axes = place(figure, 0, 0, PAGE, LEGEND - 0.06)
    bare(axes)
    axes.set_axis_off()
    axes.set_xlim(0, PAGE)
    axes.set_ylim(0, 1)
    x = 0.08
    for method, title in TITLES.items():
        colour, marker, _ = METHODS[method]
        axes.plot([x], [0.5], marker=marker, color=colour, markersize=4.6, clip_on=False)
        axes.text(x + 0.1, 0.5, words(title), va="center", color=INK)
        x += text_width(words(title)) + 0.34


TITLES = {
    "terms": "corrected estimate",
    "labelled_only": "labels alone",
    "naive": "predictions taken for the truth",
}


def draw_power(facts: EstimateFacts, words: Words) -> Figure:
    """The width of each term's interval with more labels, relative to now."""
    assert facts.record.power is not None
    points = facts.record.power.points
    labelled = np.array([one.labelled for one in points])
    widths = np.array([one.se for one in points]) / np.array(points[0].se)
    chosen = facts.places
    figure = Figure(figsize=(PAGE, CURVE + 0.85))
    several = len(chosen) <= MOST_LINES
    names = [facts.name(facts.record.terms[at].term, words) for at in chosen] if several else []
    right = min(max(map(text_width, names), default=0.3) + 0.2, PAGE * 0.35)
    axes = place(figure, 0.62, 0.3, PAGE - 0.62 - right, CURVE)
    if several:
        ends = _spread([100 * widths[-1, at] for at in chosen], 100 - 100 * widths.min())
        for at, name, end in zip(chosen, names, ends, strict=True):
            axes.plot(labelled, 100 * widths[:, at], color=BLUE, marker="o", markersize=3.5)
            axes.annotate(
                name,
                (1, end),
                xycoords=("axes fraction", "data"),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                annotation_clip=False,
            )
    else:
        middle = 100 * np.median(widths[:, chosen], axis=1)
        low, high = (100 * edge(widths[:, chosen], axis=1) for edge in (np.min, np.max))
        axes.fill_between(labelled, low, high, color=PALE, linewidth=0)
        axes.plot(labelled, middle, color=BLUE, marker="o", markersize=3.5)
    axes.set_ylim(0, 105)
    axes.set_xlim(labelled[0], labelled[-1])
    axes.set_xticks(*_ticks(labelled, axes.get_position().width * PAGE))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="y", color=PALE, linewidth=0.5)
    unit = facts.record.power.unit
    axes.set_xlabel(words("labelled clusters" if unit == "clusters" else "labelled rows"))
    axes.text(
        0,
        1 + 0.1 / CURVE,
        words("width of the interval, % of that now"),
        transform=axes.transAxes,
        color=GREY,
    )
    return figure


def _ticks(values: np.ndarray, width: float) -> tuple[list[float], list[str]]:
    """Places and labels of those numbers of labels that leave room for each other."""
    scale = width / max(float(values[-1] - values[0]), 1.0)
    kept: list[int] = []
    for value in map(int, values):
        if not kept or (value - kept[-1]) * scale > text_width(count(value)) + 0.12:
            kept.append(value)
    return [float(value) for value in kept], [count(value) for value in kept]


def _spread(ends: list[float], height: float) -> list[float]:
    """Heights of labels at the ends of curves, far enough from one another to be read."""
    step = 105 * 0.14 / CURVE
    found: dict[int, float] = {}
    last = -np.inf
    for place_of_curve in np.argsort(ends):
        last = max(ends[place_of_curve], last + step)
        found[int(place_of_curve)] = last
    return [found[at] for at in range(len(ends))]
