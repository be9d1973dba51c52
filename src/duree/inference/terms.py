"""From moments to what is reported: terms, shares, power, strata, comparisons."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from duree.errors import DataError
from duree.inference.comparisons import labelled_moments, labelled_terms, naive_terms
from duree.inference.families import FAMILIES, Floats, Ints
from duree.inference.intervals import (
    CONFIDENCE,
    FEWEST_CLUSTERS,
    DrawnUnits,
    Variance,
    none_if_nan,
    t_intervals,
    terms_with,
)
from duree.inference.labelled_sample import Sample
from duree.inference.moments import Moments, inverted
from duree.inference.refusals import rarest
from duree.inference.shares import Group, group_indicators, share_of
from duree.inference.splits import Problem
from duree.results.estimates import Power, PowerPoint, Stratum, Term

# Below these, shares are those of cells, with MOVER-Wilson intervals.
FEW_DF, FEW_POSITIVES = 10.0, 30
# With fewer labels of the rarer class in a group, its moments hardly vary, and t intervals are far
# too narrow: see benchmarks/estimates_real.py.
LEAST_OF_GROUP = 2
# More labels for which the power is shown, as multiples of the labels there are.
MORE = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)


def group_of_rows(problem: Problem) -> Ints | None:
    """The group of each row if shares of groups are estimated; None otherwise."""
    matrix = problem.matrix
    alone = problem.model == "lm" and not problem.groups and len(matrix.moving) == 0
    outcome = [one for one in problem.variables if one.binary and matrix.outcome_is(one.name)]
    return group_indicators(matrix.x) if alone and outcome else None


def terms_of(variance: Variance, names: list[str], *, clustered: bool) -> list[Term]:
    """The terms with t intervals."""
    se = variance.se()
    found = t_intervals(variance.b, se, variance.df, variance.units if clustered else None)
    return terms_with(names, variance.b, se, found, variance.df)


def with_shares(
    terms: list[Term], problem: Problem, group: Ints, moments: Moments, *, population: bool
) -> list[Term]:
    """The terms of groups, by MOVER-Wilson where labels, or positive ones, are few."""
    sample = problem.sample
    (outcome,) = problem.variables
    labels, member = outcome.labels[sample.rows], group[sample.rows]
    few = rarest(outcome, sample.rows)[1] < FEW_POSITIVES
    effects = _design_effects(problem, moments)
    clusters = None if problem.cluster is None else len(np.unique(problem.cluster[sample.rows]))
    quantile = (
        float(norm.ppf(0.5 + CONFIDENCE / 2))
        if clusters is None
        else float(student.ppf(0.5 + CONFIDENCE / 2, max(clusters - 1, 1)))
    )
    # With ten clusters there are no more degrees of freedom than nine.
    few_df = FEW_DF if clusters is None else min(FEW_DF, clusters - 1)
    found = []
    for number, term in enumerate(terms):
        mine = member == number
        few_clusters = _has_few_clusters(problem, sample.rows[mine])
        positives = int(labels[mine].sum())
        counts = {"labelled": int(mine.sum()), "positives": positives}
        rarer = min(positives, counts["labelled"] - positives)
        if not few and rarer >= LEAST_OF_GROUP and (term.df is None or term.df >= few_df):
            ends = {"low": None, "high": None} if few_clusters else {}
            found.append(term.model_copy(update={**counts, "p": None, **ends}))
            continue
        rows = np.flatnonzero(group == number)
        share = share_of(
            Group(
                cells=_cells(outcome.as_if_true[rows], sample.stratum[rows]),
                labelled=np.searchsorted(rows, sample.rows[mine]),
                positive=labels[mine] == 1,
                weight=1 / sample.probability[mine],
                design_effect=float(effects[number]),
                finite=population,
            ),
            quantile,
        )
        withheld = few_clusters or (term.low is None and clusters is not None)
        found.append(
            Term(
                term=term.term,
                estimate=share.estimate,
                se=share.se,
                low=None if withheld else none_if_nan(share.low),
                high=None if withheld else none_if_nan(share.high),
                method="mover",
                **counts,
            )
        )
    return found


def without_intervals(terms: list[Term]) -> list[Term]:
    """The terms of a corpus of which every row is labelled: nothing is left to chance."""
    return [one.model_copy(update={"low": None, "high": None, "p": None}) for one in terms]


def _has_few_clusters(problem: Problem, labelled: Ints) -> bool:
    """Whether the labelled rows of a group are of too few clusters for an interval."""
    if problem.cluster is None:
        return False
    return len(np.unique(problem.cluster[labelled])) < FEWEST_CLUSTERS


def _cells(predicted: Floats, stratum: Ints) -> list[Ints]:
    """Divisions of a group's rows, the finest first, numbered from 0."""
    classes = predicted.astype(np.int64)
    both = classes * (int(stratum.max()) + 1) + stratum
    return [np.unique(one, return_inverse=True)[1] for one in (both, classes)]


def _design_effects(problem: Problem, moments: Moments) -> Floats:
    """By how much clusters raise the variance of corrections, at least 1 [coefficients]."""
    if problem.cluster is None:
        return np.ones(moments.b.shape[1])
    inverse = inverted(moments.jacobian[0]).T
    by_row = ((moments.of_rows[0] @ inverse) ** 2).sum(axis=0)
    by_cluster = ((moments.corrections[0] @ inverse) ** 2).sum(axis=0)
    return np.asarray(np.maximum(by_cluster / np.maximum(by_row, np.finfo(float).tiny), 1.0))


def comparisons(
    problem: Problem, drawn: DrawnUnits | None, start: Floats
) -> tuple[list[Term], list[Term]]:
    """The naive terms and those of labelled rows alone; empty where they cannot be estimated."""
    matrix, sample, names = problem.matrix, problem.sample, problem.matrix.names
    family, rows = FAMILIES[problem.model], sample.rows
    true = {one.name: one.labels[rows] for one in problem.variables}
    guess = {one.name: one.as_if_true for one in problem.variables}
    groups = problem.groups if problem.model == "lm" else []
    (x, y), (x_true, y_true) = matrix.at(guess), matrix.at(true, rows)
    dummies = problem.dummies
    if dummies.shape[1]:
        x, x_true = np.hstack([x, dummies]), np.hstack([x_true, dummies[rows]])
    naive = naive_terms(family, x, y, sample.cluster, groups, names, start)
    cluster = None if problem.cluster is None else problem.cluster[rows]
    within = [np.unique(group[rows], return_inverse=True)[1] for group in groups]
    try:
        weight = 1 / sample.probability
        moments = labelled_moments(family, x_true, y_true, weight, cluster, within)
        alone = labelled_terms(moments, names, clustered=cluster is not None, drawn=drawn)
    except DataError:
        alone = []
    return naive, alone


def strata_of(sample: Sample, cluster: Ints | None) -> list[Stratum]:
    """Rows and labelled rows of each stratum, or clusters where these were drawn."""
    stratum, rows = sample.stratum, sample.rows
    if sample.whole_clusters and cluster is not None:
        _, first = np.unique(cluster, return_index=True)
        stratum = stratum[first]
        rows = np.unique(cluster[rows])
    size = np.bincount(stratum)
    labelled = np.bincount(stratum[rows], minlength=len(size))
    return [
        Stratum(rows=int(all_rows), labelled=int(some))
        for all_rows, some in zip(size, labelled, strict=True)
    ]


def power_of(variance: Variance, terms: list[Term], available: int, *, clusters: bool) -> Power:
    """The curve of standard errors with more labels, as far as rows are left to label."""
    units = variance.labelled_units
    extras = sorted({round(units * more) for more in MORE if units * more <= available})
    points = [
        PowerPoint(
            extra=extra,
            labelled=units + extra,
            se=[float(one) for one in variance.se((units + extra) / units)[: len(terms)]],
        )
        for extra in extras
    ]
    return Power(
        unit="clusters" if clusters else "rows",
        half_widths=[half_width(one) for one in terms],
        points=points,
    )


def half_width(term: Term) -> float | None:
    """Half the width of an interval; None if it is withheld."""
    if term.low is None or term.high is None:
        return None
    return (term.high - term.low) / 2
