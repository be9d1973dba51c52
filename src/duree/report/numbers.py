"""Formatting of numbers, with as many digits as the number of rows justifies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from duree.evaluation.verdict import FEW_ROWS, Evidence, is_some
from duree.report.vocabulary import Words
from duree.results.metric import Metric
from duree.results.run_files import Estimate

MINUS = "\u2212"
# The space before a percent sign, which Chinese texts do not have.
THIN_SPACE = "\u202f"
MOST_DECIMALS = 6


@dataclass(frozen=True)
class Shown:
    """A formatted figure: ``value`` and, if there is one, ``interval``."""

    value: str
    interval: str

    def __str__(self) -> str:
        return f"{self.value} {self.interval}".strip()


def estimate(figure: Estimate, metric: Metric, rows: int) -> Shown:
    """``0.861 [0.848, 0.873]``; two decimals below 100 rows."""
    places = decimals(metric, rows, figure.value, figure.low, figure.high)
    return Shown(number(figure.value, places), _interval(figure.low, figure.high, places))


def difference(metric: Metric, found: Evidence, rows: int) -> Shown:
    """``+0.013 [0.004, 0.022]``; no end of the interval that is not 0 is written as 0."""
    places = decimals(metric, rows, found.difference, found.low, found.high)
    nearest = min((abs(end) for end in (found.low, found.high) if end), default=1.0)
    while places < MOST_DECIMALS and round(nearest, places) == 0:
        places += 1
    value = number(found.difference, places)
    positive = not value.startswith(MINUS) and is_some(value)
    return Shown(f"+{value}" if positive else value, _interval(found.low, found.high, places))


def p_value(value: float | None, rows: int, is_bound: bool = False) -> str:
    """``0.034``, ``< 0.001``, ``≤ 0.004`` for a bound; two decimals below 100 rows."""
    if value is None:
        return "–"
    places = _share_decimals(rows)
    least = 10.0**-places
    if value < least:
        return f"< {least:.{places}f}"
    return f"{'≤ ' if is_bound else ''}{value:.{places}f}"


def decimals(
    metric: Metric, rows: int, value: float, low: float | None = None, high: float | None = None
) -> int:
    """The number of decimals for a figure.

    Figures in units of the target have two significant digits of half their interval's width.
    """
    if not metric.in_target_units:
        return _share_decimals(rows)
    half = (high - low) / 2 if low is not None and high is not None else abs(value) / 100
    if half <= 0:
        return _share_decimals(rows)
    return min(max(0, 1 - math.floor(math.log10(half))), MOST_DECIMALS)


def number(value: float, places: int) -> str:
    """A number with a true minus sign, no negative zero, and commas from 10,000 upwards."""
    text = f"{abs(value):,.{places}f}" if abs(value) >= 10_000 else f"{abs(value):.{places}f}"
    negative = value < 0 and is_some(text)
    return (MINUS if negative else "") + text


def brief(value: float | None) -> str:
    """A number with three decimals, or with fewer if more than one digit stands before them; a
    dash where there is none, as of a loss that is infinite."""
    if value is None or not math.isfinite(value):
        return "–"
    before = math.floor(math.log10(abs(value))) if value else 0
    return number(value, min(max(3 - before, 0), 3))


def share(part: float, rows: int) -> str:
    """A share as a percentage: ``12.3 %``, or ``12 %`` below 100 rows."""
    return f"{100 * part:.{0 if rows < FEW_ROWS else 1}f}{THIN_SPACE}%"


def level(part: float) -> str:
    """A share that was chosen, and not estimated, with its own digits: ``95 %``, ``99.5 %``."""
    return f"{100 * part:.6g}{THIN_SPACE}%"


def count(value: int) -> str:
    """``25,000``."""
    return f"{value:,}"


def seconds(value: float | None, words: Words) -> str:
    """``0.4 s``, ``42 s``, ``12 min``, ``1 h 20 min``."""
    if value is None:
        return "–"
    if value < 0.05:
        return words("< {time} s", time="0.1")
    if value < 100:
        return words("{time} s", time=f"{value:.{1 if value < 10 else 0}f}")
    minutes = round(value / 60)
    if minutes < 60:
        return words("{n} min", n=minutes)
    return words("{h} h {n} min", h=minutes // 60, n=minutes % 60)


def about(value: float | None, words: Words) -> str:
    """A time that is only expected, in whole seconds: ``1 s``, ``42 s``, ``12 min``."""
    if value is None:
        return "–"
    return words("{time} s", time=max(round(value), 1)) if value < 100 else seconds(value, words)


def moment(text: str) -> str:
    """An ISO time as ``2026-11-21 17:30 UTC+08:00``, in its own zone; anything else as it is."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = f"UTC{when.isoformat()[-6:]}" if when.utcoffset() else "UTC"
    return f"{when:%Y-%m-%d %H:%M} {zone}" if when.tzinfo else text


def _share_decimals(rows: int) -> int:
    return 2 if rows < FEW_ROWS else 3


def _interval(low: float | None, high: float | None, places: int) -> str:
    if low is None or high is None:
        return ""
    return f"[{number(low, places)}, {number(high, places)}]"
