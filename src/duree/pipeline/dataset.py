"""Dataset: a table laid out, with what is read and what is to be predicted, checked and split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.recipe.recipe import Recipe, require_column
from duree.recipe.settings import DataSettings, ForecastSettings
from duree.tables.checks.weights import read_weights
from duree.tables.columns import require_same_columns
from duree.tables.files.conll import TOKEN_FILES
from duree.tables.files.read import read_tables
from duree.tables.finding import Finding
from duree.tables.layouts.layout import Checked, Layout
from duree.tables.layouts.registry import layout_of
from duree.tables.layouts.series_files import read_series
from duree.tables.split.make_split import Split, group_codes, make_split
from duree.tables.split.split import TEST, VALIDATION
from duree.tables.table import Table
from duree.tasks import TASKS, Task, infer_task, layout_for

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

    def filter(self, rows: NDArray[np.bool_] | None) -> GivenRows:
        """The same of some of the rows; None: of all."""
        if rows is None:
            return self
        return GivenRows(*(None if given is None else given[rows] for given in self))


@dataclass(frozen=True)
class Dataset:
    """What is predicted of which rows.

    Attributes
    ----------
    table : Table
        All rows: those of the data files, then those of the test file if one was given.
    texts : polars.Series [rows]
        What the network reads of each row: String, or as the layout gives it otherwise.
    target : polars.Series [rows]
        Class names (trimmed), or float64, or as the task reads it otherwise.
    groups : int64 [rows] or None
        Which rows belong together, for splits and for intervals.
    times : polars.Series [rows] or None
    task : type of Task
    layout : Layout
        How the table became one with a row for each sequence.
    split : Split
    findings : list of Finding
    recipe : Recipe
        With what reading found out in place of what was left open.
    weights : float64 [rows] or None
        How much each row counts; 1 on average over the training rows.
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

    @property
    def classes(self) -> pl.Series | None:
        """The class of each row, where rows have one."""
        return self.target if self.task.stratify else None


def read_rows(recipe: Recipe, split: Split | None = None) -> Dataset:
    """Read the files of a resolved recipe, check them, and split their rows.

    ``split`` is the one already drawn, where a run is resumed.

    Raises
    ------
    RecipeError
        Settings do not go together.
    DataError
        The table cannot be read, lacks a column, or fails a check of level "error".
    """
    for needed in ("text", "target"):
        require_column(recipe, needed)
    table, given, layout = _read_files(recipe.data, layout_for(recipe))
    data = layout.named(table)
    text, column = str(data.text), str(data.target)
    table, complete = layout.without_missing(table, column, data)
    given = given.filter(complete)
    task = TASKS[recipe.task or infer_task(table.frame[column], data)]
    layout = layout.with_covariates(table)
    texts = layout.sequences(table)
    target = task.read_target(table, column)
    duplicates = layout.duplicates(texts)
    # Sequences that are predicted themselves are no answers to look over.
    looked_at = data.model_copy(update={"target": None}) if target.name == text else data
    checked = Checked(looked_at, target, target.dtype.is_numeric(), given.test, duplicates)
    findings = layout.check(table, checked)
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
    unseen = layout.check_split(texts, seen, split.test)
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
    )


def check_files(
    data: DataSettings, forecast: ForecastSettings | None = None
) -> tuple[Table, list[Finding]]:
    """Read files and look them over, without asking anything of them; for ``duree check``.

    Series are checked as rows to forecast if they have no target, or if ``forecast`` is given.
    """
    if data.files and all(Path(file).suffix.lower() in TOKEN_FILES for file in data.files):
        data = data.model_copy(update={"token": data.text or "auto"})
    if forecast is not None or (data.series and data.target is None):
        read = read_series(data, forecast or ForecastSettings())
        names = pl.DataFrame({read.name: read.series.names})
        return Table(names, read.sources), read.series.findings
    recipe = Recipe(data=data)
    layout_class = layout_of(data)
    data = layout_class.fill(recipe).data
    table, given, layout = _read_files(data, layout_class)
    findings = [*table.findings, *layout.look_over(table, given.test)]
    if given.test is not None:
        parts = np.flatnonzero(~given.test), np.flatnonzero(given.test)
        findings += layout.check_split(layout.plain(table), *parts) if data.text else []
    return table, findings


def check_rows(recipe: Recipe) -> tuple[Table, list[Finding]]:
    """The findings about the files of a resolved recipe."""
    data = recipe.data
    if data.target == data.text:  # sequences that are predicted themselves are no answers to check
        data = data.model_copy(update={"target": None})
    return check_files(data)


def stop_at_errors(findings: Iterable[Finding]) -> None:
    """Raise the first finding of level "error" as a DataError, if there is one."""
    for finding in findings:
        if finding.level == "error":
            values: dict[str, Any] = dict(finding.values)
            raise DataError(finding.what, fix=finding.fix, **values)


def _read_files(data: DataSettings, layout_class: type[Layout]) -> tuple[Table, GivenRows, Layout]:
    """All rows, a sequence each; which of them came from files of their own; how they were read."""
    options = {"encoding": data.encoding, "delimiter": data.delimiter}
    table = read_tables(data.files, **options, drop_bad=data.drop_bad)
    table, layout = layout_class(data).lay_out(table)
    parts = np.zeros(len(table), dtype=np.int64)
    for part, file in zip(GIVEN, (data.test_file, data.validation_file), strict=True):
        if file is None:
            continue
        other = read_tables([file], **options, drop_bad=data.drop_bad)
        other, _ = layout.lay_out(other)
        # Columns that vary within a person in one of the files are in that table only.
        of_none = set(other.frame.columns) ^ set(table.frame.columns) if layout.is_long else ()
        names = [name for name in table.frame.columns if name not in of_none]
        require_same_columns(other, names, file)
        frames = [table.frame.select(names), other.frame.select(names)]
        frame = pl.concat(frames, how="vertical_relaxed")
        table = Table(frame, table.sources + other.sources, table.findings + other.findings)
        parts = np.append(parts, np.full(len(other), part))
    return table, GivenRows.of(parts), layout


def _weights(table: Table, column: str | None, split: Split) -> NDArray[np.float64] | None:
    """Case weights, 1 on average over the training rows; None where none are asked for."""
    if column is None:
        return None
    weights = read_weights(table, column)
    return np.asarray(weights / weights[split.train].mean())
