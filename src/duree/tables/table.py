"""Table: columns as read from files, their sources, and findings."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from duree.tables.finding import Finding


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
    """

    frame: pl.DataFrame
    sources: tuple[Source, ...]
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return self.frame.height
