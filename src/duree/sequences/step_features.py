"""Beside: what stands beside each step of a sequence as one of some classes, learned on training.

A number is told as one of some classes of equal mass, so that nothing is supposed of its
distribution, and no value is too large (quantile binning: Gorishniy et al. 2022); a category as
itself, the rare ones as one.
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
# The class of what is missing, and of a category that training has not seen, or too rarely.
MISSING, OTHER = 0, 1
# The share of sequences of which, while training, each thing is hidden as missing, so that the
# network can answer where it is not known.
HIDDEN = 0.1

Codes = NDArray[np.int32]


def edges_of(numbers: NDArray[np.float64], classes: int = CLASSES) -> NDArray[np.float64]:
    """Rising edges between so many classes of as equal mass as ties allow; there may be fewer."""
    return np.unique(np.quantile(numbers, np.arange(1, classes) / classes, method="higher"))


@dataclass(frozen=True)
class Number:
    """Classes of a number.

    Attributes
    ----------
    edges : tuple of float
        Rising: the first class holds numbers below ``edges[0]``, the next those from there up to,
        but without, ``edges[1]``; the last one all others.
    """

    edges: tuple[float, ...]
    is_ordered: ClassVar[bool] = True

    @classmethod
    def of(cls, values: pl.Series) -> Self:
        """Learn from numbers, Float64; nulls are left out."""
        known = values.drop_nulls().to_numpy()
        if not len(known):
            return cls(())
        edges = edges_of(known)
        return cls(tuple(edges[edges > known.min()].tolist()))

    @property
    def size(self) -> int:
        """How many classes there are, that of missing ones among them."""
        return len(self.edges) + 2

    def codes(self, values: pl.Series) -> Codes:
        """The class of each number, int32, from 1; ``MISSING`` where it is null."""
        found = np.searchsorted(self.edges, values.fill_null(0.0).to_numpy(), side="right") + 1
        found[values.is_null().to_numpy()] = MISSING
        return found.astype(np.int32)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``read_column`` reads back."""
        return {"edges": list(self.edges)}


@dataclass(frozen=True)
class Category:
    """Classes of a category: the values that are told apart, the most frequent first."""

    values: tuple[str, ...]
    is_ordered: ClassVar[bool] = False

    @classmethod
    def of(cls, values: pl.Series) -> Self:
        """Learn from texts; nulls are left out."""
        counts = values.drop_nulls().alias("value").value_counts(name="count")
        ranked = counts.sort("count", "value", descending=[True, False])["value"]
        return cls(tuple(ranked.head(MOST_VALUES).to_list()))

    @property
    def size(self) -> int:
        """How many classes there are, those of missing and of other ones among them."""
        return len(self.values) + 2

    def codes(self, values: pl.Series) -> Codes:
        """The class of each value, int32; ``MISSING`` where it is null, ``OTHER`` for the rest."""
        known = {value: place for place, value in enumerate(self.values, start=OTHER + 1)}
        codes = values.replace_strict(known, default=OTHER, return_dtype=pl.Int32)
        return codes.set(values.is_null(), MISSING).to_numpy()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``read_column`` reads back."""
        return {"values": list(self.values)}


Column = Number | Category


def learn_column(values: pl.Series) -> Column:
    """The classes of what stands beside steps: lists of numbers or of texts, [rows]."""
    flat = _flat(values)
    return Number.of(flat) if flat.dtype == pl.Float64 else Category.of(flat.cast(pl.String))


def encode_column(
    column: Column, values: pl.Series, whole: NDArray[np.int64], read: NDArray[np.int64], tail: int
) -> Codes:
    """The class at each step that is read of each row, int32 [steps].

    Parameters
    ----------
    column : Number or Category
    values : polars.Series of List [rows]
        They end where the row ends: of steps before them nothing is known.
    whole, read : int64 [rows]
        Steps of each row, and how many of them are read.
    tail : int
        How many of these are its last, where not all are read.
    """
    codes = column.codes(_flat(values))
    given = values.list.len().fill_null(0).to_numpy().astype(np.int64)
    ends = np.cumsum(read)
    step = np.arange(read.sum()) - np.repeat(ends - read, read)
    left_out = np.where(step >= np.repeat(read - tail, read), np.repeat(whole - read, read), 0)
    # Places among the values, which begin so many steps after the row does.
    place = step + left_out - np.repeat(whole - given, read)
    known = (place >= 0) & (place < np.repeat(given, read))
    found = np.zeros(len(step), dtype=np.int32)
    found[known] = codes[(place + np.repeat(np.cumsum(given) - given, read))[known]]
    return found


def read_column(state: Any, kind: str) -> Column:
    """Make the column that ``to_dict`` described, of an encoder of some ``kind``.

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
    """The values of all rows, one after the other; rows that have none have no part."""
    return values.filter(values.list.len() > 0).explode()
