"""Baselines: what reports call them, as ``metrics.json`` stores it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BaselineWords:
    """A baseline's title and description; see ``duree.baselines.Baseline``."""

    title: str
    description: str = ""
