"""The three parts: how many rows each has, from when, and with which classes."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from duree.report.drawing import (
    GREY,
    INK,
    PALE,
    PART_COLOURS,
    WIDTH,
    bare,
    place,
    text_width,
)
from duree.report.numerals import THIN_SPACE, count
from duree.report.records import PARTS
from duree.report.run_data import RunData
from duree.report.texts import label
from duree.report.vocabulary import Words

BAR = 0.34  # inches
ROW = 0.26
MARKERS = {"train": "o", "validation": "s", "test": "D"}
# Parts with equal shares must not hide each other.
DODGE = {"train": -0.22, "validation": 0.0, "test": 0.22}
MOST_CLASSES = 20


def draw_parts(run: RunData, words: Words) -> Figure:
    """A bar of the parts' rows; below it, each class's share in each part."""
    classes = _classes(run)
    told_below = bool(run.split.ranges or run.split.group_counts)
    bar_end = 0.3 + BAR + (0.38 if told_below else 0.12)
    below = ROW * len(classes) + 0.65 if classes else 0.0
    figure = Figure(figsize=(WIDTH, bar_end + below))
    _draw_bar(place(figure, 0.05, 0.3, WIDTH - 0.1, BAR), run, words)
    if classes:
        names = [label(name) for name in classes]
        left = max(text_width(name) for name in names) + 0.15
        axes = place(figure, left, bar_end + 0.15, WIDTH - left - 0.2, ROW * len(classes))
        _draw_shares(axes, run, classes, names)
        axes.set_xlabel(words("share of the part’s rows (%)"))
    return figure


def _draw_bar(axes: Axes, run: RunData, words: Words) -> None:
    counts = {part: n for part, n in run.split.counts.items() if n and part in PART_COLOURS}
    total = sum(counts.values())
    axes.set_xlim(0, total)
    axes.set_ylim(0, 1)
    axes.set_axis_off()
    ends = {}
    start = 0
    for part, rows in counts.items():
        hatch = "////" if part == "left_out" else None
        face = "white" if hatch else PART_COLOURS[part]
        axes.barh(
            0.5, rows, 1, start, color=face, edgecolor=GREY if hatch else "white", hatch=hatch
        )
        ends[part] = (start, start + rows)
        start += rows
    _say_parts(axes, run, words, counts, ends)


def _say_parts(
    axes: Axes,
    run: RunData,
    words: Words,
    counts: dict[str, int],
    ends: dict[str, tuple[int, int]],
) -> None:
    """Name and rows above each part, its time or groups below; texts never run into each other."""
    total = sum(counts.values())
    room = WIDTH - 0.1
    edge_above = edge_below = 0.0
    for part, rows in counts.items():
        above = f"{words.part(part)} {count(rows)}"
        below = _range(run, part)
        groups = run.split.group_counts.get(part)
        if groups is not None:
            told = words("{n} groups", n=count(groups))
            below = f"{below}; {told}" if below else told
        start = ends[part][0] / total * room
        last = part == list(counts)[-1]
        edge_above = _put(axes, above, start, edge_above, 1.25, last)
        edge_below = _put(axes, below, start, edge_below, -0.55, last) if below else edge_below
        colour = PART_COLOURS[part]
        marker = MARKERS.get(part)
        if marker:
            x = (edge_above - text_width(above) - 0.09) / room
            axes.plot(
                [x], [1.39], marker, color=colour, ms=5, transform=axes.transAxes, clip_on=False
            )


def _put(axes: Axes, text: str, wish: float, edge: float, y: float, last: bool) -> float:
    """Write a text at ``wish`` inches, or after ``edge``; the last ends where the bar ends."""
    room = WIDTH - 0.1
    start = max(wish, edge) + 0.16
    if last:
        start = min(start, room - text_width(text))
    axes.text(start / room, y, text, transform=axes.transAxes, color=INK)
    return start + text_width(text)


def _range(run: RunData, part: str) -> str:
    ends = run.split.ranges.get(part)
    return f"{label(ends[0])}{THIN_SPACE}–{THIN_SPACE}{label(ends[1])}" if ends else ""


def _classes(run: RunData) -> list[str]:
    """Classes of any part, the commonest in training first."""
    counts = run.split.class_counts
    names = {name for part in counts.values() for name in part}
    train = counts.get("train", {})
    return sorted(names, key=lambda name: (-train.get(name, 0), name))[:MOST_CLASSES]


def _draw_shares(axes: Axes, run: RunData, classes: list[str], names: list[str]) -> None:
    """A row for each class, a mark for each part."""
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.set_yticks(range(len(classes)), names)
    bare(axes, keep="bottom")
    axes.tick_params(axis="x", length=3)
    across = axes.get_yaxis_transform()
    axes.hlines(range(len(classes)), 0, 1, PALE, linewidth=0.6, transform=across)
    for part in PARTS:
        rows = sum(run.split.class_counts.get(part, {}).values())
        if rows:
            shares = [100 * run.split.class_counts[part].get(name, 0) / rows for name in classes]
            axes.plot(
                shares,
                [row + DODGE[part] for row in range(len(classes))],
                MARKERS[part],
                color=PART_COLOURS[part],
                markersize=5,
                markeredgecolor="white",
                markeredgewidth=0.6,
            )
    axes.set_xlim(left=0)
