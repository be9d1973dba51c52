"""Folds of rows for cross-validation."""

from __future__ import annotations

import numpy as np

from duree.tables.split.assignment import Ints, assign_units, tie_units

FOLDS = 5
# With more units of texts than this, a validation set is large enough, and folds take minutes.
MOST_FOLDED_UNITS = 300_000


def draw_folds(
    rows: int,
    classes: Ints | None = None,
    groups: Ints | None = None,
    clusters: Ints | None = None,
    *,
    seed: int,
    count: int = FOLDS,
) -> Ints:
    """The fold of each row, int64 [rows], from 0, stratified by class.

    Rows of a group, and near-duplicates, are in the same fold.

    Parameters
    ----------
    rows : int
    classes, groups, clusters : int64 [rows], optional
        None: all rows are of one class, or each is a group or a cluster of its own.
    seed : int
    count : int
        The number of folds.
    """
    alone = np.arange(rows)
    units = tie_units(*(alone if codes is None else codes for codes in (groups, clusters)))
    codes = np.zeros(rows, dtype=np.int64)
    if classes is not None:
        _, codes = np.unique(classes, return_inverse=True)
    shares = np.full(count, 1.0 / count)
    return assign_units(units, codes, shares, np.random.default_rng(seed))
