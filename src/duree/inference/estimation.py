"""Regressions and shares with predicted variables, made valid by a random labelled sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from duree.errors import DataError
from duree.inference.families import FAMILIES
from duree.inference.intervals import CONFIDENCE, Variance
from duree.inference.labelled_sample import Sample, codes, complete, found, read_sample
from duree.inference.model_matrix import Formula, columns_of, model_matrix, parse_formula
from duree.inference.refusals import (
    cautions,
    require_few_groups,
    require_labelled_terms,
    require_labels,
    require_outcome,
)
from duree.inference.splits import Problem, moments_of_splits
from duree.inference.terms import (
    comparisons,
    group_of_rows,
    half_width,
    power_of,
    strata_of,
    terms_of,
    with_shares,
    without_intervals,
)
from duree.inference.told_apart import no_solution
from duree.inference.variables import Variable, read_variables
from duree.results.estimates import Estimates, Model, Settings, Term
from duree.version import __version__


@dataclass(frozen=True)
class Estimate:
    """What ``estimate`` finds.

    Attributes
    ----------
    record : Estimates
        All of it, as ``estimate.json`` holds it.
    """

    record: Estimates
    _variance: Variance
    _available: int

    @property
    def terms(self) -> list[Term]:
        """The estimates."""
        return self.record.terms

    @property
    def naive(self) -> list[Term]:
        """The same regression with predictions taken for the truth, for comparison."""
        return self.record.naive

    @property
    def labelled_only(self) -> list[Term]:
        """The same regression on labelled rows alone, for comparison."""
        return self.record.labelled_only

    def to_frame(self) -> pl.DataFrame:
        """The estimates as a table: term, estimate, se, low, high, p, df."""
        return frame_of(self.terms)

    def power(self, extra: int) -> pl.DataFrame:
        """Standard errors and half widths to expect with ``extra`` more labels.

        Labels are rows, or whole clusters where these were drawn; more are drawn as the first ones
        were. Half widths are null where intervals are withheld.

        Returns
        -------
        polars.DataFrame
            term, se, se_now, half_width, half_width_now.

        Raises
        ------
        DataError
            There are not so many rows.
        """
        units = self._variance.labelled_units
        if not 0 <= extra <= self._available:
            raise DataError(
                "{extra} more labels cannot be had",
                fix="at most {most} are left to label",
                extra=extra,
                most=self._available,
            )
        now, then = self._variance.se(), self._variance.se((units + extra) / units)
        half = [half_width(one) for one in self.terms]
        return pl.DataFrame(
            {
                "term": [one.term for one in self.terms],
                "se": then[: len(half)],
                "se_now": now[: len(half)],
                "half_width": [
                    None if width is None else width * ratio
                    for width, ratio in zip(half, then / now, strict=False)
                ],
                "half_width_now": half,
            }
        )


def frame_of(terms: Sequence[Term]) -> pl.DataFrame:
    """Terms as a table."""
    names = ("term", "estimate", "se", "low", "high", "p", "df")
    kinds = {name: pl.String if name == "term" else pl.Float64 for name in names}
    return pl.DataFrame([one.model_dump(include=set(names)) for one in terms], schema=kinds)


def estimate(
    formula: str,
    frame: Any,
    *,
    predicted_var: str | Sequence[str],
    prediction: str | Sequence[str],
    labeled: str | None = None,
    sample_prob: str | None = None,
    stratum: str | None = None,
    cluster: str | None = None,
    equal_prob: bool = False,
    model: Model = "lm",
    population: bool = False,
    seed: int = 0,
    splits: int = 10,
    folds: int = 5,
) -> Estimate:
    """Estimate a regression, or shares of groups, of which some variables are predicted.

    The predictions of all rows are corrected by a random sample of labelled rows, so that intervals
    hold whatever the predictions are worth. Labelled rows must not have trained the network that
    predicted them, and must have been drawn at random.

    Parameters
    ----------
    formula : str
        ``'pos ~ rating + C(year)'``, with fixed effects as ``'pos ~ rating | year'``; shares of
        groups as ``'pos ~ 0 + C(year)'``.
    frame : data frame
        Polars, pandas or any that narwhals reads: a row for each text of the population.
    predicted_var : str or sequence of str
        Variables of the formula that are labelled in some rows: null elsewhere.
    prediction : str or sequence of str
        For each, the column of predictions in all rows: probabilities or numbers.
    labeled : str, optional
        Column of 0 and 1: which rows are labelled; by default those with all labels.
    sample_prob : str, optional
        Column of the probability of being labelled.
    stratum : str, optional
        Column of strata within which rows were drawn; without ``sample_prob``, a row's probability
        is the labelled share of its stratum.
    cluster : str, optional
        Column of units that are independent of each other, such as authors.
    equal_prob : bool
        State that all rows had the same chance of being labelled.
    model : {"lm", "logit", "poisson"}
    population : bool
        Describe this corpus (design variance only), not what produced it.
    seed, splits, folds : int
        Of recalibration: ``splits`` random divisions into ``folds``, of whose estimates the median
        is taken.

    Returns
    -------
    Estimate

    Raises
    ------
    DataError
        The table or formula is unfit, nothing says how rows were drawn, there are too few labels,
        or the estimate does not converge.
    ExtraError
        formulaic is missing.

    Source: see ``duree.inference.moments``, ``recalibration``, ``intervals`` and ``shares``.
    """
    table = as_polars(frame)
    parsed = parse_formula(formula)
    if model not in FAMILIES:
        raise DataError(
            "there is no model {model!r}",
            fix="choose one of {models}",
            model=model,
            models=", ".join(FAMILIES),
        )
    names, columns = _listed(predicted_var), _listed(prediction)
    variables, labelled = read_variables(table, parsed, names, columns, labeled)
    sample = read_sample(
        table,
        labelled,
        sample_prob=sample_prob,
        stratum=stratum,
        cluster=cluster,
        equal_prob=equal_prob,
    )
    problem = _problem(table, parsed, variables, sample, model, population=population)
    settings = Settings(seed=seed, splits=splits, folds=folds, confidence=CONFIDENCE)
    return _estimated(problem, parsed, settings, cluster, population=population)


def as_polars(frame: Any) -> pl.DataFrame:
    """A data frame of any library as one of polars; DataError if it is none."""
    try:
        table: pl.DataFrame = nw.from_native(frame, eager_only=True).to_polars()
    except TypeError:
        raise DataError(
            "the table is of type {kind}, not a data frame",
            fix="give a data frame of polars or pandas",
            kind=type(frame).__name__,
        ) from None
    return table


def _listed(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _problem(
    table: pl.DataFrame,
    formula: Formula,
    variables: list[Variable],
    sample: Sample,
    model: Model,
    *,
    population: bool,
) -> Problem:
    """The estimation problem, after all refusals."""
    predicted = [one.name for one in variables]
    for name in (*columns_of(formula, table.columns), *formula.fixed_effects):
        if name not in predicted:
            complete(table, found(table, name).name)
    filled = table.with_columns(
        pl.Series(one.name, np.where(np.isnan(one.labels), one.as_if_true, one.labels))
        for one in variables
    )
    effects = [codes(table[name]) for name in formula.fixed_effects]
    require_few_groups(effects, formula.fixed_effects, model)
    intercept = not (effects and model == "lm")
    matrix = model_matrix(formula, filled, predicted, intercept=intercept)
    require_labelled_terms(matrix.x, matrix.names, sample.rows)
    predictions = [one.column for one in variables if matrix.outcome_is(one.name)]
    require_outcome(model, matrix.y, formula.outcome, sample.rows, predictions)
    rows_drawn = population and not sample.whole_clusters
    cluster = None if rows_drawn else sample.cluster
    used = dict.fromkeys((*matrix.variables, *formula.fixed_effects))
    known = [table[name] for name in used if name not in predicted]
    problem = Problem(model, matrix, effects, known, variables, sample, cluster)
    require_labels(variables, sample, shares=group_of_rows(problem) is not None)
    return problem


def _estimated(
    problem: Problem,
    formula: Formula,
    settings: Settings,
    cluster: str | None,
    *,
    population: bool,
) -> Estimate:
    """Carry out the estimation and put everything together."""
    sample, names, group = problem.sample, problem.matrix.names, group_of_rows(problem)
    drawn = sample.drawn() if population else None
    clustered = problem.cluster is not None
    try:
        moments = moments_of_splits(problem, settings.splits, settings.folds, settings.seed)
        variance = Variance(moments, clustered=clustered, drawn=drawn)
    except DataError as error:
        raise no_solution(problem, formula.outcome, formula.fixed_effects) or error from None
    terms = terms_of(variance, names, clustered=clustered)
    if group is not None:
        terms = with_shares(terms, problem, group, moments, population=population)
    is_census = drawn is not None and bool((drawn.probability == 1).all())
    if is_census:
        terms = without_intervals(terms)
    naive, alone = comparisons(problem, drawn, variance.b)
    clusters = None if sample.cluster is None else int(sample.cluster.max()) + 1
    by_cluster = clustered and sample.whole_clusters
    available = clusters if by_cluster and clusters is not None else len(problem.matrix.x)
    available -= variance.labelled_units if by_cluster or not clustered else len(sample.rows)
    record = Estimates(
        terms=terms,
        naive=naive,
        labelled_only=alone,
        formula=formula.text,
        model=problem.model,
        population=population,
        shares=group is not None,
        variables=[one.record(sample.rows) for one in problem.variables],
        fixed_effects=list(formula.fixed_effects),
        cluster=cluster,
        clusters=clusters,
        labelled_clusters=sample.labelled_clusters,
        rows=len(problem.matrix.x),
        labelled=len(sample.rows),
        strata=strata_of(sample, problem.cluster),
        design=sample.design,
        probabilities=(float(sample.probability.min()), float(sample.probability.max())),
        power=power_of(variance, terms, available, clusters=by_cluster),
        settings=settings,
        notes=cautions(
            problem.variables, sample, terms, shares=group is not None, is_census=is_census
        ),
        version=__version__,
    )
    return Estimate(record, variance, available)
