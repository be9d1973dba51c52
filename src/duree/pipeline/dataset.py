"""Question: a table with its text and target columns picked out, checked and parted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.recipe.recipe import Recipe, require_column
from duree.recipe.settings import STATES, TOKENS, DataSettings, ForecastSettings
from duree.tables.checks.check_table import check_table
from duree.tables.checks.duplicates import find_duplicates
from duree.tables.checks.weights import read_weights
from duree.tables.columns import as_text, is_blank, require_same_columns, resolve_column
from duree.tables.files.conll import TOKEN_FILES
from duree.tables.files.read import read_tables
from duree.tables.finding import Finding
from duree.tables.layouts.covariates import check_covariates, prepend_covariates
from duree.tables.layouts.layout import ROLES, settings_of_rows, whole
from duree.tables.layouts.sentences import check_sentences, layers_of, tags_of
from duree.tables.layouts.series_files import read_series
from duree.tables.layouts.states import check_unseen
from duree.tables.layouts.step_attributes import (
    sequences_of,
    step_feature_names,
    with_step_features,
)
from duree.tables.split.make_split import Split, group_codes, make_split
from duree.tables.split.split import TEST, VALIDATION
from duree.tables.table import Table
from duree.tasks import TASKS, Task, infer_task

# Parts that may come in files of their own.
GIVEN = (TEST, VALIDATION)


class GivenRows(NamedTuple):
    """Which rows came from a test file, and which from a validation file: bool [rows] or None."""

    test: NDArray[np.bool_] | None
    validation: NDArray[np.bool_] | None

    @classmethod
    def of(cls, parts: NDArray[np.int64]) -> GivenRows:
        """From the part of each row; those of none but training come from no such file."""
        return cls(*(parts == part if (parts == part).any() else None for part in GIVEN))


@dataclass(frozen=True)
class Dataset:
    """What is asked of which rows.

    Attributes
    ----------
    table : Table
        All rows: those of the data files, then those of the test file if one was given.
    texts : polars.Series of String [rows]
        Or of Struct, where something stands beside their steps; see
        ``duree.tables.layouts.step_attributes``.
    target : polars.Series [rows]
        Class names (trimmed), or float64.
    groups : int64 [rows] or None
        Which rows belong together, for splits and for intervals.
    times : polars.Series [rows] or None
    task : type of Task
    split : Split
    findings : list of Finding
    recipe : Recipe
        With what reading found out in place of what was left open.
    weights : float64 [rows] or None
        How much each row counts; 1 on average over the training rows.
    reading : dict
        How the table became one with a row for each sequence; see ``duree.tables.layouts.layout``.
    """

    table: Table
    texts: pl.Series
    target: pl.Series
    groups: NDArray[np.int64] | None
    times: pl.Series | None
    task: type[Task]
    split: Split
    findings: list[Finding]
    recipe: Recipe
    weights: NDArray[np.float64] | None = None
    reading: dict[str, Any] = field(default_factory=dict)


def read_dataset(recipe: Recipe, split: Split | None = None) -> Dataset:
    """Read the recipe's files, check them, and part their rows.

    ``split`` is the one already drawn, where a run is resumed.

    Raises
    ------
    DataError
        The table cannot be read, lacks a column, or fails a check of level "error".
    """
    if recipe.task:
        TASKS[recipe.task].check(recipe)
    for needed in ("text", "target"):
        require_column(recipe, needed)
    table, given, reading = _read_parts(recipe.data)
    if recipe.data.token is not None:
        return _dataset_of_tokens(recipe, table, given, split)
    data = _with_true_names(settings_of_rows(recipe.data), table)
    text, column = str(data.text), str(data.target)
    table, given = _without_missing(table, column, given, data)
    name = recipe.task or infer_task(table.frame[column], data)
    covariates = [resolve_column(table, column) for column in data.covariate]
    check_covariates(table, covariates, _other_columns(data, reading))
    reading = reading | ({"covariates": covariates} if covariates else {})
    plain = table.frame[text] if data.reads_numbers else as_text(table, text).fill_null("")
    texts = prepend_covariates(table, {name: name for name in covariates}, plain)
    texts = with_step_features(
        table, texts, step_feature_names(table, reading.get("attributes", {}))
    )
    task = TASKS[name]
    target = task.read_target(table, column)
    # Many lives go the same way: that two are alike does not make them one.
    has_texts = not (data.reads_states or data.reads_numbers)
    duplicates = find_duplicates(texts) if has_texts else None
    findings = check_table(
        table,
        # Sequences that are foretold themselves are no answers to look over.
        data.model_copy(update={"target": None}) if target.name == text else data,
        test_rows=given.test,
        duplicates=duplicates,
        numeric=task.metrics.numeric,
    )
    stop_at_errors(findings)
    split = split or make_split(
        table.frame.with_columns(target),
        data,
        column if task.stratify else None,
        clusters=duplicates.near if duplicates else None,
        test_rows=given.test,
        validation_rows=given.validation,
        seed=recipe.seed,
    )
    seen = np.concatenate([split.train, split.validation])
    unseen = check_unseen(sequences_of(texts), seen, split.test) if data.reads_states else []
    return Dataset(
        table,
        texts,
        target,
        group_codes(table.frame[data.group]) if data.group else None,
        table.frame[data.time] if data.time else None,
        task,
        split,
        [*table.findings, *findings, *split.findings(), *unseen],
        recipe,
        _weights(table, data.weight, split),
        reading,
    )


def _other_columns(data: DataSettings, reading: Mapping[str, Any]) -> dict[str, str]:
    """What cannot be a covariate: the answer, the steps themselves, and whose they are."""
    names = {role: getattr(data, role) for role in ("target", "id", "state", "start", "end")}
    others = {name: role for role, name in names.items() if name}
    others |= dict.fromkeys(reading.get("states", ()), "state")
    return others | dict.fromkeys(data.event, "event")


def _weights(table: Table, column: str | None, split: Split) -> NDArray[np.float64] | None:
    """Case weights, 1 on average over the training rows; None where none are asked for."""
    if column is None:
        return None
    weights = read_weights(table, column)
    return np.asarray(weights / weights[split.train].mean())


def _dataset_of_tokens(
    recipe: Recipe, table: Table, given: GivenRows, split: Split | None
) -> Dataset:
    """The question where each row is a sentence, and each of its words gets a tag."""
    data, task = recipe.data, TASKS[str(recipe.task)]
    names = {role: getattr(data, role) for role in ("group", "time")}
    named = {role: resolve_column(table, name) for role, name in names.items() if name}
    target = task.read_target(table, str(data.target))
    findings = check_sentences(table, target, given.test)
    stop_at_errors(findings)
    settings = data.model_copy(update=named)
    split = split or make_split(
        table.frame,
        settings,
        None,
        clusters=None,
        test_rows=given.test,
        validation_rows=given.validation,
        seed=recipe.seed,
    )
    return Dataset(
        table,
        table.frame[TOKENS],
        target,
        group_codes(table.frame[named["group"]]) if "group" in named else None,
        table.frame[named["time"]] if "time" in named else None,
        task,
        split,
        [*table.findings, *findings, *split.findings()],
        recipe,
    )


def check_files(data: DataSettings) -> tuple[Table, list[Finding]]:
    """Read files and look them over, without asking anything of them; for ``duree check``."""
    tokens = all(Path(file).suffix.lower() in TOKEN_FILES for file in data.files)
    if data.files and tokens:
        return _check_tokens(data.model_copy(update={"token": data.text or "auto"}))
    if data.token is not None:
        return _check_tokens(data)
    if data.series and not data.reads_numbers:
        read = read_series(data, ForecastSettings())
        return Table(
            pl.DataFrame({read.name: read.series.names}), read.sources
        ), read.series.findings
    table, given, _ = _read_parts(data)
    findings = [*table.findings, *check_table(table, settings_of_rows(data), test_rows=given.test)]
    if given.test is not None and data.reads_states:
        parts = np.flatnonzero(~given.test), np.flatnonzero(given.test)
        findings += check_unseen(table.frame[STATES], *parts)
    return table, findings


def _check_tokens(data: DataSettings) -> tuple[Table, list[Finding]]:
    """The same for files of tokens."""
    table, given, _ = _read_parts(data)
    layers = layers_of(data.target, table) if data.target is not None else []
    return table, [*table.findings, *check_sentences(table, tags_of(table, layers), given.test)]


def _with_true_names(data: DataSettings, table: Table) -> DataSettings:
    """The settings with each column called exactly as the table calls it."""
    named = {role: getattr(data, role) for role in ROLES}
    return data.model_copy(
        update={role: resolve_column(table, name) for role, name in named.items() if name}
    )


def _read_parts(data: DataSettings) -> tuple[Table, GivenRows, dict[str, Any]]:
    """All rows, a sequence each; which of them came from files of their own; how they were read."""
    options = {"encoding": data.encoding, "delimiter": data.delimiter}
    table = read_tables(data.files, **options, drop_bad=data.drop_bad)
    table, reading = whole(table, data)
    parts = np.zeros(len(table), dtype=np.int64)
    for part, file in zip(GIVEN, (data.test_file, data.validation_file), strict=True):
        if file is None:
            continue
        other = read_tables([file], **options, drop_bad=data.drop_bad)
        other, _ = whole(other, data, reading)
        of_none = set(other.frame.columns) ^ set(table.frame.columns) if data.has_long_rows else ()
        names = [name for name in table.frame.columns if name not in of_none]
        require_same_columns(other, names, file)
        frames = [table.frame.select(names), other.frame.select(names)]
        frame = pl.concat(frames, how="vertical_relaxed")
        table = Table(frame, table.sources + other.sources, table.findings + other.findings)
        parts = np.append(parts, np.full(len(other), part))
    return table, GivenRows.of(parts), reading


def _without_missing(
    table: Table, column: str, given: GivenRows, data: DataSettings
) -> tuple[Table, GivenRows]:
    """The rows that have an answer; those that have none stop the run, or are told and left out."""
    missing = is_blank(table.frame[column])
    if data.label_separator is not None or not missing.any():
        return table, given
    rows = np.flatnonzero(missing)
    facts: dict[str, Any] = {
        "column": column,
        "count": len(rows),
        "rows": ", ".join(str(row + 1) for row in rows[:5]),
    }
    if not data.drop_bad:
        raise DataError(
            "{count} rows have no {column!r}",
            "first at row {rows}",
            "fill them in, or leave them out with --drop-bad",
            **facts,
        )
    finding = Finding(
        "missing_target",
        "warning",
        "{count} rows without {column!r} were left out: row {rows} ...",
        values=facts,
        rows=tuple(int(row) for row in rows[:5]),
    )
    filled = replace(table, frame=table.frame.filter(~missing), findings=(*table.findings, finding))
    return filled, GivenRows(*(None if rows is None else rows[~missing] for rows in given))


def stop_at_errors(findings: Iterable[Finding]) -> None:
    """Raise the first finding of level "error" as a DataError, if there is one."""
    for finding in findings:
        if finding.level == "error":
            values: dict[str, Any] = dict(finding.values)
            raise DataError(finding.what, fix=finding.fix, **values)
