"""Forecasts: the dataset of a table of series, and tables of forecasts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from duree.baselines.forecasts import PURPOSE
from duree.baselines.forecasts import Forecast as Baseline
from duree.errors import DataError, ExtraError, require_packages
from duree.evaluation.evaluate import Figures, evaluate_model
from duree.inference.provenance import remove_provenance
from duree.network.scoring import scores
from duree.pipeline.dataset import Dataset, check_files
from duree.pipeline.model import TrainedModel, no_alternatives
from duree.pipeline.out_of_fold import TrainFolds, no_folds
from duree.pipeline.predict import written
from duree.pipeline.run import Run
from duree.recipe.quantile_levels import LEVELS, MEDIAN
from duree.recipe.recipe import Recipe
from duree.recipe.settings import ModelSettings, TrainingSettings
from duree.tables.files.write import require_writable, write_table
from duree.tables.finding import Finding
from duree.tables.layouts.forecast_origins import ForecastOrigins
from duree.tables.layouts.rolling_origins import Plan, inputs, planned, roll
from duree.tables.layouts.series import SeriesSet
from duree.tables.layouts.series_files import SeriesFiles, read_series
from duree.tables.split.make_split import Split, group_codes
from duree.tables.table import Table
from duree.tasks import resolve
from duree.tasks.forecast import Forecast

# With fewer training windows than this ARIMA forecasts better than a network.
FEWEST_WINDOWS = 30
# With fewer windows than the first number: hidden size and batch size, against overfitting and too
# few updates.
SIZES = ((100, 8, 8), (500, 16, 16), (2000, 32, 32))


def check_series(recipe: Recipe) -> tuple[Table, list[Finding]]:
    """The findings about the series of a resolved recipe."""
    return check_files(recipe.data, recipe.forecast)


def read_forecast(recipe: Recipe, split: Split | None = None) -> Dataset:
    """Read the recipe's series and split them by time; a row is an origin in a series.

    ``split`` is the existing split if a run is resumed. The dataset's recipe has values for the
    settings left open: horizon, window, season, and the size of the network.

    Raises
    ------
    DataError
        The files hold no series, a series is too short for a forecast, or there are too few
        training windows.
    ExtraError
        The recipe has baselines, and statsforecast is not installed.
    """
    recipe = resolve(recipe)
    if recipe.evaluation.baselines:  # checked before training
        require_packages(["statsforecast"], "forecast", PURPOSE)
    files = read_series(recipe.data, recipe.forecast)
    files, plan = planned(files, recipe.forecast, drop_bad=recipe.data.drop_bad)
    frame, drawn = roll(
        files.series,
        plan,
        files.tested,
        most=recipe.forecast.windows,
        calendar=recipe.forecast.calendar,
        seed=recipe.seed,
    )
    windows = len(drawn.train)
    if windows < FEWEST_WINDOWS:
        raise _too_short(files, plan, windows)
    decided, shrunk = _shrunk(recipe, windows)
    decided = decided.replace(
        {
            "forecast.horizon": plan.horizon,
            "forecast.window": plan.window,
            "forecast.season": plan.season,
            "forecast.naive_season": plan.naive_season,
        }
    )
    named = frame.select(
        pl.col("series").alias(files.name), "origin", pl.col("time").alias(files.time)
    )
    # With one forecast per series, each row is a group of its own.
    several = 1 < len(files.series) < len(split.test if split else drawn.test)
    answer = frame["answer"].alias(files.value)
    if split is not None:
        split.require_rows(len(frame))
    split = split or drawn
    return Dataset(
        Table(named, files.sources),
        frame["input"],
        answer,
        group_codes(frame["series"]) if several else None,
        None,
        Forecast,
        ForecastOrigins(decided.data, {"unit": unit_of(files.series)}),
        split,
        [*files.series.findings, *plan.findings, *shrunk, *split.findings()],
        decided,
    )


def forecast_table(recipe: Recipe, model: TrainedModel) -> pl.DataFrame:
    """Forecasts of each series in the recipe's files: one row per step to forecast.

    Columns are the series' name, the time, ``step`` from 1, and those of ``Forecast.columns``.

    Raises
    ------
    DataError
        The files hold no series for this model.
    """
    files, plan, task = _like(recipe, model)
    series, horizon = files.series, task.horizon
    ends = [(place, len(values)) for place, values in enumerate(series.values)]
    rows = inputs(series, ends, plan, calendar=recipe.forecast.calendar)
    predictions = model.predictions(model.encoder.encode(rows))
    steps = [(place, end + step) for place, end in ends for step in range(horizon)]
    return pl.DataFrame(
        {
            files.name: [series.names[place] for place, _ in steps],
            files.time: [series.label(place, step) for place, step in steps],
            "step": np.tile(np.arange(1, horizon + 1), len(ends)),
        }
    ).with_columns(task.columns(predictions))


def path_table(recipe: Recipe, model: TrainedModel, count: int) -> pl.DataFrame:
    """Sample paths of each series: one row per path and step, ``path`` from 1.

    Their distribution at each step is the forecast one; they are drawn with the recipe's seed.

    Raises
    ------
    DataError
        See ``forecast_table``.
    """
    files, plan, task = _like(recipe, model)
    series, horizon = files.series, task.horizon
    ends = [(place, len(values)) for place, values in enumerate(series.values)]
    rows = inputs(series, ends, plan, calendar=recipe.forecast.calendar)
    found = task.paths(scores(model.network, model.encoder.encode(rows)), count, recipe.seed)
    times = [[series.label(place, end + step) for step in range(horizon)] for place, end in ends]
    return pl.DataFrame(
        {
            files.name: np.repeat(np.array(series.names, dtype=object), count * horizon).tolist(),
            "path": np.tile(np.repeat(np.arange(1, count + 1), horizon), len(ends)),
            files.time: [time for of_series in times for time in of_series * count],
            "step": np.tile(np.arange(1, horizon + 1), count * len(ends)),
            files.value: found.ravel(),
        }
    )


def evaluate_forecasts(
    run: Run, model: TrainedModel, data: Path | str, notify: Callable[[Finding], None]
) -> Figures:
    """The metrics of a run's network on the last steps of each series in a file."""
    recipe = _recipe_for(run, data)
    files, plan, task = _like(recipe, model)
    frame, split = roll(
        files.series, plan, files.tested, most=1, calendar=recipe.forecast.calendar, seed=0
    )
    tested = frame[split.test.tolist()]
    return evaluate_model(
        model.predictions(model.encoder.encode(tested["input"])),
        task.encode(tested["answer"]),
        task.metrics,
        groups=group_codes(tested["series"]) if len(files.series) > 1 else None,
        seed=recipe.seed,
    )


def predict_series(
    run: Run,
    model: TrainedModel,
    data: Path | str,
    output: Path,
    *,
    raw: bool,
    paths: int | None,
    folds: TrainFolds | None,
    nbest: int | None,
    progress: Callable[[int, int | None], None],
) -> list[Finding]:
    """Write forecasts of each series in a file: see ``forecast_table`` and ``path_table``."""
    require_writable(output, Path(data))
    if folds:
        raise no_folds()
    if nbest:
        raise no_alternatives()
    replaced = output.exists()
    recipe = _recipe_for(run, data)
    answer = path_table(recipe, model, paths) if paths else forecast_table(recipe, model)
    remove_provenance(output)
    findings = write_table(answer, output, raw=raw)
    progress(len(answer), len(answer))
    return [written(output, len(answer), replaced), *findings]


def _recipe_for(run: Run, data: Path | str) -> Recipe:
    """The run's recipe with another data file."""
    return run.recipe.replace({"data.files": (str(data),), "data.test_file": None})


def plan_like(series: SeriesSet, recipe: Recipe, model: TrainedModel) -> tuple[Plan, Forecast]:
    """The plan for forecasting these series by the model, and its task; ``recipe`` is its run's.

    Raises
    ------
    DataError
        The unit of their steps differs from training.
    """
    task = model.task
    assert isinstance(task, Forecast)
    known, unit = model.layout.reading.get("unit"), unit_of(series)
    if unit != known:
        raise DataError(
            "a step of these series is a {unit}, and the network was trained on steps of a {known}",
            fix="give series of the same kind, with their times",
            unit=unit or "row",
            known=known or "row",
        )
    return task.plan(model.encoder, recipe.forecast.naive_season), task


def unit_of(series: SeriesSet) -> str | None:
    """The unit of a time step; None if steps have no times."""
    return series.frequency.unit if series.frequency else None


def _like(recipe: Recipe, model: TrainedModel) -> tuple[SeriesFiles, Plan, Forecast]:
    """The series of the recipe's files, with the model's plan and task."""
    files = read_series(recipe.data, recipe.forecast)
    plan, task = plan_like(files.series, recipe, model)
    return files, plan, task


def _shrunk(recipe: Recipe, windows: int) -> tuple[Recipe, list[Finding]]:
    """The recipe with a smaller network and smaller batches if there are few training windows."""
    size, batch = next(
        ((size, batch) for most, size, batch in SIZES if windows < most),
        (recipe.model.hidden_size, recipe.training.batch_size),
    )
    changes: dict[str, Any] = {}
    # Only defaults are reduced, not the user's settings.
    if recipe.model.hidden_size == ModelSettings().hidden_size > size:
        changes["model.hidden_size"] = size
    if recipe.training.batch_size == TrainingSettings().batch_size > batch:
        changes["training.batch_size"] = batch
    if not changes:
        return recipe, []
    what = (
        "{windows} training windows are few: the network has a state of {size} numbers, and learns "
        "in batches of {batch}"
    )
    decided = recipe.replace(changes)
    facts: dict[str, object] = {
        "windows": windows,
        "size": decided.model.hidden_size,
        "batch": decided.training.batch_size,
    }
    return decided, [Finding("small_network", "note", what, values=facts)]


def _too_short(files: SeriesFiles, plan: Plan, windows: int) -> DataError:
    """The error for series that are too short, with the forecast of ARIMA."""
    series = files.series
    facts: dict[str, Any] = {"windows": windows, "needed": FEWEST_WINDOWS, "name": series.names[0]}
    what = "too short for a network, which would learn from {windows} windows: use ARIMA"
    fix = "a network needs {needed} windows: longer or more series, or a shorter --horizon"
    past = {"values": series.values[0].tolist()}
    try:
        forecast = Baseline("arima", "AutoARIMA", plan.horizon, plan.season).predict([past])
    except ExtraError:
        return DataError(
            what, "", fix + "; ARIMA comes with: pip install 'duree[forecast]'", **facts
        )
    middle = forecast.reshape(plan.horizon, len(LEVELS))[:, MEDIAN]
    where = "it forecasts of {name!r}: {said}"
    facts["said"] = ", ".join(f"{value:.6g}" for value in middle)
    return DataError(what, where, fix, **facts)
