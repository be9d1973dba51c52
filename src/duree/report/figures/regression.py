"""Figures for numeric targets: predicted against true values, and residuals."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from duree.report.figures.style import BLUE, GREY, INK, WIDTH, place
from duree.report.run_data import RunData
from duree.report.vocabulary import Words

PANEL, HEIGHT = 2.6, 2.6  # inches
# More points than this would overlap and make files large: hexagons are shown instead.
MOST_POINTS = 600
CELLS = 36


def draw_predicted(run: RunData, words: Words) -> Figure:
    """Predicted against true on the left, residuals against predicted on the right."""
    true, predicted = quantities(run)
    figure = Figure(figsize=(WIDTH, HEIGHT + 0.75))
    lefts = (0.7, WIDTH - PANEL - 0.1)
    against, residuals = (place(figure, left, 0.15, PANEL, HEIGHT) for left in lefts)
    _cloud(against, true, predicted)
    low, high = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    against.plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
    against.set_xlabel(words("true"))
    against.set_ylabel(words("predicted"))
    _cloud(residuals, predicted, predicted - true)
    residuals.axhline(0, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
    residuals.set_xlabel(words("predicted"))
    residuals.set_ylabel(words("predicted − true"))
    for axes in (against, residuals):
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_locator(MaxNLocator(6))
    return figure


def quantities(run: RunData) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True and predicted numbers of the test rows, float64 [rows] each."""
    target = run.predictions[run.target_column()].cast(float, strict=False)
    return target.to_numpy(), run.predictions["prediction"].cast(float).to_numpy()


def _cloud(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Points, or hexagons whose darkness shows their number of points."""
    if len(x) <= MOST_POINTS:
        axes.plot(x, y, "o", color=BLUE, markersize=3.5, alpha=0.45, markeredgewidth=0)
        return
    shades = LinearSegmentedColormap.from_list("blue", ["#CFE3F0", BLUE, "#00263D"])
    axes.hexbin(x, y, gridsize=CELLS, mincnt=1, bins="log", cmap=shades, linewidths=0.1)
    axes.spines[["left", "bottom"]].set_color(GREY)
