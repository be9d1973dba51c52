"""Figures of typologies: the sequences of each type, by the network and by optimal matching."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from duree.report.figures.states import (
    BELOW,
    LEFT,
    LINE,
    MARGIN,
    TITLE,
    colours_of,
    draw_key,
    draw_shares,
    lay_out_key,
    name_times,
    shade_missing,
    spells_of,
)
from duree.report.figures.style import BLUE, GREEN, INK, ORANGE, PALE, WIDTH, place, text_width
from duree.report.numbers import count
from duree.report.vocabulary import Words
from duree.results.run_files import StateFacts
from duree.results.typology import TypeFacts

PANEL, GAP, RIGHT = 0.95, 0.3, 0.25  # inches
LOW = 1.7
MARKS = ((BLUE, "-o"), (ORANGE, "-s"), (GREEN, "--^"))


Columns = Sequence[tuple[str, Sequence[TypeFacts]]]
Draw = Callable[[Axes, TypeFacts, float], None]


def draw_type_shares(facts: StateFacts, columns: Columns, words: Words) -> Figure:
    """Shares of the states over time: one row of panels per type, one column per typology."""

    def draw(axes: Axes, one: TypeFacts, width: float) -> None:
        draw_shares(axes, facts, one.distribution, width, 0.0)

    return _draw_panels(facts, columns, words, draw, words("share of the rows (%)"))


def draw_type_sequences(facts: StateFacts, columns: Columns, words: Words) -> Figure:
    """Index plots of some sequences of each type, in the same arrangement."""

    def draw(axes: Axes, one: TypeFacts, width: float) -> None:
        if any(-1 in row for row in one.index):
            shade_missing(axes)
        for state, colour in enumerate(colours_of(facts)):
            x, y = spells_of(one.index, state)
            thick = 1.12 * 72 * PANEL / max(len(one.index), 1)
            axes.plot(x, y, color=colour, linewidth=thick, solid_capstyle="butt")
        name_times(axes, facts.times, width, 0.0)
        axes.set_ylim(-0.5, max(len(one.index), 1) - 0.5)
        axes.set_yticks([])

    return _draw_panels(facts, columns, words, draw, "")


def draw_widths(widths: dict[str, dict[int, float]], words: Words) -> Figure:
    """Mean silhouettes by number of types, one line per typology."""
    figure = Figure(figsize=(WIDTH, LINE + MARGIN + LOW + 1.4 * BELOW))
    axes = place(figure, LEFT, LINE + MARGIN, WIDTH - LEFT - RIGHT, LOW)
    key = place(figure, LEFT, 0, WIDTH - LEFT, LINE)
    key.set_axis_off()
    key.set_xlim(0, WIDTH - LEFT)
    x = 0.0
    for (name, values), (colour, mark) in zip(widths.items(), MARKS, strict=False):
        style: dict[str, Any] = {"color": colour, "markersize": 5, "clip_on": False}
        axes.plot(list(values), list(values.values()), mark, **style)
        key.plot([x, x + 0.3], [0.5, 0.5], mark, **style)
        key.text(x + 0.38, 0.5, name, va="center_baseline", color=INK)
        x += text_width(name) + 0.6
    axes.set_xticks(sorted({number for values in widths.values() for number in values}))
    axes.set_xlabel(words("number of types"))
    axes.set_ylabel(words("mean silhouette"))
    axes.grid(axis="y", color=PALE, linewidth=0.5)
    axes.set_ylim(bottom=min(0.0, *(min(values.values()) for values in widths.values())))
    return figure


def _draw_panels(
    facts: StateFacts, columns: Columns, words: Words, draw: Draw, label: str
) -> Figure:
    key = lay_out_key(facts, words)
    kinds = max(len(types) for _, types in columns)
    top = LINE * len(key) + TITLE
    one = PANEL + BELOW + TITLE
    figure = Figure(figsize=(WIDTH, top + MARGIN + kinds * one))
    draw_key(figure, key)
    width = (WIDTH - LEFT - RIGHT - GAP * (len(columns) - 1)) / len(columns)
    for across, (name, types) in enumerate(columns):
        left = LEFT + across * (width + GAP)
        head = place(figure, left, LINE * len(key), width, TITLE)
        head.set_axis_off()
        head.text(0, 0.5, name, weight="bold", va="center", color=INK)
        for number, facts_of_type in enumerate(types):
            axes = place(figure, left, top + TITLE + number * one, width, PANEL)
            draw(axes, facts_of_type, width)
            axes.set_title(
                words("type {n}: {rows} rows", n=number + 1, rows=count(facts_of_type.rows))
            )
            if across:
                axes.set_yticklabels([])
            elif label and number == 0:
                axes.set_ylabel(label)
    return figure
