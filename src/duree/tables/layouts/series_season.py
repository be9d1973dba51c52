"""The season of series: set, that of the calendar, or found in the training values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from duree.recipe.settings import ForecastSettings
from duree.tables.finding import Finding
from duree.tables.layouts.series import SeriesSet
from duree.tables.time.season_search import SeasonFound, find_season
from duree.tables.time.seasons import LONGEST_SEASON

Ints = NDArray[np.int64]

# The check of the finding that a season was found and is used; its values are in the report.
FOUND = "season_found"
SET, SET_TO_NONE = "the season is {season} steps, as it was set", "no season is used, as it was set"
OF_CALENDAR = "the season is {season} steps, by the calendar"
NOT_IN_CALENDAR = "no season is used: steps of this length have none in the calendar"


def season_of(
    series: SeriesSet, settings: ForecastSettings, lengths: Ints, held: int, horizon: int
) -> tuple[int, list[Finding]]:
    """The season that all models use (1: none), and findings on it.

    Where neither the settings nor the times give it, it is searched in the values before those of
    validation and test.

    Parameters
    ----------
    series : SeriesSet
    settings : ForecastSettings
    lengths : int64 [series]
        Steps of each series, without those of a test file.
    held : int
        The last of these steps that are for validation and test.
    horizon : int
    """
    season = settings.season or series.period
    if settings.season is not None:
        what = SET if season > 1 else SET_TO_NONE
        findings = [Finding("season_set", "ok", what, values={"season": season})]
    elif series.has_calendar:
        what = OF_CALENDAR if season > 1 else NOT_IN_CALENDAR
        findings = [Finding("season_of_calendar", "ok", what, values={"season": season})]
    else:
        ends = np.maximum(lengths - held, 0).tolist()
        parts = [values[:end] for values, end in zip(series.values, ends, strict=True)]
        found = find_season(parts, LONGEST_SEASON)
        season = found.season if found is not None and found.is_agreed else 1
        findings = _described(found) if found is not None else [_not_found()]
    median = float(np.median(lengths))
    if season > 1 and median < 2 * season + horizon:
        what = (
            "the season of {season} steps is not used: with a median length of {median} "
            "steps, the series are too short to show it"
        )
        facts: dict[str, object] = {"season": season, "median": round(median)}
        return 1, [Finding("season", "warning", what, values=facts)]
    return season, findings


def _not_found() -> Finding:
    what = "no season was set, and none was found in the training values: no model uses one"
    fix = "if the series have a season, add --set season=STEPS"
    return Finding("season_not_found", "note", what, fix)


def _described(found: SeasonFound) -> list[Finding]:
    facts: dict[str, object] = {
        "season": found.season,
        "seasonal": found.seasonal,
        "series": found.series,
    }
    if not found.is_agreed:
        what = (
            "{seasonal} of {series} series look seasonal, with a season of {season} steps: too few "
            "for all models to use it"
        )
        fix = "if they have this season, add --set season={season}; if not, add --set season=1"
        return [Finding("season_unclear", "warning", what, fix, facts)]
    what = (
        "no season was set: a season of {season} steps was found in the training values of "
        "{seasonal} of {series} series, and all models use it"
    )
    fix = "for another season, add --set season=STEPS; for none, --set season=1"
    findings = [Finding(FOUND, "note", what, fix, facts)]
    if found.longer:
        what = (
            "the series also show a season of {longer} steps, longer than ETS and ARIMA can fit: "
            "the shorter one is used, so that all models have it"
        )
        fix = "to use the longer one in the others, add --set season={longer}"
        facts = {"longer": found.longer}
        findings.append(Finding("longer_season", "note", what, fix, facts))
    return findings
