"""The target column: its type, its labels, and whether it can be learned and evaluated."""

from __future__ import annotations

import unicodedata
from collections import defaultdict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.tables.finding import Finding, listed
from duree.tables.source_rows import Rows
from duree.tables.split.assignment import MIN_ROWS

# Numbers with more different values are quantities, with fewer they are codes of classes.
MOST_NUMBERED_CLASSES = 20
MOST_CLASSES = 1_000
# The share of one class above which accuracy is uninformative.
IMBALANCED = 0.9

# A whole number as pandas writes it in a column of floats.
WHOLE_AS_FLOAT = r"^-?[0-9]+\.0$"
_DECIMAL_COMMA = r"^[+\-]?\d+(\.\d{3})*,\d+$"
_LIST = r"^(\[.*\]|\{.*\}|c\(.*\)|\(.*,.*\))$"
# The share of labels from which all are taken to be of a form.
_MOST = 0.9
# Forms of labels that are seldom classes, and forms that occur beside them.
_FORMS = (
    (
        "decimal_comma",
        _DECIMAL_COMMA,
        r"^[+\-]?\d+$",
        "the cells of {column!r} seem to be numbers with a decimal comma, such as {label!r}",
        "write them with a decimal point, as in 4.77",
    ),
    (
        "list_labels",
        _LIST,
        r"^$",
        "the cells of {column!r} seem to be lists, such as {label!r}",
        "for several labels in a cell, write them as a;b and set data.label_separator = ; or "
        "store lists of texts in Parquet or JSON lines",
    ),
    (
        "joined_labels",
        r"[^;|,\s][;|,]\s*[^;|,\s]",
        r"^\w+$",
        "the cells of {column!r} seem to hold several labels each, such as {label!r}",
        "if they do, name the character between them: --set data.label_separator=...",
    ),
)

_EDGE = r"[\s\u{200B}\u{200E}\u{200F}\u{FEFF}]+"
_SAME = {"true": "1.0", "false": "0.0"}


def is_quantity(target: pl.Series) -> bool:
    """Whether a target column holds quantities, not names or codes of classes."""
    return _is_numeric(target) and as_quantity(target).n_unique() > MOST_NUMBERED_CLASSES


def as_quantity(target: pl.Series) -> pl.Series:
    """The cells as Float64; null where a cell is not a number."""
    if target.dtype == pl.String:
        target = target.str.strip_chars()
    return target.cast(pl.Float64, strict=False)


def clean_labels(labels: pl.Series) -> tuple[pl.Series, list[Finding]]:
    """Trim white space from the labels, and report similar labels.

    Labels that differ in more than white space at their ends ("TRUE" and "true", "1" and "1.0")
    remain different classes, with a finding. Where all are whole numbers written as 1.0, which
    pandas does where some are missing, they are 1, as in formats with types.

    Parameters
    ----------
    labels : polars.Series of String [rows]
    """
    trimmed = labels.str.replace_all(rf"^{_EDGE}|{_EDGE}$", "")
    findings = []
    filled = trimmed.filter((trimmed != "").fill_null(False))
    whole = len(filled) > 0 and bool(filled.str.contains(WHOLE_AS_FLOAT).all())
    changed = np.flatnonzero(((labels != trimmed) & (trimmed != "")).fill_null(False))
    if len(changed):
        findings.append(
            Finding(
                "trimmed_labels",
                "warning",
                "white space trimmed from labels in {column!r}: {count} cells",
                values={"count": len(changed), "column": labels.name},
                rows=tuple(int(row) for row in changed[:5]),
            )
        )
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for label in trimmed.drop_nulls().unique().sort():
        alike[_normal_form(label)].append(label)
    what = "the labels {labels} in {column!r} may mean the same, but count as different classes"
    fix = "if they do, write them the same way"
    for names in alike.values():
        if len(names) > 1:
            facts: dict[str, object] = {"labels": listed(names), "column": labels.name}
            findings += [Finding("similar_labels", "warning", what, fix, facts)]
    return (trimmed.str.strip_suffix(".0") if whole else trimmed), findings


def check_target(
    target: pl.Series, numeric: bool, test_rows: NDArray[np.bool_] | None
) -> list[Finding]:
    """The distribution of the target, and whether it can be learned and evaluated."""
    if _is_numeric(target) and not as_quantity(target).drop_nulls().is_finite().all():
        return _not_finite(target)
    if numeric:
        return _range(target)
    labels, findings = clean_labels(target.cast(pl.String))
    present = labels.is_not_null() & (labels != "")
    # Under a name of ours: the column may be called like the counts.
    counts = labels.filter(present).alias("label").value_counts(sort=True, name="rows")
    names, rows = counts["label"].to_list(), counts["rows"].to_numpy()
    if len(names) > MOST_CLASSES:
        what = "{column!r} has {count} classes, more than {most}"
        fix = "choose another column, merge classes, or write texts with --task transduce"
        facts = {"column": target.name, "count": len(names), "most": MOST_CLASSES}
        return [Finding("many_classes", "error", what, fix, facts)]
    balance = _check_balance(target.name, names, rows)
    of_form = _form_of_labels(labels.filter(present), impossible=_has_errors(balance))
    findings += of_form if _has_errors(of_form) else [*balance, *of_form]
    if test_rows is None or _has_errors(of_form):
        return findings
    train = labels.filter(present & ~pl.Series(test_rows))
    test = set(labels.filter(present & pl.Series(test_rows)))
    return [*findings, *_check_sides(target.name, names, train, test)]


def _form_of_labels(labels: pl.Series, *, impossible: bool) -> list[Finding]:
    """Labels that seem to be numbers or lists: an error where they are impossible as classes."""
    for check, pattern, others, what, fix in _FORMS:
        like = labels.str.contains(pattern)
        if not like.any() or (like | labels.str.contains(others)).mean() < _MOST:  # type: ignore[operator]
            continue
        if check == "joined_labels" and not impossible:
            continue
        facts: dict[str, object] = {"column": labels.name, "label": labels.filter(like)[0]}
        return [Finding(check, "error" if impossible else "warning", what, fix, facts)]
    return []


def _has_errors(findings: list[Finding]) -> bool:
    return any(finding.level == "error" for finding in findings)


def _normal_form(label: str) -> str:
    """A label without differences of case, spacing, character width and number format."""
    text = " ".join(unicodedata.normalize("NFKC", label).casefold().split())
    try:
        return str(float(text))
    except ValueError:
        return _SAME.get(text, text)


def _is_numeric(target: pl.Series) -> bool:
    return as_quantity(target).null_count() == target.null_count()


def _not_finite(target: pl.Series) -> list[Finding]:
    infinite = np.flatnonzero((~as_quantity(target).is_finite()).fill_null(False))
    what = "values of {column!r} that are not finite numbers: {count}"
    fix = "correct them, or leave these rows out; the first is {row}"
    facts: dict[str, object] = {
        "count": len(infinite),
        "column": target.name,
        "row": Rows(infinite[:1]),
    }
    rows = tuple(int(row) for row in infinite[:5])
    return [Finding("target_not_finite", "error", what, fix, facts, rows)]


def _range(target: pl.Series) -> list[Finding]:
    numbers = as_quantity(target)
    low, middle, high = (numbers.quantile(share, "nearest") for share in (0, 0.5, 1))
    what = "{column!r} holds numbers from {low:g} to {high:g}, with median {middle:g}"
    facts: dict[str, object] = {"column": target.name, "low": low, "middle": middle, "high": high}
    return [Finding("target_range", "ok", what, values=facts)]


def _check_balance(column: str, names: list[str], rows: NDArray[np.int64]) -> list[Finding]:
    if len(names) < 2:
        what, fix = (
            "the target {column!r} has only one class, {label!r}",
            "choose a column with at least two",
        )
        label = names[0] if names else ""
        return [Finding("one_class", "error", what, fix, {"column": column, "label": label})]
    listed = ", ".join(f"{name!r} {count}" for name, count in zip(names[:10], rows, strict=False))
    listed += ", ..." if len(names) > 10 else ""
    what = "{column!r} has {count} classes: {listed}"
    facts: dict[str, object] = {"column": column, "count": len(names), "listed": listed}
    findings = [Finding("class_balance", "ok", what, values=facts)]
    if rows[0] > IMBALANCED * rows.sum():
        what = "{share:.0%} of the rows are {label!r}: always predicting it is right as often"
        fix = "look at macro-F1, not accuracy"
        facts = {"share": float(rows[0] / rows.sum()), "label": names[0]}
        findings.append(Finding("lopsided_classes", "warning", what, fix, facts))
    rare = [name for name, count in zip(names, rows, strict=True) if count < 3 * MIN_ROWS]
    return findings + _rare(column, rare, 3 * MIN_ROWS)


def _check_sides(column: str, names: list[str], train: pl.Series, test: set[str]) -> list[Finding]:
    """Classes that a given test file, or the other rows, lack."""
    in_train = dict(train.alias("label").value_counts(name="rows").iter_rows())
    findings = _rare(
        column,
        [name for name in names if 0 < in_train.get(name, 0) < 2 * MIN_ROWS],
        2 * MIN_ROWS,
    )
    if unseen := [name for name in names if name not in in_train]:
        what = "the test file has {classes} in {column!r}, which no other row has"
        fix = "leave these rows out, or add rows of these classes to the data"
        facts: dict[str, object] = {"classes": listed(unseen), "column": column}
        findings.append(Finding("unseen_class", "error", what, fix, facts))
    if untested := [name for name in names if name not in test]:
        what = "the test file has no {classes} in {column!r}"
        fix = "how well they are predicted cannot be measured"
        facts = {"classes": listed(untested), "column": column}
        findings.append(Finding("untested_class", "warning", what, fix, facts))
    return findings


def _rare(column: str, names: list[str], needed: int) -> list[Finding]:
    if not names:
        return []
    what = "too few rows of {classes} in {column!r} to have 2 in each set"
    fix = "leave these rows out, or merge the class with another: each needs at least {needed} rows"
    facts: dict[str, object] = {
        "classes": listed(names),
        "column": column,
        "needed": needed,
    }
    return [Finding("rare_classes", "error", what, fix, facts)]
