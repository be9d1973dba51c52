"""Step features as classes, learned from the training rows.

Numbers are divided into classes of equal mass, without assumptions on their distribution and robust
to large values (quantile binning: Gorishniy et al. 2022). Categories are classes; rare ones are
merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.storage import require
from duree.tables.layouts.step_attributes import MOST_VALUES

CLASSES = 32
# The classes of missing values, and of categories that are rare or absent in training.
MISSING, OTHER = 0, 1
# The share of sequences in which a step feature is treated as missing during training, so that the
# network can predict without it.
HIDDEN = 0.1

Codes = NDArray[np.int32]


def edges_of(numbers: NDArray[np.float64], classes: int = CLASSES) -> NDArray[np.float64]:
    """Ascending edges between at most ``classes`` classes of as equal mass as ties allow."""
    return np.unique(np.quantile(numbers, np.arange(1, classes) / classes, method="higher"))


@dataclass(frozen=True)
class Number:
    """Classes of a number.

    Attributes
    ----------
    edges : tuple of float
        Ascending: the first class is below ``edges[0]``, the next from ``edges[0]`` (inclusive) to
        ``edges[1]`` (exclusive), and so on.
    """

    edges: tuple[float, ...]
    is_ordered: ClassVar[bool] = True

    @classmethod
    def of(cls, values: pl.Series) -> Self:
        """Learn from Float64 values; nulls are ignored."""
        known = values.drop_nulls().to_numpy()
        if not len(known):
            return cls(())
        edges = edges_of(known)
        return cls(tuple(edges[edges > known.min()].tolist()))

    @property
    def size(self) -> int:
        """The number of classes, including that of missing values."""
        return len(self.edges) + 2

    def codes(self, values: pl.Series) -> Codes:
        """The class of each number, int32, from 1; ``MISSING`` for nulls."""
        found = np.searchsorted(self.edges, values.fill_null(0.0).to_numpy(), side="right") + 1
        found[values.is_null().to_numpy()] = MISSING
        return found.astype(np.int32)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``read_column`` reads back."""
        return {"edges": list(self.edges)}


@dataclass(frozen=True)
class Category:
    """Classes of a category.

    Attributes
    ----------
    values : tuple of str
        The values that are classes of their own, the most frequent first.
    """

    values: tuple[str, ...]
    is_ordered: ClassVar[bool] = False

    @classmethod
    def of(cls, values: pl.Series) -> Self:
        """Learn from texts; nulls are ignored."""
        counts = values.drop_nulls().alias("value").value_counts(name="count")
        ranked = counts.sort("count", "value", descending=[True, False])["value"]
        return cls(tuple(ranked.head(MOST_VALUES).to_list()))

    @property
    def size(self) -> int:
        """The number of classes, including those of missing and of other values."""
        return len(self.values) + 2

    def codes(self, values: pl.Series) -> Codes:
        """The class of each value, int32; ``MISSING`` for nulls, ``OTHER`` for other values."""
        known = {value: place for place, value in enumerate(self.values, start=OTHER + 1)}
        codes = values.replace_strict(known, default=OTHER, return_dtype=pl.Int32)
        return codes.set(values.is_null(), MISSING).to_numpy()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``read_column`` reads back."""
        return {"values": list(self.values)}


Column = Number | Category


def learn_column(values: pl.Series) -> Column:
    """The classes of one step feature, from lists of numbers or texts [rows]."""
    flat = _flat(values)
    return Number.of(flat) if flat.dtype == pl.Float64 else Category.of(flat.cast(pl.String))


def encode_column(
    column: Column, values: pl.Series, whole: NDArray[np.int64], read: NDArray[np.int64], tail: int
) -> Codes:
    """The class of one step feature at each encoded step, int32 [steps].

    Parameters
    ----------
    column : Number or Category
    values : polars.Series of List [rows]
        The values of the last steps of each row; those of earlier steps are missing.
    whole, read : int64 [rows]
        Number of steps of each row, and number of encoded steps.
    tail : int
        Number of encoded steps from the end of a row that is cut; the others are from its start.
    """
    codes = column.codes(_flat(values))
    given = values.list.len().fill_null(0).to_numpy().astype(np.int64)
    ends = np.cumsum(read)
    step = np.arange(read.sum()) - np.repeat(ends - read, read)
    left_out = np.where(step >= np.repeat(read - tail, read), np.repeat(whole - read, read), 0)
    # Positions in the values, which begin ``whole - given`` steps after the row.
    place = step + left_out - np.repeat(whole - given, read)
    known = (place >= 0) & (place < np.repeat(given, read))
    found = np.zeros(len(step), dtype=np.int32)
    found[known] = codes[(place + np.repeat(np.cumsum(given) - given, read))[known]]
    return found


def read_column(state: Any, kind: str) -> Column:
    """The column from the result of ``to_dict``; ``kind`` is that of its encoder, for errors.

    Raises
    ------
    RunError
        The data is malformed.
    """
    require(isinstance(state, Mapping) and len(state) == 1, kind, "step_features")
    (name, given) = next(iter(state.items()))
    require(isinstance(given, list), kind, "step_features")
    if name == "edges":
        numbers = [type(edge) in (int, float) and np.isfinite(edge) for edge in given]
        require(all(numbers) and sorted(set(given)) == given, kind, "step_features")
        return Number(tuple(float(edge) for edge in given))
    texts = all(isinstance(value, str) for value in given)
    require(name == "values" and texts and len(set(given)) == len(given), kind, "step_features")
    return Category(tuple(given))


def _flat(values: pl.Series) -> pl.Series:
    """The values of all rows, concatenated."""
    return values.filter(values.list.len() > 0).explode()
