"""Forecast origins: time series to be forecast, of which a row is a moment in a series."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from duree.errors import DataError
from duree.recipe.faults import Contradiction
from duree.recipe.recipe import Recipe
from duree.recipe.settings import VALUE, DataSettings
from duree.results.nouns import SERIES, Nouns
from duree.tables.layouts.layout import Layout
from duree.tables.table import Table


class ForecastOrigins(Layout):
    """Time series to be forecast: a row is a moment in a series, which only a whole table tells."""

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
            raise Contradiction("a forecast reads data.series, and no text or states")
        if data.validation_file:
            raise Contradiction("series are split by time: leave data.validation_file out")
        if data.group or data.weight:
            raise Contradiction("a forecast takes no data.group and no data.weight")
        if data.series and set(data.series) & {*forecast.past, *forecast.known}:
            raise Contradiction("a column is in data.series and among the covariates too")
        super().check_recipe(recipe)

    @classmethod
    def typed_input(cls, recipe: Recipe) -> str:
        return "" if recipe.forecast.past or recipe.forecast.known else "series"

    @property
    def asked_columns(self) -> list[str]:
        named = (self.data.id, self.data.time, *self.data.series)
        return [name for name in named if name]

    @property
    def inputs(self) -> list[str]:
        """None: it reads no rows.

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
