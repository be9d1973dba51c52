"""The order in time of a column's values: numbers, dates, or texts that begin with the year."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError

ISO_DATE = re.compile(
    r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?)?", re.IGNORECASE
)
ANY_DATE = re.compile(rf"{ISO_DATE.pattern}|\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}}", re.IGNORECASE)
TIME_NAMES = re.compile(
    r"(^|[^a-z])(date|year|month|time|timestamp|published|created|jahr|datum|année|an|fecha|año)"
    r"([^a-z]|$)|日期|时间|年份?|年月",
    re.IGNORECASE,
)
MONTH_LENGTH, DAY_LENGTH = len("2001-05"), len("2001-05-14")


def time_order(column: pl.Series) -> NDArray[np.int64]:
    """Place of each row in time, int64 [rows]: 0 for the earliest value, -1 for a missing one.

    Raises
    ------
    DataError
        The values cannot be ordered without guessing what they mean.
    """
    if column.dtype.is_temporal() or column.dtype.is_numeric():
        return _places(_finite(column))
    if not (column.dtype in (pl.String, pl.Null) or is_category(column)):
        raise DataError(
            "the column {column!r} holds {kind}, not times",
            fix="choose a column of numbers, dates or text",
            column=column.name,
            kind=str(column.dtype),
        )
    texts = column.cast(pl.String).str.strip_chars()
    texts = texts.set(texts == "", None)
    for kind in (pl.Int64, pl.Float64):
        numbers = texts.cast(kind, strict=False)
        if numbers.null_count() == texts.null_count() and not _are_reversed_dates(texts):
            return _places(_finite(numbers))
    return _places(_text_order(texts))


def holds_dates(column: pl.Series) -> bool:
    """Whether a column seems to say when: by its values, or by its name and whole numbers."""
    if column.dtype in (pl.Date, pl.Datetime):
        return True
    if not (column.dtype == pl.String or column.dtype.is_integer() or is_category(column)):
        return False
    sample = column.drop_nulls().head(1000).cast(pl.String)
    if sample.len() == 0:
        return False
    if all(ANY_DATE.fullmatch(text.strip()) for text in sample):
        return True
    numbers = sample.cast(pl.Int64, strict=False)
    return bool(TIME_NAMES.search(column.name)) and numbers.null_count() == 0


def is_category(column: pl.Series) -> bool:
    """Whether the cells are names out of a list (value labels, factors)."""
    return isinstance(column.dtype, pl.Categorical | pl.Enum)


def _places(values: pl.Series) -> NDArray[np.int64]:
    return (values.rank("dense").cast(pl.Int64) - 1).fill_null(-1).to_numpy()


def _finite(numbers: pl.Series) -> pl.Series:
    if not numbers.dtype.is_float() or numbers.drop_nulls().is_finite().all():
        return numbers
    row = int((~numbers.is_finite()).fill_null(False).arg_max() or 0)
    raise not_in_order(numbers.name, row, numbers[row])


def _are_reversed_dates(texts: pl.Series) -> bool:
    """Whether eight digits are 31121999 or 12311999, which do not sort as numbers."""
    if not texts.drop_nulls().str.contains(r"^\d{8}$").all():
        return False
    readings = [
        texts.str.to_date(order, strict=False).null_count() == texts.null_count()
        for order in ("%Y%m%d", "%d%m%Y", "%m%d%Y")
    ]
    return not readings[0] and (readings[1] or readings[2])


def _text_order(texts: pl.Series) -> pl.Series:
    """The texts as moments if they are ISO dates, as themselves if year-first and of one shape."""
    values = texts.drop_nulls().unique(maintain_order=True)
    shape = values.str.replace_all(r"\d", "0").unique()
    if not all(ISO_DATE.fullmatch(value) for value in values):
        if shape.len() == 1 and re.match(r"0000(\D|$)", str(shape[0])):
            return texts
        odd = next(v for v in values if not ISO_DATE.fullmatch(v))
        raise not_in_order(texts.name, _row_of(texts, odd), odd)
    moments = [_moment(texts, value) for value in values]
    precisions = [min(len(value), DAY_LENGTH + 1) for value in values]
    if len(set(precisions)) > 1:
        odd = values[precisions.index(next(p for p in precisions if p != precisions[0]))]
        raise not_in_order(texts.name, _row_of(texts, odd), odd)
    return texts.replace_strict(values, moments, return_dtype=pl.Float64)


def _moment(texts: pl.Series, value: str) -> float:
    """Seconds since 1970; a time without a zone is taken as UTC."""
    try:
        moment = datetime.fromisoformat(value + "-01" if len(value) == MONTH_LENGTH else value)
    except ValueError:
        raise not_in_order(texts.name, _row_of(texts, value), value) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _row_of(texts: pl.Series, value: str) -> int:
    return int((texts == value).fill_null(False).arg_max() or 0)


def not_in_order(column: str, row: int, value: object) -> DataError:
    """What is told of a value, in a row counted from 0, that is no time."""
    return DataError(
        "{value!r} in the column {column!r} cannot be placed in time",
        "row {row}",
        "write all its values as numbers, or as dates of the same precision, such as 1999-12-31",
        value=value,
        column=column,
        row=row + 1,
    )
