"""Figure of rare classes: precision by recall."""

from __future__ import annotations

from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from duree.report.figures.style import BLUE, GREY, INK, PALE, WIDTH, place
from duree.report.run_data import RunData
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.metrics_file import NETWORK
from duree.results.precision_recall import RareClass

MOST_PANELS = 4
SIZE, GAP, TITLE = 1.42, 0.2, 0.38  # inches


def draw_precision_recall(classes: list[RareClass], run: RunData, words: Words) -> Figure:
    """One panel for each class, the rarest first."""
    figure = Figure(figsize=(WIDTH, TITLE + SIZE + 0.5))
    for number, one in enumerate(classes):
        axes = place(figure, 0.5 + number * (SIZE + GAP), TITLE, SIZE, SIZE)
        _draw_class(axes, one)
        title = "\n".join(wrap(label(one.name, 40), 22)[:2])
        axes.set_title(title, fontsize=8.5)
        axes.set_xlabel(words("recall"))
        if number:
            axes.set_yticklabels([])
        else:
            axes.set_ylabel(words("precision"))
    return figure


def _draw_class(axes: Axes, one: RareClass) -> None:
    axes.axhline(one.share, color=GREY, linewidth=0.7, linestyle=(0, (3, 2)))
    # The network last, so that nothing hides it.
    for name, curve in sorted(one.curves.items(), key=lambda pair: pair[0] == NETWORK):
        colour, width = (BLUE, 1.4) if name == NETWORK else (INK, 0.8)
        axes.plot(curve.recall, curve.precision, color=colour, linewidth=width)
    if one.precision is not None:
        axes.plot([one.recall], [one.precision], "D", color=BLUE, markersize=5)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.grid(color=PALE, linewidth=0.5)
