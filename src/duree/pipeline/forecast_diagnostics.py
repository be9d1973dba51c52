"""Diagnostics of forecasts on the test rows: errors by step, coverage, examples, stationarity."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.forecast_metrics import Answers, mase, mean_of_known, quantiles_of, smape
from duree.evaluation.stationarity import stationarity
from duree.pipeline.dataset import Dataset
from duree.pipeline.evaluate import TestResult
from duree.recipe.quantile_levels import LEVELS, MEDIAN
from duree.results.run_files import Fan, ForecastFacts, Missed, SeasonSearch, StepErrors
from duree.sequences.encoder import Encoder
from duree.sequences.window_encoder import WindowEncoder
from duree.tables.finding import Finding
from duree.tables.layouts.forecast_origins import ForecastOrigins
from duree.tables.layouts.series_season import FOUND
from duree.tables.time.seasons import without_gaps

Floats = NDArray[np.float64]

# Rows that are drawn: where the network's errors lie at these shares of all, the least first.
SHOWN = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
# Horizons of the past that are drawn before a forecast.
PAST_HORIZONS = 4
WORST = 10


def forecast_facts(
    dataset: Dataset, encoder: Encoder, result: TestResult, seed: int
) -> ForecastFacts | None:
    """What ``forecasts.json`` holds; None where rows are not origins of forecasts."""
    if not isinstance(dataset.layout, ForecastOrigins):
        return None
    windows = cast(WindowEncoder, encoder)
    rows = dataset.split.test
    answers = Answers.of(result.targets)
    quantiles = {name: quantiles_of(found) for name, found in result.predictions.items()}
    errors = mase(quantiles["network"][..., MEDIAN], answers.values, answers.scale)
    order = np.argsort(np.where(np.isfinite(errors), errors, -1.0), kind="stable")
    shown = [int(order[round(share * (len(order) - 1))]) for share in SHOWN]
    settings, frame = dataset.recipe.forecast, dataset.table.frame
    names = frame.get_columns()[0].gather(rows)
    pasts = dataset.texts.gather(rows).struct.field("values")
    held = dataset.split.validation
    # The last validation origin of each series: no choice was made on later values.
    last = dict(zip(frame.get_columns()[0].gather(held).to_list(), held.tolist(), strict=True))
    trained = dataset.texts.gather(list(last.values())).struct.field("values")
    return ForecastFacts(
        horizon=windows.horizon,
        window=windows.window,
        season=windows.season,
        naive_season=settings.naive_season or windows.season,
        season_search=_season_search(dataset.findings),
        transform=windows.transform.to_dict(),
        difference=windows.difference,
        distribution=settings.distribution,
        past=list(windows.past),
        known=list(settings.known),
        calendar=len(windows.known) > len(settings.known),
        series=int(names.n_unique()),
        origins=len(rows),
        stationarity=stationarity(
            [windows.transform.apply(without_gaps(_numbers(past))) for past in trained], seed
        ),
        steps={name: _by_step(found, answers) for name, found in quantiles.items()},
        levels=list(LEVELS),
        below={name: _below(found, answers.values) for name, found in quantiles.items()},
        fans=[
            Fan(
                series=str(names[row]),
                origin=str(frame["origin"][int(rows[row])]),
                last=str(frame.get_columns()[2][int(rows[row])][-1]),
                past=_plain(_numbers(pasts[row])[-PAST_HORIZONS * windows.horizon :]),
                actual=_plain(answers.values[row]),
                quantiles=quantiles["network"][row].tolist(),
                mase=_plain(errors[row : row + 1])[0],
            )
            for row in dict.fromkeys(shown)
        ],
        worst=[
            Missed(
                series=str(names[int(row)]),
                origin=str(frame["origin"][int(rows[row])]),
                mase=float(errors[row]),
                smape=float(
                    smape(quantiles["network"][row, None, :, MEDIAN], answers.values[row, None])[0]
                ),
                naive=float(answers.naive_mase[row]),
            )
            for row in order[::-1][:WORST]
            if np.isfinite(errors[row])
        ],
    )


def _season_search(findings: list[Finding]) -> SeasonSearch | None:
    """How the season was found; None where it was set, is that of the calendar, or is none."""
    values = next((found.values for found in findings if found.check == FOUND), None)
    return (
        None
        if values is None
        else SeasonSearch.model_validate({name: values[name] for name in SeasonSearch.model_fields})
    )


def _by_step(quantiles: Floats, answers: Answers) -> StepErrors:
    """The mean error of each step of the horizon, over the rows whose value is known."""
    point = quantiles[..., MEDIAN]
    steps = range(point.shape[1])
    scaled, relative = [], []
    for step in steps:
        forecast, came = point[:, step, None], answers.values[:, step, None]
        scaled.append(_mean(mase(forecast, came, answers.scale)))
        relative.append(_mean(smape(forecast, came)))
    return StepErrors(mase=scaled, smape=relative)


def _below(quantiles: Floats, actual: Floats) -> list[float | None]:
    """The share of actual values at or below each quantile."""
    known = np.isfinite(actual)
    shares = [
        np.where(known, actual <= quantiles[..., level], np.nan) for level in range(len(LEVELS))
    ]
    return [_mean(mean_of_known(share)) for share in shares]


def _mean(of_rows: Floats) -> float | None:
    known = of_rows[np.isfinite(of_rows)]
    return float(known.mean()) if len(known) else None


def _numbers(values: Any) -> Floats:
    return np.array(values.to_list() if hasattr(values, "to_list") else values, dtype=np.float64)


def _plain(values: Floats) -> list[float | None]:
    """Numbers that JSON can hold."""
    return [float(value) if np.isfinite(value) else None for value in values]
