"""Rolling origins: from series to rows, each with the values before an origin and those after it.

The rows of each series are split by time: training origins come first, then those of validation,
then those of the test set. No target extends beyond the first origin of the next set. The inputs of
a row, and the scales of its errors, use no values after its origin.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.recipe.settings import ForecastSettings
from duree.tables.finding import Finding, listed
from duree.tables.layouts.series import SeriesSet
from duree.tables.layouts.series_files import SeriesFiles
from duree.tables.layouts.series_season import season_of
from duree.tables.split.split import TEST, TRAIN, VALIDATION, Split
from duree.tables.time.seasons import naive2, naive_error

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Desired number of test forecasts over all series, and the maximum per series.
WISHED_FORECASTS, MOST_ORIGINS = 30, 10
# Maximum share of a series used for testing, and likewise for validation.
TEST_SHARE = 0.2
# Minimum number of steps before an origin.
FEWEST = 4
# Sampling weights of windows decay with age by a factor of e per so many steps.
RECENT = 500.0

NUMBERS = pl.List(pl.Float64)
INPUT = pl.Struct({"values": NUMBERS, "past": NUMBERS, "known": NUMBERS})
ANSWER = pl.Struct(
    {
        "values": NUMBERS,
        "scale": pl.Float64(),
        "naive_smape": pl.Float64(),
        "naive_mase": pl.Float64(),
    }
)

GIVEN = (
    "each series was split by time: test forecasts start where the test file begins, and the "
    "{validation} × {horizon} steps before it are for validation"
)
ROLLING = (
    "each series was split by time, without gaps: its last {origins} × {horizon} steps are "
    "for testing, the {validation} × {horizon} steps before them for validation"
)
WINDOWS = (
    "the {windows:,} windows before that are for training; no forecast uses anything after "
    "its origin"
)
THINNED = "{windows:,} of {possible:,} windows were drawn, preferably recent ones"


@dataclass(frozen=True)
class Plan:
    """The numbers of steps to read and to forecast, by the settings and the lengths of the series.

    Attributes
    ----------
    horizon, window, season, naive_season : int
    origins : int
        Number of test forecasts per series.
    findings : list of Finding
        Values that were reduced, and why.
    """

    horizon: int
    window: int
    season: int
    naive_season: int
    origins: int
    findings: tuple[Finding, ...] = ()

    @property
    def reach(self) -> int:
        """The maximum number of steps before the origin that a window depends on."""
        return self.window + -(-self.horizon // self.season) * self.season + 1


def plan_forecasts(series: SeriesSet, settings: ForecastSettings, tested: Ints | None) -> Plan:
    """Determine the values that the settings leave open.

    Parameters
    ----------
    series : SeriesSet
        Including the values of the test file.
    settings : ForecastSettings
    tested : int64 [series], optional
        Number of last steps of each series that are from the test file.

    Raises
    ------
    DataError
        No horizon is set, and there is no test file to infer it from.
    """
    horizon = settings.horizon or (int(tested.max()) if tested is not None else None)
    if horizon is None:
        raise DataError("nothing says how many steps to forecast", fix="add --horizon STEPS")
    lengths = np.array([len(values) for values in series.values])
    if tested is not None:
        lengths = lengths - tested
    median = float(np.median(lengths))
    origins = settings.origins or 1
    if settings.origins is None and tested is None:
        wished = -(-WISHED_FORECASTS // max(len(series), 1))
        origins = int(np.clip(TEST_SHARE * median / horizon, 1, min(wished, MOST_ORIGINS)))
    held = origins * horizon * (1 if tested is not None else 2)
    season, findings = season_of(series, settings, lengths, held, horizon)
    before = median - held
    wish = settings.window or max(5 * horizon, 2 * season if season > 1 else 0, 8)
    # Windows as long as the series would leave a single one for training.
    window = int(max(min(wish, before // 2), min(horizon, before // 2), 2))
    if settings.window:
        window = settings.window
    elif window < wish:
        what = (
            "the network reads windows of {window} steps instead of {wish}: with a median "
            "length of {median} steps, the series have no longer ones to train on"
        )
        facts: dict[str, object] = {"window": window, "wish": wish, "median": round(median)}
        findings.append(Finding("window", "note", what, values=facts))
    return Plan(horizon, window, season, settings.naive_season or season, origins, tuple(findings))


def planned(
    files: SeriesFiles, settings: ForecastSettings, *, drop_bad: bool
) -> tuple[SeriesFiles, Plan]:
    """The series that are long enough, and the plan of forecasts.

    Raises
    ------
    DataError
        See ``plan_forecasts`` and ``without_short``.
    """
    tested = files.tested
    plan = plan_forecasts(files.series, settings, tested)
    needed = FEWEST + (plan.horizon if tested is None else int(tested.max()))
    usable = without_short(files.series, plan.horizon, drop_bad=drop_bad, needed=needed)
    if usable is files.series:
        return files, plan
    if tested is not None:
        tested = tested[[name in set(usable.names) for name in files.series.names]]
    plan = plan_forecasts(usable, settings, tested)
    return replace(files, series=usable, tested=tested), plan


def look_over(files: SeriesFiles, settings: ForecastSettings, *, drop_bad: bool) -> list[Finding]:
    """The findings on series to forecast, as a run reports them.

    Where nothing says how many steps to forecast, the season is searched in the values that come
    before those of validation and test for any short horizon.
    """
    if settings.horizon or files.tested is not None:
        files, plan = planned(files, settings, drop_bad=drop_bad)
        return [*files.series.findings, *plan.findings]
    lengths = np.array([len(values) for values in files.series.values])
    held = round(2 * TEST_SHARE * float(np.median(lengths)))
    season = season_of(files.series, settings, lengths, held, horizon=1)[1]
    return [*files.series.findings, *season]


def roll(
    series: SeriesSet, plan: Plan, tested: Ints | None, *, most: int, calendar: bool, seed: int
) -> tuple[pl.DataFrame, Split]:
    """Rows for training, validation and test, each an origin in a series with input and target.

    Parameters
    ----------
    series : SeriesSet
    plan : Plan
    tested : int64 [series], optional
    most : int
        Maximum number of training windows.
    calendar : bool
        Whether channels of the calendar precede those of the known covariates.
    seed : int
        Seed for drawing windows, if there are more than ``most``.

    Returns
    -------
    polars.DataFrame
        ``series``, ``origin`` (the time of the last known step), ``time`` (of the steps to
        forecast; null for training), ``input`` and ``answer``.
    Split

    Raises
    ------
    DataError
        A series is too short for a forecast, or there are no training windows.
    """
    horizon = plan.horizon
    rows: dict[int, list[tuple[int, int]]] = {TRAIN: [], VALIDATION: [], TEST: []}
    possible = []
    for place, values in enumerate(series.values):
        length = len(values)
        given = 0 if tested is None else int(tested[place])
        first = length - given if tested is not None else length - plan.origins * horizon
        while tested is None and first < FEWEST:
            first += horizon
        rows[TEST] += [(place, origin) for origin in range(first, length, horizon)]
        held = [first - horizon * back for back in range(plan.origins, 0, -1)]
        # A series that is too short for all three sets has no validation rows.
        held = [origin for origin in held if origin >= FEWEST + horizon]
        rows[VALIDATION] += [(place, origin) for origin in held]
        last = (held[0] if held else first) - horizon
        possible += [(place, origin, last - origin) for origin in range(FEWEST, last + 1)]
    rows[TRAIN] = _drawn(possible, len(series), most, seed)
    if not rows[VALIDATION]:
        rows[TRAIN], rows[VALIDATION] = rows[TRAIN][:-1], rows[TRAIN][-1:]
    frames, parts = [], []
    for part, chosen in rows.items():
        whole = part != TRAIN
        usable = [at for at in chosen if np.isfinite(_answer(series, at, horizon)).any()]
        frames.append(
            pl.DataFrame(
                {
                    "series": [series.names[place] for place, _ in usable],
                    "origin": [series.label(place, origin - 1) for place, origin in usable],
                    "time": [
                        [series.label(place, origin + step) for step in range(horizon)]
                        if whole
                        else None
                        for place, origin in usable
                    ],
                    "input": inputs(series, usable, plan, calendar=calendar, whole=whole),
                    "answer": _answers(series, usable, plan, whole=whole),
                },
                schema_overrides={
                    "series": pl.String,
                    "origin": pl.String,
                    "time": pl.List(pl.String),
                },
            )
        )
        parts.append(np.full(len(usable), part))
    part_of = np.concatenate(parts)
    counts = np.bincount(part_of, minlength=3)
    facts: dict[str, Any] = {
        "origins": plan.origins,
        "validation": plan.origins,
        "horizon": horizon,
        "windows": int(counts[TRAIN]),
        "possible": len(possible),
    }
    clauses = [GIVEN if tested is not None else ROLLING, WINDOWS]
    if len(possible) > counts[TRAIN]:
        clauses.append(THINNED)
    none = np.zeros(0, dtype=np.int64)
    split = Split(
        train=np.flatnonzero(part_of == TRAIN),
        validation=np.flatnonzero(part_of == VALIDATION),
        test=np.flatnonzero(part_of == TEST),
        left_out=none,
        shared=none,
        seed=seed,
        clauses=tuple(clauses),
        values=facts,
    )
    return pl.concat(frames), split


def without_short(series: SeriesSet, horizon: int, *, drop_bad: bool, needed: int) -> SeriesSet:
    """The series with at least ``needed`` steps; the others are left out, with a finding.

    Raises
    ------
    DataError
        A series is too short and ``drop_bad`` is false, or all are too short.
    """
    short = [place for place, values in enumerate(series.values) if len(values) < needed]
    if not short:
        return series
    named = [series.names[place] for place in short]
    facts: dict[str, Any] = {
        "count": len(short),
        "needed": needed,
        "horizon": horizon,
        "listed": listed(named),
    }
    what = "{count} series have fewer than {needed} steps: {listed}"
    if not drop_bad or len(short) == len(series):
        fix = "forecast fewer steps (--horizon), or leave such series out with --drop-bad"
        if max(map(len, series.values)) == 1:
            fix = "each row was read as a series: where each is one time, add --time COLUMN"
        raise DataError(what, "a horizon of {horizon} steps", fix, **facts)
    usable = series.take([place for place in range(len(series)) if place not in set(short)])
    left = "{count} series have fewer than {needed} steps: {listed}; they were left out"
    found = Finding("short_series", "warning", left, values=facts)
    return replace(usable, findings=[*series.findings, found])


def inputs(
    series: SeriesSet,
    rows: list[tuple[int, int]],
    plan: Plan,
    *,
    calendar: bool,
    whole: bool = True,
) -> pl.Series:
    """The input of each row, Struct [rows]: all steps before the origin if ``whole``, or else those
    that the window depends on.

    ``rows`` are pairs (index of the series, number of steps before the origin).
    """
    found = []
    for place, origin in rows:
        begin = 0 if whole else max(0, origin - plan.reach)
        known = series.known[place][begin : origin + plan.horizon]
        if calendar and series.frequency:
            own = series.places[place]
            steps = own[0] + np.arange(begin, origin + plan.horizon)
            circles = series.frequency.calendar(steps)
            known = np.column_stack([circles[: len(known)], known]) if known.shape[1] else circles
        found.append(
            {
                "values": series.values[place][begin:origin],
                "past": series.past[place][begin:origin].ravel(),
                "known": known.ravel(),
            }
        )
    return pl.Series("input", found, dtype=INPUT)


def _answers(
    series: SeriesSet, rows: list[tuple[int, int]], plan: Plan, *, whole: bool
) -> pl.Series:
    """The values after each origin, Struct [rows]; if ``whole``, also the scales of errors."""
    found = []
    for at in rows:
        place, origin = at
        actual = _answer(series, at, plan.horizon)
        answer: dict[str, Any] = {"values": actual}
        if whole:
            past = series.values[place][:origin]
            scale = naive_error(past, plan.naive_season)
            naive = naive2(past, plan.horizon, plan.naive_season)
            errors = np.abs(naive - actual)
            size = np.abs(naive) + np.abs(actual)
            answer["scale"] = scale
            answer["naive_smape"] = np.nanmean(200 * errors / np.where(size == 0, 1.0, size))
            answer["naive_mase"] = np.nanmean(errors) / scale if scale > 0 else None
        found.append(answer)
    return pl.Series("answer", found, dtype=ANSWER)


def _answer(series: SeriesSet, row: tuple[int, int], horizon: int) -> Floats:
    place, origin = row
    values = series.values[place][origin : origin + horizon]
    return np.pad(values, (0, horizon - len(values)), constant_values=np.nan)


def _drawn(
    possible: list[tuple[int, int, int]], count: int, most: int, seed: int
) -> list[tuple[int, int]]:
    """All windows, or a sample of ``most``, weighted towards recent ones.

    The weight of a series grows with the square root of its number of windows. The values are not
    used.
    """
    if len(possible) <= most:
        return [(place, origin) for place, origin, _ in possible]
    place, origin, age = np.array(possible).T
    weight = np.exp(-age / RECENT)
    weight /= np.sqrt(np.bincount(place, weight, minlength=count))[place]
    # Weighted sampling without replacement takes the largest keys (Efraimidis & Spirakis 2006).
    keys = np.log(np.random.default_rng(seed).random(len(weight))) / weight
    chosen = np.sort(np.argpartition(-keys, most)[:most])
    return list(zip(place[chosen].tolist(), origin[chosen].tolist(), strict=True))
