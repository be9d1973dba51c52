"""What a run folder holds of series of numbers."""

from __future__ import annotations

from pydantic import model_validator

from duree.results.run_files import Record


class Channel(Record):
    """One channel: the share of its steps that is missing, and how far the others reach."""

    name: str
    missing: float
    low: float
    mean: float
    deviation: float
    high: float


class Curve(Record):
    """Mean and quartiles over time; None where too few rows have a value."""

    mean: list[float | None]
    low: list[float | None]
    high: list[float | None]


class ChannelFacts(Record):
    """``channels.json``; see ``duree.tables.describe.series``, which writes it."""

    rows: int
    lengths: tuple[int, int, int]
    channels: list[Channel]
    places: list[int]
    times: list[str]
    curves: dict[str, dict[str, Curve]]
    class_rows: dict[str, int]

    @model_validator(mode="after")
    def _check_sizes(self) -> ChannelFacts:
        """Every figure has a value for each class and each step."""
        for curves in self.curves.values():
            parts = [part for one in curves.values() for part in (one.mean, one.low, one.high)]
            if curves.keys() != self.class_rows.keys():
                raise ValueError("it does not hold every class")
            if {len(part) for part in parts} | {len(self.times)} != {len(self.places)}:
                raise ValueError("it does not hold a value for each step")
        return self
