"""Numeric series: numbers over time, with one target per series."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.recipe.faults import Contradiction
from duree.recipe.recipe import Defaults, Recipe
from duree.recipe.settings import NUMBERS, DataSettings
from duree.results.nouns import SERIES, Nouns
from duree.results.run_files import Record
from duree.tables.checks.check_table import check_table
from duree.tables.columns import resolve_column, table_without_codes
from duree.tables.describe.series import describe_channels
from duree.tables.finding import Finding
from duree.tables.layouts.layout import Checked, Layout
from duree.tables.layouts.read_numbers import list_numbers, measured, step_names, with_numbers
from duree.tables.layouts.typed_input import TypedInput
from duree.tables.table import Table

CHOOSE = "data.series and data.text or states are both given: choose one"


class NumericSeries(Layout):
    """Numbers over time, with one target per series."""

    name: ClassVar[str] = "numeric_series"
    nouns: ClassVar[Nouns] = SERIES
    counted: ClassVar[str] = "series"
    # Dropout on the input would hide whole channels. Means of three seeds in benchmarks/series.py,
    # with the defaults for texts and with these: order of two marks, accuracy 0.847 and 1.000;
    # number of bursts, error 0.67 and 0.49; growth of M4's weekly series, error 5.9 and 5.2.
    defaults: ClassVar[Defaults] = {
        "data": {"text": NUMBERS},
        "text": {"keep": "tail"},
        "model": {"word_dropout": 0.0, "input_dropout": 0.0, "output_dropout": 0.3, "wide": False},
        "training": {"learning_rate": 5e-3},
    }

    @classmethod
    def claims(cls, data: DataSettings) -> bool:
        return bool(data.series)

    @classmethod
    def fill(cls, recipe: Recipe) -> Recipe:
        filled = recipe.with_defaults(cls.defaults)
        return filled if filled.data.text else filled.replace({"data.text": NUMBERS})

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        data = recipe.data
        if data.text != NUMBERS:
            raise Contradiction(CHOOSE)
        if data.time and not data.id:
            raise Contradiction(
                "with data.series and data.time each row is one time: data.id must name its series"
            )
        if named := ", ".join(name for name in OF_WORDS if not _is_usual(recipe, name)):
            raise Contradiction(
                "{settings} has no meaning where numbers are read: leave it out", settings=named
            )
        super().check_recipe(recipe)

    @classmethod
    def named_in_vain(cls, recipe: Recipe, read: type[Layout]) -> Contradiction | None:
        if read.is_forecast:
            return None
        if recipe.data.states or recipe.data.state or recipe.data.event:
            return Contradiction(CHOOSE)
        return Contradiction(
            "data.series does not go with task = {task}: leave one out", task=recipe.task
        )

    @classmethod
    def typed_input(cls, recipe: Recipe) -> TypedInput | None:
        return None  # several channels are too much to type

    @property
    def is_long(self) -> bool:
        return self.data.time is not None

    @property
    def input_name(self) -> str:
        return ", ".join(self.data.series)

    @property
    def asked_columns(self) -> list[str]:
        named = (self.data.id, self.data.time, *self.data.series)
        return [name for name in named if name]

    @property
    def inputs(self) -> list[str]:
        if "series" in self.reading:
            return list(self.reading["series"])
        return [NUMBERS, *self.covariates]

    @property
    def settings(self) -> DataSettings:
        """The settings without the time column, which belongs to steps and not to series."""
        return self.data.model_copy(update={"time": None})

    @property
    def added(self) -> list[str]:
        return [NUMBERS] if self.is_long else []

    def lay_out(self, table: Table, *, with_answers: bool = True) -> tuple[Table, Self]:
        needed = self._answers(table, with_answers, "time")
        laid_out, reading = with_numbers(table, self.data, needed, self.reading or None)
        return laid_out, replace(self, reading={**self.reading, **reading})

    def plain(self, table: Table) -> pl.Series:
        if NUMBERS in table.frame.columns or "series" not in self.reading:
            return table.frame[resolve_column(table, NUMBERS)]
        columns = [resolve_column(table, name) for name in self.inputs]
        return list_numbers(table_without_codes(table, columns, self.data.missing_codes), columns)

    def check(self, table: Table, given: Checked) -> list[Finding]:
        rest, data = self._without_numbers(table, given.data)
        return check_table(rest, data, test_rows=given.test_rows, numeric=given.numeric)

    def look_over(self, table: Table, test_rows: NDArray[np.bool_] | None) -> list[Finding]:
        rest, data = self._without_numbers(table, self.settings)
        return check_table(rest, data, test_rows=test_rows)

    def describe(
        self,
        table: Table,
        sequences: pl.Series,
        classes: pl.Series | None,
        seed: int,
        weights: NDArray[np.float64] | None,
    ) -> dict[str, Record]:
        longest: Any = sequences.list.len().max()
        names = step_names(self.reading, int(longest or 0))
        found = describe_channels(sequences, measured(self.reading), names, classes, weights)
        return {"channels.json": found}

    @staticmethod
    def _without_numbers(table: Table, data: DataSettings) -> tuple[Table, DataSettings]:
        """The table without its numbers, which ``with_numbers`` has checked."""
        rest = replace(table, frame=table.frame.drop(NUMBERS))
        return rest, data.model_copy(update={"text": None})


# Settings that have no effect on numeric input.
OF_WORDS = (
    *(f"text.{name}" for name in ("segmenter", "lowercase", "numbers", "max_features")),
    *(f"model.{name}" for name in ("embedding_size", "word_dropout", "wide")),
)


def _is_usual(recipe: Recipe, name: str) -> bool:
    """Whether a setting has its default for numeric series."""
    of, _, inner = name.partition(".")
    section = getattr(recipe, of)
    general = type(section).model_fields[inner].default
    return bool(getattr(section, inner) == NumericSeries.defaults[of].get(inner, general))
