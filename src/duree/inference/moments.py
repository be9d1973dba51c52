"""Design-based moments: what predictions say of all rows, corrected by the labelled ones.

With m = x (y - mu(x'b)) of the true values and m^ the same of predicted ones, the moment of row i
is m~_i = m^_i + R_i / pi_i (m_i - m^_i): R_i is 1 for labelled rows, pi_i the probability of being
labelled. Its mean is that of m whatever the predictions are worth, so the solution of
sum m~_i(b) = 0 is consistent; good predictions make it precise.

Source: Egami, Hinck, Stewart & Wei (2023), "Using imperfect surrogates for downstream inference:
design-based supervised learning for social science applications of large language models",
equations 4-7; with b from moments as in Angelopoulos et al. (2023), "Prediction-powered inference".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from duree.errors import DataError
from duree.inference.families import Family, Floats, Ints, Predictions, chunks
from duree.inference.units import Units, by_cluster, centred, stratum_sums

MOST_STEPS, MOST_HALVINGS = 60, 12
TOLERANCE = 1e-7
# Of the scaled Jacobian: beyond it, a column is a combination of others as far as one can tell.
WORST_CONDITION = 1e12


@dataclass(frozen=True)
class Labelled:
    """The labelled rows.

    Attributes
    ----------
    rows : int [labelled]
        Their places among all rows.
    x, y : float [labelled, coefficients], [labelled, splits or 1]
        True values.
    x_hat, y_hat : float [labelled, coefficients], [labelled, splits]
        Predicted values, from models that these rows did not train.
    weight : float [labelled]
        1 / pi.
    """

    rows: Ints
    x: Floats
    y: Floats
    x_hat: Floats
    y_hat: Floats
    weight: Floats


@dataclass(frozen=True)
class Moments:
    """The solution for each split and what its variance is made of.

    Attributes
    ----------
    b : float [splits, coefficients]
    jacobian, meat : float [splits, coefficients, coefficients]
        - sum of the derivatives of m~, and sum of m~ m~' over units (rows or clusters).
    scores, corrections : float [splits, labelled units, coefficients]
        m~ and R / pi (m - m^) of the units with labelled rows.
    of_rows : float [splits, labelled rows, coefficients]
        R / pi (m - m^) of the labelled rows.
    """

    b: Floats
    jacobian: Floats
    meat: Floats
    scores: Floats
    corrections: Floats
    of_rows: Floats


def solve(
    family: Family,
    x: Floats,
    y: Predictions,
    labelled: Labelled,
    units: Units,
    start: Floats | None = None,
) -> Moments:
    """Solve sum m~(b) = 0 for all splits at once.

    Where a fixed number was drawn in each stratum, the mean of m - m^ in a stratum does not vary
    with the sample: it is moved from the corrections of labelled rows to the predicted moments of
    all rows of the stratum, which leaves the solution as it is, and its variance without it.

    Parameters
    ----------
    x : float [rows, coefficients]
        Regressors of all rows, predicted where they are.
    y : float [rows, splits]
        Outcomes of all rows, as each split predicts them.
    labelled : Labelled
    units : Units
    start : float [coefficients], optional
        Where to begin.

    Raises
    ------
    DataError
        The moments are singular, or Newton's method does not converge.
    """
    b = _newton(family, x, _products(x, y), labelled, start)
    jacobian, meat = _sums_over_rows(family, x, y, b)
    jacobian = jacobian + _labelled_jacobian(family, labelled, b)
    corrections, predicted = _labelled_moments(family, labelled, b)
    stratum = units.stratum
    if units.cluster is not None:
        found = by_cluster(family, x, y, b, units, labelled.rows, corrections)
        return Moments(b, jacobian, *found, corrections)
    if stratum is not None:
        size = np.bincount(stratum)
        sums = stratum_sums(family, x, y, b, stratum, corrections)
        corrections, shift = centred(corrections, stratum[labelled.rows], size)
        predicted = predicted + shift[:, stratum[labelled.rows]]
        crossed = sums.transpose(0, 2, 1) @ shift
        meat += crossed + crossed.transpose(0, 2, 1)
        meat += (shift * size[:, None]).transpose(0, 2, 1) @ shift
    scores = corrections + predicted
    meat += scores.transpose(0, 2, 1) @ scores - predicted.transpose(0, 2, 1) @ predicted
    return Moments(b, jacobian, meat, scores, corrections, corrections)


def _products(x: Floats, y: Predictions) -> Floats:
    """x'y [coefficients, splits]."""
    total = np.zeros((x.shape[1], y.shape[1]))
    for rows in chunks(len(x)):
        total += x[rows].T @ y[rows]
    return total


def _newton(
    family: Family, x: Floats, total: Floats, labelled: Labelled, start: Floats | None
) -> Floats:
    """The roots [splits, coefficients]: Newton for the first, whose Jacobian serves the others."""
    splits, size = total.shape[1], x.shape[1]
    first = np.zeros(size) if start is None else start
    first = _damped(family, x, total[:, :1], _of_split(labelled, 0), first)
    if splits == 1:
        return first[None]
    b = np.tile(first, (splits, 1))
    inverse = inverted(_jacobian(family, x, labelled, first))
    for _ in range(MOST_STEPS):
        step = _moment(family, x, total, labelled, b) @ inverse.T
        b = b + step
        if np.all(np.abs(step) <= TOLERANCE * (1 + np.abs(b))):
            return b
        if not np.isfinite(b).all():
            break
    return np.concatenate(  # splits too far from the first to share its Jacobian
        [
            _damped(family, x, total[:, [split]], _of_split(labelled, split), first)[None]
            for split in range(splits)
        ]
    )


def _of_split(labelled: Labelled, split: int) -> Labelled:
    """The labelled rows with the predictions of one split."""
    return Labelled(
        labelled.rows,
        labelled.x,
        labelled.y if labelled.y.shape[1] == 1 else labelled.y[:, [split]],
        labelled.x_hat,
        labelled.y_hat[:, [split]],
        labelled.weight,
    )


def _damped(family: Family, x: Floats, total: Floats, labelled: Labelled, b: Floats) -> Floats:
    """The root [coefficients] by Newton's method; steps that lead away are halved."""
    moment = _moment(family, x, total, labelled, b[None])[0]
    for _ in range(MOST_STEPS):
        inverse = inverted(_jacobian(family, x, labelled, b))
        step = inverse @ moment
        distance = moment @ inverse @ moment
        for _ in range(MOST_HALVINGS):
            with np.errstate(over="ignore", invalid="ignore"):
                after = _moment(family, x, total, labelled, (b + step)[None])[0]
                nearer = abs(after @ inverse @ after) <= abs(distance)
            if nearer or np.all(np.abs(step) <= TOLERANCE * (1 + np.abs(b))):
                break
            step = step / 2
        b, moment = b + step, after
        if not np.isfinite(moment).all():
            break
        if np.all(np.abs(step) <= TOLERANCE * (1 + np.abs(b))):
            return b
    raise DataError(
        "the estimate does not converge",
        fix="label more rows, or use fewer terms; of a rare or separated outcome, see its counts "
        "in each category",
    )


def _moment(family: Family, x: Floats, total: Floats, labelled: Labelled, b: Floats) -> Floats:
    """sum m~ [splits, coefficients], where ``total`` is x'y [coefficients, splits]."""
    moment = total.T.copy()
    for rows in chunks(len(x)):
        moment -= (x[rows].T @ family.mean(x[rows] @ b.T)).T
    true = labelled.weight[:, None] * (labelled.y - family.mean(labelled.x @ b.T))
    hat = labelled.weight[:, None] * (labelled.y_hat - family.mean(labelled.x_hat @ b.T))
    return moment + (labelled.x.T @ true).T - (labelled.x_hat.T @ hat).T


def _jacobian(family: Family, x: Floats, labelled: Labelled, b: Floats) -> Floats:
    """- sum dm~/db' [coefficients, coefficients]."""
    found = np.zeros((x.shape[1], x.shape[1]))
    for rows in chunks(len(x)):
        part = x[rows]
        found += (part * family.slope(family.mean(part @ b))[:, None]).T @ part
    return np.asarray(found + _labelled_jacobian(family, labelled, b[None])[0])


def _labelled_jacobian(family: Family, labelled: Labelled, b: Floats) -> Floats:
    """The labelled rows' part of it [splits, coefficients, coefficients]."""
    weight = labelled.weight[:, None]
    true = (weight * family.slope(family.mean(labelled.x @ b.T))).T[:, :, None]
    hat = (weight * family.slope(family.mean(labelled.x_hat @ b.T))).T[:, :, None]
    return np.asarray(
        (labelled.x * true).transpose(0, 2, 1) @ labelled.x
        - (labelled.x_hat * hat).transpose(0, 2, 1) @ labelled.x_hat
    )


def inverted(matrix: Floats) -> Floats:
    """The inverse; DataError if the matrix is singular, whatever the units of its columns."""
    scale = np.sqrt(np.abs(np.diag(matrix)))
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = matrix / np.outer(scale, scale)
    if np.isfinite(scaled).all() and np.linalg.cond(scaled) < WORST_CONDITION:
        return np.asarray(np.linalg.inv(scaled) / np.outer(scale, scale))
    raise DataError(
        "the effects of the terms in the formula cannot be told apart",
        fix="leave out terms that are constant or combinations of others; label more rows if a "
        "category has few",
    )


def _labelled_moments(family: Family, labelled: Labelled, b: Floats) -> tuple[Floats, Floats]:
    """R / pi (m - m^) and m^, each [splits, labelled, coefficients]."""
    true = labelled.y - family.mean(labelled.x @ b.T)
    hat = labelled.y_hat - family.mean(labelled.x_hat @ b.T)
    moment = labelled.x * true.T[:, :, None]
    predicted = labelled.x_hat * hat.T[:, :, None]
    return labelled.weight[None, :, None] * (moment - predicted), predicted


def _sums_over_rows(family: Family, x: Floats, y: Predictions, b: Floats) -> tuple[Floats, Floats]:
    """- sum dm^/db' and sum m^ m^', each [splits, coefficients, coefficients]."""
    splits, size = b.shape
    first, second = np.triu_indices(size)
    summed = np.zeros((2 * splits, len(first)))
    for rows in chunks(len(x)):
        part = x[rows]
        mean = family.mean(part @ b.T)
        weights = np.concatenate([family.slope(mean), (y[rows] - mean) ** 2], axis=1)
        # Products of columns are shared by all splits.
        summed += weights.T @ (part[:, first] * part[:, second])
    sums = np.zeros((2 * splits, size, size))
    sums[:, first, second] = sums[:, second, first] = summed
    return sums[:splits], sums[splits:]
