"""The functions that read tables, evaluate networks and predict, by layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from duree.evaluation.evaluate import Figures
from duree.pipeline.dataset import Dataset, check_metric, check_rows, read_rows
from duree.pipeline.forecast_dataset import (
    check_series,
    evaluate_forecasts,
    predict_series,
    read_forecast,
)
from duree.pipeline.model import TrainedModel
from duree.pipeline.out_of_fold import TrainFolds
from duree.pipeline.predict import Progress, evaluate_rows, predict_rows
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.tables.finding import Finding
from duree.tables.layouts.forecast_origins import ForecastOrigins
from duree.tables.layouts.layout import Layout
from duree.tables.split.make_split import Split
from duree.tables.table import Table
from duree.tasks import layout_for, resolve


class Predict(Protocol):
    """Writes a table with a network's predictions."""

    def __call__(
        self,
        run: Run,
        model: TrainedModel,
        data: Path | str,
        output: Path,
        *,
        raw: bool,
        paths: int | None,
        folds: TrainFolds | None,
        nbest: int | None,
        progress: Progress,
    ) -> list[Finding]: ...


class Steps(NamedTuple):
    """The steps of a run that depend on the layout.

    ``check_further`` raises the errors of ``read`` that ``check`` does not find.
    """

    check: Callable[[Recipe], tuple[Table, list[Finding]]]
    check_further: Callable[[Recipe], object]
    read: Callable[[Recipe, Split | None], Dataset]
    evaluate: Callable[[Run, TrainedModel, Path | str, Callable[[Finding], None]], Figures]
    predict: Predict


# Most layouts have one row per sequence; in those of OTHERS, rows are cut from whole series.
ROWS = Steps(check_rows, check_metric, read_rows, evaluate_rows, predict_rows)
OTHERS: dict[type[Layout], Steps] = {
    ForecastOrigins: Steps(
        check_series, read_forecast, read_forecast, evaluate_forecasts, predict_series
    )
}


def steps_for(layout: type[Layout]) -> Steps:
    """The steps for this layout."""
    return OTHERS.get(layout, ROWS)


def read_dataset(recipe: Recipe, split: Split | None = None) -> Dataset:
    """Read the recipe's files, check them, and split their rows.

    ``split`` is the existing split if a run is resumed.

    Raises
    ------
    RecipeError
        Settings are incompatible.
    DataError
        The table cannot be read, lacks a column, or fails a check of level "error".
    """
    recipe = resolve(recipe)
    return steps_for(layout_for(recipe)).read(recipe, split)
