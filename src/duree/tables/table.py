"""Table: columns as they were read, where they came from, and what was noticed on the way."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from duree.tables.finding import Finding


@dataclass(frozen=True)
class Source:
    """One file that went into a table.

    ``encoding`` and ``delimiter`` are None for formats that have none; ``sha256`` is the checksum
    of the file's bytes, in hexadecimal.
    """

    path: str
    format: str
    rows: int
    sha256: str
    encoding: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True)
class Content:
    """What one file held, before it becomes part of a table."""

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
        From text formats every column is a String, so that "NA" stays text and 007 stays 007.
        From typed formats the types are the file's, value labels applied.
    sources : tuple of Source
    findings : tuple of Finding
        What reading found out or mended: encoding, delimiter, stripped NUL bytes, ...
    """

    frame: pl.DataFrame
    sources: tuple[Source, ...]
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return self.frame.height
