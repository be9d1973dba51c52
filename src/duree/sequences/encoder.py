"""What every kind of encoder can do, and the name that each has in a saved model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

from duree.sequences.ragged import Ragged
from duree.sequences.series_encoder import SeriesEncoder
from duree.sequences.state_encoder import StateEncoder
from duree.sequences.text_encoder import TextEncoder
from duree.sequences.token_encoder import TokenEncoder
from duree.sequences.window_encoder import WindowEncoder


class Encoder(Protocol):
    """What was learned from training rows, enough to turn any other row into numbers."""

    def encode(self, rows: Any) -> Ragged:
        """The rows as sequences of numbers; at least one step in each."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        ...

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Make the encoder that ``to_dict`` described."""
        ...


ENCODERS: dict[str, type[Encoder]] = {
    "text": TextEncoder,
    "series": SeriesEncoder,
    "windows": WindowEncoder,
    "tokens": TokenEncoder,
    "states": StateEncoder,
}
# What version 0.1.0 called them in a saved model.
EARLIER_NAMES = {"lives": "states"}
