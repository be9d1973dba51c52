"""Figures of state sequences: shares over time, index plot, transitions, entropy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from duree.report.figures.style import BLUE, GREY, INK, PALE, WIDTH, bare, place, text_width
from duree.report.numbers import count
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.run_files import StateFacts

# Okabe & Ito's colours, then four of Paul Tol's schemes; neighbours also differ in lightness.
COLOURS = (
    *("#E69F00", "#0072B2", "#56B4E9", "#D55E00", "#332288", "#009E73", "#F0E442", "#CC79A7"),
    *("#882255", "#DDCC77", "#117733", "#000000"),
)
MOST_STATES = len(COLOURS)
OTHER = "#8C8C8C"  # for all further states
HATCH = "////"  # for unknown states
LEFT, RIGHT, BELOW, TITLE, MARGIN = 0.62, 0.25, 0.3, 0.28, 0.08  # inches
TALL, SMALL, LOW, GAP, LINE = 1.9, 1.15, 1.3, 0.22, 0.21
MOST_MARKED = 30
# Candidate intervals between labelled time points, with quarters and years for months.
STEPS = (1, 2, 3, 4, 6, 12, 24, 36, 48, 60, 120)

# An entry of the key: horizontal position in inches, name, colour, hatch.
Entry = tuple[float, str, str, str]


def colours_of(facts: StateFacts) -> list[str]:
    """A colour for each state; states with a long mean time have their own colour."""
    longest = sorted(facts.states, key=lambda state: -facts.mean_time[state])[:MOST_STATES]
    own = iter(COLOURS)
    return [next(own) if state in longest else OTHER for state in facts.states]


def draw_distribution(facts: StateFacts, words: Words) -> Figure:
    """Stacked shares of the states over time; below, a small panel for each class."""
    classes = list(facts.by_class) if len(facts.by_class) > 1 else []
    across = 2 if len(classes) in (2, 4) else 3
    wide, small = WIDTH - LEFT - RIGHT, SMALL + BELOW + TITLE
    key = lay_out_key(facts, words)
    top = LINE * len(key) + (TITLE if classes else MARGIN)
    lines = -(-len(classes) // across)
    figure = Figure(figsize=(WIDTH, top + TALL + BELOW + lines * small))
    draw_key(figure, key)
    whole = place(figure, LEFT, top, wide, TALL)
    draw_shares(whole, facts, facts.distribution, wide, RIGHT)
    whole.set_ylabel(words("share of the rows (%)"))
    if classes:
        whole.set_title(words("all classes ({n} rows)", n=count(facts.rows)))
    width = (wide - (across - 1) * GAP) / across
    for number, name in enumerate(classes):
        down, right = divmod(number, across)
        y = top + TALL + BELOW + TITLE + down * small
        axes = place(figure, LEFT + right * (width + GAP), y, width, SMALL)
        draw_shares(axes, facts, facts.by_class[name], width, 0.0)
        axes.set_title(
            words("{name} ({n} rows)", name=label(name, 20), n=count(facts.class_rows[name]))
        )
        if right:
            axes.set_yticklabels([])
    return figure


def draw_shares(
    axes: Axes,
    facts: StateFacts,
    shares: Sequence[Sequence[float]],
    width: float,
    beyond: float,
) -> None:
    """Stacked shares, drawn as cumulative sums from the largest, so that there are no seams."""
    tops = 100 * np.cumsum(shares, axis=1)
    edges = np.arange(len(facts.times) + 1) - 0.5
    for top, colour in reversed(list(zip(tops.T, colours_of(facts), strict=True))):
        axes.stairs(top, edges, fill=True, color=colour, linewidth=0)
    if not np.any(shares, axis=1).all():
        shade_missing(axes)
    name_times(axes, facts.times, width, beyond)
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 50, 100])


def draw_sequences(facts: StateFacts, words: Words) -> Figure:
    """One line per sequence, in the colours of its states; missing states are gaps."""
    rows = facts.index.rows
    key = lay_out_key(facts, words)
    top = LINE * len(key) + MARGIN
    tall = min(3.0, 0.15 * len(rows))
    wide = WIDTH - LEFT - RIGHT
    figure = Figure(figsize=(WIDTH, top + tall + BELOW))
    draw_key(figure, key)
    axes = place(figure, LEFT, top, wide, tall)
    if facts.missing:
        shade_missing(axes)
    for state, colour in enumerate(colours_of(facts)):
        x, y = spells_of(rows, state)
        # Slightly higher than a row, to avoid gaps between rows.
        thick = 1.12 * 72 * tall / len(rows)
        axes.plot(x, y, color=colour, linewidth=thick, solid_capstyle="butt")
    name_times(axes, facts.times, wide, RIGHT)
    axes.set_ylim(-0.5, len(rows) - 0.5)
    axes.set_yticks([])
    axes.set_ylabel(
        words("{n} of {rows} sequences", n=count(len(rows)), rows=count(facts.rows)), labelpad=8
    )
    return figure


def spells_of(rows: list[list[int]], state: int) -> tuple[list[float], list[float]]:
    """Coordinates of the spells in a state, as line segments separated by NaN."""
    x: list[float] = []
    y: list[float] = []
    for number, row in enumerate(rows):
        begin = 0
        for found, spell in groupby(row):
            end = begin + len(list(spell))
            if found == state:
                x += [begin - 0.5, end - 0.5, np.nan]
                y += [number, number, np.nan]
            begin = end
    return x, y


def draw_transitions(facts: StateFacts, words: Words) -> Figure:
    """Probabilities of the next state (columns) given the current one (rows)."""
    colours = colours_of(facts)
    shown = [number for number, colour in enumerate(colours) if colour != OTHER]
    names = [label(facts.states[number], 24) for number in shown]
    left = max(text_width(name) for name in names) + 0.65
    cell = min(1.0, (WIDTH - left - 0.1) / len(names))
    wide, tall = cell * len(names), min(cell, 0.4) * len(names)
    figure = Figure(figsize=(WIDTH, tall + 0.68))
    axes = place(figure, left, 0.63, wide, tall)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    bare(axes)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(range(len(names)), [_fit(name, cell) for name in names])
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(pad=14)
    axes.set_xlabel(words("next state"), color=GREY)
    axes.set_ylabel(words("state"), color=GREY)
    for down, number in enumerate(shown):
        for x, y, transform in (
            (-0.1 / wide, down, axes.get_yaxis_transform()),
            (down, 1 + 0.1 / tall, axes.get_xaxis_transform()),
        ):
            axes.plot(x, y, "s", color=colours[number], ms=6, clip_on=False, transform=transform)
        for across, following in enumerate(shown):
            _draw_cell(axes, down, across, facts.transitions[number][following], cell)
    return figure


def _draw_cell(axes: Axes, down: int, across: int, probability: float, width: float) -> None:
    """A cell whose darkness shows its probability, with the value in %; empty if it is 0."""
    axes.bar(across, 0.94, 0.97, down - 0.47, color=BLUE, alpha=0.05 + 0.85 * probability)
    size, places = (9, 1) if width > 0.5 else (7.5, 0)
    least = 10.0**-places
    shown = f"{100 * probability:.{places}f}" if 100 * probability >= least else f"< {least:g}"
    ink = "white" if probability > 0.55 else INK
    if probability:
        axes.text(across, down, shown, ha="center", va="center", color=ink, fontsize=size)


def _fit(name: str, width: float) -> str:
    """A name, shortened to the width of a column."""
    return name if text_width(name) < width - 0.05 else label(name, max(3, int(width * 11)))


def draw_entropy(facts: StateFacts, words: Words) -> Figure:
    """The entropy of states at each time point; a gap if no state is known."""
    wide = WIDTH - LEFT - RIGHT
    figure = Figure(figsize=(WIDTH, 0.1 + LOW + BELOW))
    axes = place(figure, LEFT, 0.1, wide, LOW)
    values = [np.nan if value is None else value for value in facts.entropy]
    axes.plot(values, color=BLUE, marker="o" if len(values) <= MOST_MARKED else "", markersize=4)
    axes.grid(axis="y", color=PALE, linewidth=0.5)
    name_times(axes, facts.times, wide, RIGHT)
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_ylabel(words("entropy"))
    return figure


def name_times(axes: Axes, times: list[str], width: float, beyond: float) -> None:
    """As many names of time points as are legible; the last may extend ``beyond`` the axes."""
    names = [label(name, 12) for name in times]
    room = max(text_width(name) for name in names) + 0.1
    least = room * len(names) / width
    step = next((step for step in STEPS if step >= least), int(np.ceil(least)))
    last = len(names) - 0.5 - (room / 2 - beyond) * len(names) / width
    places = [n for n in range(0, len(names), step) if n == 0 or n <= last]
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_xticks(places, [names[n] for n in places])


def shade_missing(axes: Axes) -> None:
    """A grey hatched background, visible where no state is drawn."""
    axes.patch.set(facecolor=PALE, edgecolor="white", hatch=HATCH, linewidth=0)


def draw_key(figure: Figure, lines: list[list[Entry]]) -> None:
    """A key with a square and a name for each state."""
    axes = place(figure, 0, 0, WIDTH, max(LINE * len(lines), LINE))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    for down, line in enumerate(lines):
        for x, name, colour, hatch in line:
            square = Rectangle((x, down - 0.3), 0.13, 0.6, facecolor=colour, hatch=hatch)
            square.set(edgecolor="white", linewidth=0)
            axes.add_patch(square)
            axes.text(x + 0.19, down, name, va="center_baseline", color=INK)


def lay_out_key(facts: StateFacts, words: Words) -> list[list[Entry]]:
    """The lines of the key: states with their own colour, other states, missing states."""
    named = [
        (label(state, 28), colour, "")
        for state, colour in zip(facts.states, colours_of(facts), strict=True)
        if colour != OTHER
    ]
    others = len(facts.states) - len(named)
    if others:
        named.append((words("{n} other states", n=others), OTHER, ""))
    if facts.missing:
        named.append((words("state unknown"), PALE, HATCH))
    lines: list[list[Entry]] = [[]]
    x = LEFT
    for name, colour, hatch in named:
        width = text_width(name) + 0.4
        if lines[-1] and x + width > WIDTH:
            lines.append([])
            x = LEFT
        lines[-1].append((x, name, colour, hatch))
        x += width
    return lines
