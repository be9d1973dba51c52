"""Checks that every set of a split gets enough rows of every class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError
from duree.tables.finding import listed
from duree.tables.split.assignment import Ints
from duree.tables.split.split import TEST, TRAIN, VALIDATION

TOO_FEW = {
    TRAIN: "the training set has fewer than 2 rows of {classes}",
    VALIDATION: "the validation set has fewer than 2 rows of {classes}",
    TEST: "the test set has fewer than 2 rows of {classes}",
}
EMPTY = {
    TRAIN: "the training set has fewer than 2 rows",
    VALIDATION: "the validation set has fewer than 2 rows",
    TEST: "the test set has fewer than 2 rows",
}


def refuse_few_rows(
    target: str | None, names: list[str], classes: Ints, test_rows: NDArray[np.bool_], needed: int
) -> None:
    """Refuse data that no split could divide with two rows of each class in each set."""
    counts = np.bincount(classes[~test_rows], minlength=len(names))
    facts: dict[str, Any] = {"column": target, "needed": needed}
    if counts.sum() < needed:
        raise DataError(
            "{rows} rows are too few to split",
            fix="at least {needed} are needed",
            rows=int(counts.sum()),
            **facts,
        )
    if target is None:
        return
    if np.count_nonzero(counts) == 1:
        raise DataError(
            "the target {column!r} has only one class, {label!r}",
            fix="choose a column with at least two",
            label=names[int(counts.argmax())],
            **facts,
        )
    if not counts.all():
        raise DataError(
            "the test file has {classes}, which no other row has",
            "target {column!r}",
            "leave these rows out, or add rows of these classes to the data",
            classes=_chosen(names, counts == 0),
            **facts,
        )
    if (counts < needed).any():
        raise DataError(
            "too few rows of {classes} to have 2 in each set",
            "target {column!r}",
            "leave these rows out, or merge the class with another: each needs at least "
            "{needed} rows",
            classes=_chosen(names, counts < needed),
            **facts,
        )


def refuse_small_sets(
    assigned: Ints, target: str | None, names: list[str], classes: Ints, sets: int, fewest: int
) -> None:
    """Refuse a split that has fewer than ``fewest`` rows of a class in one of its sets."""
    for place in range(sets):
        lacking = np.bincount(classes[assigned == place], minlength=len(names)) < fewest
        if not lacking.any():
            continue
        if target is None:
            fix = "increase its share, or split without --group or --time"
            raise DataError(EMPTY[place], fix=fix)
        raise DataError(
            TOO_FEW[place],
            "target {column!r}",
            "increase its share, leave the class out, or split without --group or --time",
            column=target,
            classes=_chosen(names, lacking),
        )


def _chosen(names: list[str], chosen: NDArray[np.bool_]) -> str:
    return listed([names[place] for place in np.flatnonzero(chosen)])
