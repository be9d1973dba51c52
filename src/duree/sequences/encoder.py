"""What every kind of encoder can do, and the name that each has in a saved model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

import polars as pl

from duree.recipe.settings import TextSettings
from duree.results.run_files import StepFeature
from duree.sequences.ragged import Ragged
from duree.sequences.series_encoder import SeriesEncoder
from duree.sequences.state_encoder import StateEncoder
from duree.sequences.text_encoder import TextEncoder
from duree.sequences.token_encoder import TokenEncoder
from duree.sequences.window_encoder import WindowEncoder
from duree.tables.layouts.step_attributes import names_of_step_features


class Encoder(Protocol):
    """What was learned from training rows, enough to turn any other row into numbers.

    Attributes
    ----------
    explained_by : str or None
        What a prediction can be explained by: "units" of a text or states, "channels" of numbers;
        None: by neither.
    """

    explained_by: ClassVar[str | None]

    @property
    def vocabulary_size(self) -> int | None:
        """How many tokens there are; None where it reads numbers, or several tables of tokens."""
        ...

    @property
    def input_size(self) -> int | None:
        """How many numbers the network reads in each step; None where it reads tokens."""
        ...

    @property
    def units_encoder(self) -> TextEncoder | None:
        """What splits texts or sequences into the units that the network sees; None: nothing."""
        ...

    @property
    def step_classes(self) -> Mapping[str, tuple[int, bool]]:
        """Of each step feature by its name: its number of classes, and whether they are ordered."""
        ...

    def for_baselines(self, rows: pl.Series) -> Any:
        """The rows as baselines are given them: plain lists, where these say all there is."""
        ...

    def features_of_steps(self, row: pl.Series) -> dict[str, list[Any]]:
        """The step features of one row, Series [1], as they are written; empty where none are."""
        ...

    def truncation(self, rows: pl.Series, sequences: Ragged) -> str | None:
        """A note on the rows that were cut when they were encoded; None where none was."""
        ...

    def describe(self) -> dict[str, dict[str, StepFeature]]:
        """What the report shows of it: {file of the run folder: plain JSON data}."""
        ...

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


def fit_encoder(rows: pl.Series, settings: TextSettings) -> Encoder:
    """Learn from the training rows how what is read becomes numbers: the encoder that fits them."""
    if isinstance(rows.dtype, pl.List):
        return SeriesEncoder.fit(rows, settings.max_length, settings.keep)
    if names_of_step_features(rows):
        return StateEncoder.fit(rows, settings, 0)
    return TextEncoder.fit(rows, settings)
