"""The order in time of a column's values: numbers, dates, or texts that begin with the year."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.tables.time.parse import (
    CLOCK,
    DATE,
    MONTH,
    form_of,
    is_category,
    not_in_order,
    require_read,
    written_cells,
)

ISO_FORMS = (MONTH, DATE, CLOCK)
ANY_DATE = re.compile(
    rf"{'|'.join(form.shape for form in ISO_FORMS)}|\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}}"
)
TIME_NAMES = re.compile(
    r"(^|[^a-z])(date|year|month|time|timestamp|published|created|jahr|datum|année|an|fecha|año)"
    r"([^a-z]|$)|日期|时间|年份?|年月",
    re.IGNORECASE,
)


def time_order(column: pl.Series) -> NDArray[np.int64]:
    """Place of each row in time, int64 [rows]: 0 for the earliest value, -1 for a missing one.

    Raises
    ------
    DataError
        The values cannot be ordered without guessing what they mean.
    """
    if column.dtype.is_temporal() or column.dtype.is_numeric():
        return _places(_finite(column))
    texts = written_cells(column)
    for kind in (pl.Int64, pl.Float64):
        numbers = texts.cast(kind, strict=False)
        if numbers.null_count() == texts.null_count() and not _are_reversed_dates(texts):
            return _places(_finite(numbers))
    return _places(_text_order(texts))


def holds_dates(column: pl.Series) -> bool:
    """Whether a column seems to hold times: by its values, or by its name and whole numbers."""
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
    if form := form_of(texts, ISO_FORMS):
        return require_read(texts, form.read(texts))
    is_iso = pl.select(pl.any_horizontal(form.matches(texts) for form in ISO_FORMS)).to_series()
    if is_iso.all():  # in several forms: the first cell decides
        first = form_of(texts.drop_nulls().head(1), ISO_FORMS)
        is_iso = first.matches(texts) if first else is_iso
    else:
        shape = texts.drop_nulls().str.replace_all(r"\d", "0").unique()
        if shape.len() == 1 and re.match(r"0000(\D|$)", str(shape[0])):
            return texts
    is_number = texts.cast(pl.Float64, strict=False).is_not_null().set(texts.is_null(), None)
    usual = is_number if (is_number.sum() or 0) > (is_iso.sum() or 0) else is_iso
    row = int((~usual).fill_null(False).arg_max() or 0)
    raise not_in_order(texts.name, row, texts[row])
