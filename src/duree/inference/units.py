"""Units that are independent: sums of moments by cluster and stratum.

Where a fixed number of units was drawn in each stratum, only deviations from the stratum's mean
vary with the sample (Särndal, Swensson & Wretman 1992, chapter 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from duree.inference.families import Family, Floats, Ints, Predictions, chunks


@dataclass(frozen=True)
class Units:
    """What is independent, and how it was drawn.

    Attributes
    ----------
    cluster : int [rows] or None
        The unit of each row, from 0; rows are units if None.
    stratum : int [rows] or None
        The stratum of each row, from 0, if a fixed number was drawn in each; None if each row was
        drawn by itself.
    whole : bool
        Whether clusters were drawn, and not their rows.
    """

    cluster: Ints | None = None
    stratum: Ints | None = None
    whole: bool = False


def centred(corrections: Floats, stratum: Ints, size: Ints) -> tuple[Floats, Floats]:
    """Corrections less their mean in each stratum, and what that is for each unit of the stratum.

    Parameters
    ----------
    corrections : float [splits, labelled units, coefficients]
    stratum : int [labelled units]
    size : int [strata]
        Number of units.

    Returns
    -------
    float [splits, labelled units, coefficients], float [splits, strata, coefficients]
    """
    shift = np.stack([_by_unit(one, stratum, len(size)) for one in corrections])
    number = np.maximum(np.bincount(stratum, minlength=len(size)), 1)
    return corrections - (shift / number[:, None])[:, stratum], shift / size[:, None]


def stratum_sums(
    family: Family, x: Floats, y: Predictions, b: Floats, stratum: Ints, corrections: Floats
) -> Floats:
    """sum m^ by stratum [splits, strata, coefficients]."""
    strata = int(stratum.max()) + 1
    if strata == 1:  # the moments of all rows sum to zero
        return np.asarray(-corrections.sum(axis=1, keepdims=True))
    sums = np.zeros((strata, x.shape[1], len(b)))
    for rows in chunks(len(x)):
        residual = y[rows] - family.mean(x[rows] @ b.T)
        for one in range(strata):
            inside = stratum[rows] == one
            sums[one] += x[rows][inside].T @ residual[inside]
    return np.asarray(sums.transpose(2, 0, 1))


def by_cluster(
    family: Family,
    x: Floats,
    y: Predictions,
    b: Floats,
    units: Units,
    rows: Ints,
    corrections: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Meat, and scores and corrections of labelled clusters, with clusters as units."""
    cluster, stratum = units.cluster, units.stratum
    assert cluster is not None
    labelled, place = np.unique(cluster[rows], return_inverse=True)
    number = int(cluster.max()) + 1
    shift = np.zeros((len(b), number, x.shape[1]))
    if stratum is not None and not units.whole:
        corrections, of_rows = centred(corrections, stratum[rows], np.bincount(stratum))
        counts = np.zeros((number, of_rows.shape[1]))
        np.add.at(counts, (cluster, stratum), 1.0)
        shift = counts @ of_rows
    summed = np.stack([_by_unit(one, place, len(labelled)) for one in corrections])
    if stratum is not None and units.whole:
        _, first = np.unique(cluster, return_index=True)
        of_cluster = stratum[first]
        summed, of_units = centred(summed, of_cluster[labelled], np.bincount(of_cluster))
        shift = of_units[:, of_cluster]
    meat = np.empty((len(b), x.shape[1], x.shape[1]))
    scores = np.empty_like(summed)
    for split, added in enumerate(summed):
        of_all = _cluster_scores(family, x, y[:, split], b[split], cluster) + shift[split]
        of_all[labelled] += added
        meat[split] = of_all.T @ of_all
        scores[split] = of_all[labelled]
    return meat, scores, summed


def _by_unit(values: Floats, unit: Ints, units: int) -> Floats:
    """Sums of the rows of ``values`` by unit [units, columns]."""
    return np.stack(
        [np.bincount(unit, weights=column, minlength=units) for column in values.T], axis=1
    )


def _cluster_scores(family: Family, x: Floats, y: Predictions, b: Floats, cluster: Ints) -> Floats:
    """sum m^ by cluster [clusters, coefficients]."""
    clusters = int(cluster.max()) + 1
    if len(x) == 0:
        return np.zeros((clusters, x.shape[1]))
    residual = y - family.mean(x @ b)
    return np.stack(
        [np.bincount(cluster, column * residual, minlength=clusters) for column in x.T], axis=1
    )
