"""Baselines: what reports call them, as ``metrics.json`` stores it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BaselineWords:
    """A baseline's title and description; see ``duree.baselines.Baseline``."""

    title: str
    description: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A baseline that would have taken longer than the time limit; both in seconds.

    ``seconds`` is an estimate; None if it was stopped before there was one.
    """

    title: str
    seconds: float | None
    limit: float
