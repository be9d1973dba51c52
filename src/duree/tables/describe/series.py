"""Descriptive statistics of series of numbers: counts, lengths, ranges and missing values."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.recipe.settings import NUMBERS
from duree.results.series import Channel, ChannelFacts, Curve
from duree.tables.describe.states import most_frequent
from duree.tables.finding import Finding
from duree.tables.source_rows import Rows

# Channels that get a finding each.
MOST_NAMED = 12
# In figures: the most channels and steps, and the fewest rows at a step.
MOST_DRAWN, MOST_STEPS, FEWEST_ROWS = 6, 200, 4
# The name of all rows, where there are no classes.
ALL = ""


def check_steps(series: pl.Series, times: int | None = None) -> list[Finding]:
    """The number of series, their lengths, and duplicates among them.

    Parameters
    ----------
    series : polars.Series of List(Array(Float64)) [rows]
    times : int, optional
        Number of time points of a wide table.
    """
    lengths = series.list.len()
    facts: dict[str, object] = {
        "count": len(series),
        "shortest": lengths.min(),
        "median": round(float(lengths.median() or 0)),  # type: ignore[arg-type]
        "longest": lengths.max(),
    }
    what = "series: {count}, of {shortest} to {longest} steps (median {median})"
    if facts["shortest"] == facts["longest"]:
        what = "series: {count}, of {longest} steps each"
    findings = [Finding("series", "ok", what, values=facts)]
    if times is not None and (rows := lengths.lt(times).arg_true().to_list()):
        what = "sequences that end before the last time point: {count}"
        first = tuple(rows[:5])
        findings.append(Finding("ended", "note", what, "", {"count": len(rows)}, first))
    return [*findings, *_same(series)]


def check_channels(series: pl.Series, names: list[str]) -> list[Finding]:
    """The range of each channel, constant channels, and missing values.

    ``names`` are those of the first channels; further ones were added when the table was read.
    """
    values = steps_of(series)[:, : len(names)]
    of_rows = np.repeat(np.arange(len(series)), series.list.len().to_numpy())
    findings = []
    for name, column in list(zip(names, values.T, strict=True))[:MOST_NAMED]:
        findings += _of_channel(name, column, of_rows)
    if len(names) > MOST_NAMED:
        more: dict[str, object] = {"count": len(names) - MOST_NAMED}
        what = "further channels, not listed: {count}"
        findings.append(Finding("channels", "ok", what, values=more))
    return findings


def describe_channels(
    series: pl.Series,
    channels: list[str],
    times: list[str],
    target: pl.Series | None = None,
    weights: NDArray[np.float64] | None = None,
) -> ChannelFacts:
    """The data of the report's section on series.

    Parameters
    ----------
    series : polars.Series of List(Array(Float64)) [rows]
    channels : list of str
        The names of the first channels.
    times : list of str
        The names of the steps, as many as in the longest series.
    target : polars.Series of String [rows], optional
        The classes of the rows; None if there are none.
    weights : float64 [rows], optional
        Case weights for means and quartiles.

    Returns
    -------
    ChannelFacts
        ``rows``; ``lengths``: the shortest, the median and the longest; ``channels``: for each the
        ``name``, the share ``missing``, and ``low``, ``mean``, ``deviation`` and ``high`` of its
        steps; ``places``: at most 200 steps, from 0, and ``times``, their names; ``curves``: for
        each of the first 6 channels and the 6 most frequent classes (``""``: all rows) ``mean``,
        ``low`` and ``high`` [places], the mean and the quartiles over the rows with a known value
        at that step (None if they are fewer than 4); ``class_rows``.
    """
    lengths = series.list.len().to_numpy().astype(np.int64)
    begins, steps = np.cumsum(lengths) - lengths, steps_of(series)
    every = np.ones(len(series)) if weights is None else weights
    longest = int(lengths.max())
    places = np.arange(0, longest, -(-longest // MOST_STEPS))
    of_class = most_frequent(target) or {ALL: np.ones(len(series), dtype=bool)}
    curves: dict[str, dict[str, Curve]] = {name: {} for name in channels[:MOST_DRAWN]}
    for name, own in of_class.items():
        rows = [np.flatnonzero(own & (lengths > place)) for place in places]
        for channel, curve in enumerate(curves.values()):
            found = [
                _spread(steps[begins[some] + place, channel], every[some])
                for some, place in zip(rows, places, strict=True)
            ]
            parts = zip(*found, strict=True)
            mean, low, high = map(list, parts)
            curve[name] = Curve(mean=mean, low=low, high=high)
    return ChannelFacts(
        rows=len(series),
        lengths=(int(lengths.min()), round(float(np.median(lengths))), longest),
        channels=[_summary(*of) for of in zip(channels, steps.T, strict=False)],
        places=places.tolist(),
        times=[times[place] for place in places],
        curves=curves,
        class_rows={name: int(own.sum()) for name, own in of_class.items()},
    )


def _summary(name: str, values: NDArray[np.float64]) -> Channel:
    known = values[np.isfinite(values)]
    return Channel(
        name=name,
        missing=1 - len(known) / len(values),
        low=float(known.min()),
        mean=float(known.mean()),
        deviation=float(known.std()),
        high=float(known.max()),
    )


def _spread(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float | None, float | None, float | None]:
    """Mean and quartiles of the values that are not missing."""
    known = np.isfinite(values)
    if known.sum() < FEWEST_ROWS:
        return None, None, None
    values, weights = values[known], weights[known]
    order = np.argsort(values, kind="stable")
    passed = np.cumsum(weights[order])
    low, high = (
        float(values[order[np.searchsorted(passed, share * passed[-1])]]) for share in (0.25, 0.75)
    )
    return float(np.average(values, weights=weights)), low, high


def steps_of(series: pl.Series) -> NDArray[np.float64]:
    """The steps of all rows, row by row: float64 [steps, channels]."""
    steps: NDArray[np.float64] = series.list.explode().to_numpy()
    return steps


def _of_channel(name: str, values: NDArray[np.float64], rows: NDArray[np.int64]) -> list[Finding]:
    missing = np.isnan(values)
    known = values[~missing]
    if not len(known):
        what = "{column!r} has no number in any row"
        fix = "leave it out of the series"
        return [Finding("empty_channel", "error", what, fix, {"column": name})]
    low, middle, high = (float(np.quantile(known, share)) for share in (0, 0.5, 1))
    facts: dict[str, object] = {"column": name, "low": low, "middle": middle, "high": high}
    what = "{column!r} holds numbers from {low:g} to {high:g}, with median {middle:g}"
    findings = [Finding("channel", "ok", what, values=facts)]
    if low == high:
        what = "{column!r} is {low:g} wherever it is known: it carries no information"
        findings = [Finding("constant_channel", "warning", what, values=facts)]
    if missing.any():
        facts = {
            "column": name,
            "count": int(missing.sum()),
            "share": float(missing.mean()),
            "series": len(np.unique(rows[missing])),
        }
        what = (
            "missing cells in {column!r}: {count} ({share:.1%}), in {series} series; they are read "
            "as missing"
        )
        findings.append(Finding("missing_cells", "note", what, values=facts))
    return findings


def _same(series: pl.Series) -> list[Finding]:
    """Series identical to another one."""
    frame = pl.DataFrame({NUMBERS: series, "row": pl.int_range(len(series), eager=True)})
    rows = frame.filter(pl.col(NUMBERS).hash().is_duplicated())["row"].to_list()
    if not rows:
        return []
    what = "series identical to another series: {count} ({rows} ...)"
    fix = "if they are copies, keep them in the same set with --group COLUMN"
    facts: dict[str, object] = {"count": len(rows), "rows": Rows(rows)}
    return [Finding("same_series", "note", what, fix, facts, tuple(rows[:5]))]
