"""What encoders of texts share: the texts of a column, lists of texts, and cutting to a length."""

from __future__ import annotations

from typing import Any, TypeVar

import polars as pl

from duree.errors import DataError
from duree.recipe.settings import TextSettings

T = TypeVar("T")


def texts_of(column: pl.Series) -> list[str]:
    """The texts of a column; missing ones are empty.

    Raises
    ------
    DataError
        The column does not hold text.
    """
    require_text(column)
    found: list[str] = column.fill_null("").to_list()
    return found


def require_text(column: pl.Series) -> None:
    """Refuse a column that does not hold text."""
    if column.dtype not in (pl.String, pl.Null):
        raise DataError(
            "column {column!r} holds {type}, not text",
            fix="choose a column of texts",
            column=column.name,
            type=str(column.dtype),
        )


def are_texts(found: Any) -> bool:
    """Whether JSON data are a list of texts."""
    return isinstance(found, list) and all(isinstance(text, str) for text in found)


def shortened(units: list[T], settings: TextSettings) -> list[T]:
    """The first, the last, or both parts of a list of units, or of one value per unit, up to
    ``max_length``."""
    length = settings.max_length
    if len(units) <= length:
        return units
    tail = {"head": 0, "tail": length, "both": length // 2}[settings.keep]
    return units[: length - tail] + units[len(units) - tail :]
