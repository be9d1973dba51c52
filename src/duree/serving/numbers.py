"""Numeric series as requests for classification or regression: each row is one series."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.pipeline.model import TrainedModel
from duree.recipe.recipe import Recipe
from duree.sequences.ragged import Ragged
from duree.serving.bodies import (
    Asked,
    AskedLists,
    Line,
    answers_of,
    column_of,
    finite_number,
    steps_of,
    unfit,
)
from duree.serving.rows import ServedRows
from duree.tables.layouts.read_numbers import measured
from duree.tables.table import Table

# The number of characters of a text that take as long as one step.
STEP_SIZE = 5


class Numbers(ServedRows[Ragged]):
    """Requests and responses of a network for numeric series."""

    def __init__(self, model: TrainedModel, recipe: Recipe) -> None:
        super().__init__(model, recipe)
        self.is_wide = not model.layout.is_long
        self.body = Asked if self.is_wide else AskedLists
        self.codes = recipe.data.missing_codes

    @property
    def needed(self) -> list[str]:
        """The columns that every row must have, with times if steps are not evenly spaced."""
        if self.is_wide:
            return self.model.inputs
        times = [] if self.model.layout.reading["even"] else [str(self.recipe.data.time)]
        return [*measured(self.model.layout.reading), *times]

    @property
    def example(self) -> dict[str, Line]:
        """An example row."""
        if self.is_wide:
            return dict.fromkeys(self.needed, 0.0)
        columns: dict[str, Line] = {name: [3.0, None, 5.0] for name in self.needed}
        if not self.model.layout.reading["even"]:
            is_number = self.model.layout.reading["frequency"]["written"] == "number"
            times: list[Any] = (
                [1, 2, 4] if is_number else ["2001-01-01", "2001-01-02", "2001-01-05"]
            )
            columns[str(self.recipe.data.time)] = times
        return columns

    def read(self, row: Mapping[str, Line], number: int) -> Ragged:
        """The encoded series of a row, as a Ragged with one row.

        Raises
        ------
        HTTPException
            422: a column is missing or invalid, or there are no values.
        """
        try:
            return self.model.encode(self._series(row, number))
        except DataError as error:
            raise unfit(number, error.message("en")) from None

    def size(self, series: Ragged) -> int:
        """The number of characters of a text that take as long as the series."""
        return STEP_SIZE * len(series.values)

    def answers(self, series: list[Ragged]) -> list[dict[str, Any]]:
        """The predictions for some series."""
        sequences = series[0].followed_by(*series[1:])
        return answers_of(self.model.task, self.model.predictions(sequences))

    def try_typed(self, text: str, covariates: Mapping[str, str]) -> NoReturn:
        """Nothing: the form does not offer it."""
        raise DataError(
            "a series with several channels cannot be entered by hand",
            fix="predict a table, or use duree serve",
        )

    def _series(self, row: Mapping[str, Line], number: int) -> NDArray[np.float64] | pl.Series:
        """The series as [1, steps, channels] or, if it has times, as a Series from a table."""
        given = {name: column_of(row, name, number) for name in self.needed}
        if self.is_wide:
            cells = [self._number(cell, name, number) for name, cell in given.items()]
            known = np.flatnonzero(np.isfinite(cells))
            if not len(known):
                raise unfit(number, "there is no value in any of its columns")
            return np.array(cells[: known[-1] + 1])[None, :, None]
        lists = {name: steps_of(cells, name, number) for name, cells in given.items()}
        if len(lengths := {len(cells) for cells in lists.values()}) > 1:
            raise unfit(
                number, f"its lists have {sorted(lengths)} cells: give a cell for each step"
            )
        time = str(self.recipe.data.time)
        times = lists.pop(time, None)
        columns = {
            name: [self._number(cell, name, number) for cell in cells]
            for name, cells in lists.items()
        }
        steps = np.array(list(columns.values())).T
        if not np.isfinite(steps).any():
            raise unfit(number, "there is no value in any of its columns")
        return steps[None] if times is None else self._timed(columns, times, time)

    def _number(self, cell: object, name: str, number: int) -> float:
        """A cell as a number; NaN if it is missing."""
        given = finite_number(cell, name, number)
        return math.nan if given is None or f"{given:g}" in self.codes else given

    def _timed(self, columns: dict[str, list[float]], times: list[Any], time: str) -> pl.Series:
        """The series with its times, read as a table whose times are texts, as in a file."""
        name = str(self.recipe.data.id)
        frame = (
            pl.DataFrame(columns)
            .fill_nan(None)
            .with_columns(
                pl.Series(time, [None if cell is None else str(cell) for cell in times], pl.String),
                pl.lit("sent").alias(name),
            )
        )
        table, _ = self.model.layout.lay_out(Table(frame, ()), with_answers=False)
        return self.model.texts(table)
