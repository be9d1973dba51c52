"""Numeric sequences: each channel brought to mean 0 and standard deviation 1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError
from duree.sequences.ragged import Ragged
from duree.sequences.stored import require

VERSION = 1


@dataclass(frozen=True)
class SeriesEncoder:
    """Mean and standard deviation of each channel, learned from training values.

    A channel that is constant in training is 0 wherever it keeps that value, and is not scaled.

    Attributes
    ----------
    means, scales : tuple of float [channels]
    """

    means: tuple[float, ...]
    scales: tuple[float, ...]

    @property
    def channels(self) -> int:
        """Numbers in each step."""
        return len(self.means)

    @classmethod
    def fit(cls, values: NDArray[Any] | Ragged) -> SeriesEncoder:
        """Learn from training values, and no others.

        Parameters
        ----------
        values : array [rows, steps] or [rows, steps, channels], or Ragged of numbers

        Raises
        ------
        DataError
            There is no value, one is missing or infinite, or the shape is another.
        """
        steps = _as_ragged(values).values
        means = steps.mean(axis=0)
        deviations = (steps - means).std(axis=0)
        # The mean of equal numbers may be off by a rounding error, and so their deviation from 0.
        constant = steps.max(axis=0) == steps.min(axis=0)
        means = np.where(constant, steps[0], means)
        scales = np.where(constant | (deviations == 0), 1.0, deviations)
        return cls(tuple(means.tolist()), tuple(scales.tolist()))

    def encode(self, values: NDArray[Any] | Ragged) -> Ragged:
        """Standardised values, float32 [total_steps, channels].

        Raises
        ------
        DataError
            A value is missing or infinite, or the channels are not those of ``fit``.
        """
        ragged = _as_ragged(values)
        given = ragged.values.shape[1]
        if given != self.channels:
            raise DataError(
                "the series have {given} channels, and the encoder knows {known}",
                fix="give the channels that the model was trained on",
                given=given,
                known=self.channels,
            )
        standard = (ragged.values - np.array(self.means)) / np.array(self.scales)
        return Ragged(standard.astype(np.float32), ragged.offsets)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {
            "kind": "series",
            "version": VERSION,
            "means": list(self.means),
            "scales": list(self.scales),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> SeriesEncoder:
        """Make the encoder that ``to_dict`` described.

        Raises
        ------
        RunError
            The data is malformed, or was written by a newer Durée.
        """
        require(set(state) == {"kind", "version", "means", "scales"}, "series", "keys")
        require(state["kind"] == "series", "series", "kind")
        require(state["version"] == VERSION, "series", "version")
        means, scales = state["means"], state["scales"]
        require(_are_numbers(means), "series", "means")
        require(
            _are_numbers(scales) and len(scales) == len(means) and min(scales) > 0,
            "series",
            "scales",
        )
        return cls(tuple(means), tuple(scales))


def _as_ragged(values: NDArray[Any] | Ragged) -> Ragged:
    """float64 [total_steps, channels], all finite, at least one step in each row."""
    if isinstance(values, Ragged):
        ragged = Ragged(_numbers(values.values), values.offsets)
    else:
        numbers = _numbers(values)
        if numbers.ndim not in (2, 3):
            raise DataError(
                "series come as [rows, steps] or [rows, steps, channels], not as {shape}",
                fix="give one row for each sequence",
                shape=numbers.shape,
            )
        rows, steps = numbers.shape[:2]
        flat = numbers.reshape(rows * steps, *numbers.shape[2:])
        ragged = Ragged(flat, np.arange(rows + 1, dtype=np.int64) * steps)
    if ragged.values.ndim == 1:
        ragged = Ragged(ragged.values[:, None], ragged.offsets)
    if ragged.values.size == 0 or ragged.lengths.min() == 0:
        raise DataError("a series has no values", fix="leave out empty rows and columns")
    _refuse_missing(ragged)
    return ragged


def _numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            "the series hold something that is not a number",
            fix="give numbers only, as many in each row, or a Ragged",
        ) from None


def _refuse_missing(ragged: Ragged) -> None:
    bad = ~np.isfinite(ragged.values).all(axis=1)
    if bad.any():
        step = int(np.flatnonzero(bad)[0])
        row = int(np.searchsorted(ragged.offsets, step, side="right")) - 1
        raise DataError(
            "{count} steps have a value that is missing or infinite",
            "first in row {row}, step {step}",
            "fill the gaps in or leave those rows out: steps without a value are not supported yet",
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
