"""Figure of the split: rows, times and classes of each set."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from duree.report.figures.style import (
    GREY,
    INK,
    PALE,
    PART_COLOURS,
    WIDTH,
    bare,
    place,
    text_width,
)
from duree.report.numbers import count
from duree.report.run_data import RunData
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.run_files import PARTS

BAR, LINE, ROW, MARGIN = 0.34, 0.21, 0.26, 0.05  # inches
MARKERS = {"train": "o", "validation": "s", "test": "D"}
# Markers of sets with equal shares must not overlap.
DODGE = {"train": -0.22, "validation": 0.0, "test": 0.22}
MOST_CLASSES = 20


def draw_parts(run: RunData, words: Words) -> Figure:
    """A bar of the sets' rows with a key; below, the share of each class in each set."""
    parts = {part: rows for part, rows in run.split.counts.items() if rows and part in PART_COLOURS}
    classes = _classes(run)
    names = [label(name) for name in classes]
    key_end = BAR + 0.1 + LINE * len(parts)
    below = ROW * len(classes) + 0.7 if classes else 0.05
    figure = Figure(figsize=(WIDTH, key_end + below))
    _draw_bar(place(figure, MARGIN, MARGIN, WIDTH - 2 * MARGIN, BAR), parts)
    key = place(figure, MARGIN, BAR + 0.1, WIDTH - 2 * MARGIN, LINE * len(parts))
    _draw_key(key, parts, run, words)
    if classes:
        left = max(text_width(name) for name in names) + 0.15
        axes = place(figure, left, key_end + 0.2, WIDTH - left - 0.2, ROW * len(classes))
        _draw_shares(axes, run, classes, names)
        axes.set_xlabel(words("share of the rows of each set (%)"))
    return figure


def _draw_bar(axes: Axes, parts: dict[str, int]) -> None:
    axes.set_xlim(0, sum(parts.values()))
    axes.set_ylim(0, 1)
    axes.set_axis_off()
    start = 0
    for part, rows in parts.items():
        unused = part == "left_out"
        colours = ("white", GREY) if unused else (PART_COLOURS[part], "white")
        hatch = "////" if unused else None
        axes.barh(0.5, rows, 1, start, color=colours[0], edgecolor=colours[1], hatch=hatch)
        start += rows


def _draw_key(axes: Axes, parts: dict[str, int], run: RunData, words: Words) -> None:
    """One line per set: marker, name, rows, times, groups."""
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH - 2 * MARGIN)
    axes.set_ylim(len(parts) - 0.5, -0.5)
    columns = [
        [words.part(part) for part in parts],
        [words("{n} rows", n=count(rows)) for rows in parts.values()],
        [_range(run, part) for part in parts],
        [_groups(run, part, words) for part in parts],
    ]
    left = 0.22
    for column in columns:
        for line, text in enumerate(column):
            axes.text(left, line, text, va="center", color=INK)
        left += max(text_width(text) for text in column) + 0.2
    for line, part in enumerate(parts):
        colour = PART_COLOURS[part]
        face = "white" if part == "left_out" else colour
        axes.plot([0.08], [line], MARKERS.get(part, "s"), color=colour, mfc=face, markersize=5)


def _range(run: RunData, part: str) -> str:
    ends = run.split.ranges.get(part)
    return f"{label(ends[0])} – {label(ends[1])}" if ends else ""


def _groups(run: RunData, part: str, words: Words) -> str:
    groups = run.split.group_counts.get(part)
    return "" if groups is None else words("{n} groups", n=count(groups))


def _classes(run: RunData) -> list[str]:
    """The classes of all sets, the most frequent in training first."""
    counts = run.split.class_counts
    names = {name for part in counts.values() for name in part}
    train = counts.get("train", {})
    return sorted(names, key=lambda name: (-train.get(name, 0), name))[:MOST_CLASSES]


def _draw_shares(axes: Axes, run: RunData, classes: list[str], names: list[str]) -> None:
    """One row per class, with one marker per set."""
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.set_yticks(range(len(classes)), names)
    bare(axes, keep="bottom")
    axes.tick_params(axis="x", length=3)
    across = axes.get_yaxis_transform()
    axes.hlines(range(len(classes)), 0, 1, PALE, linewidth=0.6, transform=across)
    for part in PARTS:
        rows = sum(run.split.class_counts.get(part, {}).values())
        if rows:
            axes.plot(
                [100 * run.split.class_counts[part].get(name, 0) / rows for name in classes],
                [row + DODGE[part] for row in range(len(classes))],
                MARKERS[part],
                color=PART_COLOURS[part],
                markersize=5,
                markeredgecolor="white",
                markeredgewidth=0.6,
            )
    axes.set_xlim(left=0)
