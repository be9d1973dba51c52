"""Shares of groups from few labels or few positive ones: MOVER-Wilson over cells.

Within a group, cells are formed by the predicted class and the stratum; a group's share is the mean
of its cells' shares of positive labels, weighted by the cells' rows. Each cell has a Wilson
interval, and the ends are combined by the method of variance estimates recovery, so that they lie
within 0 and 1 and hold for rare classes. Where a cell has no label, the group is divided less.

Source: Wilson (1927); Zou & Donner (2008), "Construction of confidence limits about effect
measures: a general approach", equation 3; cells as strata of a stratified sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duree.inference.families import Floats, Ints


@dataclass(frozen=True)
class Share:
    """A share with its standard error and its interval; NaN without labelled rows."""

    estimate: float
    se: float
    low: float
    high: float


@dataclass(frozen=True)
class Group:
    """What is known of one group.

    Attributes
    ----------
    cells : list of int [rows]
        Divisions of its rows, the finest first, numbered from 0.
    labelled : int [labelled]
        Places of its labelled rows.
    positive : bool [labelled]
    weight : float [labelled]
        1 / pi.
    design_effect : float
        By how much clusters raise the variance.
    finite : bool
        Whether the share is that of these rows, not of what produced them.
    """

    cells: Sequence[Ints]
    labelled: Ints
    positive: NDArray[np.bool_]
    weight: Floats
    design_effect: float
    finite: bool


def group_indicators(x: Floats) -> NDArray[np.int64] | None:
    """The group of each row if the columns are those of disjoint groups; None otherwise."""
    rows = len(x)
    hits = np.zeros(rows)
    group = np.zeros(rows, dtype=np.int64)
    for number, column in enumerate(x.T):
        member = column == 1
        if not np.all(member | (column == 0)):
            return None
        hits += member
        group[member] = number
    return group if np.all(hits == 1) else None


def share_of(group: Group, quantile: float) -> Share:
    """The share of a group, ``quantile`` being that of t or of the normal distribution."""
    rows = len(group.cells[0])
    if len(group.labelled) == 0:
        return Share(np.nan, np.nan, np.nan, np.nan)
    cell = next(
        (
            cells
            for cells in group.cells
            if len(np.unique(cells[group.labelled])) == cells.max() + 1
        ),
        np.zeros(rows, dtype=np.int64),
    )
    size = np.bincount(cell) / rows
    place, count = cell[group.labelled], len(size)
    weights = np.bincount(place, group.weight, count)
    share = np.bincount(place, group.weight * group.positive, count) / weights
    # Kish's effective number of labels, where weights differ within a cell.
    number = weights**2 / np.bincount(place, group.weight**2, count) / group.design_effect
    if group.finite:
        left = 1 - np.bincount(place, minlength=count) / np.bincount(cell)
        number = number / np.maximum(left, 1e-9)
    low, high = wilson(share, number, quantile)
    total = float(size @ share)
    between = 0.0 if group.finite else float(size @ (share - total) ** 2) / rows * quantile**2
    down = np.sqrt((size**2) @ (share - low) ** 2 + between)
    up = np.sqrt((size**2) @ (high - share) ** 2 + between)
    ends = max(total - float(down), 0.0), min(total + float(up), 1.0)
    return Share(total, _standard_error(size, share, number, between / quantile**2), *ends)


def _standard_error(size: Floats, share: Floats, number: Floats, between: float) -> float:
    """The standard error of a share, from the variances of its cells.

    Half of Wilson's interval is no standard error of few labels: it is shrunk. Shares are those of
    Jeffreys' prior, so that a cell whose labels are all alike has a variance too (Brown, Cai &
    DasGupta 2001).
    """
    likely = (number * share + 0.5) / (number + 1)
    return float(np.sqrt((size**2) @ (likely * (1 - likely) / number) + between))


def wilson(share: Floats, number: Floats, quantile: float) -> tuple[Floats, Floats]:
    """The ends of Wilson's intervals of ``share`` among ``number`` labels."""
    shrunk = quantile**2 / number
    centre = (share + shrunk / 2) / (1 + shrunk)
    half = np.sqrt(share * (1 - share) * shrunk + shrunk**2 / 4) / (1 + shrunk)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
