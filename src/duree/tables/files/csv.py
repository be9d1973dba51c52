"""Delimited text (CSV, TSV) read into columns of strings; nothing is shifted, guessed or lost.

The file is read in blocks. The structure of each block is found before its cells are read, so that
a malformed row is reported with its line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path

import polars as pl

from duree.errors import DataError
from duree.tables.columns import find_column
from duree.tables.files.csv_dialect import DELIMITERS, SAMPLE, delimiter_below, find_dialect
from duree.tables.files.csv_rows import Rows
from duree.tables.files.csv_structure import Dialect
from duree.tables.files.encoding import chosen_encoding, utf8_blocks
from duree.tables.files.limits import encoding_finding, nul_finding
from duree.tables.finding import Finding
from duree.tables.table import Content

# The line by which Excel is told the separator, also quoted.
_SEPARATOR_LINE = re.compile(rb'"?sep=([^"\r\n])"?(?:\r\n|\n|\r)', re.IGNORECASE)


def read_delimited(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    drop_bad: bool = False,
    default_delimiter: str = ",",
) -> Content:
    """Read a file of delimited text; every column is a String, an empty unquoted cell is null.

    Raises
    ------
    DataError
        The encoding is unclear, a quote is not closed, rows are malformed (unless ``drop_bad``), a
        cell is too long, or column names are not unique.
    """
    text = _Text(path, encoding, delimiter, default_delimiter)
    rows = Rows(path, text.dialect, drop_bad, text.first_line)
    for _ in text.taken_by(rows):
        pass
    frame = rows.frame()
    read_as, separated, *others = text.findings(encoding_is_given=encoding is not None)
    findings = [read_as, separated, *rows.findings(), *others]
    if text.below and frame.width == 1:
        findings.append(_title(path, frame.columns[0], text.below))
    return Content(
        frame, tuple(findings), text.encoding, text.dialect.delimiter, rows.bare, rows.numbers()
    )


def has_header(path: Path, names: Collection[str], encoding: str | None = None) -> bool:
    """Whether a file is a delimited table whose first line holds all ``names``, at least one.

    A file with empty lines or lines of comments in its first block holds tokens instead.
    """
    if not names or not path.is_file():
        return False
    head = next(utf8_blocks(path, chosen_encoding(path, encoding)), b"").decode("utf-8")
    lines = head.rstrip("\r\n").replace("\r\n", "\n").split("\n")
    if any(not line.strip() or line.startswith("#") for line in lines):
        return False
    cells = [[cell.strip().strip('"') for cell in lines[0].split(mark)] for mark in DELIMITERS]
    return any(
        len(found) > 1 and all(find_column(found, name) for name in names) for found in cells
    )


def delimited_frames(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    default_delimiter: str = ",",
    notify: Callable[[Finding], None] | None = None,
) -> Iterator[pl.DataFrame]:
    """The rows of ``read_delimited``, block by block, without holding them; raises the same.

    Malformed rows are reported when the first of them is reached; ``notify`` is called with what
    else was found, once all rows are read.
    """
    text = _Text(path, encoding, delimiter, default_delimiter)
    rows = Rows(path, text.dialect, drop_bad=False, first_line=text.first_line)
    for _ in text.taken_by(rows):
        yield from rows.hand_over()
    if notify is not None:
        for finding in text.findings(encoding_is_given=encoding is not None):
            notify(finding)


class _Text:
    """A file of delimited text: its encoding and dialect, detected or given, and its blocks."""

    def __init__(
        self, path: Path, encoding: str | None, delimiter: str | None, default_delimiter: str
    ) -> None:
        self.path, self.encoding = path, chosen_encoding(path, encoding)
        self.nul = _NulFilter()
        blocks = self.nul.without(utf8_blocks(path, self.encoding))
        head = _head(blocks)
        given = _one_character(delimiter)
        self.first_line = 1
        if line := _SEPARATOR_LINE.match(head):
            given = given or line.group(1).decode()
            head, self.first_line = head[line.end() :], 2
        sample = head[:SAMPLE] if len(head) > SAMPLE else _ended(head)
        self.dialect = find_dialect(sample, given, default_delimiter)
        self.below = None if given else delimiter_below(sample)
        self.blocks = chain([head], blocks)

    def findings(self, *, encoding_is_given: bool) -> tuple[Finding, ...]:
        """What was found out or left out, once all blocks are read."""
        found = [
            encoding_finding(self.path, self.encoding, encoding_is_given),
            _dialect_finding(self.path, self.dialect),
        ]
        if self.first_line > 1:
            found.append(_separator_line(self.path, self.dialect.delimiter))
        if self.nul.count:
            found.append(nul_finding(self.nul.count, self.path))
        return tuple(found)

    def taken_by(self, rows: Rows) -> Iterator[None]:
        """Pass all rows to ``rows``, yielding after each block."""
        rest = b""
        for block in self.blocks:
            rest = rows.take(rest + block)
            yield
        rows.take(_ended(rest), final=True)
        yield


class _NulFilter:
    """Removes NUL characters from a text and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def without(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            if b"\0" in block:
                self.count += block.count(0)
                block = block.replace(b"\0", b"")
            yield block


def _head(blocks: Iterator[bytes]) -> bytes:
    """The first blocks, as many as the sample needs."""
    head = b""
    while len(head) <= SAMPLE and (block := next(blocks, b"")):
        head += block
    return head


def _ended(text: bytes) -> bytes:
    """The text with its last row terminated."""
    return text if not text or text.endswith((b"\n", b"\r")) else text + b"\n"


def _one_character(delimiter: str | None) -> str | None:
    named = {"tab": "\t", "\\t": "\t"}.get(delimiter or "", delimiter)
    if named is None or (len(named) == 1 and "\t" <= named <= "~" and named not in "\"'\n\r"):
        return named
    raise DataError(
        "{delimiter!r} cannot separate columns",
        fix="give one character, such as , ; | or tab",
        delimiter=delimiter,
    )


def _title(path: Path, title: str, delimiter: str) -> Finding:
    return Finding(
        "title",
        "warning",
        "the first line of {file}, {title!r}, has no {delimiter!r}, by which every other line has "
        "several cells",
        "if it is a title above the column names, remove it",
        {"file": str(path), "title": title, "delimiter": delimiter},
    )


def _separator_line(path: Path, delimiter: str) -> Finding:
    return Finding(
        "separator_line",
        "note",
        "the first line of {file} only names the separator {delimiter!r}, for Excel, and was "
        "skipped",
        values={"file": str(path), "delimiter": delimiter},
    )


_QUOTING = {
    '"': "the columns of {file} are separated by {delimiter!r}",
    "'": "the columns of {file} are separated by {delimiter!r}, and cells quoted with '",
    None: "the columns of {file} are separated by {delimiter!r}, and quotes are part of the text",
}


def _dialect_finding(path: Path, dialect: Dialect) -> Finding:
    return Finding(
        "delimiter",
        "ok" if dialect.quote == '"' else "note",
        _QUOTING[dialect.quote],
        values={"file": str(path), "delimiter": dialect.delimiter},
    )
