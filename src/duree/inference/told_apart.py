"""Why a regression has no solution, once it was found to have none: which terms are at fault."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError
from duree.inference.families import Floats
from duree.inference.fixed_effects import projected
from duree.inference.splits import Problem
from duree.tables.finding import listed

INTERCEPT = "Intercept"
# Of the largest value of a column: what is smaller is rounding.
ROUNDING = 1e-9


def no_solution(problem: Problem, outcome: str, effects: Sequence[str]) -> DataError | None:
    """The error that names the terms at fault; None if no single reason is found.

    Parameters
    ----------
    outcome : str
        As the formula calls it.
    effects : sequence of str
        Columns of the fixed effects.
    """
    x, names = problem.matrix.x, problem.matrix.names
    return (
        _constant(x, names, absorbed=bool(effects))
        or _one_row_each(problem, effects)
        or _constant_within(problem, effects)
        or _combination(np.hstack([x, problem.dummies]), names, effects)
        or _separated(problem, outcome)
    )


def _constant(x: Floats, names: list[str], *, absorbed: bool) -> DataError | None:
    """A term beside the intercept that has one value; with fixed effects, these contain it."""
    if INTERCEPT not in names and not absorbed:
        return None
    for name, column in zip(names, x.T, strict=True):
        if name != INTERCEPT and np.ptp(column) <= ROUNDING * np.abs(column).max():
            return DataError(
                "{term!r} is {value:g} in every row: a constant has no effect that can be "
                "estimated",
                fix="leave it out of the formula",
                term=name,
                value=float(column[0]),
            )
    return None


def _one_row_each(problem: Problem, effects: Sequence[str]) -> DataError | None:
    """Fixed effects that explain each row by itself."""
    for group, name in zip(problem.groups, effects, strict=True):
        if int(group.max()) + 1 == len(group):
            return DataError(
                "each value of {column!r} has one row: its fixed effects leave nothing to estimate",
                fix="choose fixed effects of a column whose values have several rows",
                column=name,
            )
    return None


def _constant_within(problem: Problem, effects: Sequence[str]) -> DataError | None:
    """Terms that fixed effects explain."""
    if not problem.groups:
        return None
    x = problem.matrix.x
    left = np.abs(x - projected(x, problem.groups)).max(axis=0)
    explained = left <= ROUNDING * np.abs(x).max(axis=0)
    names = [
        name
        for name, one in zip(problem.matrix.names, explained, strict=True)
        if one and name != INTERCEPT
    ]
    if not names:
        return None
    return DataError(
        "the fixed effects of {columns} explain {terms} in every row, so that nothing is left to "
        "estimate",
        fix="leave out these terms or these fixed effects",
        columns=listed(effects),
        terms=listed(names),
    )


def _combination(x: Floats, names: list[str], effects: Sequence[str]) -> DataError | None:
    """The first term that those before it determine."""
    scale = np.maximum(np.abs(x).max(axis=0), np.finfo(float).tiny)
    products = (x / scale).T @ (x / scale)
    order = [*range(len(names), x.shape[1]), *range(len(names))]  # dummies first
    free: list[int] = []
    for at in order:
        among = np.ix_(free, free)
        weights = np.linalg.lstsq(products[among], products[free, at], rcond=None)[0]
        left = products[at, at] - weights @ products[free, at]
        if at >= len(names) or left > ROUNDING * products[at, at]:
            free.append(at)
            continue
        used = [one for one, weight in zip(free, weights, strict=True) if abs(weight) > 1e-6]
        others = [names[one] for one in used if one < len(names)]
        others += effects if any(one >= len(names) for one in used) else []
        return DataError(
            "{term!r} is a combination of {others}: their effects cannot be told apart",
            fix="leave out one of them",
            term=names[at],
            others=listed(others),
        )
    return None


def _separated(problem: Problem, outcome: str) -> DataError | None:
    """A term that tells in all labelled rows which value the outcome has."""
    if problem.model != "logit":
        return None
    rows, matrix = problem.sample.rows, problem.matrix
    true = {one.name: one.labels[rows] for one in problem.variables}
    x, y = matrix.at(true, rows)
    for name, column in zip(matrix.names, x.T, strict=True):
        if name != INTERCEPT and _separates(column, y == 1):
            return DataError(
                "{term!r} separates {outcome} = 1 from {outcome} = 0 in the labelled rows: its "
                "effect in a logit would be infinite",
                fix="use --model lm, or leave out or coarsen this term",
                term=name,
                outcome=outcome,
            )
    return None


def _separates(values: Floats, positive: NDArray[np.bool_]) -> bool:
    """Whether values of one class are nowhere beyond those of the other."""
    one, other = values[positive], values[~positive]
    if not len(one) or not len(other) or np.ptp(values) == 0:
        return False
    return bool(one.min() >= other.max() or other.min() >= one.max())
