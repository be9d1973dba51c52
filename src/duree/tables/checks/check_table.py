"""All checks of a table before a network is trained on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.recipe.settings import DataSettings
from duree.tables.checks.characters import check_characters
from duree.tables.checks.duplicates import Duplicates, find_duplicates
from duree.tables.checks.leaks import attribute_leaks, find_leaks
from duree.tables.checks.overlaps import check_duplicates, check_groups, check_times
from duree.tables.checks.pairs import check_pairs
from duree.tables.checks.shingles import count_characters, count_units
from duree.tables.checks.target import check_target, clean_labels, is_quantity
from duree.tables.checks.weights import check_weights
from duree.tables.columns import ROLES, as_text, is_blank, refuse_nested, resolve_column
from duree.tables.finding import Finding, Level, listed
from duree.tables.source_rows import Rows
from duree.tables.table import FILE, JSON_TEXT, TEXT_FOLDER, BareWords, Table
from duree.tables.time.order import holds_dates

__all__ = ["check_table", "clean_labels"]

FILL_IN = "fill them in, or leave them out with --drop-bad"
READ_AS_EMPTY = "they are read as <empty>; leave these rows out if that is not intended"
OWN_GROUP = "each of them counts as a group of its own"
LONGEST_SEQUENCE = 1_000_000


def check_table(
    table: Table,
    data: DataSettings,
    *,
    test_rows: NDArray[np.bool_] | None = None,
    duplicates: Duplicates | None = None,
    numeric: bool | None = None,
    made: Sequence[str] = (),
    steps: Sequence[str] = (),
    check_steps: Callable[[], list[Finding]] = list,
    sources: pl.Series | None = None,
) -> list[Finding]:
    """Check a table: its contents, missing values, duplicates, leaks and errors.

    Parameters
    ----------
    table : Table
    data : DataSettings
        Which columns are used, and how. Columns that it does not name are not checked.
    test_rows : bool [rows], optional
        Rows of a given test file.
    duplicates : Duplicates, optional
        The result of ``find_duplicates``; computed here if not given.
    numeric : bool, optional
        Whether the target is a quantity; decided by its values if not given.
    made : sequence of str
        Columns made from the user's columns, such as that of whole sequences.
    steps : sequence of str
        Columns that hold one step each.
    check_steps : callable
        Checks these columns.
    sources : polars.Series of String [rows], optional
        Where targets are texts, no classes: what they are predicted from.

    Returns
    -------
    list of Finding
        A table with a finding of level "error" cannot be used.

    Raises
    ------
    DataError
        A column that ``data`` names is not in the table.
    """
    names = {role: getattr(data, role) for role in ROLES}
    named = {role: resolve_column(table, name) for role, name in names.items() if name is not None}
    data = data.model_copy(update=named)
    # The columns are checked as the run will use them: as text, times with their own types.
    used = {name: as_text(table, name) for role, name in named.items() if role != "time"}
    frame = table.frame.with_columns(used.values())
    if data.time is not None and frame.schema[data.time] == JSON_TEXT:
        refuse_nested(table, data.time)
    times = table.frame[data.time] if data.time is not None else None
    roles = {role: name for role, name in named.items() if name not in made}
    findings = [*_shape(frame.drop(made)), *_roles(table.frame, roles), *_missing(frame, data)]
    findings += _bare_words(table.bare, data)
    if any(finding.level == "error" for finding in findings):
        return findings
    labels = None
    if data.target is not None and data.text is not None and sources is not None:
        findings += check_pairs(sources, frame[data.text], frame[data.target])
    elif data.target is not None and data.label_separator is None:
        if numeric is None:
            numeric = not data.class_names and is_quantity(frame[data.target])
        findings += check_target(frame[data.target], numeric, test_rows)
        labels = None if numeric else clean_labels(frame[data.target])[0]
    findings += check_steps()
    if data.text is not None and data.text not in made:
        findings += _lengths(frame[data.text])
    if data.text is not None and data.text not in made and sources is None:
        duplicates = duplicates or find_duplicates(frame[data.text])
        findings += check_duplicates(duplicates, labels, test_rows)
    if data.weight is not None:
        findings += check_weights(table, data.weight)
    if data.group is not None:
        findings += check_groups(frame[data.group], test_rows)
    if times is not None:
        findings += _times(times, test_rows)
    findings += _characters(frame, data)
    others = frame.drop(steps, *_made_by_reading(table, data))
    if sources is None:
        findings += find_leaks(others, data, numeric=bool(numeric))
        findings += attribute_leaks(frame, data, numeric=bool(numeric))
    return [*findings, *_unused(others, data)]


def _made_by_reading(table: Table, data: DataSettings) -> list[str]:
    """The column of file names of a folder of texts: it names the class, but is no column of it."""
    of_folders = bool(table.sources) and all(
        source.format == TEXT_FOLDER for source in table.sources
    )
    named = {getattr(data, role) for role in ROLES}
    return [FILE] if of_folders and FILE in table.frame.columns and FILE not in named else []


def _shape(frame: pl.DataFrame) -> list[Finding]:
    facts: dict[str, object] = {"rows": frame.height, "columns": frame.width}
    if frame.height == 0:
        return [Finding("rows", "error", "the table has no rows", "check the file", facts)]
    return [Finding("rows", "ok", "{rows} rows, {columns} columns", values=facts)]


def _roles(frame: pl.DataFrame, named: dict[str, str]) -> list[Finding]:
    return [
        Finding(f"{role}_column", "ok", _type(frame[name]), values={"column": name})
        for role, name in named.items()
    ]


def _type(column: pl.Series) -> str:
    """The kind of values in a column, independent of their stored type."""
    if column.dtype.is_temporal():
        return "{column!r} holds dates or times"
    if column.dtype.is_nested():
        return "{column!r} holds lists or records"
    filled = column.cast(pl.String, strict=False).str.strip_chars()
    filled = filled.filter(filled != "")
    if filled.cast(pl.Int64, strict=False).null_count() == 0:
        return "{column!r} holds whole numbers"
    if filled.cast(pl.Float64, strict=False).null_count() == 0:
        return "{column!r} holds numbers"
    return "{column!r} holds text"


def _missing(frame: pl.DataFrame, data: DataSettings) -> list[Finding]:
    """Missing or blank cells of the columns in use."""
    stops: Level = "warning" if data.drop_bad else "error"
    cases: list[tuple[str, Level, str, str]] = [
        (
            "text",
            "warning",
            "missing or blank texts in {column!r}: {count}",
            READ_AS_EMPTY,
        ),
        ("target", stops, "{count} rows have no {column!r}", FILL_IN),
        ("time", stops, "{count} rows have no {column!r}", FILL_IN),
        ("group", "warning", "{count} rows have no {column!r}", OWN_GROUP),
    ]
    findings = []
    for role, level, what, fix in cases:
        name = getattr(data, role)
        if name is None or (role == "target" and data.label_separator is not None):
            continue
        rows = np.flatnonzero(is_blank(frame[name]))
        if len(rows):
            level = "error" if len(rows) == frame.height else level
            first = tuple(int(row) for row in rows[:5])
            facts: dict[str, object] = {"count": len(rows), "column": name}
            findings.append(Finding(f"missing_{role}", level, what, fix, facts, first))
    return findings


def _bare_words(bare: BareWords, data: DataSettings) -> list[Finding]:
    """Cells of texts and labels that hold a word for missing values, without quotes."""
    what = (
        "cells of {column!r} that hold the bare, unquoted word {words}, as programs write missing "
        "values: {count}"
    )
    fix = (
        "it is read as text: leave these cells empty if they are missing, or put the word in "
        "quotes if it is meant"
    )
    findings = []
    for column in dict.fromkeys((data.target, data.text)):
        words = bare.get(column or "", {})
        if words:
            facts: dict[str, object] = {
                "column": column,
                "words": ", ".join(map(repr, words)),
                "count": sum(words.values()),
            }
            findings.append(Finding("missing_words", "warning", what, fix, facts))
    return findings


def _lengths(texts: pl.Series) -> list[Finding]:
    units = count_units(texts)
    in_characters = count_characters(texts).sum() * 2 > units.sum()
    what = (
        "text length in characters: median {middle}, 95th percentile {most}, maximum {longest}"
        if in_characters
        else "text length in words: median {middle}, 95th percentile {most}, maximum {longest}"
    )
    shares = {"middle": 0.5, "most": 0.95, "longest": 1.0}
    facts: dict[str, object] = {
        name: int(units.quantile(share, "nearest") or 0) for name, share in shares.items()
    }
    findings = [Finding("lengths", "ok", what, values=facts)]
    long = np.flatnonzero(units >= LONGEST_SEQUENCE)
    if len(long):
        what = "texts of {limit} or more words or characters: {count}"
        fix = "split them into passages: at most text.max_length units of each are read"
        facts = {"count": len(long), "limit": LONGEST_SEQUENCE}
        rows = tuple(int(row) for row in long[:5])
        findings.append(Finding("very_long_texts", "warning", what, fix, facts, rows))
    return findings


def _times(times: pl.Series, test_rows: NDArray[np.bool_] | None) -> list[Finding]:
    try:
        return check_times(times, test_rows)
    except DataError as error:
        named = error.values.get("rows")
        rows = named.indices if isinstance(named, Rows) else ()
        return [Finding("unordered_times", "error", error.what, error.fix, error.values, rows)]


def _characters(frame: pl.DataFrame, data: DataSettings) -> list[Finding]:
    names = dict.fromkeys((data.text, data.target, data.group))
    columns = [frame[name] for name in names if name is not None]
    return [finding for column in columns for finding in check_characters(column)]


def _unused(frame: pl.DataFrame, data: DataSettings) -> list[Finding]:
    """Columns not in use that are constant, or that seem to hold times."""
    named = {getattr(data, role) for role in ROLES}
    # Lists were made from the rows of each person: they are not columns of the file.
    nested = {name for name, kind in frame.schema.items() if kind.is_nested() or kind == pl.Object}
    others = [c for c in frame if c.name not in named | nested]
    if frame.height < 2:
        return []
    findings = []
    if constant := [c.name for c in others if c.n_unique() == 1]:
        what = "columns with the same value in every row: {columns}"
        facts: dict[str, object] = {"columns": listed(constant, 10)}
        findings.append(Finding("constant_columns", "note", what, values=facts))
    varied = {c.name for c in others}.difference(constant)
    dated = [c.name for c in others if c.name in varied and holds_dates(c)]
    if dated and data.time is None:
        what = "columns that seem to hold times but are not used: {columns}"
        fix = "to test on later rows, add --time COLUMN"
        facts = {"columns": listed(dated, 10)}
        findings.append(Finding("unused_times", "warning", what, fix, facts))
    return findings
