"""Dataset: a checked and split table with one row per sequence, its inputs and targets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.pipeline.unnamed_columns import require_inputs_and_target
from duree.recipe.recipe import Recipe
from duree.recipe.settings import DataSettings, ForecastSettings
from duree.tables.checks.weights import read_weights
from duree.tables.class_names import require_named_values, with_class_names
from duree.tables.columns import (
    find_column,
    is_list_of_labels,
    join_labels,
    require_free,
    require_same_columns,
)
from duree.tables.files.conll import is_token_file
from duree.tables.files.csv import has_header
from duree.tables.files.join import joined
from duree.tables.files.read import read_tables
from duree.tables.finding import Finding, shifted
from duree.tables.layouts.layout import Checked, Layout
from duree.tables.layouts.registry import layout_of
from duree.tables.layouts.rolling_origins import look_over
from duree.tables.layouts.series_files import read_series
from duree.tables.source_rows import located, locating
from duree.tables.split.assignment import MIN_ROWS
from duree.tables.split.make_split import Split, group_codes, make_split
from duree.tables.split.split import TEST, VALIDATION
from duree.tables.table import Table, added_up, origins_with
from duree.tasks import TASKS, Task, infer_task, layout_for, require_metric

# Between the labels of a cell, where the table holds lists.
DEFAULT_SEPARATOR = ";"
# Sets of the split that may have files of their own.
GIVEN = (TEST, VALIDATION)


class GivenRows(NamedTuple):
    """The rows from a test file, and from a validation file: bool [rows], or None without one."""

    test: NDArray[np.bool_] | None
    validation: NDArray[np.bool_] | None

    @classmethod
    def of(cls, parts: NDArray[np.int64]) -> GivenRows:
        """From the set of each row."""
        return cls(*(parts == part if (parts == part).any() else None for part in GIVEN))

    def filter(self, rows: NDArray[np.bool_] | None) -> GivenRows:
        """The same for a subset of the rows, bool [rows]; None for all."""
        if rows is None:
            return self
        return GivenRows(*(None if given is None else given[rows] for given in self))


@dataclass(frozen=True)
class Dataset:
    """The inputs and targets of a run, with all that was read from its files.

    Attributes
    ----------
    table : Table
        All rows: those of the data files, then those of a test file and of a validation file.
    texts : polars.Series [rows]
        The inputs: String, or another type by layout.
    target : polars.Series [rows]
        Class names (trimmed), float64, or another type by task.
    groups : int64 [rows] or None
        The groups of rows, for splits and intervals.
    times : polars.Series [rows] or None
    task : type of Task
    layout : Layout
        How the table was read.
    split : Split
    findings : list of Finding
    recipe : Recipe
        With the values that reading has determined for open settings.
    weights : float64 [rows] or None
        Case weights, 1 on average over the training rows.
    clusters : int64 [rows] or None
        Near-duplicates; None where similar rows are not copies.
    """

    table: Table
    texts: pl.Series
    target: pl.Series
    groups: NDArray[np.int64] | None
    times: pl.Series | None
    task: type[Task]
    layout: Layout
    split: Split
    findings: list[Finding]
    recipe: Recipe
    weights: NDArray[np.float64] | None = None
    clusters: NDArray[np.int64] | None = None

    @property
    def classes(self) -> pl.Series | None:
        """The class of each row; None if the task has no classes for rows."""
        return self.target if self.task.stratify else None


def read_rows(recipe: Recipe, split: Split | None = None) -> Dataset:
    """Read the files of a resolved recipe, check them, and split their rows.

    ``split`` is the existing split if a run is resumed.

    Raises
    ------
    RecipeError
        Settings are incompatible.
    DataError
        The table cannot be read, lacks a column, or fails a check of level "error".
    """
    require_inputs_and_target(recipe)
    table, given, layout = _read_files(recipe.data, layout_for(recipe))
    data = layout.named(table)
    if data.label_separator != recipe.data.label_separator:
        recipe = recipe.replace({"data.label_separator": data.label_separator})
    text, column = str(data.text), str(data.target)
    table, complete = layout.without_missing(table, column, data)
    given = given.filter(complete)
    task = TASKS[recipe.task or infer_task(table.frame[column], data)]
    require_metric(task, recipe)
    layout = layout.with_covariates(table)
    texts = layout.sequences(table)
    target = task.read_target(table, column)
    kept = [name for name in table.frame.columns if name not in layout.added]
    require_free(kept, task.added_names(target, recipe))
    duplicates = layout.duplicates(texts)
    # Sequences that are their own targets are not checked as a target column.
    to_check = data.model_copy(update={"target": None}) if target.name == text else data
    checked = Checked(to_check, target, target.dtype.is_numeric(), given.test, duplicates)
    findings = located(table, layout.check(table, checked))
    stop_at_errors(findings)
    if split is not None:
        split.require_rows(len(table))
    with locating(table):
        split = split or make_split(
            table.frame.with_columns(target),
            data,
            column if task.stratify else None,
            clusters=duplicates.near if duplicates else None,
            test_rows=given.test,
            validation_rows=given.validation,
            fewest=1 if layout.are_documents else MIN_ROWS,
            seed=recipe.seed,
        )
    learned = (rows.gather(split.train) for rows in (texts, target))
    recipe = task.with_sizes(recipe, *learned).decided()
    seen = np.concatenate([split.train, split.validation])
    unseen = located(table, layout.check_split(texts, seen, split.test))
    return Dataset(
        table,
        texts,
        target,
        group_codes(table.frame[data.group]) if data.group else None,
        table.frame[data.time] if data.time else None,
        task,
        layout,
        split,
        [*table.findings, *findings, *split.findings(), *unseen],
        recipe,
        _weights(table, data.weight, split),
        duplicates.near if duplicates else None,
    )


def check_metric(recipe: Recipe) -> None:
    """Refuse a named metric that the task lacks, where the target decides what the task is.

    Raises
    ------
    DataError, RecipeError
        As ``read_rows``.
    """
    if recipe.evaluation.metric is not None and recipe.task is None:
        read_rows(recipe)


def check_files(
    data: DataSettings,
    forecast: ForecastSettings | None = None,
    layout_class: type[Layout] | None = None,
) -> tuple[Table, list[Finding]]:
    """Read and check files, for ``duree check``.

    Series are checked as series to forecast if they have no target or ``forecast`` is given. The
    layout is that of the columns if ``layout_class`` does not say which.
    """
    if data.files and all(_holds_tokens(Path(file), data) for file in data.files):
        data = data.model_copy(update={"token": data.text or "auto"})
    if forecast is not None or (data.series and data.target is None):
        settings = forecast or ForecastSettings()
        read = read_series(data, settings)
        names = pl.DataFrame({read.name: read.series.names})
        return Table(names, read.sources), look_over(read, settings, drop_bad=data.drop_bad)
    recipe = Recipe(data=data)
    layout_class = layout_class or layout_of(data)
    data = layout_class.fill(recipe).data
    table, given, layout = _read_files(data, layout_class)
    findings = layout.look_over(table, given.test)
    if given.test is not None:
        parts = np.flatnonzero(~given.test), np.flatnonzero(given.test)
        findings += layout.check_split(layout.plain(table), *parts) if data.text else []
    return table, [*table.findings, *located(table, findings)]


def _holds_tokens(file: Path, data: DataSettings) -> bool:
    """Whether a file holds tokens, by its suffix and unless its first line names the columns."""
    if not is_token_file(file):
        return False
    return not (data.text and has_header(file, layout_of(data).header(data), data.encoding))


def check_rows(recipe: Recipe) -> tuple[Table, list[Finding]]:
    """The findings about the files of a resolved recipe."""
    data = recipe.data
    if data.target == data.text:  # sequences that are predicted themselves are no answers to check
        data = data.model_copy(update={"target": None})
    return check_files(data, None, layout_for(recipe) if recipe.task else None)


def stop_at_errors(findings: Iterable[Finding]) -> None:
    """Raise the first finding of level "error" as a DataError, if there is one."""
    for finding in findings:
        if finding.level == "error":
            values: dict[str, Any] = dict(finding.values)
            raise DataError(finding.what, fix=finding.fix, **values)


def _read_files(data: DataSettings, layout_class: type[Layout]) -> tuple[Table, GivenRows, Layout]:
    """The rows of all files, those from a test or validation file, and the layout."""
    read = partial(
        read_tables,
        encoding=data.encoding,
        delimiter=data.delimiter,
        drop_bad=data.drop_bad,
        header=layout_class.header(data),
        documents=layout_class.are_documents,
    )
    table = read(data.files)
    data, table = _with_joined_labels(data, table)
    table, layout = layout_class(data).lay_out(table)
    parts = layout.parts(table)
    for part, file in zip(GIVEN, (data.test_file, data.validation_file), strict=True):
        if file is None:
            continue
        other = read([file])
        _, other = _with_joined_labels(data, other)
        other, _ = layout.lay_out(other)
        # A column may be constant within persons in one file only: then it is left out.
        of_none = set(other.frame.columns) ^ set(table.frame.columns) if layout.is_long else ()
        names = [name for name in table.frame.columns if name not in of_none]
        require_same_columns(other, names, file)
        frames = [table.frame.select(names), other.frame.select(names)]
        frame, mixed = joined([", ".join(data.files), file], frames, used=())
        findings = (*table.findings, *shifted(other.findings, len(table)), *mixed)
        bare = added_up([table.bare, other.bare])
        origins = origins_with(table, other)
        table = Table(frame, table.sources + other.sources, findings, bare, origins)
        parts = np.append(parts, np.full(len(other), part))
    require_named_values(table, layout.settings)
    return with_class_names(table, layout.settings), GivenRows.of(parts), layout


def _with_joined_labels(data: DataSettings, table: Table) -> tuple[DataSettings, Table]:
    """Lists of labels as texts with a separator, which is set if it is open."""
    target = find_column(table.frame.columns, data.target)
    kind = table.frame.schema.get(target or "")
    if target is None or kind is None or not is_list_of_labels(kind):
        return data, table
    separator = data.label_separator or DEFAULT_SEPARATOR
    filled = data.model_copy(update={"label_separator": separator})
    return filled, join_labels(table, target, separator)


def _weights(table: Table, column: str | None, split: Split) -> NDArray[np.float64] | None:
    """Case weights, 1 on average over the training rows; None without a column of weights."""
    if column is None:
        return None
    weights = read_weights(table, column)
    return np.asarray(weights / weights[split.train].mean())
