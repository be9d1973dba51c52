"""Table: columns as read from files, their sources, and findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.tables.finding import Finding, without_rows

# The format of a folder of texts, and the column of file names that reading makes of it.
TEXT_FOLDER, FILE = "text folder", "file"
# The type of a column of JSON lines with lists or objects: their JSON text.
JSON_TEXT = pl.Struct({"JSON text": pl.String})
# How many cells of each column hold which bare word that programs write for a missing value.
BareWords = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Source:
    """One file of a table.

    ``encoding`` and ``delimiter`` are None for formats without them; ``sha256`` is the checksum of
    the file's bytes, in hexadecimal.
    """

    path: str
    format: str
    rows: int
    sha256: str
    encoding: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True)
class Content:
    """The content of one file, before it becomes part of a table.

    ``rows`` int64 [rows] are the numbers of its rows, from 1; None if none was left out.
    """

    frame: pl.DataFrame
    findings: tuple[Finding, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    bare: BareWords = field(default_factory=dict)
    rows: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Table:
    """The rows of one or several files, in order.

    Attributes
    ----------
    frame : polars.DataFrame
        For text formats all columns are String, so that "NA" stays text and 007 stays 007. For
        typed formats the types are the file's, with value labels applied.
    sources : tuple of Source
    findings : tuple of Finding
        What reading detected or repaired: encoding, delimiter, removed NUL bytes, ...
    bare : {column: {word: cells}}
        Unquoted words such as NA in delimited text, which may stand for missing values.
    origins : polars.DataFrame or None
        Where each row comes from: ``file``, the index of its source, and ``row``, its number in
        that file, from 1, as other programs count the rows below the column names. A sequence of
        several rows has the number of its first; one of tokens a list. None if unknown.
    """

    frame: pl.DataFrame
    sources: tuple[Source, ...]
    findings: tuple[Finding, ...] = ()
    bare: BareWords = field(default_factory=dict)
    origins: pl.DataFrame | None = None

    def __len__(self) -> int:
        return self.frame.height

    def rows(self, chosen: NDArray[np.int64]) -> Table:
        """The table with only the rows of these indices, in this order, and without findings."""
        origins = None if self.origins is None else self.origins[chosen]
        return Table(self.frame[chosen], self.sources, origins=origins)

    def only(self, rows: NDArray[np.bool_] | pl.Series, finding: Finding) -> Table:
        """The table with only the marked rows, and a finding about the others."""
        origins = None if self.origins is None else self.origins.filter(rows)
        findings = (*without_rows(self.findings, np.asarray(rows)), finding)
        return replace(self, frame=self.frame.filter(rows), findings=findings, origins=origins)


def origins_of(rows: Iterable[NDArray[np.int64]]) -> pl.DataFrame:
    """The origins of the rows of several files, given the numbers of the rows of each."""
    each = [
        pl.DataFrame({"file": np.full(len(of_file), place, dtype=np.int32), "row": of_file})
        for place, of_file in enumerate(rows)
    ]
    return pl.concat(each, rechunk=False)


def origins_with(table: Table, other: Table) -> pl.DataFrame | None:
    """The origins of the rows of a table and of another that follows; None if unknown."""
    if table.origins is None or other.origins is None:
        return None
    after = other.origins.with_columns(pl.col("file") + len(table.sources))
    return pl.concat([table.origins, after], how="vertical_relaxed")


def added_up(counts: Iterable[BareWords]) -> BareWords:
    """The bare words of several tables together."""
    total: dict[str, dict[str, int]] = {}
    for of_table in counts:
        for column, words in of_table.items():
            known = total.setdefault(column, {})
            for word, cells in words.items():
                known[word] = known.get(word, 0) + cells
    return total
