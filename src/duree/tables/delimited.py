"""Delimited text (CSV, TSV) into columns of strings: nothing is shifted, guessed at or lost.

The file is streamed in blocks. Each block's structure is found first, so that a row that does not
fit the header is told with its line before anything is made of it; the finished rows then become
columns at once, by writing NUL (which no text holds any more) where cells end and splitting there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.tables.dialect import SAMPLE, find_dialect
from duree.tables.encoding import find_encoding, known_encoding, utf8_blocks
from duree.tables.finding import Finding
from duree.tables.names import column_names
from duree.tables.structure import Dialect, Structure, blank_rows, find_structure
from duree.tables.table import Content

CELL_LIMIT = 1_000_000  # bytes
_TOLD = 50  # line numbers told at most


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
        The encoding is unclear, a quote is not closed, rows do not fit the header (unless
        ``drop_bad``), a cell is too long, column names are doubled, or there are no rows.
    """
    chosen = known_encoding(encoding) if encoding else find_encoding(path)
    nul = _NulFilter()
    blocks = nul.without(utf8_blocks(path, chosen))
    first = next(blocks, b"")
    sample = first[:SAMPLE]
    if len(first) < SAMPLE:
        sample = _ended(sample)
    dialect = find_dialect(sample, _one_character(delimiter), default_delimiter)
    rows = _Rows(path, dialect, drop_bad)
    rest = b""
    for block in chain([first], blocks):
        rest = rows.take(rest + block)
    rows.take(_ended(rest), final=True)
    frame = rows.frame()
    findings = (
        _told_encoding(path, chosen, encoding is not None),
        _told_dialect(path, dialect),
        *nul.findings(path),
        *rows.findings(),
    )
    return Content(frame, findings, chosen, dialect.delimiter)


class _NulFilter:
    """Takes NUL bytes out of a text, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def without(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            if found := block.count(0):
                self.count += found
                block = block.replace(b"\0", b"")
            yield block

    def findings(self, path: Path) -> Iterator[Finding]:
        if self.count:
            yield nul_finding(self.count, path)


def nul_finding(count: int, path: Path) -> Finding:
    """Tells that NUL characters were taken out of the texts."""
    return Finding(
        "nul_bytes",
        "warning",
        "{count} NUL characters were taken out of {file}",
        "look whether the file is damaged or was cut by the program that wrote it",
        {"count": count, "file": str(path)},
    )


@dataclass
class _Misfits:
    """Rows that have more or fewer cells than the header: how many, and the first of them."""

    count: int = 0
    lines: list[int] = field(default_factory=list)
    widths: set[int] = field(default_factory=set)
    example: tuple[int, int, str] = (0, 0, "")  # line, cells, how it begins

    def told_lines(self) -> str:
        """The line numbers as text, cut where they are very many."""
        more = ", ..." if self.count > len(self.lines) else ""
        return ", ".join(map(str, self.lines)) + more


class _Rows:
    """The rows of a file, taken block by block."""

    def __init__(self, path: Path, dialect: Dialect, drop_bad: bool) -> None:
        self.path, self.dialect, self.drop_bad = path, dialect, drop_bad
        self.names: list[str] = []
        self.frames: list[pl.DataFrame] = []
        self.misfits = _Misfits()
        self.line = 1  # of the first row not yet taken
        self.count = 0  # rows taken, misfits included
        self.blank_lines = 0

    def take(self, data: bytes, final: bool = False) -> bytes:
        """Take the finished rows of ``data`` and return the unfinished one at its end."""
        structure = find_structure(data, self.dialect)
        self._check_quotes_and_sizes(data, structure, final)
        blank = blank_rows(data, structure)
        keep = ~blank
        if not self.names and keep.any():
            header = int(np.argmax(keep))
            self.names = column_names(self._split(data, structure, header), self.path)
            keep[header] = False
            blank = blank[: np.flatnonzero(~blank)[-1] + 1] if final else blank
        self.blank_lines += int(blank.sum())
        if self.names:
            self.count += int(keep.sum())
            fits = structure.cells == len(self.names)
            self._note_misfits(data, structure, np.flatnonzero(keep & ~fits))
            if self.drop_bad or not self.misfits.count:
                self._keep(data, structure, keep & fits)
        self.line += self._lines(data[: structure.rest])
        return data[structure.rest :]

    def frame(self) -> pl.DataFrame:
        """All rows that fit, once every block was taken; DataError where they may not be used."""
        if not self.names:
            raise DataError("{file} is empty", fix="choose another file", file=str(self.path))
        if self.count == 0:
            raise DataError(
                "{file} has column names but no rows",
                fix="choose another file",
                file=str(self.path),
            )
        misfits = self.misfits
        if misfits.count == self.count and len(misfits.widths) == 1:
            raise self._all_misfit()
        if misfits.count and (not self.drop_bad or misfits.count == self.count):
            raise self._some_misfit()
        return pl.concat(self.frames, rechunk=False)

    def findings(self) -> Iterator[Finding]:
        """What was left out."""
        if self.misfits.count:
            yield Finding(
                "bad_rows",
                "warning",
                "{count} rows of {file} that do not fit its header were left out: lines {lines}",
                values={
                    "count": self.misfits.count,
                    "file": str(self.path),
                    "lines": self.misfits.told_lines(),
                },
            )
        if self.blank_lines:
            yield Finding(
                "blank_lines",
                "note",
                "{count} empty lines of {file} were skipped",
                values={"count": self.blank_lines, "file": str(self.path)},
            )

    def _keep(self, data: bytes, structure: Structure, keep: NDArray[np.bool_]) -> None:
        """Make columns of the rows marked in ``keep``."""
        if not keep.any():
            return
        text = np.frombuffer(data, dtype=np.uint8).copy()
        text[structure.ends] = 0
        pieces = _runs(text, structure, keep)
        cells = pl.Series([pieces], dtype=pl.Binary).cast(pl.String)
        flat = cells.to_frame("cells").select(pl.col("cells").str.split("\0").explode())
        width = len(self.names)
        frame = pl.DataFrame(
            {name: flat["cells"].gather_every(width, i) for i, name in enumerate(self.names)}
        )
        self.frames.append(_cleaned(frame, self.dialect, data))

    def _split(self, data: bytes, structure: Structure, row: int) -> list[str]:
        """The cells of one row."""
        cells = []
        start = int(structure.starts[row])
        last = int(structure.last[row])
        for end in structure.ends[last + 1 - int(structure.cells[row]) : last + 1].tolist():
            cells.append(data[start:end].decode())
            start = end + 1
        cells[-1] = cells[-1].removesuffix("\r")
        quote = self.dialect.quote
        if quote is None:
            return cells
        return [
            cell[1:-1].replace(quote * 2, quote) if cell.startswith(quote) else cell
            for cell in cells
        ]

    def _note_misfits(self, data: bytes, structure: Structure, rows: NDArray[np.int64]) -> None:
        starts, cells, misfits = structure.starts, structure.cells, self.misfits
        misfits.widths.update(np.unique(cells[rows]).tolist())
        for row in rows[: _TOLD - len(misfits.lines)].tolist():
            start = int(starts[row])
            line = self._line_at(data, start)
            if not misfits.lines:
                end = int(structure.ends[structure.last[row]])
                excerpt = data[start : min(end, start + 320)].decode(errors="ignore")[:80]
                misfits.example = (line, int(cells[row]), excerpt)
            misfits.lines.append(line)
        misfits.count += len(rows)

    def _all_misfit(self) -> DataError:
        line, cells, text = self.misfits.example
        return DataError(
            "every row has {cells} cells, but the header names {width} columns",
            "{file}, row 1 (line {line}): {text!r}",
            _QUOTE_FIX if cells > len(self.names) else _SHORT_FIX,
            cells=cells,
            width=len(self.names),
            file=str(self.path),
            line=line,
            text=text,
            delimiter=self.dialect.delimiter,
        )

    def _some_misfit(self) -> DataError:
        line, cells, text = self.misfits.example
        return DataError(
            "line {line} has {cells} cells, but the header names {width} columns: {text!r}",
            "{file}, {count} such rows: lines {lines}",
            (_QUOTE_FIX if cells > len(self.names) else _SHORT_FIX),
            line=line,
            cells=cells,
            width=len(self.names),
            text=text,
            file=str(self.path),
            count=self.misfits.count,
            lines=self.misfits.told_lines(),
            delimiter=self.dialect.delimiter,
        )

    def _check_quotes_and_sizes(self, data: bytes, structure: Structure, final: bool) -> None:
        if structure.fault >= 0:
            raise DataError(
                "the quoted cell that opens in line {opened} is followed by more text in line "
                "{line}: {text!r}",
                "{file}",
                'write a quote inside a quoted cell twice (""), or close the one left open',
                opened=self._line_at(data, structure.opened),
                line=self._line_at(data, structure.fault),
                text=data[structure.fault : structure.fault + 160].decode(errors="ignore")[:40],
                file=str(self.path),
            )
        length, start = structure.longest
        if length > CELL_LIMIT:
            raise DataError(
                "the cell that begins in line {line} is longer than {limit} bytes",
                "{file}",
                "close the quote if one was left open there, else part the text into several rows",
                line=self._line_at(data, start),
                limit=CELL_LIMIT,
                file=str(self.path),
            )
        if final and structure.opened >= 0:
            raise DataError(
                "the quote that opens in line {line} is never closed: {text!r}",
                "{file}",
                'add the closing quote; a quote inside a quoted cell is written twice ("")',
                line=self._line_at(data, structure.opened),
                text=data[structure.opened : structure.opened + 320].decode(errors="ignore")[:80],
                file=str(self.path),
            )

    def _line_at(self, data: bytes, position: int) -> int:
        return self.line + self._lines(data[:position])

    def _lines(self, data: bytes) -> int:
        newline = self.dialect.newline
        return data.count(newline.encode())


_QUOTE_FIX = (
    "put texts that hold {delimiter!r} in quotes, or choose the delimiter with --delimiter; "
    "single rows can be left out with --set data.drop_bad=true"
)
_SHORT_FIX = "complete these rows, or leave them out with --set data.drop_bad=true"


def _cleaned(frame: pl.DataFrame, dialect: Dialect, data: bytes) -> pl.DataFrame:
    """Cells without the carriage return of their row's end and without quotes; empty is null."""
    if dialect.newline == "\n" and b"\r" in data:
        frame = frame.with_columns(pl.nth(-1).str.strip_suffix("\r"))
    quote = dialect.quote
    every = pl.all()
    bare = pl.when(every != "").then(every)
    if quote is None or quote.encode() not in data:
        return frame.with_columns(bare)
    inner = every.str.strip_prefix(quote).str.strip_suffix(quote)
    inner = inner.str.replace_all(quote * 2, quote, literal=True)
    return frame.with_columns(pl.when(every.str.starts_with(quote)).then(inner).otherwise(bare))


def _runs(text: NDArray[np.uint8], structure: Structure, keep: NDArray[np.bool_]) -> bytes:
    """The bytes of the kept rows, without the last one's end."""
    ends = structure.ends[structure.last]
    if keep.all():
        return text[: ends[-1]].tobytes()
    edges = np.flatnonzero(np.diff(keep.astype(np.int8), prepend=0, append=0))
    starts = structure.starts
    runs = [text[starts[a] : ends[b - 1]] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return b"\0".join(run.tobytes() for run in runs)


def _ended(text: bytes) -> bytes:
    """The text with its last row ended."""
    return text if not text or text.endswith((b"\n", b"\r")) else text + b"\n"


def _one_character(delimiter: str | None) -> str | None:
    if delimiter is None or (
        len(delimiter) == 1 and delimiter.isascii() and delimiter not in '"\n\r'
    ):
        return delimiter
    if delimiter in ("\\t", "tab"):
        return "\t"
    raise DataError(
        "{delimiter!r} cannot part columns",
        fix="give one character: , ; | or tab",
        delimiter=delimiter,
    )


def _told_encoding(path: Path, encoding: str, given: bool) -> Finding:
    values: dict[str, object] = {"file": str(path), "encoding": encoding}
    if given:
        return Finding("encoding", "ok", "{file} was read as {encoding}, as told", values=values)
    if encoding == "utf-8":
        return Finding("encoding", "ok", "{file} is in UTF-8", values=values)
    return Finding(
        "encoding",
        "note",
        "{file} was found to be in {encoding}",
        "if its texts look wrong, choose another with --encoding",
        values,
    )


_QUOTING = {
    '"': "columns of {file} are parted by {delimiter!r}",
    "'": "columns of {file} are parted by {delimiter!r}, and cells quoted with '",
    None: "columns of {file} are parted by {delimiter!r}, and quotes are part of the text",
}


def _told_dialect(path: Path, dialect: Dialect) -> Finding:
    return Finding(
        "delimiter",
        "ok" if dialect.quote == '"' else "note",
        _QUOTING[dialect.quote],
        values={"file": str(path), "delimiter": dialect.delimiter},
    )
