"""Simulated counts over time: strikes by month and region, with a season and slow changes."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

REGIONS = ("coast", "hills", "mines", "plain", "port", "town")
YEARS, FIRST_YEAR = 12, 1900
SEASON = 12


def generate(years: int = YEARS, seed: int = 0) -> pl.DataFrame:
    """Rows with ``month``, ``region`` and the number of ``strikes``.

    The expected number of a region rises and falls over the year, most in its own month, and
    drifts from month to month; the counts are Poisson distributed around it.
    """
    rng = np.random.default_rng(seed)
    steps = SEASON * years
    months = [date(FIRST_YEAR + step // SEASON, step % SEASON + 1, 1) for step in range(steps)]
    frames = []
    for region in REGIONS:
        level = np.log(rng.uniform(15, 60)) + np.cumsum(rng.normal(0, 0.04, steps))
        season = 0.5 * np.cos(2 * np.pi * (np.arange(steps) - rng.integers(SEASON)) / SEASON)
        strikes = rng.poisson(np.exp(level + season))
        frames.append(pl.DataFrame({"month": months, "region": region, "strikes": strikes}))
    return pl.concat(frames)
