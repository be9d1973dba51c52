"""Season search: the length of the seasonal cycle that series without a calendar show.

A cycle of m steps shows as peaks of the autocorrelation at m and 2m steps. Trends and random walks
have high autocorrelations as well: a quadratic trend and an autoregression on the value before
remove them first. Of several lengths that series show, the one whose seasonal means fit best is
taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from duree.tables.time.seasons import CYCLES, without_gaps

Floats = NDArray[np.float64]

# The probability of finding a season of any length in series that have none.
ERROR_RATE = 0.01
# The share of series that must show a season before all models use it.
AGREEMENT = 0.5
# The longest season to look for: a year of days.
LONGEST = 366
# The most series to search, spread evenly over the table.
MOST_SERIES = 500
# The peak at twice a season is at least this share of that at the season; cycles that drift fade.
LASTING = 0.5
# Seasons that so large a share of the series show, of the most for any season, are compared.
AS_OFTEN = 0.9
# The fewest values of a series that is searched.
FEWEST = 8
# Outliers are cut at so many standard deviations, estimated from the median absolute deviation.
FARTHEST = 3.0
# The least variance of what is left, as a share of that of the values; below is rounding.
LEAST_LEFT = 1e-12


@dataclass(frozen=True)
class SeasonFound:
    """The season that fits best, and how many series show it.

    Attributes
    ----------
    season : int
    seasonal, series : int
        The number of series that show it, of those that are long enough for it.
    longer : int or None
        A multiple of the season that fits better, but is longer than every model can fit.
    """

    season: int
    seasonal: int
    series: int
    longer: int | None = None

    @property
    def is_agreed(self) -> bool:
        """Whether enough series show it for all models to use it."""
        return self.seasonal >= AGREEMENT * self.series


def find_season(series: list[Floats], longest: int) -> SeasonFound | None:
    """The season of the series; None if they show no more than chance would.

    Parameters
    ----------
    series : list of float64 [steps]
        Training values; NaN if missing.
    longest : int
        The longest season that every model can fit: a longer one is replaced by a divisor up to
        this that fits at least half as well.
    """
    every = -(-len(series) // MOST_SERIES) or 1
    left = [found for values in series[::every] if len(found := _innovations(values))]
    lags = min(max(((len(found) + 1) // CYCLES for found in left), default=0), LONGEST)
    if lags < 2:
        return None
    shown, able = np.zeros(lags + 1, dtype=np.int64), np.zeros(lags + 1, dtype=np.int64)
    for found in left:
        peaks = _peaks(found)[: lags + 1]
        shown[: len(peaks)] += peaks
        able[2 : len(peaks)] += 1
    chance = ERROR_RATE / lags
    by_chance = stats.binom.sf(shown - 1, able, chance)
    candidates = np.flatnonzero((shown > 0) & (by_chance * lags <= ERROR_RATE * (1 + 1e-9)))
    if len(candidates) == 0:
        return None

    @cache
    def cost(season: int) -> float:
        return sum(_cost(found, season) for found in left)

    often = candidates[shown[candidates] >= AS_OFTEN * shown[candidates].max()]
    season = min(often.tolist(), key=cost)
    short = [one for one in range(2, longest + 1) if season % one == 0]
    short = [one for one in short if cost(one) < 0 and 2 * cost(one) <= cost(season)]
    if season > longest and short:
        shorter = min(short, key=cost)
        return SeasonFound(shorter, int(shown[season]), int(able[season]), season)
    return SeasonFound(season, int(shown[season]), int(able[season]))


def _innovations(values: Floats) -> Floats:
    """What a quadratic trend and the value before leave of a series, outliers cut; may be empty.

    Logarithms are taken of positive values, whose seasons mostly grow with the level.
    """
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < FEWEST:
        return np.zeros(0)
    values = without_gaps(values[known[0] :])
    values = np.log(values) if values.min() > 0 else values
    values = values - values.mean()
    time = np.linspace(-1, 1, len(values) - 1)
    given = np.column_stack([np.ones_like(time), time, time**2, values[:-1]])
    if np.linalg.lstsq(given, values[1:], rcond=None)[0][-1] < 0:
        given = given[:, :-1]  # alternation is a season of two steps
    left = values[1:] - given @ np.linalg.lstsq(given, values[1:], rcond=None)[0]
    if left.var() <= LEAST_LEFT * values.var():
        return np.zeros(0)
    spread = FARTHEST * stats.median_abs_deviation(left, scale="normal")
    left = np.clip(left, -spread, spread) if spread > 0 else left
    return np.asarray(left - left.mean())


def _peaks(left: Floats) -> NDArray[np.bool_]:
    """For each lag from 0, whether the autocorrelation peaks significantly there and at twice it.

    A peak is a positive value that exceeds the mean over one cycle around it. Standard errors are
    Bartlett's for autocorrelation at the first two lags.
    """
    count = len(left)
    lags = np.arange(min((count + 1) // CYCLES, LONGEST) + 1)
    found = _autocorrelations(left, min(count - 2, 5 * len(lags) // 2))
    sums = np.concatenate([[0.0], np.cumsum(found)])
    # Both peaks must be significant: by chance alone they are independent.
    critical = stats.norm.isf(np.sqrt(ERROR_RATE / len(lags)))
    near = np.where(lags > 2, np.square(found[1:3]).sum(), found[1] ** 2)
    heights, errors = [], []
    for place in (lags, 2 * lags):
        # Lag 1 is left out: noise around a walk makes it negative.
        low = np.maximum(place - lags // 2, 2)
        high = np.maximum(np.minimum(place + lags // 2, len(found) - 1), low)
        around = (sums[high + 1] - sums[low]) / (high + 1 - low)
        heights.append(np.minimum(found[place], found[place] - around))
        errors.append(np.sqrt((1 + 2 * near) / (count - place)))
    first, second = heights
    is_peak = (first > critical * errors[0]) & (second > critical * errors[1])
    return np.asarray(is_peak & (second > LASTING * first) & (lags > 1))


def _autocorrelations(values: Floats, lags: int) -> Floats:
    """Autocorrelations at the lags 0 to ``lags``, each over the pairs that there are."""
    size = 1 << (2 * len(values)).bit_length()
    power = np.abs(np.fft.rfft(values, size)) ** 2
    products = np.fft.irfft(power, size)[: lags + 1] / (len(values) - np.arange(lags + 1))
    return np.asarray(products / products[0])


def _cost(left: Floats, season: int) -> float:
    """The AICc of seasonal means, relative to that of one mean; 0 if the series is too short."""
    count = len(left)
    if (count + 1) // CYCLES < season:
        return 0.0
    place = np.arange(count) % season
    sums = np.bincount(place, left, minlength=season)
    explained = float((sums**2 / np.bincount(place, minlength=season)).sum() / (left @ left))
    penalty = 2 * season * count / (count - season - 1)
    return float(count * np.log(max(1 - explained, LEAST_LEFT))) + penalty
