"""The interface of encoders, and their names in saved models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.recipe.settings import TextSettings
from duree.results.run_files import Described
from duree.sequences.language_encoder import LanguageEncoder
from duree.sequences.pair_encoder import PairEncoder
from duree.sequences.ragged import Ragged
from duree.sequences.series_encoder import SeriesEncoder
from duree.sequences.state_encoder import StateEncoder
from duree.sequences.text_encoder import TextEncoder
from duree.sequences.token_encoder import TokenEncoder
from duree.sequences.window_encoder import WindowEncoder
from duree.tables.layouts.step_attributes import names_of_step_features


class Encoder(Protocol):
    """An encoder, fitted on training rows, that converts rows to numbers.

    Attributes
    ----------
    explained_by : str or None
        What is explained: attributions of "units" (of texts or states) or of "channels" (of
        numbers), or where each unit of "outputs" came from; None if predictions are not.
    """

    explained_by: ClassVar[str | None]

    @property
    def vocabulary_size(self) -> int | None:
        """The number of tokens; None if inputs are numbers or have several vocabularies."""
        ...

    @property
    def input_size(self) -> int | None:
        """The number of input values per step; None if inputs are tokens."""
        ...

    @property
    def units_encoder(self) -> TextEncoder | None:
        """The encoder that splits texts or sequences into units; None if there is none."""
        ...

    @property
    def step_classes(self) -> Mapping[str, tuple[int, bool]]:
        """The number of classes of each step feature by name, and whether they are ordered."""
        ...

    @property
    def embedded_words(self) -> Sequence[str | None]:
        """The word of each row of the network's embedding, None where it is none; empty if units
        are not words."""
        ...

    def for_baselines(self, rows: pl.Series) -> Any:
        """The rows in the form that baselines take: a list, a Ragged, or the Series."""
        ...

    def features_of_steps(self, row: pl.Series) -> dict[str, list[Any]]:
        """The values of the step features of one row, Series [1]; empty if there are none."""
        ...

    def truncation(self, rows: pl.Series, sequences: Ragged) -> str | None:
        """A note on the rows that ``encode`` has cut; None if there are none."""
        ...

    def describe(self) -> dict[str, Described]:
        """Data on the encoder for the report: {file of the run folder: record}."""
        ...

    def encode(self, rows: Any) -> Ragged:
        """The rows as sequences of numbers, with at least one step each."""
        ...

    def unseen(self, sequences: Ragged) -> NDArray[np.float64] | None:
        """The share of each row's units that do not occur in training, float64 [rows], NaN for a
        row without units; None if inputs are numbers. ``sequences`` come from ``encode``."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        ...

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The encoder from the result of ``to_dict``."""
        ...


ENCODERS: dict[str, type[Encoder]] = {
    "text": TextEncoder,
    "series": SeriesEncoder,
    "windows": WindowEncoder,
    "tokens": TokenEncoder,
    "states": StateEncoder,
    "pairs": PairEncoder,
    "language": LanguageEncoder,
}
# Names of encoders in models of version 0.1.0.
EARLIER_NAMES = {"lives": "states"}


def fit_encoder(rows: pl.Series, settings: TextSettings) -> Encoder:
    """Fit the encoder for the type of the training rows."""
    if isinstance(rows.dtype, pl.List):
        return SeriesEncoder.fit(rows, settings.max_length, settings.keep)
    if names_of_step_features(rows):
        return StateEncoder.fit(rows, settings, 0)
    return TextEncoder.fit(rows, settings)
