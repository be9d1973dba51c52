"""Time series as requests for forecasts: each row is one series, whose columns are lists."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from duree.errors import DataError
from duree.pipeline.forecast_dataset import plan_like
from duree.pipeline.model import TrainedModel
from duree.recipe.recipe import Recipe
from duree.sequences.ragged import Ragged
from duree.serving.bodies import Line, column_of, finite, finite_number, steps_of, unfit
from duree.serving.rows import ServedRows
from duree.tables.columns import table_without_codes, without_codes
from duree.tables.layouts.rolling_origins import inputs
from duree.tables.layouts.series import NUMBERS, Covariates, SeriesSet, read_long
from duree.tables.table import Table

# The number of characters of a text that take as long as one step.
STEP_SIZE = 5
# What a person types for a step without a value.
MISSING = frozenset({"", "-", ".", "?", "na", "nan", "null", "none"})


@dataclass(frozen=True)
class Begun:
    """An encoded series, and the times of the steps to forecast."""

    sequence: Ragged
    times: list[str]


@dataclass(frozen=True)
class TriedSeries:
    """The forecast steps: time, median, and the ends of both intervals."""

    page: ClassVar[str] = "try_forecast.html"
    steps: list[tuple[str, list[float | None]]]

    @property
    def places(self) -> int:
        """Decimal places that show four digits of the largest value."""
        figures = [abs(end) for _, ends in self.steps for end in ends if end]
        return max(0, 3 - math.floor(math.log10(max(figures, default=1.0))))


class SeriesRows(ServedRows[Begun]):
    """Requests and responses of a network that forecasts."""

    def __init__(self, model: TrainedModel, recipe: Recipe) -> None:
        super().__init__(model, recipe)
        self.value, self.time = model.columns["target"], recipe.data.time
        self.covariates = Covariates(recipe.forecast.past, recipe.forecast.known)

    @property
    def needed(self) -> list[str]:
        """The columns that every row must have."""
        times = [] if self.time is None else [self.time]
        return [self.value, *times, *self.covariates.past, *self.covariates.known]

    @property
    def example(self) -> dict[str, Line]:
        """An example row, whose times are arbitrary."""
        columns: dict[str, Line] = {name: [0.0, 0.0, 0.0] for name in self.needed}
        columns[self.value] = [3.0, None, 5.0]
        return columns | ({self.time: ["2001-01", "2001-02", "2001-03"]} if self.time else {})

    def read(self, row: Mapping[str, Line], number: int) -> Begun:
        """The series of a row.

        Raises
        ------
        HTTPException
            422: a column is missing or not a list, or the series is not valid for the network.
        """
        columns = {
            name: steps_of(column_of(row, name, number), name, number) for name in self.needed
        }
        for name, cells in columns.items():
            if name != self.time:
                columns[name] = [finite_number(cell, name, number) for cell in cells]
            if self.time and len(cells) > (most := len(columns[self.time])):
                problem = f"{name!r} has {len(cells)} cells, and {self.time!r} {most} times"
                raise unfit(number, f"{problem}: give a time for each")
        try:
            return self.begun(columns)
        except DataError as error:
            raise unfit(number, error.message("en")) from None

    def begun(self, columns: dict[str, list[Any]]) -> Begun:
        """The series of some columns, which may be shorter than that of the times.

        Raises
        ------
        DataError
            The series is not valid for the network.
        """
        series = self._laid_out(columns)
        plan, task = plan_like(series, self.recipe, self.model)
        end = len(series.values[0])
        rows = inputs(series, [(0, end)], plan, calendar=self.recipe.forecast.calendar)
        times = [series.label(0, end + step) for step in range(task.horizon)]
        return Begun(self.model.encoder.encode(rows), times)

    def size(self, begun: Begun) -> int:
        """The number of characters of a text that take as long as the series."""
        return STEP_SIZE * len(begun.sequence.values)

    def answers(self, series: list[Begun]) -> list[dict[str, Any]]:
        """The forecasts of each series, with the columns of ``duree predict`` and their times as
        ``time``."""
        first, *others = (begun.sequence for begun in series)
        sequences = first.followed_by(*others)
        columns = self.model.task.columns(self.model.predictions(sequences))
        horizon = len(series[0].times)
        return [
            {"time": begun.times}
            | {c.name: finite(c[place * horizon : (place + 1) * horizon]) for c in columns}
            for place, begun in enumerate(series)
        ]

    def try_typed(self, text: str, covariates: Mapping[str, str]) -> TriedSeries:
        """The forecast of one line a step: its value, after its time if the network reads times."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if self.time is None:
            lines = re.split(r"[\s;]+", text.strip())
        columns: dict[str, list[str | float | None]] = {name: [] for name in self.needed}
        for number, line in enumerate(lines, start=1):
            time, value = "", line
            if self.time is not None:
                time, _, value = re.sub(r"[\t;]+", " ", line).rpartition(" ")
                columns[self.time].append(time.strip().rstrip(",") or None)
            columns[self.value].append(_typed_number(value, line, number))
        answer = self.answers([self.begun(columns)])[0]
        ends = ("prediction", "low_80", "high_80", "low", "high")
        figures = zip(*(answer[name] for name in ends), strict=True)
        return TriedSeries(list(zip(answer["time"], map(list, figures), strict=True)))

    def _laid_out(self, columns: dict[str, list[Any]]) -> SeriesSet:
        """The series on the grid of its times."""
        values, codes = columns[self.value], self.recipe.data.missing_codes
        if self.time is None:
            cells = without_codes(pl.Series(self.value, values, dtype=pl.Float64), codes)
            return _counted(self.value, cells.to_list())
        times = columns[self.time]
        # As texts, so that times are read in the same way as from files.
        laid_out = {self.time: [None if time is None else str(time) for time in times]} | {
            name: [*cells, *[None] * (len(times) - len(cells))]
            for name, cells in columns.items()
            if name != self.time
        }
        schema = {name: pl.String if name == self.time else pl.Float64 for name in laid_out}
        table = Table(pl.DataFrame(laid_out, schema=schema), ())
        numbers = [name for name in laid_out if name != self.time]
        table = table_without_codes(table, numbers, codes)
        return read_long(table, self.value, self.time, None, self.covariates)


def _counted(name: str, values: list[float | None]) -> SeriesSet:
    """A series without times; DataError if it has no values."""
    seen = np.flatnonzero([value is not None for value in values])
    if len(seen) == 0:
        raise DataError("the column {column!r} holds no numbers", fix=NUMBERS, column=name)
    laid = np.array(values[seen[0] : seen[-1] + 1], dtype=np.float64)
    none = [np.zeros((len(laid), 0))]
    return SeriesSet([name], [laid], none, none, [np.arange(len(laid), dtype=np.float64)], None)


def _typed_number(value: str, line: str, number: int) -> float | None:
    if value.strip().lower() in MISSING:
        return None
    try:
        return float(value)
    except ValueError:
        raise DataError(
            "{value!r} is not a number",
            "line {number}: {line!r}",
            "write one step per line: time, space, value with a decimal point",
            value=value,
            number=number,
            line=line[:80],
        ) from None
