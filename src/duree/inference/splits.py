"""The moments of all splits: recalibrated predictions, put into the model matrix, and solved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from duree.inference.families import FAMILIES, Floats, Ints, Predictions
from duree.inference.fixed_effects import projected
from duree.inference.labelled_sample import Sample, codes
from duree.inference.model_matrix import ModelMatrix
from duree.inference.moments import Labelled, Moments, solve
from duree.inference.recalibration import draw_folds, fit_folds, recalibrated
from duree.inference.units import Units
from duree.inference.variables import Variable
from duree.results.estimates import Model

# Categories with fewer labelled rows per value are not among the features of recalibration.
LABELS_PER_GROUP = 10


@dataclass(frozen=True)
class Problem:
    """What is estimated from what.

    Attributes
    ----------
    model : {"lm", "logit", "poisson"}
    matrix : ModelMatrix
        Without columns of fixed effects.
    groups : list of int [rows]
        The fixed effects: the group of each row, from 0.
    known : list of polars.Series
        The variables of the formula that are not predicted.
    variables : list of Variable
    sample : Sample
    cluster : int [rows] or None
        The units that are independent: of the sample, or rows.
    """

    model: Model
    matrix: ModelMatrix
    groups: list[Ints]
    known: list[pl.Series]
    variables: list[Variable]
    sample: Sample
    cluster: Ints | None

    @property
    def dummies(self) -> Floats:
        """Columns for the fixed effects of models other than the linear [rows, groups - 1]."""
        if self.model == "lm" or not self.groups:
            return np.zeros((len(self.matrix.x), 0))
        return np.concatenate([_indicators(group) for group in self.groups], axis=1)


def _indicators(group: Ints) -> Floats:
    """A column for each group but the first [rows, groups - 1]."""
    return np.asarray(group[:, None] == np.arange(1, int(group.max()) + 1), dtype=float)


def moments_of_splits(problem: Problem, splits: int, folds: int, seed: int) -> Moments:
    """The moments of all splits, each with its own random folds.

    Raises
    ------
    DataError
        The moments are singular or the estimate does not converge.
    """
    values = _recalibrate(problem, splits, folds, seed)
    true = {one.name: one.labels[problem.sample.rows] for one in problem.variables}
    if len(problem.matrix.moving) == 0:
        return _solved(problem, values, true, None)
    solved: list[Moments] = []
    for split in range(splits):
        one = {name: column[:, [split]] for name, column in values.items()}
        start = solved[0].b[0] if solved else None
        solved.append(_solved(problem, one, true, start))
    return Moments(*(np.concatenate(parts) for parts in zip(*map(_parts, solved), strict=True)))


def _parts(moments: Moments) -> tuple[Floats, ...]:
    return (
        moments.b,
        moments.jacobian,
        moments.meat,
        moments.scores,
        moments.corrections,
        moments.of_rows,
    )


def _recalibrate(problem: Problem, splits: int, folds: int, seed: int) -> dict[str, Predictions]:
    """The predicted values of each variable [rows, splits]."""
    sample, rows = problem.sample, problem.sample.rows
    generator = np.random.default_rng(seed)
    folds = max(2, min(folds, sample.labelled_clusters or len(rows)))
    known, fold = draw_folds(rows, sample.cluster, folds, splits, generator)
    of_labelled = fold[:, np.searchsorted(known, rows)]
    blocks = _features(problem)
    features = np.concatenate([block[rows] for block in blocks], axis=1)
    found: dict[str, Predictions] = {}
    for one in problem.variables:
        coefficients = fit_folds(
            features,
            len(problem.variables),
            one.labels[rows],
            of_labelled,
            folds,
            binary=one.binary,
        )
        found[one.name] = recalibrated(blocks, coefficients, known, fold, binary=one.binary)
    return found


def _features(problem: Problem) -> list[Floats]:
    """Blocks of columns that are known of all rows [rows, ...], predictions first."""
    strata = problem.sample.stratum
    few = len(problem.sample.rows) / LABELS_PER_GROUP
    blocks = [one.feature[:, None] for one in problem.variables]
    for column in problem.known:
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            blocks.append(column.cast(pl.Float64).to_numpy()[:, None])
        elif column.n_unique() < few:
            blocks.append(_indicators(codes(column)))
    if strata.max() > 0:
        blocks.append(_indicators(strata))
    return blocks


def _solved(
    problem: Problem,
    values: Mapping[str, Predictions],
    true: dict[str, Floats],
    start: Floats | None,
) -> Moments:
    """The moments of predicted values [rows, splits]; several splits only of outcomes."""
    matrix, rows = problem.matrix, problem.sample.rows
    x, (x_true, y_true) = matrix.x, matrix.at(true, rows)
    if len(matrix.moving):
        x = matrix.x.copy(order="F")
        x[:, matrix.moving] = matrix.regressors(
            {name: v[:, 0].astype(float) for name, v in values.items()}
        )
    y: Predictions = matrix.y[:, None]
    if matrix.outcome_moves:
        y = predicted_outcomes(matrix, values)
    labelled = Labelled(
        rows,
        x_true,
        y_true[:, None],
        x[rows],
        y[rows].astype(float),
        1 / problem.sample.probability,
    )
    if problem.groups and problem.model == "lm":
        x, y, labelled = _absorbed(x, y, labelled, problem.groups, moves=len(matrix.moving) > 0)
    elif problem.groups:
        dummies = problem.dummies
        x = np.concatenate([x, dummies], axis=1)
        labelled = replace(
            labelled,
            x=np.concatenate([labelled.x, dummies[rows]], axis=1),
            x_hat=np.concatenate([labelled.x_hat, dummies[rows]], axis=1),
        )
    return solve(FAMILIES[problem.model], x, y, labelled, _units(problem), start)


def _units(problem: Problem) -> Units:
    """The independent units, with strata if a fixed number was drawn in each."""
    sample = problem.sample
    stratum = sample.stratum if sample.drawn().fixed else None
    return Units(problem.cluster, stratum, sample.whole_clusters)


def predicted_outcomes(matrix: ModelMatrix, values: Mapping[str, Predictions]) -> Predictions:
    """The outcome by predicted values, for each split [rows, splits]."""
    (splits,) = {column.shape[1] for column in values.values()}
    for name, column in values.items():
        if matrix.outcome_is(name):
            return column
    return np.stack(
        [
            matrix.outcome(
                {name: column[:, split].astype(float) for name, column in values.items()}
            )
            for split in range(splits)
        ],
        axis=1,
    )


def _absorbed(
    x: Floats, y: Predictions, labelled: Labelled, groups: list[Ints], *, moves: bool
) -> tuple[Floats, Floats, Labelled]:
    """Everything without what the fixed effects explain of the corrected x and y.

    The normal equations of the fixed effects' dummies have corrected moments too; solved for their
    coefficients, they leave those of x with these projections. It is exact.
    """
    rows, weight = labelled.rows, labelled.weight[:, None]
    corrected = x
    if moves:
        corrected = x.copy()
        corrected[rows] += weight * (labelled.x - labelled.x_hat)
    effects = projected(corrected, groups)
    corrected = y.astype(float)
    corrected[rows] += weight * (labelled.y - labelled.y_hat)
    levels = projected(corrected, groups)
    return (
        x - effects,
        y - levels,
        replace(
            labelled,
            x=labelled.x - effects[rows],
            x_hat=labelled.x_hat - effects[rows],
            y=labelled.y - levels[rows],
            y_hat=labelled.y_hat - levels[rows],
        ),
    )
