"""Learning curves: loss and validation metric by epoch, with the best epoch marked."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from duree.report.figures.style import BLUE, GREY, INK, ORANGE, PALE, WIDTH, place, text_width
from duree.report.run_data import RunData
from duree.report.vocabulary import Words

PANEL, HEIGHT = 2.75, 1.75  # inches
MOST_MARKED = 30


def draw_curves(run: RunData, words: Words) -> Figure:
    """Loss on the left, the metric used for early stopping on the right."""
    epochs = [epoch.epoch for epoch in run.history]
    label, sign = run.watched
    figure = Figure(figsize=(WIDTH, HEIGHT + 0.95))
    lefts = (0.55, WIDTH - PANEL - 0.1)
    loss, watched = (place(figure, left, 0.4, PANEL, HEIGHT) for left in lefts)
    _curve(loss, epochs, [e.train_loss for e in run.history], BLUE, "o")
    _curve(loss, epochs, [e.validation_loss for e in run.history], ORANGE, "s")
    _curve(watched, epochs, [sign * e.metric for e in run.history], ORANGE, "s")
    for axes, title in ((loss, words("loss")), (watched, words(label))):
        axes.set_title(title, pad=16)
        axes.set_xlabel(words("epoch"))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.margins(x=0.05, y=0.12)
        axes.grid(axis="y", color=PALE, linewidth=0.5)
        _mark_best(axes, run, words)
    _legend(loss, [(words("training"), BLUE, "o"), (words("validation"), ORANGE, "s")])
    return figure


def _curve(axes: Axes, epochs: list[int], values: list[float], colour: str, marker: str) -> None:
    shown = marker if len(epochs) <= MOST_MARKED else ""
    axes.plot(epochs, values, color=colour, marker=shown, markersize=4)


def _mark_best(axes: Axes, run: RunData, words: Words) -> None:
    best = run.best_epoch
    if best is None:
        return
    axes.axvline(best.epoch, color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    last = len(run.history) > 1 and best.epoch > (run.history[0].epoch + run.history[-1].epoch) / 2
    axes.annotate(
        words("best: epoch {n}", n=best.epoch),
        (best.epoch, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(3 if not last else -3, 3),
        textcoords="offset points",
        ha="right" if last else "left",
        va="bottom",
        color=GREY,
    )


def _legend(axes: Axes, entries: list[tuple[str, str, str]]) -> None:
    """Names with their markers, at the right end of the title line."""
    edge, y = 1.0, 1 + 21 / 72 / HEIGHT
    inside: dict[str, Any] = {"transform": axes.transAxes}
    for name, colour, marker in reversed(entries):
        edge -= text_width(name) / PANEL
        axes.text(edge, y, name, va="center", color=INK, **inside)
        axes.plot([edge - 0.035], [y], marker, color=colour, ms=5, clip_on=False, **inside)
        edge -= 0.1
