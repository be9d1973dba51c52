"""Table: columns as read from files, their sources, and findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from duree.tables.finding import Finding

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
    """The content of one file, before it becomes part of a table."""

    frame: pl.DataFrame
    findings: tuple[Finding, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    bare: BareWords = field(default_factory=dict)


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
    """

    frame: pl.DataFrame
    sources: tuple[Source, ...]
    findings: tuple[Finding, ...] = ()
    bare: BareWords = field(default_factory=dict)

    def __len__(self) -> int:
        return self.frame.height


def added_up(counts: Iterable[BareWords]) -> BareWords:
    """The bare words of several tables together."""
    total: dict[str, dict[str, int]] = {}
    for of_table in counts:
        for column, words in of_table.items():
            known = total.setdefault(column, {})
            for word, cells in words.items():
                known[word] = known.get(word, 0) + cells
    return total
