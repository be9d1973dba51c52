"""Sparklines: small lines for the channels of one series, for pages."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from duree.report.figures.style import BLUE, PALE
from duree.report.safe_text import label

# Pixels: size of one sparkline, margin, and radius of dots for isolated values.
WIDE, TALL, EDGE, DOT = 190, 36, 2, 1.4
MOST_CHANNELS, MOST_STEPS = 6, 300


def draw_sparks(series: NDArray[np.float64], names: list[str]) -> Markup:
    """``<svg>`` elements, one per channel, each with the channel's name and range.

    Parameters
    ----------
    series : float [steps, channels]
        NaN if missing, which interrupts the line.
    names : list of str
        The names of the first channels; others are not drawn.
    """
    columns = zip(names[:MOST_CHANNELS], series.T, strict=False)
    return Markup("").join(_spark(name, column) for name, column in columns)


def _spark(name: str, values: NDArray[np.float64]) -> Markup:
    every = -(-len(values) // MOST_STEPS)
    values = values[::every]
    known = np.isfinite(values)
    low, high = (values[known].min(), values[known].max()) if known.any() else (0.0, 1.0)
    x = EDGE + (WIDE - 2 * EDGE) * np.arange(len(values)) / max(len(values) - 1, 1)
    y = TALL - EDGE - (TALL - 2 * EDGE) * (values - low) / (high - low or 1.0)
    paths = []
    for run in np.split(np.arange(len(values)), np.flatnonzero(np.diff(known)) + 1):
        points = [f"{x[at]:.1f},{y[at]:.1f}" for at in run if known[at]]
        if len(points) == 1:
            across, down = points[0].split(",")
            paths.append(f'<circle cx="{across}" cy="{down}" r="{DOT}" fill="{BLUE}"/>')
        elif points:
            paths.append(
                f'<polyline points="{" ".join(points)}" fill="none" stroke="{BLUE}" '
                'stroke-width="1.3"/>'
            )
    reach = f"{low:.4g} – {high:.4g}".replace("-", "\u2212") if known.any() else "–"
    return Markup(
        '<span class="spark"><svg viewBox="0 0 {w} {t}" width="{w}" height="{t}" role="img" '
        'aria-label="{name}"><rect width="{w}" height="{t}" fill="none" stroke="{pale}"/>{paths}'
        "</svg><small>{name} {reach}</small></span>"
    ).format(
        w=WIDE,
        t=TALL,
        name=escape(label(name, 24)),
        pale=PALE,
        paths=Markup("".join(paths)),
        reach=reach,
    )
