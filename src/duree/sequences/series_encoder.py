"""Numeric series: each channel is scaled to mean 0 and standard deviation 1.

A missing value becomes 0, the training mean, and an additional channel marks it with 1, since
missingness may be informative (Lipton, Kale & Wetzel 2016).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.results.run_files import Described
from duree.sequences.ragged import Ragged, offsets_of
from duree.storage import require

VERSION = 2
Keep = Literal["head", "tail", "both"]


@dataclass(frozen=True)
class SeriesEncoder:
    """Mean and standard deviation of each channel, learned from training values.

    A channel that is constant in training is centred, but not scaled.

    Attributes
    ----------
    means, scales : tuple of float [channels]
    marked : tuple of int
        The channels with missing values in training: each has an additional channel, which is 1 if
        the value is missing and otherwise 0.
    longest : int or None
        Longer series are cut to this number of steps; None: no series is cut.
    keep : {"head", "tail", "both"}
        The end of a cut series that is kept; both: half from each.
    """

    means: tuple[float, ...]
    scales: tuple[float, ...]
    marked: tuple[int, ...] = ()
    longest: int | None = None
    keep: Keep = "tail"

    explained_by: ClassVar[str | None] = "channels"
    embedded_words: ClassVar[tuple[str | None, ...]] = ()
    units_encoder: ClassVar[None] = None
    vocabulary_size: ClassVar[int | None] = None
    step_classes: ClassVar[Mapping[str, tuple[int, bool]]] = {}

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.means)

    @property
    def input_size(self) -> int:
        """Number of input values per step, including the marks of missing values."""
        return self.channels + len(self.marked)

    @classmethod
    def fit(
        cls,
        values: NDArray[Any] | Ragged | pl.Series,
        longest: int | None = None,
        keep: Keep = "tail",
    ) -> Self:
        """Learn from training values.

        Parameters
        ----------
        values : array [rows, steps] or [rows, steps, channels], Ragged of numbers, or polars.Series
            of List(Array(Float64, channels)); NaN where a value is missing
        longest, keep
            See the attributes.

        Raises
        ------
        DataError
            There are no values, a channel has none, a value is infinite, or the shape is invalid.
        """
        steps = as_ragged(values).values
        counts = np.isfinite(steps).sum(axis=0)
        if not counts.all():
            raise DataError(
                "channel {channel} of the series has no value in any training row",
                fix="leave that channel out",
                channel=int(counts.argmin()) + 1,
            )
        means = np.nanmean(steps, axis=0)
        deviations = np.nanstd(steps - means, axis=0)
        # The mean of equal numbers may have a rounding error, and so their deviation may not be 0.
        low, high = np.nanmin(steps, axis=0), np.nanmax(steps, axis=0)
        means = np.where(low == high, low, means)
        scales = np.where((low == high) | (deviations == 0), 1.0, deviations)
        marked = tuple(np.flatnonzero(counts < len(steps)).tolist())
        return cls(tuple(means.tolist()), tuple(scales.tolist()), marked, longest, keep)

    def encode(self, values: NDArray[Any] | Ragged | pl.Series) -> Ragged:
        """Standardised values, float32 [total_steps, input_size].

        Raises
        ------
        DataError
            A value is infinite, or the channels are not those of ``fit``.
        """
        ragged = as_ragged(values)
        given = ragged.values.shape[1]
        if given != self.channels:
            raise DataError(
                "the series have {given} channels, but the encoder was fitted on {known}",
                fix="give the channels that the model was trained on",
                given=given,
                known=self.channels,
            )
        ragged = self.shortened(ragged)
        standard = (ragged.values - np.array(self.means)) / np.array(self.scales)
        missing = np.isnan(standard)
        marks = missing[:, list(self.marked)]
        laid = np.concatenate([np.where(missing, 0.0, standard), marks], axis=1)
        return Ragged(laid.astype(np.float32), ragged.offsets)

    def truncated(self, values: NDArray[Any] | Ragged | pl.Series) -> NDArray[np.int64]:
        """The number of steps of each row that ``encode`` cuts off, int64 [rows]."""
        lengths = as_ragged(values).lengths
        return np.maximum(lengths - (self.longest or lengths.max(initial=0)), 0)

    def for_baselines(self, rows: pl.Series) -> Ragged:
        """The rows in the form that baselines take."""
        return as_ragged(rows)

    def features_of_steps(self, row: pl.Series) -> dict[str, list[Any]]:
        """Empty: there are no step features."""
        return {}

    def truncation(self, rows: pl.Series, sequences: Ragged) -> str | None:
        """A note on the series that ``encode`` cuts; None if there are none."""
        cut = int((self.truncated(rows) > 0).sum())
        if not cut:
            return None
        return (
            f"{cut} of {len(sequences)} series are longer than {self.longest} steps, and were cut"
        )

    def unseen(self, sequences: Ragged) -> None:
        """None, since the input is numbers."""
        return None

    def describe(self) -> dict[str, Described]:
        """Empty: the report needs only the recipe."""
        return {}

    def shortened(self, ragged: Ragged) -> Ragged:
        """The steps that ``encode`` keeps of each row."""
        if self.longest is None or ragged.lengths.max(initial=0) <= self.longest:
            return ragged
        of_tail = {"head": 0, "tail": self.longest, "both": self.longest // 2}[self.keep]
        steps, lengths = ragged.steps, np.repeat(ragged.lengths, ragged.lengths)
        keep = (
            (lengths <= self.longest)
            | (steps < self.longest - of_tail)
            | (steps >= lengths - of_tail)
        )
        offsets = offsets_of(np.minimum(ragged.lengths, self.longest))
        return Ragged(ragged.values[keep], offsets)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {
            "kind": "series",
            "version": VERSION,
            "means": list(self.means),
            "scales": list(self.scales),
            "marked": list(self.marked),
            "longest": self.longest,
            "keep": self.keep,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The encoder from the result of ``to_dict``, also in version 1 (no missing values).

        Raises
        ------
        RunError
            The data is malformed, or was written by a newer Durée.
        """
        require(state.get("version") in (1, VERSION), "series", "version")
        if state["version"] == 1:
            state = {**state, "marked": [], "longest": None, "keep": "tail"}
        known = {"kind", "version", "means", "scales", "marked", "longest", "keep"}
        require(set(state) == known, "series", "keys")
        require(state["kind"] == "series", "series", "kind")
        means, scales, marked = state["means"], state["scales"], state["marked"]
        require(_are_numbers(means), "series", "means")
        require(
            _are_numbers(scales) and len(scales) == len(means) and min(scales) > 0,
            "series",
            "scales",
        )
        places = range(len(means))
        require(
            isinstance(marked, list)
            and all(type(place) is int and place in places for place in marked)
            and marked == sorted(set(marked)),
            "series",
            "marked",
        )
        longest = state["longest"]
        require(longest is None or (type(longest) is int and longest > 0), "series", "longest")
        require(state["keep"] in get_args(Keep), "series", "keep")
        centre, spread = (tuple(map(float, numbers)) for numbers in (means, scales))
        return cls(centre, spread, tuple(marked), longest, state["keep"])


def as_ragged(values: NDArray[Any] | Ragged | pl.Series) -> Ragged:
    """The values as float64 [total_steps, channels], finite or NaN, at least one step per row.

    Raises
    ------
    DataError
        See ``SeriesEncoder.fit``.
    """
    if isinstance(values, pl.Series):
        ragged = _of_lists(values)
    elif isinstance(values, Ragged):
        ragged = Ragged(_numbers(values.values), values.offsets)
    else:
        numbers = _numbers(values)
        if numbers.ndim not in (2, 3):
            raise DataError(
                "series must have the shape [rows, steps] or [rows, steps, channels], not {shape}",
                fix="give one row per sequence",
                shape=numbers.shape,
            )
        rows, steps = numbers.shape[:2]
        flat = numbers.reshape(rows * steps, *numbers.shape[2:])
        ragged = Ragged(flat, np.arange(rows + 1, dtype=np.int64) * steps)
    if ragged.values.ndim == 1:
        ragged = Ragged(ragged.values[:, None], ragged.offsets)
    if ragged.values.size == 0 or ragged.lengths.min() == 0:
        raise DataError("a series has no values", fix="leave out empty rows and columns")
    _refuse_infinite(ragged)
    return ragged


def _of_lists(series: pl.Series) -> Ragged:
    """A Series of lists of steps (lists or arrays of numbers) as a Ragged."""
    if series.dtype != pl.List or not series.dtype.inner.is_nested():  # type: ignore[attr-defined]
        raise DataError(
            "the column {column!r} holds {kind}, not series of steps",
            fix="give each row a list of steps, each a list of numbers",
            column=series.name,
            kind=str(series.dtype),
        )
    offsets = offsets_of(series.list.len().to_numpy())
    return Ragged(_numbers(series.list.explode(empty_as_null=False).to_numpy()), offsets)


def _numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            "the series contain values that are not numbers",
            fix="give only numbers, equally many in each row, or a Ragged",
        ) from None


def _refuse_infinite(ragged: Ragged) -> None:
    bad = np.isinf(ragged.values).any(axis=1)
    if bad.any():
        step = int(np.flatnonzero(bad)[0])
        row = int(np.searchsorted(ragged.offsets, step, side="right")) - 1
        raise DataError(
            "{count} steps have an infinite value",
            "first in row {row}, step {step}",
            "leave those values empty, or correct them",
            count=int(bad.sum()),
            row=row + 1,
            step=step - int(ragged.offsets[row]) + 1,
        )


def _are_numbers(values: object) -> bool:
    return (
        isinstance(values, list)
        and len(values) > 0
        and all(type(value) in (int, float) and math.isfinite(value) for value in values)
    )
