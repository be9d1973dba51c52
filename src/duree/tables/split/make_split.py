"""Split a table into training, validation and test sets: at random, by group, by time, or both."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.recipe.settings import DataSettings
from duree.tables.source_rows import Rows
from duree.tables.split.assignment import (
    MIN_ROWS,
    Floats,
    Ints,
    assign_units,
    keep_earliest,
    keep_groups_whole,
    tie_units,
)
from duree.tables.split.class_counts import refuse_few_rows, refuse_small_sets
from duree.tables.split.split import LEFT_OUT, TEST, TRAIN, VALIDATION, Split
from duree.tables.time.order import time_order

__all__ = ["Split", "group_codes", "make_split"]

AT_RANDOM = (
    "rows were split at random (seed {seed}): {test_share:.0%} for testing, "
    "{validation_share:.0%} of the rest for validation"
)
AT_RANDOM_GIVEN = (
    "{validation_share:.0%} of the other rows were drawn at random for validation (seed {seed})"
)
BY_TIME = (
    "rows were split by {time!r}: training up to {train_end}, validation up to "
    "{validation_end}, test after that"
)
BY_TIME_GIVEN = "the other rows were split by {time!r}: training up to {train_end}, then validation"
OF_TEST_FILE = "the test rows are those of the test file"
OF_FILE = "the validation rows are those of the validation file"
OF_ENDS = "there are few documents: each was divided in order, its last tenth for testing"
OF_TENTHS = "the first tenth is for validation"
OF_LAST = "there are few other documents: the first tenth of each is for validation"
STRATIFIED = "the split is stratified by {target!r}"
GROUPED = "rows with the same {group!r} are in the same set"
GROUPED_GIVEN = "no {group!r} is in both the training and the validation set"
CLUSTERED = "near-duplicate texts are in the same set"
CLUSTERED_GIVEN = "near-duplicate texts are not in both the training and the validation set"


def make_split(
    frame: pl.DataFrame,
    data: DataSettings,
    target: str | None,
    *,
    clusters: Ints | None,
    test_rows: NDArray[np.bool_] | None = None,
    validation_rows: NDArray[np.bool_] | None = None,
    fewest: int = MIN_ROWS,
    seed: int,
) -> Split:
    """Assign every row to train, validation or test, or leave it out with a reason.

    Parameters
    ----------
    frame : polars.DataFrame
        All rows, including those of a given test file.
    data : DataSettings
        ``group``, ``time``, the shares, and whether rows without a time may be left out.
    target : str or None
        The column of classes to stratify by; None: there are no classes.
    clusters : int64 [rows] or None
        Near-duplicates, as ``find_duplicates`` gives them; they stay in the same set. Where time
        or groups separate them, only the copies in the earliest set are used. None: similar rows
        are not treated as copies.
    test_rows : bool [rows], optional
        Rows of a given test file: they are the test set; validation rows are drawn from the others.
    validation_rows : bool [rows], optional
        Rows of a given validation file, or of divided documents, with test rows: nothing is drawn.
    fewest : int
        The rows of each class that each set needs.
    seed : int

    Raises
    ------
    DataError
        There is only one class; a class or the table has too few rows; the time column cannot be
        ordered.
    """
    test_rows = np.zeros(len(frame), dtype=bool) if test_rows is None else test_rows
    drawn = np.flatnonzero(~test_rows)
    copies = np.arange(len(frame)) if clusters is None else clusters
    names, classes = _classes(frame, target)
    shares = _shares(data, test_rows)
    refuse_few_rows(target, names, classes, test_rows, fewest * len(shares))
    groups = group_codes(frame[data.group]) if data.group else np.arange(len(frame))
    assigned = np.full(len(frame), TEST)
    reasons: dict[str, int] = {}
    chosen = validation_rows is not None
    if validation_rows is not None:
        assigned[drawn] = np.where(validation_rows[drawn], VALIDATION, TRAIN)
    else:
        times = frame[data.time].gather(drawn) if data.time else None
        assigned[drawn], reasons = _draw(
            times, groups[drawn], copies[drawn], classes[drawn], shares, data.drop_bad, seed
        )
    refuse_small_sets(assigned[drawn], target, names, classes[drawn], len(shares), fewest)
    clauses, values = _clauses(frame, data, target, assigned, test_rows, seed)
    if chosen:
        clauses = (
            OF_TEST_FILE if data.test_file else OF_ENDS,
            OF_FILE if data.validation_file else OF_LAST if data.test_file else OF_TENTHS,
        )
    elif clusters is not None:
        clauses += (CLUSTERED_GIVEN if test_rows.any() else CLUSTERED,)
    seen = (assigned == TRAIN) | (assigned == VALIDATION)
    shared = np.isin(copies, copies[seen]) | np.isin(groups, groups[seen])
    return Split(
        train=np.flatnonzero(assigned == TRAIN),
        validation=np.flatnonzero(assigned == VALIDATION),
        test=np.flatnonzero(assigned == TEST),
        left_out=np.flatnonzero(assigned == LEFT_OUT),
        shared=np.flatnonzero(shared & (assigned == TEST)),
        seed=seed,
        clauses=clauses,
        values=values,
        reasons=reasons,
    )


def _draw(
    times: pl.Series | None,
    groups: Ints,
    clusters: Ints,
    classes: Ints,
    shares: Floats,
    drop_missing: bool,
    seed: int,
) -> tuple[Ints, dict[str, int]]:
    """The set of each row, and the number of rows left out by reason."""
    rng = np.random.default_rng(seed)
    steps: dict[str, Ints] = {}
    if times is None:
        assigned = assign_units(tie_units(groups, clusters), classes, shares, rng)
    else:
        steps["time"] = _by_time(times, shares, drop_missing)
        steps["group"] = assigned = keep_groups_whole(steps["time"], groups, shares, rng)
    steps["duplicate"] = assigned = keep_earliest(assigned, clusters)
    totals = [0, *(int(np.sum(after == LEFT_OUT)) for after in steps.values())]
    return assigned, {
        why: after - before
        for why, before, after in zip(steps, totals, totals[1:], strict=False)
        if after > before
    }


def group_codes(column: pl.Series) -> Ints:
    """A code for each group, int64 [rows]; a row without one is a group of its own."""
    names = column.cast(pl.String).str.strip_chars()
    names = names.set(names == "", None)
    codes = names.rank("dense").cast(pl.Int64).fill_null(0).to_numpy()
    return np.where(codes == 0, len(codes) + 1 + np.arange(len(codes)), codes)


def _classes(frame: pl.DataFrame, target: str | None) -> tuple[list[str], Ints]:
    """The class names, and each row's index among them; without a target, a single class."""
    if target is None:
        return [""], np.zeros(len(frame), dtype=np.int64)
    labels = frame[target].cast(pl.String).fill_null("")
    names = labels.unique().sort()
    return names.to_list(), names.search_sorted(labels).cast(pl.Int64).to_numpy()


def _shares(data: DataSettings, test_rows: NDArray[np.bool_]) -> Floats:
    """Shares of train, validation and, unless given, test."""
    inner = np.array([1 - data.validation_share, data.validation_share])
    if test_rows.any():
        return inner
    return np.array([*(inner * (1 - data.test_share)), data.test_share])


def _by_time(times: pl.Series, shares: Floats, drop_missing: bool) -> Ints:
    """The sets by time, divided between two moments, as near to the shares as possible."""
    order = time_order(times)
    missing = np.flatnonzero(order < 0)
    if len(missing) and not drop_missing:
        raise DataError(
            "{count} rows have no {column!r}",
            "first at {rows}",
            "fill them in, or leave them out with --drop-bad",
            count=len(missing),
            column=times.name,
            rows=Rows(missing),
        )
    moments, counts = np.unique(order[order >= 0], return_counts=True)
    if len(moments) < len(shares):
        raise DataError(
            "{column!r} holds {count} different times, too few to split into {sets} sets",
            fix="choose another column, or split without --time",
            column=times.name,
            count=len(moments),
            sets=len(shares),
        )
    # past[i]: rows before the i-th moment; each set begins where its predecessors have their share.
    past = np.cumsum(counts) - counts
    begins = np.zeros(len(shares), dtype=np.int64)
    for place in range(len(shares) - 1, 0, -1):
        wanted = shares[:place].sum() * counts.sum()
        last = begins[place + 1] if place + 1 < len(shares) else len(moments)
        begins[place] = place + np.argmin(np.abs(past[place:last] - wanted))
    assigned = np.searchsorted(moments[begins], order, side="right") - 1
    return np.where(order < 0, LEFT_OUT, assigned)


def _clauses(
    frame: pl.DataFrame,
    data: DataSettings,
    target: str | None,
    assigned: Ints,
    test_rows: NDArray[np.bool_],
    seed: int,
) -> tuple[tuple[str, ...], dict[str, object]]:
    """How the rows were split, as templates and their values."""
    given = bool(test_rows.any())
    values: dict[str, object] = {
        "seed": seed,
        "test_share": data.test_share,
        "validation_share": data.validation_share,
        "group": data.group,
        "target": target,
        "time": data.time,
    }
    clauses = [OF_TEST_FILE] if given else []
    if data.time:
        order = time_order(frame[data.time])
        for place, name in ((TRAIN, "train_end"), (VALIDATION, "validation_end")):
            rows = np.flatnonzero((assigned == place) & ~test_rows)
            values[name] = str(frame[data.time][int(rows[order[rows].argmax()])])
        clauses.append(BY_TIME_GIVEN if given else BY_TIME)
    else:
        clauses.append(AT_RANDOM_GIVEN if given else AT_RANDOM)
        if target is not None:
            clauses.append(STRATIFIED)
    if data.group:
        clauses.append(GROUPED_GIVEN if given else GROUPED)
    return tuple(clauses), values
