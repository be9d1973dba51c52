"""Fixed effects: projections onto the means of groups.

One grouping is exact; of several, projections alternate until they no longer change anything.

Source: Guimarães & Portugal (2010), "A simple feasible procedure to fit models with
high-dimensional fixed effects"; the method of alternating projections.
"""

from __future__ import annotations

import numpy as np

from duree.errors import DataError
from duree.inference.families import Floats, Ints

MOST_ROUNDS, TOLERANCE = 10_000, 1e-11


def projected(values: Floats, groups: list[Ints], weight: Floats | None = None) -> Floats:
    """The part of each column that the fixed effects explain.

    Parameters
    ----------
    values : float [rows, columns]
    groups : list of int [rows]
        The group of each row, from 0, by each grouping.
    weight : float [rows], optional

    Returns
    -------
    float [rows, columns]

    Raises
    ------
    DataError
        The projections do not converge.
    """
    left = values.astype(float, copy=True, order="F")
    scale = np.abs(values).max(axis=0, initial=0.0) + np.finfo(float).tiny
    for _ in range(MOST_ROUNDS):
        largest = 0.0
        for group in groups:
            means = _means(left, group, weight)
            left -= means[group]
            largest = max(largest, float((np.abs(means) / scale).max(initial=0.0)))
        if len(groups) == 1 or largest < TOLERANCE:
            return np.asarray(values - left)
    raise DataError(
        "the projections on {effects} fixed effects do not converge",
        fix="leave out one of them",
        effects=len(groups),
    )


def _means(values: Floats, group: Ints, weight: Floats | None) -> Floats:
    """Means of the columns by group [groups, columns]."""
    groups = int(group.max()) + 1
    size = np.bincount(group, weights=weight, minlength=groups)
    size[size == 0] = 1.0
    sums = [
        np.bincount(group, column if weight is None else column * weight, minlength=groups)
        for column in values.T
    ]
    return np.stack(sums, axis=1) / size[:, None]
