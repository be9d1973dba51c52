"""SeriesEncoder: numeric sequences, each channel brought to mean 0 and standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError
from duree.sequences.ragged import Ragged


@dataclass(frozen=True)
class SeriesEncoder:
    """Means and standard deviations of the training rows, one pair a channel."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]

    @property
    def channels(self) -> int:
        """Numbers in each step."""
        return len(self.mean)

    @classmethod
    def fit(cls, rows: NDArray[Any]) -> Self:
        """Learn from float [rows, steps] (one channel) or [rows, steps, channels].

        Raises
        ------
        DataError
            A value is missing or infinite, or the array has another shape.
        """
        values = _with_channels(rows)
        flat = values.reshape(-1, values.shape[2])
        deviation = flat.std(axis=0)
        # A channel that never varies carries nothing: it becomes 0 everywhere.
        scale = np.where(deviation > 0, deviation, 1.0)
        return cls(tuple(flat.mean(axis=0).tolist()), tuple(scale.tolist()))

    def encode(self, rows: NDArray[Any]) -> Ragged:
        """Standardised float32 [total_steps, channels]."""
        values = _with_channels(rows)
        if values.shape[2] != self.channels:
            raise DataError(
                "the rows have {given} channels, and the model knows {known}",
                fix="give it the channels that it was fitted on",
                given=values.shape[2],
                known=self.channels,
            )
        standard = (values - np.array(self.mean)) / np.array(self.scale)
        count, steps = values.shape[:2]
        flat = standard.reshape(-1, self.channels).astype(np.float32)
        return Ragged(flat, np.arange(count + 1, dtype=np.int64) * steps)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {"mean": list(self.mean), "scale": list(self.scale)}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """Make the encoder that ``to_dict`` described."""
        return cls(tuple(state["mean"]), tuple(state["scale"]))


def _with_channels(rows: NDArray[Any]) -> NDArray[np.float64]:
    values = np.asarray(rows, dtype=np.float64)
    values = values[:, :, None] if values.ndim == 2 else values
    if values.ndim != 3 or not values.shape[1] or not values.shape[2]:
        raise DataError(
            "the rows are an array of shape {shape}",
            fix="give [rows, steps] or [rows, steps, channels]",
            shape=str(np.shape(rows)),
        )
    if not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0][0])
        raise DataError(
            "row {row} holds a missing or infinite value",
            fix="fill it in, or leave the row out",
            row=row + 1,
        )
    return values
