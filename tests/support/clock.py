"""A clock for tests of time limits, which no load of the machine can disturb."""

from __future__ import annotations

from typing import TypeVar

Value = TypeVar("Value")


class Clock:
    """Stands for the module ``time``; its seconds pass only by ``spend``."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def spend(self, seconds: float, value: Value) -> Value:
        """The value, after so many seconds."""
        self.now += seconds
        return value
