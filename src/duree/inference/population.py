"""A population: the table whose rows are sampled, with their ids, strata and clusters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.storage import cannot_read, given_name
from duree.tables.columns import as_numbers, as_text, is_blank, resolve_column
from duree.tables.files.read import checksum, read_tables
from duree.tables.finding import Finding
from duree.tables.source_rows import named_rows
from duree.tables.table import Source, Table


@dataclass(frozen=True)
class Population:
    """A table whose rows are named by a column.

    Attributes
    ----------
    table : Table
    name : str
        The file's name.
    sha256 : str
    id : str
        Column of the ids.
    ids : polars.Series
        String [rows], all different.
    """

    table: Table
    name: str
    sha256: str
    id: str
    ids: pl.Series

    def __len__(self) -> int:
        return len(self.table)


@dataclass(frozen=True)
class Units:
    """Sampling units: the rows of a population, or its clusters.

    Attributes
    ----------
    names : polars.Series
        String [units]: ids, or names of clusters in the order of their first rows.
    of_row : int64 [rows]
        The unit of each row.
    by : float64 [units] or None
        What they are stratified by; the mean over the rows of a cluster.
    """

    names: pl.Series
    of_row: NDArray[np.int64]
    by: NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.names)


def read_population(file: Path | str, id: str) -> Population:
    """Read a population from a file of any known format.

    Raises
    ------
    DataError
        The file cannot be read, there is no such column, or its ids are missing or doubled.
    """
    return as_population(read_tables([file]), Path(file), id)


def as_population(table: Table, file: Path, id: str) -> Population:
    """A population whose file was read before as ``table``; DataError as ``read_population``."""
    return _population(table, file, table.sources[0].sha256, id)


def population_of(frame: pl.DataFrame, file: Path | str, id: str) -> Population:
    """A population that was read before: ``frame`` holds the rows of ``file``, in its order.

    Raises
    ------
    DataError
        As ``read_population``.
    """
    path = Path(file)
    digest = checksum_of(path)
    source = Source(str(path), path.suffix.lower().lstrip("."), frame.height, digest)
    return _population(Table(frame, (source,)), path, digest, id)


def checksum_of(file: Path) -> str:
    """SHA-256 of a file; DataError if it cannot be read."""
    try:
        return checksum(file)
    except OSError as error:
        raise cannot_read(file, error) from None


def units_of(population: Population, by: str | None, cluster: str | None) -> Units:
    """The sampling units of a population.

    Raises
    ------
    DataError
        A column is missing, ``by`` is no number in some row, or a row has no cluster.
    """
    values = None if by is None else _complete_numbers(population, by)
    if cluster is None:
        return Units(population.ids, np.arange(len(population)), values)
    names = as_text(population.table, cluster)
    _refuse_blank(population, names, cluster)
    different = names.unique(maintain_order=True)
    place = dict(zip(different.to_list(), range(len(different)), strict=True))
    of_row = names.replace_strict(place, return_dtype=pl.Int64).to_numpy()
    if values is not None:
        # Added in the order of the rows: the same sum on every machine.
        values = np.bincount(of_row, values) / np.bincount(of_row)
    return Units(different, of_row, values)


def missing_texts(population: Population, text: str) -> list[Finding]:
    """A warning if the population has rows without text, with the first of them."""
    rows = np.flatnonzero(is_blank(as_text(population.table, text)))
    if not len(rows):
        return []
    return [
        Finding(
            "empty_texts",
            "warning",
            "rows without text in {column!r}: {count} ({rows})",
            "they belong to the population, and coders will be asked for them: leave them out of "
            "the table if they are no part of it",
            {
                "column": text,
                "count": len(rows),
                "rows": named_rows(population.table, rows),
            },
            tuple(int(row) for row in rows[:5]),
        )
    ]


def _population(table: Table, file: Path, sha256: str, id: str) -> Population:
    column = resolve_column(table, id)
    ids = as_text(table, column).rename("id")
    population = Population(table, given_name(file) or file.name, sha256, column, ids)
    _refuse_blank(population, ids, column)
    if ids.n_unique() < len(ids):
        first = ids.filter(ids.is_duplicated())[0]
        rows = (ids == first).arg_true().to_numpy()
        raise DataError(
            "the id {id!r} occurs in several rows of {file}: {rows}",
            fix="give each row an id of its own in {column!r}, or choose another column with --id",
            id=first,
            column=column,
            file=population.name,
            rows=named_rows(table, rows),
        )
    return population


def _complete_numbers(population: Population, name: str) -> NDArray[np.float64]:
    values = as_numbers(population.table, name)
    _refuse_blank(population, values, name)
    return values.to_numpy().astype(np.float64)


def _refuse_blank(population: Population, column: pl.Series, name: str) -> None:
    rows = np.flatnonzero(is_blank(column))
    if len(rows):
        raise DataError(
            "rows of {file} without a value in {column!r}: {count} ({rows})",
            fix="fill in the column, or leave these rows out of the population",
            column=name,
            count=len(rows),
            file=population.name,
            rows=named_rows(population.table, rows),
        )
