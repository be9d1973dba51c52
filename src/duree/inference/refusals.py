"""What is refused before anything is estimated, and cautions: too few labels to hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from duree.errors import DataError, plain
from duree.inference.families import Floats, Ints
from duree.inference.intervals import FEWEST_CLUSTERS, FEWEST_DF
from duree.inference.labelled_sample import Sample
from duree.inference.random_draw import unlike_a_draw
from duree.inference.variables import Variable
from duree.results.estimates import Term
from duree.results.run_files import Check
from duree.tables.finding import Finding, listed

# Of the rarest class, or of rows: refused below the first, with a caution below the second.
FEWEST_LABELS, FEW_LABELS = 10, 30
FEWEST_CLUSTERS_FITTED, FEW_CLUSTERS = 10, 30
# Dummies of logistic and Poisson regressions.
MOST_GROUPS = 200


def require_labels(variables: Sequence[Variable], sample: Sample, *, shares: bool) -> None:
    """Refuse regressions on too few labels or labelled clusters; DataError."""
    rows = sample.rows
    if len(rows) < FEWEST_LABELS:
        raise DataError(
            "only {count} rows are labelled",
            fix="label at least {fewest}; 100 or more give useful intervals",
            count=len(rows),
            fewest=FEWEST_LABELS,
        )
    if shares:
        return
    for one in variables:
        value, count = rarest(one, rows)
        if count < FEWEST_LABELS:
            raise DataError(
                "only {count} labelled rows have {variable} = {value}",
                fix="label more rows, until at least {fewest} have it: duree sample with a larger "
                "-n keeps those that are labelled; shares by group need no such number",
                count=count,
                variable=one.name,
                value=value,
                fewest=FEWEST_LABELS,
            )
    clusters = sample.labelled_clusters
    if clusters is not None and sample.clusters is not None:
        _require_clusters(clusters, sample.clusters)


def _require_clusters(labelled: int, clusters: int) -> None:
    """Refuse fewer than ten labelled clusters; DataError if the table has no more, or it has."""
    if clusters < FEWEST_CLUSTERS_FITTED:
        raise DataError(
            "the table has only {count} clusters: standard errors by cluster need at least "
            "{fewest}, labelled",
            fix="choose a column with more values for --cluster, or leave it out and put this one "
            "into the formula, as a category or after '|'",
            count=clusters,
            fewest=FEWEST_CLUSTERS_FITTED,
        )
    if labelled < FEWEST_CLUSTERS_FITTED:
        raise DataError(
            "the labelled rows are of only {count} clusters",
            fix="label rows of at least {fewest} clusters: rows within a cluster resemble each "
            "other",
            count=labelled,
            fewest=FEWEST_CLUSTERS_FITTED,
        )


def require_labelled_terms(x: Floats, names: Sequence[str], rows: Ints) -> None:
    """Refuse terms that are 0 in all labelled rows: nothing corrects predictions there; DataError.

    Their estimate would be that of the predictions, with an interval that knows no error of theirs.
    """
    without = [
        name for name, used in zip(names, (x[rows] != 0).any(axis=0), strict=True) if not used
    ]
    if without:
        raise DataError(
            "no labelled row has {terms}",
            fix="label rows of these groups, or combine them with others: predictions without "
            "labels cannot be corrected",
            terms=listed(without),
        )


def rarest(variable: Variable, rows: Ints) -> tuple[int, int]:
    """The rarer value of a binary variable and its labelled rows; of numbers, all rows."""
    if not variable.binary:
        return 0, len(rows)
    positives = int(variable.labels[rows].sum())
    return (1, positives) if positives <= len(rows) - positives else (0, len(rows) - positives)


def require_few_groups(groups: Sequence[Ints], effects: Sequence[str], model: str) -> None:
    """Refuse more fixed effects than logistic and Poisson regressions can hold; DataError."""
    for group, name in zip(groups, effects, strict=True):
        if model != "lm" and group.max() >= MOST_GROUPS:
            raise DataError(
                "column {column!r} has {count} groups; models other than lm take fixed effects of "
                "at most {most}",
                fix="use --model lm, or fewer groups: with few rows each, their coefficients are "
                "biased",
                column=name,
                count=int(group.max()) + 1,
                most=MOST_GROUPS,
            )


def require_outcome(
    model: str, y: Floats, name: str, labelled: Ints, predictions: Sequence[str]
) -> None:
    """Refuse an outcome, or predictions of it, that the model does not allow; DataError."""
    allowed = {"logit": np.isin(y, (0.0, 1.0)), "poisson": y >= 0}.get(model, np.ones(len(y), bool))
    if not allowed.all() and allowed[labelled].all() and predictions:
        raise DataError(
            "the predictions {column!r} of {outcome!r} are not allowed by the model {model} in "
            "{count} rows: {value} in row {row}",
            fix="poisson needs numbers of 0 or more: write 0 for smaller ones, or use --model lm",
            column=predictions[0],
            outcome=name,
            model=model,
            count=int((~allowed).sum()),
            value=f"{y[np.argmin(allowed)]:.3g}",
            row=int(np.argmin(allowed)) + 1,
        )
    if not allowed.all():
        raise DataError(
            "the outcome {outcome!r} is {value} in some rows, which the model {model} does not "
            "allow",
            fix="logit needs 0 and 1, poisson numbers of 0 or more; lm takes all numbers",
            outcome=name,
            value=float(y[np.argmin(allowed)]),
            model=model,
        )


def cautions(
    variables: Sequence[Variable],
    sample: Sample,
    terms: Sequence[Term],
    *,
    shares: bool,
    is_census: bool,
) -> list[Check]:
    """What a reader must know of an estimate from few labels, or from those of all rows."""
    found = [_counted(one) for one in variables if one.category is not None]
    if is_census:
        what = (
            "every row is labelled: these are the figures of the corpus itself, which have no "
            "sampling error and no intervals"
        )
        fix = "leave out --for corpus to describe what produced it"
        return [as_check(one) for one in (*found, Finding("census", "note", what, fix))]
    found += unlike_a_draw(variables, sample)
    for one in variables:
        value, count = rarest(one, sample.rows)
        if count < FEW_LABELS and not shares:
            what = (
                "only {count} labelled rows have {variable} = {value}: intervals of fewer than "
                "{few} may be too narrow"
                if one.binary
                else "only {count} rows are labelled: intervals of fewer than {few} may be too "
                "narrow"
            )
            values = {"count": count, "variable": one.name, "value": value, "few": FEW_LABELS}
            found.append(Finding("few_labels", "warning", what, "label more rows", values))
    clusters = sample.labelled_clusters
    if clusters is not None and clusters < FEW_CLUSTERS:
        what = (
            "the labelled rows are of only {count} clusters: intervals of fewer than {few} may be "
            "too narrow"
        )
        fix = "label rows of more clusters" if clusters < (sample.clusters or 0) else ""
        found.append(
            Finding("few_clusters", "warning", what, fix, {"count": clusters, "few": FEW_CLUSTERS})
        )
    without = [one.term for one in terms if one.low is None]
    if without:
        what = (
            "intervals of {terms} are withheld: fewer than {df} degrees of freedom or {clusters} "
            "labelled clusters say too little of their width"
        )
        values = {"terms": ", ".join(without), "df": int(FEWEST_DF), "clusters": FEWEST_CLUSTERS}
        fix = (
            "label more rows"
            if sample.clusters is None or sample.clusters >= FEWEST_CLUSTERS
            else "choose a column with more values for --cluster, or leave it out"
        )
        found.append(Finding("withheld", "warning", what, fix, values))
    return [as_check(one) for one in found]


def _counted(variable: Variable) -> Finding:
    """What counts as 1, where labels are texts."""
    return Finding(
        "category",
        "note",
        "{variable} = 1 where the label is {category!r}, and 0 where it is another",
        values={"variable": variable.name, "category": variable.category},
    )


def as_check(finding: Finding) -> Check:
    """A finding as ``estimate.json`` holds it."""
    return Check(
        check=finding.check,
        level=finding.level,
        message=finding.message("en"),
        message_zh=finding.message("zh"),
        what=finding.what,
        fix=finding.fix,
        values=plain(finding.values),
    )
