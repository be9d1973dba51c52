"""Lives as sequences of numbers: a state a step, and beside each the covariates that stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.sequences.ragged import Ragged
from duree.sequences.stored import require
from duree.sequences.text import TextEncoder
from duree.settings import TextSettings
from duree.tables.states import ARROW

VERSION = 1


@dataclass(frozen=True)
class LifeEncoder:
    """A text encoder for the states, and a number for each covariate that training has seen.

    Attributes
    ----------
    states : TextEncoder
    covariates : list of list of str
        For each covariate its values, as they are told; the number of each follows from its place,
        and 0 stands for those that training has not seen.
    """

    states: TextEncoder
    covariates: list[list[str]]

    @classmethod
    def fit(cls, rows: pl.Series, settings: TextSettings, covariates: int) -> LifeEncoder:
        """Learn states and covariates from the training rows.

        Parameters
        ----------
        rows : polars.Series of String [rows]
            Each told as its covariates, then its states, with an arrow between.
        settings : TextSettings
        covariates : int
            How many of the first units are covariates.
        """
        heads, told = _parted(rows, covariates)
        columns = [heads.list.get(place) for place in range(covariates)]
        values = [sorted(column.drop_nulls().unique().to_list()) for column in columns]
        return cls(TextEncoder.fit(told, settings), values)

    @property
    def settings(self) -> TextSettings:
        """How the states are read."""
        return self.states.settings

    @property
    def vocabulary(self) -> list[str]:
        """All that it tells apart: the values of covariates, then the states."""
        return [*chain(*self.covariates), *self.states.vocabulary]

    @property
    def sizes(self) -> list[int]:
        """How many numbers each covariate may have."""
        return [len(values) + 1 for values in self.covariates]

    def encode(self, rows: pl.Series) -> Ragged:
        """The token of each step's state, then the number of each covariate: int32 [steps, 1 + n].

        Of a sequence without a state there is one step, ``<empty>``.
        """
        heads, told = _parted(rows, len(self.covariates))
        states = self.states.encode(told)
        columns = [states.values]
        for place, values in enumerate(self.covariates):
            known = dict(zip(values, range(1, len(values) + 1), strict=True))
            codes = heads.list.get(place, null_on_oob=True).replace_strict(
                known, default=0, return_dtype=pl.Int32
            )
            columns.append(np.repeat(codes.to_numpy(), states.lengths))
        return Ragged(np.stack(columns, axis=1).astype(np.int32), states.offsets)

    def truncated(self, rows: pl.Series) -> NDArray[np.int64]:
        """How many states of each row ``encode`` leaves out, int64 [rows]."""
        return self.states.truncated(_parted(rows, len(self.covariates))[1])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {
            "kind": "lives",
            "version": VERSION,
            "states": self.states.to_dict(),
            "covariates": self.covariates,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> LifeEncoder:
        """Make the encoder that ``to_dict`` described.

        Raises
        ------
        RunError
            The data is malformed, or was written by a newer Durée.
        """
        require(set(state) == {"kind", "version", "states", "covariates"}, "lives", "keys")
        require(state["kind"] == "lives", "lives", "kind")
        require(state["version"] == VERSION, "lives", "version")
        require(isinstance(state["states"], Mapping), "lives", "states")
        covariates = state["covariates"]
        require(
            isinstance(covariates, list)
            and all(
                isinstance(values, list)
                and all(isinstance(value, str) for value in values)
                and len(set(values)) == len(values)
                for values in covariates
            ),
            "lives",
            "covariates",
        )
        return cls(TextEncoder.from_dict(state["states"]), covariates)


def _parted(rows: pl.Series, covariates: int) -> tuple[pl.Series, pl.Series]:
    """The covariates of each row, List(String), and its states told as before, String."""
    units = rows.fill_null("").str.split(ARROW)
    return units.list.head(covariates), units.list.slice(covariates).list.join(ARROW)
