"""Mean surprisal by the values of a column, of documents that did not train the network."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.evaluation.rates_by_group import rates_by_group, trend
from duree.pipeline.language_model import rate_of
from duree.pipeline.model import TrainedModel
from duree.results.surprisal import Compared, Comparison
from duree.tables.columns import find_column, refuse_nested
from duree.tables.table import Table

# Ordered values beyond so many are put into intervals of equal width; names may not be more than
# the second.
MOST_VALUES, MOST_NAMES = 12, 50
# Widths of intervals, times powers of ten.
WIDTHS = (1, 2, 5)


def compare_by(documents: pl.DataFrame, column: str, model: TrainedModel, seed: int) -> Comparison:
    """Compare the documents that did not train the network by the values of a column.

    Numbers and dates (of which the year counts) are ordered: more than twelve values are put into
    intervals, and the documents' rank correlation with the values is tested.

    Parameters
    ----------
    documents : DataFrame
        ``units``, ``characters``, ``bits``, ``in_training`` and the column.
    seed : int
        Of the resamples and permutations.

    Raises
    ------
    DataError
        The column has too many different names, or no document is left to compare.
    """
    name, rate = find_column(documents.columns, column) or column, rate_of(model)
    refuse_nested(Table(documents, ()), name)
    count = documents["characters" if rate == "bits_per_character" else "units"]
    values, is_ordered = _values(documents[name])
    trained, missing = documents["in_training"], values.is_null()
    empty = documents["characters"] == 0
    taken = ~(trained | missing | empty)
    if not taken.any():
        raise DataError(
            "no document is left to compare by {column!r}: {trained} of {count} trained the "
            "network, {missing} have no value",
            fix="give documents that did not train it, such as its test file",
            column=name,
            trained=int(trained.sum()),
            missing=int(missing.sum()),
            count=len(documents),
        )
    of_all, names = _groups(values, is_ordered, name)
    used = taken.to_numpy()
    known, codes = np.unique(of_all[used], return_inverse=True)
    sums, counts = (
        column.cast(pl.Float64).to_numpy()[used] for column in (documents["bits"], count)
    )
    found = rates_by_group(sums, counts, codes, [names[code] for code in known], seed)
    of_trained = np.unique(of_all[(trained & ~missing).to_numpy()])
    correlation = None
    if is_ordered:
        correlation = trend(sums, counts, values.cast(pl.Float64).to_numpy()[used], seed)
    return Comparison(
        column=name,
        rate=rate,
        groups=[
            Compared(
                name=one.name,
                documents=one.documents,
                bits=one.rate,
                low=one.low,
                high=one.high,
                difference=one.difference,
                p_value=one.p_value,
            )
            for one in found
        ],
        trained=int((trained & ~missing).sum()),
        missing=int(missing.sum()),
        empty=int((empty & ~trained & ~missing).sum()),
        only_trained=[names[code] for code in of_trained if code not in known],
        ordered=is_ordered,
        correlation=correlation and correlation.correlation,
        p_value=correlation and correlation.p_value,
    )


def _values(column: pl.Series) -> tuple[pl.Series, bool]:
    """A column to group by, with null for blank cells, and whether its values are ordered."""
    if column.dtype in (pl.Date, pl.Datetime):
        return column.dt.year(), True
    if column.dtype.is_numeric():
        return column.fill_nan(None) if column.dtype.is_float() else column, True
    names = column.cast(pl.String).str.strip_chars()
    names = names.set((names == "").fill_null(False), None)
    numbers = names.cast(pl.Float64, strict=False)
    if names.null_count() < len(names) and numbers.null_count() == names.null_count():
        return numbers, True
    return names, False


def _groups(
    values: pl.Series, is_ordered: bool, column: str
) -> tuple[NDArray[np.int64], list[str]]:
    """The group of each document, -1 for those without a value, and the names of the groups."""
    distinct = values.drop_nulls().unique().sort()
    if is_ordered and len(distinct) > MOST_VALUES:
        return _intervals(values)
    if len(distinct) > MOST_NAMES:
        raise DataError(
            "column {column!r} has {count} different values: groups of that many cannot be "
            "compared",
            fix="choose a column with at most {most}, or with numbers or dates",
            column=column,
            count=len(distinct),
            most=MOST_NAMES,
        )
    codes = values.replace_strict(
        distinct, pl.Series(range(len(distinct))), default=-1, return_dtype=pl.Int64
    )
    names = [_number(value) if is_ordered else str(value) for value in distinct]
    return codes.to_numpy(), names


def _intervals(values: pl.Series) -> tuple[NDArray[np.int64], list[str]]:
    """Intervals of a round width, as few as needed."""
    given = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
    known = given[~np.isnan(given)]
    power = 10.0 ** np.floor(np.log10(np.ptp(known) / MOST_VALUES))
    widths = (width * power * scale for scale in (1, 10) for width in WIDTHS)
    low, high = known.min(), known.max()
    width = next(one for one in widths if high // one - low // one < MOST_VALUES)
    first, last = int(low // width), int(high // width)
    is_whole = width >= 1 and bool((known % 1 == 0).all())
    names = [_interval(place * width, width, is_whole=is_whole) for place in range(first, last + 1)]
    places = given // width - first
    return np.where(np.isnan(places), -1, places).astype(np.int64), names


def _interval(begin: float, width: float, *, is_whole: bool) -> str:
    """The name of an interval of numbers, or of whole numbers."""
    if is_whole:
        return _number(begin) if width == 1 else f"{_number(begin)}–{_number(begin + width - 1)}"
    return f"{_number(begin)}–<{_number(begin + width)}"


def _number(value: float) -> str:
    return f"{value:.10g}"
