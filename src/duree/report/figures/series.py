"""Figures of numeric series: channels over time by class, and one series with attributions."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from duree.report.figures.states import COLOURS
from duree.report.figures.style import BLUE, INK, ORANGE, PALE, WIDTH, place, text_width
from duree.report.numbers import count
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.series import ChannelFacts, Curve

LEFT, RIGHT, BELOW, TITLE, GAP = 0.62, 0.15, 0.42, 0.24, 0.62  # inches
LINE, TALL, LOW = 0.21, 2.1, 1.35
# For one series: maximum number of panels, maximum number of steps with markers, and the share of
# the largest attribution below which steps are not shaded.
MOST_PANELS, MOST_MARKED, FAINT = 6, 60, 0.03
# Approximate maximum number of step names per inch.
NAMES_AN_INCH = 1.3
# Colours for one or two classes.
OF_FEW = (BLUE, ORANGE)


def draw_channels(facts: ChannelFacts, words: Words) -> Figure:
    """A panel for each channel: for each class the mean as a line, and the quartiles as a band."""
    names = list(facts.curves)
    across = 1 if len(names) == 1 else 2
    height = TALL if across == 1 else LOW
    classes = [name for name in facts.class_rows if name]
    colours = dict(zip(facts.class_rows, OF_FEW if len(classes) < 3 else COLOURS, strict=False))
    key = _lay_out_key({name: colours[name] for name in classes}, facts, words)
    top, lines = LINE * len(key), -(-len(names) // across)
    figure = Figure(figsize=(WIDTH, top + lines * (TITLE + height + BELOW)))
    _draw_key(figure, key)
    width = (WIDTH - LEFT - RIGHT - (across - 1) * GAP) / across
    for number, name in enumerate(names):
        down, right = divmod(number, across)
        y = top + TITLE + down * (TITLE + height + BELOW)
        axes = place(figure, LEFT + right * (width + GAP), y, width, height)
        for of_class, curve in facts.curves[name].items():
            _draw_curve(axes, facts.places, curve, colours[of_class])
        axes.set_title(label(name, int(width * 9)))
        _name_steps(axes, facts, width)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.grid(axis="y", color=PALE, linewidth=0.5)
    return figure


def draw_series(
    steps: list[str], channels: list[tuple[str, list[float | None], list[float]]], words: Words
) -> Figure:
    """A panel for each of the first channels of one series, shaded by the attribution of each step.

    Parameters
    ----------
    steps : list of str
        The names of the steps.
    channels : list of (name, values, attributions)
    words : Words
    """
    shown = channels[:MOST_PANELS]
    figure = Figure(figsize=(WIDTH, len(shown) * (TITLE + LOW + BELOW)))
    width = WIDTH - LEFT - RIGHT
    most = max((abs(added) for _, _, given in shown for added in given), default=0.0) or 1.0
    for number, (name, values, given) in enumerate(shown):
        axes = place(figure, LEFT, TITLE + number * (TITLE + LOW + BELOW), width, LOW)
        for step, added in enumerate(given):
            if abs(added) > FAINT * most:
                colour, dark = BLUE if added > 0 else ORANGE, 0.65 * abs(added) / most
                axes.axvspan(step - 0.5, step + 0.5, color=colour, alpha=dark, linewidth=0)
        known = np.array(values, dtype=float)
        marked = "o" if len(known) <= MOST_MARKED or not np.isfinite(known[1:-1]).all() else ""
        axes.plot(known, color=INK, linewidth=1.1, marker=marked, markersize=2.2)
        axes.set_title(label(name, int(width * 9)))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        room = max(text_width(label(step, 12)) for step in steps) + 0.15
        apart = max(-(-len(steps) // max(int(width / room), 1)), -(-len(steps) // 12))
        axes.set_xlim(-0.5, len(steps) - 0.5)
        axes.set_xticks(range(0, len(steps), apart), [label(s, 12) for s in steps[::apart]])
    return figure


def _draw_curve(axes: Axes, places: list[int], curve: Curve, colour: str) -> None:
    mean, low, high = (np.array(part, dtype=float) for part in (curve.mean, curve.low, curve.high))
    axes.fill_between(places, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(places, mean, color=colour, linewidth=1.4)


def _name_steps(axes: Axes, facts: ChannelFacts, width: float) -> None:
    """As many names of steps as are legible, at even distances."""
    most = max(facts.places[-1], 1)
    names = [label(name, 12) for name in facts.times]
    room = max(text_width(name) for name in names) + 0.12
    apart = -(-len(names) // max(int(min(width / room, width * NAMES_AN_INCH)), 1))
    shown = range(0, len(names), apart)
    axes.set_xlim(-0.01 * most, 1.01 * most)
    axes.set_xticks([facts.places[n] for n in shown], [names[n] for n in shown])


def _lay_out_key(
    colours: dict[str, str], facts: ChannelFacts, words: Words
) -> list[list[tuple[float, str, str]]]:
    """The lines of the key: for each class its horizontal position, colour and name."""
    lines: list[list[tuple[float, str, str]]] = [[]] if colours else []
    x = LEFT
    for name, colour in colours.items():
        entry = words("{name} ({n} rows)", name=label(name, 24), n=count(facts.class_rows[name]))
        width = text_width(entry) + 0.55
        if lines[-1] and x + width > WIDTH:
            lines.append([])
            x = LEFT
        lines[-1].append((x, colour, entry))
        x += width
    return lines


def _draw_key(figure: Figure, lines: list[list[tuple[float, str, str]]]) -> None:
    if not lines:
        return
    axes = place(figure, 0, 0, WIDTH, LINE * len(lines))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    for down, line in enumerate(lines):
        for x, colour, entry in line:
            axes.plot([x, x + 0.24], [down, down], color=colour, linewidth=2)
            axes.text(x + 0.31, down, entry, va="center_baseline", color=INK)
