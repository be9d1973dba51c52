"""Origins: from series to rows, each a moment in one series, what was known, and what came.

The rows of each series are parted by time. The test's forecasts start last, the validation's before
them, and the training's before those; a row's answer never reaches past the next part's first
origin. Nothing in a row's input, nor in what its error is measured in, comes from after its origin.
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
from duree.tables.split.split import TEST, TRAIN, VALIDATION, Split
from duree.tables.time.seasons import naive2, naive_error

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# So many test forecasts are wished for, of all series together, and at most so many of one.
WISHED_FORECASTS, MOST_ORIGINS = 30, 10
# Of a series, so much may go to its test, and as much to its validation.
TEST_SHARE = 0.2
# Steps that a forecast must have seen, at least.
FEWEST = 4
# Older windows are drawn less often: so many steps back, e times less.
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
    """How many steps are read and forecast, as settings and lengths have it.

    Attributes
    ----------
    horizon, window, season, naive_season : int
    origins : int
        Test forecasts of each series.
    findings : list of Finding
        What was shrunk, and why.
    """

    horizon: int
    window: int
    season: int
    naive_season: int
    origins: int
    findings: tuple[Finding, ...] = ()

    @property
    def reach(self) -> int:
        """How many steps before its origin a window may look at."""
        return self.window + -(-self.horizon // self.season) * self.season + 1


def plan_forecasts(series: SeriesSet, settings: ForecastSettings, tested: Ints | None) -> Plan:
    """Find what the settings leave open.

    Parameters
    ----------
    series : SeriesSet
        The whole series, a test file's values included.
    settings : ForecastSettings
    tested : int64 [series], optional
        How many last steps of each series a test file gave.

    Raises
    ------
    DataError
        No horizon is set, and none follows from a test file.
    """
    horizon = settings.horizon or (int(tested.max()) if tested is not None else None)
    if horizon is None:
        raise DataError("nothing says how many steps to forecast", fix="add --horizon STEPS")
    lengths = np.array([len(values) for values in series.values])
    if tested is not None:
        lengths = lengths - tested
    median = float(np.median(lengths))
    findings = []
    season = settings.season or series.period
    if season > 1 and median < 2 * season + horizon:
        what = (
            "the season of {season} steps is not used: with a median length of {median} "
            "steps, the series are too short to show it"
        )
        facts: dict[str, object] = {"season": season, "median": round(median)}
        findings.append(Finding("season", "warning", what, values=facts))
        season = 1
    origins = settings.origins or 1
    if settings.origins is None and tested is None:
        wished = -(-WISHED_FORECASTS // max(len(series), 1))
        origins = int(np.clip(TEST_SHARE * median / horizon, 1, min(wished, MOST_ORIGINS)))
    before = median - (0 if tested is not None else origins * horizon) - origins * horizon
    wish = settings.window or max(5 * horizon, 2 * season if season > 1 else 0, 8)
    # A window as long as the series would leave one to learn from.
    window = int(max(min(wish, before // 2), min(horizon, before // 2), 2))
    if settings.window:
        window = settings.window
    elif window < wish:
        what = (
            "the network reads windows of {window} steps instead of {wish}: with a median "
            "length of {median} steps, the series have no longer ones to train on"
        )
        facts = {"window": window, "wish": wish, "median": round(median)}
        findings.append(Finding("window", "note", what, values=facts))
    return Plan(horizon, window, season, settings.naive_season or season, origins, tuple(findings))


def roll(
    series: SeriesSet, plan: Plan, tested: Ints | None, *, most: int, calendar: bool, seed: int
) -> tuple[pl.DataFrame, Split]:
    """Rows for training, validation and test: a series, an origin, what was known and what came.

    Parameters
    ----------
    series : SeriesSet
    plan : Plan
    tested : int64 [series], optional
    most : int
        Training windows at most.
    calendar : bool
        Whether the calendar's channels stand before those of the known columns.
    seed : int
        Draws the windows, where there are more.

    Returns
    -------
    polars.DataFrame
        ``series``, ``origin`` (the time of the last step seen), ``time`` (of the steps to come;
        null for training), ``input`` and ``answer``.
    Split

    Raises
    ------
    DataError
        A series is too short for a forecast, or no series leaves anything to learn from.
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
        # A series too short for all parts gives its test and its training, and chooses nothing.
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
    """The series that have ``needed`` steps; the others stop the run, or are told and left out.

    Raises
    ------
    DataError
        One is too short, and ``drop_bad`` is not set; or all are.
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
        raise DataError(
            what,
            "a horizon of {horizon} steps",
            "forecast fewer steps (--horizon), or leave such series out with --drop-bad",
            **facts,
        )
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
    """What was known at each origin, Struct [rows]: all of it, or as far as a window reaches.

    ``rows`` are places of series and origins: how many steps were seen.
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
    """What came after each origin, Struct [rows], and for judging, what errors are measured in."""
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
    """All windows, or ``most`` of them: each series by the root of what it has, late ones rather.

    Only lengths decide: what the values are plays no part.
    """
    if len(possible) <= most:
        return [(place, origin) for place, origin, _ in possible]
    place, origin, age = np.array(possible).T
    weight = np.exp(-age / RECENT)
    weight /= np.sqrt(np.bincount(place, weight, minlength=count))[place]
    # The largest keys are a draw without replacement by weight (Efraimidis & Spirakis 2006).
    keys = np.log(np.random.default_rng(seed).random(len(weight))) / weight
    chosen = np.sort(np.argpartition(-keys, most)[:most])
    return list(zip(place[chosen].tolist(), origin[chosen].tolist(), strict=True))
