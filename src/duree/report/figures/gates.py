"""The gates for one text as a heat map: one column per word, one row per gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from duree.report.figures.style import GREY, WIDTH, bare, place, text_width
from duree.report.safe_text import label
from duree.report.vocabulary import Words

ROW, WORD, GAP, SPACE = 0.13, 0.22, 0.14, 0.1  # inches
# From purple (below the mean) to orange (above it), distinct for colour-blind readers.
COLOURS = "PuOr_r"
# Maximum number of words.
MOST = 150
KEY, CELL = 9, 0.15  # cells of the key, and how wide each is in inches


def draw_gates(units: Sequence[str], gates: Mapping[str, Sequence[float]], words: Words) -> Figure:
    """The deviation of each gate from its mean in the text, by word.

    Parameters
    ----------
    units : list of str [steps]
    gates : {name: [steps]}
        Mean values with names such as "z, layer 1, forward", as from ``Trace.means``.
    """
    values = np.array([list(gate) for gate in gates.values()])  # (gates, steps)
    means = values.mean(axis=1, keepdims=True)
    names = [
        f"{_gate(name, words)}  {mean:.2f}" for name, mean in zip(gates, means[:, 0], strict=True)
    ]
    # Gates are between 0 and 1 and vary little; states have other scales.
    is_state = np.array([name.startswith("|") for name in gates])
    farthest = np.abs(values - means).max(axis=1)
    reach = [max(float(farthest[kind].max(initial=0)), 1e-6) for kind in (~is_state, is_state)]
    scale = np.where(is_state, reach[1], reach[0])[:, None]
    shades = matplotlib.colormaps[COLOURS](0.5 + (values - means) / scale / 2)
    left = max(text_width(name) for name in names) + 0.1
    lines = _lines([label(unit, 16) for unit in units[:MOST]], WIDTH - left)
    tall = WORD + ROW * len(gates) + GAP
    figure = Figure(figsize=(WIDTH, tall * len(lines) + 0.35))
    first = 0
    for number, line in enumerate(lines):
        axes = place(figure, left, tall * number, WIDTH - left, tall - GAP)
        _draw_line(axes, line, shades[:, first : first + len(line)], names)
        first += len(line)
    _draw_key(place(figure, left, tall * len(lines), WIDTH - left, 0.3), reach, words)
    return figure


def _gate(name: str, words: Words) -> str:
    """``z forward`` for "z, layer 1, forward"; ``z2 forward`` for layer 2."""
    gate, layer, direction = name.split(", ")
    deeper = "" if layer == "layer 1" else layer.removeprefix("layer ")
    return f"{gate}{deeper} {words(direction)}"


def _lines(units: list[str], width: float) -> list[list[tuple[str, float]]]:
    """Units with their widths in inches, wrapped into lines."""
    lines: list[list[tuple[str, float]]] = [[]]
    used = 0.0
    for unit in units:
        wide = text_width(unit) + SPACE
        if used + wide > width and lines[-1]:
            lines.append([])
            used = 0.0
        lines[-1].append((unit, wide))
        used += wide
    return lines


def _draw_line(
    axes: Axes, line: list[tuple[str, float]], shades: np.ndarray, names: list[str]
) -> None:
    """One line of words with their cells; the axes are in inches."""
    _in_inches(axes)
    cells, colours, at = [], [], 0.0
    for column, (unit, wide) in enumerate(line):
        axes.text(at + wide / 2, WORD / 2, unit, ha="center", va="center")
        for row in range(len(names)):
            cells.append(Rectangle((at, WORD + ROW * row), wide, ROW))
            colours.append(shades[row, column])
        at += wide
    axes.add_collection(PatchCollection(cells, facecolors=colours, edgecolors="none"))
    for row, name in enumerate(names):
        axes.text(-0.08, WORD + ROW * (row + 0.5), name, ha="right", va="center", fontsize=7)


def _draw_key(axes: Axes, reach: list[float], words: Words) -> None:
    """The colour scale, with the values of the darkest cells."""
    _in_inches(axes)
    for number in range(KEY):
        colour = matplotlib.colormaps[COLOURS](number / (KEY - 1))
        cell = Rectangle((CELL * number, 0.0), CELL, 0.1, facecolor=colour, edgecolor="none")
        axes.add_patch(cell)
    key = words("darkest: {gates} for gates, {states} for h and c", **_signed(reach))
    axes.text(CELL * KEY + 0.1, 0.05, key, va="center", fontsize=7, color=GREY)


def _signed(reach: list[float]) -> dict[str, str]:
    return {name: f"±{far:.2f}" for name, far in zip(("gates", "states"), reach, strict=True)}


def _in_inches(axes: Axes) -> None:
    figure = axes.get_figure(root=True)
    assert figure is not None
    width, height = axes.get_position().size * figure.get_size_inches()
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    bare(axes)
    axes.patch.set_visible(False)
