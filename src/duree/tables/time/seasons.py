"""Seasons: a test for seasonality, seasonal indices, and naive forecasts that use them.

As defined by the M4 competition (Makridakis et al. 2020; its R functions SeasonalityTest and
Benchmarks): everything is computed only from values up to the origin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Critical value of a two-sided 90% test, as in the competition.
CRITICAL = 1.645
# The fewest cycles for the test of seasonality.
CYCLES = 3
# With longer seasons ETS and ARIMA are too slow or fail.
LONGEST_SEASON = 24


def without_gaps(values: Floats) -> Floats:
    """Missing values replaced by the last value before them, so that no later value is used."""
    seen = np.isfinite(values)
    last = np.maximum.accumulate(np.where(seen, np.arange(len(values)), 0))
    return np.asarray(values[last])


def is_seasonal(values: Floats, period: int) -> bool:
    """Whether the autocorrelation at the period is significant.

    ``values`` float64 [steps], none missing.
    """
    if period < 2 or len(values) < CYCLES * period:
        return False
    centred = values - values.mean()
    variance = float(centred @ centred)
    if variance == 0:
        return False
    lags = [float(centred[lag:] @ centred[:-lag]) / variance for lag in range(1, period + 1)]
    spread = np.sqrt((1 + 2 * np.sum(np.square(lags[:-1]))) / len(values))
    return bool(abs(lags[-1]) > CRITICAL * spread)


def seasonal_indices(values: Floats, period: int) -> Floats:
    """Multiplicative seasonal indices, [period]; the first is that of the first step.

    Classical decomposition: ratios to a centred moving average, averaged by season.
    """
    width = period + 1 if period % 2 == 0 else period
    kernel = np.full(width, 1 / period)
    if period % 2 == 0:
        kernel[[0, -1]] /= 2
    trend = np.convolve(values, kernel, mode="valid")
    half = width // 2
    ratios = values[half : half + len(trend)] / np.where(trend == 0, np.nan, trend)
    season = (np.arange(len(trend)) + half) % period
    means = np.array([np.nanmean(ratios[season == place]) for place in range(period)])
    return np.asarray(means / means.mean())


def naive2(values: Floats, horizon: int, period: int) -> Floats:
    """The last value, seasonally adjusted if the series is seasonal, float64 [horizon].

    ``values`` float64 [steps]; missing ones are replaced by the last before them.
    """
    known = without_gaps(values)
    # Ratios need values of one sign; those of the competition are positive.
    if not is_seasonal(known, period) or known.min() <= 0:
        return np.full(horizon, known[-1])
    indices = seasonal_indices(known, period)
    places = np.arange(len(known), len(known) + horizon) % period
    return np.asarray(known[-1] / indices[(len(known) - 1) % period] * indices[places])


def seasonal_naive(values: Floats, horizon: int, period: int) -> Floats:
    """The value one period before; the last value if there is less than one period."""
    known = without_gaps(values)
    if len(known) < period:
        return np.full(horizon, known[-1])
    return np.asarray(known[len(known) - period + np.arange(horizon) % period])


def naive_error(values: Floats, period: int) -> float:
    """Mean absolute error of the seasonal naive forecast within the values, the scale of MASE.

    0 for a series of one value. Source: Hyndman & Koehler 2006.
    """
    step = period if len(values) > period else 1
    errors = np.abs(values[step:] - values[:-step])
    errors = errors[np.isfinite(errors)]
    return float(errors.mean()) if len(errors) else 0.0
