"""Rows that repeat others: within a table, with different labels, and across a given split."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.tables.checks.duplicates import Duplicates
from duree.tables.finding import Finding
from duree.tables.split.make_split import group_codes
from duree.tables.time.order import time_order

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

KEPT_TOGETHER = "they are kept in the same set"
REPORTED_WITHOUT = "results without them are reported as well"

WITHIN = {
    "all": "{exact} rows have the same text as another row; {near} including near-duplicates",
    "train": (
        "outside the test file, {exact} rows have the same text as another row; {near} "
        "including near-duplicates"
    ),
    "test": (
        "in the test file, {exact} rows have the same text as another row; {near} "
        "including near-duplicates"
    ),
}


def check_duplicates(
    duplicates: Duplicates, labels: pl.Series | None, test_rows: Flags | None
) -> list[Finding]:
    """Exact and near-duplicates: how many rows, where, and whether their labels disagree.

    ``labels`` are the classes of the target; None if it has none.
    """
    if test_rows is None:
        findings = [_within(duplicates, np.ones(len(duplicates.near), dtype=bool), "all")]
    else:
        sides = {"train": ~test_rows, "test": test_rows}
        findings = [_within(duplicates, side, name) for name, side in sides.items()]
        findings += _across(duplicates, test_rows)
    if labels is not None:
        findings += _contradicting(duplicates.near, labels)
    return findings


def check_groups(groups: pl.Series, test_rows: Flags | None) -> list[Finding]:
    """The number of groups, and those on both sides of a given split."""
    codes = group_codes(groups)
    count = len(np.unique(codes))
    facts: dict[str, object] = {"column": groups.name, "count": count}
    if count == 1:
        what, fix = (
            "all rows have the same {column!r}",
            "choose another column, or leave out --group",
        )
        return [Finding("one_group", "error", what, fix, facts)]
    findings = [Finding("groups", "ok", "{column!r} has {count} groups", values=facts)]
    if test_rows is None:
        return findings
    shared = np.intersect1d(codes[test_rows], codes[~test_rows])
    if len(shared):
        rows = np.flatnonzero(np.isin(codes, shared) & test_rows)
        what = (
            "groups of {column!r} on both sides of the given split: {count}, with {rows} of the "
            "{test} test rows"
        )
        facts = {
            "column": groups.name,
            "count": len(shared),
            "rows": len(rows),
            "test": int(test_rows.sum()),
        }
        findings.append(
            Finding("straddling_groups", "warning", what, REPORTED_WITHOUT, facts, _first(rows))
        )
    return findings


def check_times(times: pl.Series, test_rows: Flags | None) -> list[Finding]:
    """The range of times, and whether a given test file is later than the rest.

    Raises
    ------
    DataError
        The column cannot be ordered in time.
    """
    order = time_order(times)
    known = np.flatnonzero(order >= 0)
    if len(known) == 0:
        return []
    first, last = known[order[known].argmin()], known[order[known].argmax()]
    facts: dict[str, object] = {
        "column": times.name,
        "first": str(times[int(first)]),
        "last": str(times[int(last)]),
    }
    what = "{column!r} ranges from {first} to {last}"
    findings = [Finding("times", "ok", what, values=facts)]
    if test_rows is None or not (order[~test_rows] >= 0).any():
        return findings
    early = np.flatnonzero(test_rows & (order >= 0) & (order <= order[~test_rows].max()))
    if len(early):
        what = "test rows that are not later in {column!r} than all others: {count}"
        fix = "the results describe the same period, not the future"
        facts = {"count": len(early), "column": times.name}
        findings.append(Finding("early_test_rows", "warning", what, fix, facts, _first(early)))
    return findings


def _within(duplicates: Duplicates, side: Flags, name: str) -> Finding:
    exact, near = (_repeated(ids, side) for ids in (duplicates.exact, duplicates.near))
    facts: dict[str, object] = {"exact": len(exact), "near": len(near)}
    check = "duplicates" if name == "all" else f"duplicates_in_{name}"
    if len(near) == 0:
        return Finding(check, "ok", WITHIN[name], values=facts)
    fix = "" if name == "test" else KEPT_TOGETHER
    return Finding(check, "note", WITHIN[name], fix, facts, _first(near))


def _repeated(clusters: Ints, side: Flags) -> Ints:
    """Rows of one side that share a cluster with another row of it, cluster by cluster."""
    rows = np.flatnonzero(side)
    _, place, sizes = np.unique(clusters[rows], return_inverse=True, return_counts=True)
    several = np.flatnonzero(sizes[place] > 1)
    return rows[several[np.argsort(place[several], kind="stable")]]


def _across(duplicates: Duplicates, test_rows: Flags) -> list[Finding]:
    exact, near = (
        np.flatnonzero(test_rows & np.isin(ids, ids[~test_rows]))
        for ids in (duplicates.exact, duplicates.near)
    )
    what = (
        "{exact} of the {test} test rows have the same text as a training row; {near} "
        "including near-duplicates"
    )
    facts: dict[str, object] = {
        "exact": len(exact),
        "near": len(near),
        "test": int(test_rows.sum()),
    }
    if len(near) == 0:
        return [Finding("straddling_duplicates", "ok", what, values=facts)]
    return [
        Finding("straddling_duplicates", "warning", what, REPORTED_WITHOUT, facts, _first(near))
    ]


def _contradicting(clusters: Ints, labels: pl.Series) -> list[Finding]:
    """Clusters whose rows have different labels, not counting missing ones."""
    frame = pl.DataFrame({"cluster": clusters, "label": labels.cast(pl.String)}).with_row_index()
    frame = frame.drop_nulls("label")
    frame = frame.filter(pl.col("label").n_unique().over("cluster") > 1).sort("cluster", "index")
    if frame.height == 0:
        return []
    what = "{count} rows are near-duplicates of a text with another {column!r}"
    fix = "a label may be wrong, or the text alone may not determine it"
    facts = {"count": frame.height, "column": labels.name}
    rows = _first(frame["index"].to_numpy())
    return [Finding("contradicting_duplicates", "warning", what, fix, facts, rows)]


def _first(rows: NDArray[np.integer]) -> tuple[int, ...]:
    return tuple(int(row) for row in rows[:5])
