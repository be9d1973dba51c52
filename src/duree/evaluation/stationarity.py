"""Stationarity: tests of series for a unit root (ADF) and against stationarity (KPSS).

Source: Dickey & Fuller 1979 (augmented as in Said & Dickey 1984); Kwiatkowski et al. 1992. The
tests are those of statsmodels; their results are reported, and change nothing.
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from duree.results.run_files import Stationarity

Floats = NDArray[np.float64]

LEVEL = 0.05
# At most so many series are tested, on their last values: a test takes some milliseconds.
MOST_SERIES, MOST_VALUES = 100, 500
# With fewer values neither test has power.
FEWEST = 20


def stationarity(series: list[Floats], seed: int) -> Stationarity | None:
    """The number of series that each test finds non-stationary, for values and for changes.

    Parameters
    ----------
    series : list of float64 [steps]
        Transformed training values, none missing.
    seed : int
        Samples the series, where there are many.

    Returns
    -------
    Stationarity or None
        ``series``: how many were tested; ``values`` and ``changes``, each
        ``{"unit_root": series for which ADF does not reject a unit root, "wanders": for which KPSS
        rejects stationarity}``. None where statsmodels is missing, or every series is too short or
        constant.
    """
    if find_spec("statsmodels") is None:
        return None
    usable = [v[-MOST_VALUES:] for v in series if len(v) >= FEWEST and np.ptp(np.diff(v)) > 0]
    if not usable:
        return None
    order = np.random.default_rng(seed).permutation(len(usable))[:MOST_SERIES]
    tested = [usable[place] for place in order]
    return Stationarity(
        series=len(tested),
        values=_counted(tested),
        changes=_counted([np.diff(values) for values in tested]),
    )


def _counted(series: list[Floats]) -> dict[str, int]:
    from statsmodels.tsa.stattools import adfuller, kpss

    unit_root = wanders = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # p-values outside the tables are clipped
        for values in series:
            # Schwert's rule, without a search over lags: one regression for each series.
            lags = min(int(12 * (len(values) / 100) ** 0.25), len(values) // 2 - 2)
            unit_root += adfuller(values, maxlag=lags, autolag=None)[1] >= LEVEL
            try:
                p_value = kpss(values, regression="c", nlags="auto")[1]
            except OverflowError:  # of an almost constant series no number of lags is found
                p_value = kpss(values, regression="c", nlags="legacy")[1]
            wanders += p_value < LEVEL
    return {"unit_root": int(unit_root), "wanders": int(wanders)}
