"""The labelled rows as a random sample: which they are, how they were drawn, in which clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError, Phrase
from duree.inference.codebook import number_of
from duree.inference.families import Floats, Ints
from duree.inference.intervals import DrawnUnits
from duree.tables.source_rows import Rows

Design = Literal["coding", "sample_prob", "equal_prob"]
# Probabilities that differ by less are equal.
EQUAL = 1e-9
# Between 1 and this, a probability was written as a percentage.
PERCENT = 100


@dataclass(frozen=True)
class Sample:
    """How rows were labelled.

    Attributes
    ----------
    rows : int [labelled]
        Places of the labelled rows, in order.
    probability : float [labelled]
        Of being labelled.
    stratum : int [rows]
        From 0.
    cluster : int [rows] or None
        From 0.
    design : {"coding", "sample_prob", "equal_prob"}
    """

    rows: Ints
    probability: Floats
    stratum: Ints
    cluster: Ints | None
    design: Design

    @property
    def clusters(self) -> int | None:
        """Number of clusters in the table."""
        return None if self.cluster is None else int(self.cluster.max()) + 1

    @property
    def labelled_clusters(self) -> int | None:
        """Number of clusters with labelled rows."""
        return None if self.cluster is None else len(np.unique(self.cluster[self.rows]))

    @property
    def whole_clusters(self) -> bool:
        """Whether labelled clusters are labelled whole: these were drawn, and not their rows."""
        if self.cluster is None:
            return False
        size = np.bincount(self.cluster)
        labelled = np.bincount(self.cluster[self.rows], minlength=len(size))
        return bool(np.all((labelled == 0) | (labelled == size))) and len(self.rows) > int(
            (labelled > 0).sum()
        )

    def drawn(self) -> DrawnUnits:
        """The units that were drawn: clusters if they are labelled whole, otherwise rows."""
        first = self.rows
        probability = self.probability
        if self.whole_clusters:
            assert self.cluster is not None
            _, places = np.unique(self.cluster[self.rows], return_index=True)
            first, probability = first[places], probability[places]
        stratum = self.stratum[first]
        fixed = all(
            np.ptp(probability[stratum == one]) < EQUAL for one in np.unique(stratum).tolist()
        )
        return DrawnUnits(stratum, probability, fixed)


def codes(column: pl.Series) -> Ints:
    """Numbers from 0 for the values of a column, in the order of the values."""
    ranks = column.rank("dense")
    return ranks.to_numpy().astype(np.int64) - 1


def read_sample(
    frame: pl.DataFrame,
    labelled: NDArray[np.bool_],
    *,
    sample_prob: str | None,
    stratum: str | None,
    cluster: str | None,
    equal_prob: bool,
) -> Sample:
    """The sample that columns of a table describe.

    Raises
    ------
    DataError
        Nothing says how rows were drawn, or two options do; a probability is not in (0, 1], or a
        column is missing or has missing values.
    """
    if equal_prob and sample_prob is not None:
        raise DataError(
            "the chance of being labelled is given twice: by column {column!r} and as equal",
            fix="leave out --equal-prob if chances differ, --sample-prob if all rows had the same",
            column=sample_prob,
        )
    rows = np.flatnonzero(labelled)
    if len(rows) == 0:
        raise DataError(
            "no row is labelled",
            fix="label a random sample of rows: duree sample draws one",
        )
    strata = np.zeros(len(frame), dtype=np.int64)
    if stratum is not None:
        strata = codes(complete(frame, stratum))
    units = None if cluster is None else codes(complete(frame, cluster))
    if sample_prob is not None:
        probability, design = (
            _given(frame, sample_prob, rows, scaled=stratum is None),
            "sample_prob",
        )
    elif stratum is not None:
        probability, design = _by_stratum(strata, rows), "sample_prob"
    elif equal_prob:
        probability, design = np.full(len(rows), len(rows) / len(frame)), "equal_prob"
    else:
        raise DataError(
            "nothing says how the labelled rows were drawn",
            fix="give the folder of duree sample, or a column with each row's probability of being "
            "labelled (--sample-prob); only if all rows had the same chance, say so with "
            "--equal-prob",
        )
    return Sample(rows, probability, strata, units, design)  # type: ignore[arg-type]


def complete(frame: pl.DataFrame, name: str) -> pl.Series:
    """A column without missing values; DataError otherwise."""
    column = found(frame, name)
    missing = is_missing(column)
    if missing.any():
        raise DataError(
            "column {column!r} has no value in {count} of {rows} rows, the first of them row {row}",
            fix="leave out these rows or fill them in before predicting: rows that disappear would "
            "change what the estimate describes",
            column=name,
            count=int(missing.sum()),
            rows=len(frame),
            row=int(missing.arg_max() or 0) + 1,
        )
    return column


def is_missing(column: pl.Series) -> pl.Series:
    """Whether each cell is null or NaN."""
    missing = column.is_null()
    return missing | column.is_nan() if column.dtype.is_float() else missing


def found(frame: pl.DataFrame, name: str) -> pl.Series:
    """A column of the table; DataError if there is none of this name."""
    if name in frame.columns:
        return frame[name]
    raise DataError(
        "the table has no column {column!r}",
        fix="its columns are: {columns}",
        column=name,
        columns=", ".join(frame.columns),
    )


def _given(frame: pl.DataFrame, name: str, rows: Ints, *, scaled: bool) -> Floats:
    """The probabilities of the labelled rows, all within (0, 1].

    ``scaled``: so that they are given the number of labelled rows, which may differ from the one
    expected where each row was drawn by itself.
    """
    column = found(frame, name)
    values = column.cast(pl.Float64, strict=False).to_numpy()
    used = values[rows]
    bad = ~((used > 0) & (used <= 1))
    others = np.isfinite(values) & ~((values > 0) & (values <= 1))
    if bad.any() or others.any():
        row = int(rows[np.argmax(bad)] if bad.any() else np.argmax(others))
        raise no_probability(column[row], name, Rows([row]))
    if not (scaled and np.isfinite(values).all()):
        return np.asarray(used)
    return np.asarray(np.minimum(used * len(rows) / values.sum(), 1.0))


def no_probability(value: object, column: str, row: Phrase, file: str = "") -> DataError:
    """The error of a value that is no probability: a percentage, a text, or out of range.

    Parameters
    ----------
    value : object
        The cell.
    row : Phrase
        Its row, as the user counts it.
    file : str
        Where the row is; empty for a data frame.
    """
    number = number_of(str(value))
    fix = (
        "probabilities must be above 0 and at most 1 in labelled rows: rows that could not be "
        "drawn are not described by the sample, and must be left out"
    )
    if isinstance(value, str) and "," in value and number is not None:
        fix = "write probabilities with a decimal point: {value} is {share:g}"
    elif number is not None and 1 < number <= PERCENT:
        fix, number = "write probabilities, not percentages: {value} % is {share:g}", number / 100
    return DataError(
        "the probability of being labelled is {value}, in {row} of column {column!r}",
        "in {file}" if file else "",
        fix,
        value=value,
        row=row,
        column=column,
        file=file,
        share=number,
    )


def _by_stratum(strata: Ints, rows: Ints) -> Floats:
    """Labelled rows by rows of each stratum; DataError if a stratum has no labelled row."""
    size = np.bincount(strata)
    labelled = np.bincount(strata[rows], minlength=len(size))
    if (labelled == 0).any():
        raise DataError(
            "{count} of {strata} strata have no labelled row",
            fix="label rows in each stratum: rows without a chance of being labelled are not "
            "described by the sample",
            count=int((labelled == 0).sum()),
            strata=len(size),
        )
    return np.asarray((labelled / size)[strata[rows]])
