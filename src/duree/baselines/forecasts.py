"""Baselines for forecasts: statistical methods, fitted to each series by itself.

Naive, seasonal naive, exponential smoothing, Theta, ETS and ARIMA are those of ``statsforecast``;
Naive2 is defined by the M4 competition. Each is refitted at every origin, to all values of the
series up to it.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Sequence
from multiprocessing import TimeoutError
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import stats

from duree.baselines.time_limit import OutOfTime, TimeLimit, current_limit
from duree.errors import DataError, require_packages
from duree.recipe.quantile_levels import LEVELS, MEDIAN
from duree.tables.time.seasons import LONGEST_SEASON, naive2, naive_error, without_gaps

Floats = NDArray[np.float64]

# The intervals whose ends are the quantiles; statsforecast names them by their level in per cent.
WIDTHS = sorted({round(100 * abs(1 - 2 * level)) for level in LEVELS} - {0})
# Up to this many series, one process is enough.
FEW = 16
# The time of all fits is estimated from so many, or from those in a share of the time limit; it is
# estimated again after each such share.
FIRST_FITS, CHECKED = 8, 0.1
# With fewer values than this no model is fitted, and the last value is repeated.
FEWEST = 4
PURPOSE = "comparing a forecast with ARIMA, ETS and Theta"


# Title and description of each method of statsforecast; see ``Baseline``.
WORDS = {
    "naive": ("last value", "the last value"),
    "seasonal_naive": ("seasonal naive", "the value of the season before"),
    "ses": ("exponential smoothing", "simple exponential smoothing"),
    "theta": ("Theta", "the dynamic optimised Theta method ({fiorucci2016})"),
    "ets": ("ETS", "exponential smoothing chosen by AICc (ETS; {hyndman2002})"),
    "arima": ("ARIMA", "ARIMA chosen by AICc ({hyndman2008})"),
}


class Forecast:
    """One method of ``statsforecast``, fitted to each row's own past.

    Parameters
    ----------
    name : str
        One of ``WORDS``.
    kind : str
        The class in ``statsforecast.models``.
    horizon, season : int
    **options
        Further arguments of the class.
    """

    def __init__(self, name: str, kind: str, horizon: int, season: int, **options: Any) -> None:
        self.name, self.kind, self.horizon, self.options = name, kind, horizon, options
        self.title, self.description = WORDS[name]
        self.season = season if kind == "SeasonalNaive" or season <= LONGEST_SEASON else 1
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []
        if self.season != season:
            self.notes.append(f"without the season of {season} steps: more than it can fit")

    def fit(self, *parts: Any) -> Forecast:
        """Does nothing: each row is fitted to its own past, in ``predict``."""
        return self

    def predict(self, rows: list[Any]) -> Floats:
        """Quantiles float64 [rows, horizon * levels] from rows with ``values`` up to the origin.

        Raises
        ------
        OutOfTime
            The fits take longer than the time limit.
        """
        require_packages(["statsforecast"], "forecast", PURPOSE)
        pasts = [without_gaps(_trimmed(values)) for values in _values(rows)]
        found = self._fitted(pasts)
        failed = [place for place, quantiles in enumerate(found) if quantiles is None]
        for place in failed:
            found[place] = repeated(pasts[place], self.horizon)
        if failed:
            note = f"{len(failed)} of {len(pasts)} could not be fitted: the last value there"
            self.notes.append(note)
        return np.array(found).reshape(len(pasts), -1)

    def _fitted(self, pasts: list[Floats]) -> list[Floats | None]:
        """The quantiles of each series."""
        threads = os.environ.get("OMP_NUM_THREADS", "")
        jobs = int(threads) if threads.isdigit() and int(threads) > 0 else os.cpu_count() or 1
        limit = current_limit()
        if limit.is_set:
            return self._fitted_within(limit, pasts, max(jobs, 2))
        # One process is quicker than two until there is some work: each must import statsforecast.
        run = Parallel(n_jobs=jobs if len(pasts) > FEW else 1)
        return list(run(delayed(self._forecast)(past) for past in pasts))

    def _fitted_within(
        self, limit: TimeLimit, pasts: list[Floats], jobs: int
    ) -> list[Floats | None]:
        """The same within a time limit, in processes, which can be stopped during a fit."""
        # In a random order, so that the first ones are typical.
        order = np.random.default_rng(0).permutation(len(pasts)).tolist()
        found: list[Floats | None] = [None] * len(pasts)
        done, spent, size = 0, 0.0, jobs
        while done < len(order):
            places = order[done : done + size]
            run = Parallel(n_jobs=jobs, timeout=max(limit.left, 0.0))
            try:
                fits = list(run(delayed(self._timed)(pasts[place]) for place in places))
            except TimeoutError:
                raise OutOfTime(None) from None
            for place, (quantiles, seconds) in zip(places, fits, strict=True):
                found[place], spent = quantiles, spent + seconds
            done += len(places)
            if done >= FIRST_FITS or limit.elapsed > CHECKED * limit.seconds:
                limit.expect((len(order) - done) * spent / done / jobs)
            quick = CHECKED * limit.seconds * jobs / max(spent / done, 1e-9)
            size = max(jobs, min(int(quick), len(order)))
        return found

    def _timed(self, past: Floats) -> tuple[Floats | None, float]:
        """The quantiles of one series, and how many seconds its fit took."""
        from statsforecast import models  # noqa: F401 - its import is not the time of a fit

        began = time.perf_counter()
        return self._forecast(past), time.perf_counter() - began

    def _forecast(self, past: Floats) -> Floats | None:
        """Quantiles [horizon, levels] of one series; None where it cannot be fitted."""
        from statsforecast import models

        if len(past) < FEWEST:
            return None
        seasonal = {} if self.kind == "Naive" else {"season_length": self.season}
        method = getattr(models, self.kind)(**seasonal, **self.options)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                answer = method.forecast(y=past, h=self.horizon, level=WIDTHS)
        except Exception:  # numerical errors of many types; a note gives their number
            return None
        quantiles = np.stack([answer[_column(level)] for level in LEVELS], axis=1)
        return np.sort(quantiles, axis=1) if np.isfinite(quantiles).all() else None


class Naive2:
    """The last value, seasonally adjusted where there is a season: the denominator of OWA.

    Its intervals are those of a random walk (Hyndman & Athanasopoulos 2021, 5.5).
    """

    name = "naive2"
    title = "Naive2"
    description = (
        "Naive2, the last value after a seasonal adjustment where there is a season "
        "({makridakis2020})"
    )

    def __init__(self, horizon: int, season: int) -> None:
        self.horizon, self.season = horizon, season
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(self, *parts: Any) -> Naive2:
        """Does nothing: each row is fitted to its own past, in ``predict``."""
        return self

    def predict(self, rows: list[Any]) -> Floats:
        """Quantiles float64 [rows, horizon * levels]; see ``Forecast.predict``."""
        found = []
        for values in _values(rows):
            past = _trimmed(values)
            middle = naive2(past, self.horizon, self.season)
            found.append(middle[:, None] + _walk(past, self.horizon))
        return np.array(found).reshape(len(rows), -1)


def forecast_baselines(horizon: int, season: int, naive_season: int) -> Sequence[Any]:
    """Baselines for forecasts; Naive2 has the season of the metrics, the others that of the data.

    Raises
    ------
    ExtraError
        statsforecast is not installed.
    """
    require_packages(["statsforecast"], "forecast", PURPOSE)
    baselines: list[Any] = [
        Forecast("naive", "Naive", horizon, 1),
        Naive2(horizon, naive_season),
        # Simple exponential smoothing is the ETS model without trend and season.
        Forecast("ses", "AutoETS", horizon, 1, model="ANN"),
        Forecast("theta", "DynamicOptimizedTheta", horizon, season),
        Forecast("ets", "AutoETS", horizon, season),
        Forecast("arima", "AutoARIMA", horizon, season),
    ]
    if season > 1:
        baselines.insert(1, Forecast("seasonal_naive", "SeasonalNaive", horizon, season))
    return baselines


def repeated(past: Floats, horizon: int) -> Floats:
    """The last value with the intervals of a random walk, [horizon, levels]."""
    return np.asarray(past[-1] + _walk(past, horizon))


def _walk(past: Floats, horizon: int) -> Floats:
    """Quantiles of a random walk with the steps of the past, [horizon, levels]."""
    # The standard deviation of normal steps, from their mean absolute value.
    change = naive_error(past, 1) * np.sqrt(np.pi / 2)
    growth = np.sqrt(np.arange(1, horizon + 1))
    return np.asarray(change * growth[:, None] * stats.norm.ppf(LEVELS)[None])


def _values(rows: list[Any]) -> list[list[float | None]]:
    return [row["values"] for row in rows]


def _trimmed(values: list[float | None]) -> Floats:
    """The values from the first that is not missing."""
    numbers = np.array(values, dtype=np.float64)
    known = np.isfinite(numbers)
    if not known.any():
        raise DataError("a series has no values", fix="leave out empty rows and columns")
    return numbers[int(known.argmax()) :]


def _column(level: float) -> str:
    """The column of a quantile in statsforecast: an end of one of its intervals."""
    if level == LEVELS[MEDIAN]:
        return "mean"
    return f"{'lo' if level < 0.5 else 'hi'}-{round(100 * abs(1 - 2 * level))}"
