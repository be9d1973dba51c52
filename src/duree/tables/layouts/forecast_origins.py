"""Forecast origins: time series to forecast, where a row is an origin in a series."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from duree.errors import DataError
from duree.recipe.faults import Contradiction
from duree.recipe.recipe import Recipe
from duree.recipe.settings import VALUE, DataSettings
from duree.results.nouns import SERIES, Nouns
from duree.tables.layouts.layout import Layout
from duree.tables.layouts.typed_input import TypedInput
from duree.tables.table import Table


class ForecastOrigins(Layout):
    """Time series to forecast: a row is an origin in a series, found from the whole table."""

    name: ClassVar[str] = "forecast_origins"
    nouns: ClassVar[Nouns] = SERIES
    is_forecast: ClassVar[bool] = True
    test_rows: ClassVar[str] = "the latest steps of each series"
    fits_on_rows: ClassVar[bool] = False

    @classmethod
    def claims(cls, data: DataSettings) -> bool:
        return bool(data.series)

    @classmethod
    def fill(cls, recipe: Recipe) -> Recipe:
        data = recipe.data
        single = len(data.series) == 1 and not set(data.series[0]) & set(":*?[")
        target = data.target or (data.series[0] if single else VALUE)
        return recipe.replace({"data.target": target})

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        data, forecast = recipe.data, recipe.forecast
        if data.text or data.states or data.state or data.event:
            raise Contradiction(
                "a forecast reads series, and no text or states: give --series COLUMN, or another "
                "--task"
            )
        if data.validation_file:
            raise Contradiction("series are split by time: leave data.validation_file out")
        if data.group or data.weight:
            raise Contradiction("a forecast takes no data.group and no data.weight")
        if data.series and set(data.series) & {*forecast.past, *forecast.known}:
            raise Contradiction("a column is in data.series and among the covariates too")
        super().check_recipe(recipe)

    @classmethod
    def typed_input(cls, recipe: Recipe) -> TypedInput | None:
        if recipe.forecast.past or recipe.forecast.known:
            return None
        hint = "Values in order, separated by spaces"
        if recipe.data.time:
            hint = "One step per line: time, space, value"
        return TypedInput("Try your own time series", hint, lines=6)

    @property
    def input_name(self) -> str:
        return ", ".join(self.data.series)

    @property
    def asked_columns(self) -> list[str]:
        named = (self.data.id, self.data.time, *self.data.series)
        return [name for name in named if name]

    @property
    def inputs(self) -> list[str]:
        """Not defined, since forecasts read whole series and not rows.

        Raises
        ------
        DataError
            Always.
        """
        raise DataError(
            "the network forecasts series, which it reads as whole tables and not row by row",
            fix="use duree predict, duree evaluate or duree serve; the report shows its errors",
        )

    def plain(self, table: Table) -> pl.Series:
        return table.frame["input"]
