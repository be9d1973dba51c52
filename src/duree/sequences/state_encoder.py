"""State sequences as integers: at each step the state, the covariates of the row, and the classes
of step features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.recipe.settings import TextSettings
from duree.results.run_files import Described, StepFeature
from duree.sequences.ragged import Ragged
from duree.sequences.step_features import Column, encode_column, learn_column, read_column
from duree.sequences.text_encoder import TextEncoder
from duree.storage import require
from duree.tables.layouts.state_strings import ARROW
from duree.tables.layouts.step_attributes import names_of_step_features, sequences_of

VERSION = 3


@dataclass(frozen=True)
class StateEncoder:
    """A text encoder for the states, and codes for the covariates and step features.

    Attributes
    ----------
    states : TextEncoder
    covariates : list of list of str
        The values of each covariate in training, as written in the sequence; their codes begin at
        1, and 0 is for unseen values.
    step_features : {name: Number or Category}
        The classes of each step feature; see ``duree.tables.layouts.step_attributes``.
    """

    states: TextEncoder
    covariates: list[list[str]]
    step_features: dict[str, Column] = field(default_factory=dict)

    explained_by: ClassVar[str | None] = "units"
    embedded_words: ClassVar[tuple[str | None, ...]] = ()
    input_size: ClassVar[int | None] = None

    @classmethod
    def fit(cls, rows: pl.Series, settings: TextSettings, covariates: int) -> StateEncoder:
        """Learn the states, covariates and step features from the training rows.

        Parameters
        ----------
        rows : polars.Series of String or Struct [rows]
            Each is its covariates, then its states, separated by arrows; with step features, if any
            (see ``with_step_features``).
        settings : TextSettings
        covariates : int
            Number of first units that are covariates.
        """
        heads, states = _split_covariates(sequences_of(rows), covariates)
        columns = [heads.list.get(place) for place in range(covariates)]
        values = [sorted(column.drop_nulls().unique().to_list()) for column in columns]
        known = {
            name: learn_column(rows.struct.field(name)) for name in names_of_step_features(rows)
        }
        return cls(TextEncoder.fit(states, settings), values, known)

    @property
    def settings(self) -> TextSettings:
        """The settings of the states' encoder."""
        return self.states.settings

    @property
    def vocabulary(self) -> list[str]:
        """The values of covariates, then the states."""
        return [*chain(*self.covariates), *self.states.vocabulary]

    @property
    def units_encoder(self) -> TextEncoder:
        """The encoder of the states."""
        return self.states

    @property
    def vocabulary_size(self) -> int:
        """Number of values of covariates and of states."""
        return len(self.vocabulary)

    @property
    def step_classes(self) -> dict[str, tuple[int, bool]]:
        """The number of classes of each step feature, and whether they are ordered."""
        return {name: (of.size, of.is_ordered) for name, of in self.step_features.items()}

    @property
    def sizes(self) -> list[int]:
        """The number of codes of each covariate."""
        return [len(values) + 1 for values in self.covariates]

    def encode(self, rows: pl.Series) -> Ragged:
        """The token of each step's state, then the codes of the covariates, then the classes of the
        step features: int32 [steps, 1 + covariates + features].

        A sequence without states has a single step, ``<empty>``. If the rows have no step features,
        their classes are 0 (missing).
        """
        heads, sequences = _split_covariates(sequences_of(rows), len(self.covariates))
        states = self.states.encode(sequences)
        columns = [states.values]
        for place, values in enumerate(self.covariates):
            known = dict(zip(values, range(1, len(values) + 1), strict=True))
            codes = heads.list.get(place, null_on_oob=True).replace_strict(
                known, default=0, return_dtype=pl.Int32
            )
            columns.append(np.repeat(codes.to_numpy(), states.lengths))
        columns += self._codes(rows, sequences, states.lengths)
        return Ragged(np.stack(columns, axis=1).astype(np.int32), states.offsets)

    def truncated(self, rows: pl.Series) -> NDArray[np.int64]:
        """The number of states of each row that ``encode`` cuts off, int64 [rows]."""
        return self.states.truncated(_split_covariates(sequences_of(rows), len(self.covariates))[1])

    def for_baselines(self, rows: pl.Series) -> pl.Series | list[Any]:
        """The rows in the form that baselines take."""
        return rows if names_of_step_features(rows) else rows.to_list()

    def truncation(self, rows: pl.Series, sequences: Ragged) -> str | None:
        """A note on the sequences that ``encode`` has cut; None if there are none."""
        limit = self.settings.max_length
        full = np.flatnonzero(sequences.lengths == limit)
        cut = int((self.truncated(rows.gather(full)) > 0).sum())
        if not cut:
            return None
        return f"{cut} of {len(sequences)} sequences are longer than {limit} steps, and were cut"

    def unseen(self, sequences: Ragged) -> NDArray[np.float64]:
        """The share of each row's states that do not occur in training; NaN without states."""
        return self.states.unseen(Ragged(sequences.values[:, 0], sequences.offsets))

    def describe(self) -> dict[str, Described]:
        """For the report: each step feature's number of classes, and whether it is a number."""
        found = {
            name: StepFeature(classes=column.size, is_number=column.is_ordered)
            for name, column in self.step_features.items()
        }
        return {"step_features.json": found} if found else {}

    def features_of_steps(self, row: pl.Series) -> dict[str, list[Any]]:
        """The values of the step features of one row, Series [1], at the encoded steps; None if
        missing."""
        states, given = sequences_of(row)[0], names_of_step_features(row)
        steps = len(self.states.segment(states)) - len(self.covariates)
        found = {}
        for name in self.step_features:
            values = row.struct.field(name)[0] if name in given else None
            known = [] if values is None else values.to_list()
            found[name] = self.states.shorten([None] * (steps - len(known)) + known) or [None]
        return found

    def _codes(
        self, rows: pl.Series, states: pl.Series, read: NDArray[np.int64]
    ) -> list[NDArray[np.int32]]:
        """The classes of each step feature at the encoded steps, int32 [steps] each."""
        given = names_of_step_features(rows)
        has_steps = (states != "").to_numpy()
        whole = (
            states.str.count_matches(ARROW, literal=True).to_numpy().astype(np.int64) + has_steps
        )
        tail = {"head": 0, "tail": self.settings.max_length, "both": self.settings.max_length // 2}
        return [
            encode_column(column, rows.struct.field(name), whole, read, tail[self.settings.keep])
            if name in given
            else np.zeros(read.sum(), dtype=np.int32)
            for name, column in self.step_features.items()
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {
            "kind": "states",
            "version": VERSION,
            "states": self.states.to_dict(),
            "covariates": self.covariates,
            "step_features": {
                name: column.to_dict() for name, column in self.step_features.items()
            },
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> StateEncoder:
        """Make the encoder that ``to_dict`` described.

        Raises
        ------
        RunError
            The data is malformed, or was written by a newer Durée.
        """
        state = _as_now(state)
        keys = {"kind", "version", "states", "covariates", "step_features"}
        require(set(state) == keys, "states", "keys")
        require(state["kind"] == "states", "states", "kind")
        require(state["version"] == VERSION, "states", "version")
        require(isinstance(state["states"], Mapping), "states", "states")
        covariates = state["covariates"]
        require(
            isinstance(covariates, list)
            and all(
                isinstance(values, list)
                and all(isinstance(value, str) for value in values)
                and len(set(values)) == len(values)
                for values in covariates
            ),
            "states",
            "covariates",
        )
        require(isinstance(state["step_features"], Mapping), "states", "step_features")
        known = {name: read_column(one, "states") for name, one in state["step_features"].items()}
        return cls(TextEncoder.from_dict(state["states"]), covariates, known)


def _split_covariates(rows: pl.Series, covariates: int) -> tuple[pl.Series, pl.Series]:
    """The covariates of each row, List(String), and its states without them, String."""
    units = rows.fill_null("").str.split(ARROW)
    return units.list.head(covariates), units.list.slice(covariates).list.join(ARROW)


def _as_now(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The state of earlier versions under the current names; version 1 had no step features."""
    if state.get("kind") != "lives" or state.get("version") not in (1, 2):
        return state
    features = state.get("beside", {}) if state["version"] == 2 else {}
    known = {name: value for name, value in state.items() if name != "beside"}
    return known | {"kind": "states", "version": VERSION, "step_features": features}
