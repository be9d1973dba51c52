"""The time limit of a baseline: how long it will take is estimated from its first fits.

The limit is checked between fits, most of which cannot be interrupted. Whoever trains baselines
sets it; where none is set, nothing is cut short.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


class OutOfTime(Exception):
    """A baseline would take longer than it may.

    Parameters
    ----------
    seconds : float or None
        The estimate of its whole time; None if it was stopped before there was one.
    """

    def __init__(self, seconds: float | None) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass
class TimeLimit:
    """The time that one baseline may take.

    Attributes
    ----------
    seconds : float
        Infinite where there is no limit.
    notify : seconds -> None
        Called once, with the first estimate of the whole time.
    began : float
        The time of its beginning, as by ``time.perf_counter``.
    notes : list of str
        What was cut short; see ``Baseline``.
    """

    seconds: float
    notify: Callable[[float], None]
    began: float
    notes: list[str] = field(default_factory=list)
    notified: bool = False

    @property
    def elapsed(self) -> float:
        """Seconds since the baseline began."""
        return time.perf_counter() - self.began

    @property
    def left(self) -> float:
        """Seconds until the limit."""
        return self.seconds - self.elapsed

    @property
    def is_set(self) -> bool:
        """Whether there is a limit."""
        return self.seconds < math.inf

    def allows(self, left: float) -> bool:
        """Whether fits of so many more seconds end within the limit."""
        return left <= self.left

    def expect(self, left: float, least: float | None = None) -> None:
        """Report that fits will take so many more seconds, or at ``least`` so many.

        Raises
        ------
        OutOfTime
            Even the least is beyond the limit.
        """
        if not self.notified:
            self.notified = True
            self.notify(self.elapsed + left)
        least = left if least is None else least
        if not self.allows(least):
            raise OutOfTime(self.elapsed + least)


_LIMIT: ContextVar[TimeLimit | None] = ContextVar("time_limit", default=None)


def current_limit() -> TimeLimit:
    """The limit of the baseline that is being trained; without any, one that allows everything."""
    return _LIMIT.get() or TimeLimit(math.inf, lambda seconds: None, time.perf_counter())


@contextmanager
def time_limit(minutes: float | None, notify: Callable[[float], None]) -> Iterator[TimeLimit]:
    """Limit the time of the baseline that is trained within."""
    limit = TimeLimit(math.inf if minutes is None else 60 * minutes, notify, time.perf_counter())
    token = _LIMIT.set(limit)
    try:
        yield limit
    finally:
        _LIMIT.reset(token)
