"""The rows and cells of delimited text: where they begin and end, and their contents as columns.

A quote opens a cell only at the cell's start, and a quote inside a quoted cell is written twice
(RFC 4180); anywhere else a quote is an ordinary character. Where every quote is of the first two
kinds, a delimiter is real if an even number of quotes precedes it, which NumPy counts for a whole
block at once. Otherwise the quotes alone are examined one by one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Positions = NDArray[np.int64]
Marks = NDArray[np.bool_]
LINE_FEED, RETURN = ord("\n"), ord("\r")


@dataclass(frozen=True)
class Dialect:
    """How cells and rows are separated.

    ``quote`` is None where quotes are ordinary text; ``newline`` is ``"\\r"`` in files that end
    every row with a lone carriage return, else ``"\\n"`` (with or without one before it).
    """

    delimiter: str
    quote: str | None = '"'
    newline: str = "\n"


@dataclass(frozen=True)
class Structure:
    """The complete rows at the head of a block.

    Attributes
    ----------
    text : uint8 [bytes]
        The whole block.
    ends : int64 [cells]
        Positions of the delimiters and newlines that end the cells.
    last : int64 [rows]
        Index into ``ends`` of the last cell of each row.
    quotes : int64
        Positions of the quotes that open or close a cell or are doubled, in the whole block.
    rest : int
        Where the incomplete row at the end of the block begins.
    longest : tuple of int
        Length in bytes of the longest cell, complete or not, and where it begins.
    fault : int
        Position of a quote that closes a cell which continues after it (-1: none).
    """

    text: NDArray[np.uint8]
    ends: Positions
    last: Positions
    quotes: Positions
    rest: int
    longest: tuple[int, int]
    fault: int = -1

    @property
    def starts(self) -> Positions:
        """Where each row begins, int64 [rows]."""
        return _after(self.row_ends)

    @property
    def row_ends(self) -> Positions:
        """Where each row ends, int64 [rows]."""
        return self.ends[self.last]

    @property
    def cell_starts(self) -> Positions:
        """Where each cell begins, int64 [cells]."""
        return _after(self.ends)

    @property
    def cells(self) -> Positions:
        """Number of cells in each row, int64 [rows]."""
        return np.diff(self.last, prepend=-1)

    @property
    def blank(self) -> Marks:
        """Which rows are empty lines, bool [rows]."""
        starts, ends = self.starts, self.row_ends
        lone_return = (ends - starts == 1) & (self.text[starts] == RETURN)
        return np.asarray((ends == starts) | lone_return)

    @property
    def second_of_pair(self) -> Marks:
        """Which of ``quotes`` are the second of a doubled quote."""
        adjacent = np.diff(self.quotes, prepend=-2) == 1
        return np.asarray(adjacent & (np.arange(len(self.quotes)) % 2 == 0))

    @property
    def opened(self) -> int:
        """Where the quoted cell opens that is faulty or not closed (-1: none)."""
        if self.fault < 0 and len(self.quotes) % 2 == 0:
            return -1
        openings = np.arange(len(self.quotes)) % 2 == 0
        return int(self.quotes[openings & ~self.second_of_pair][-1])


def find_structure(data: bytes, dialect: Dialect) -> Structure:
    """Find the cells and rows of ``data``, which begins at the start of a row."""
    text = np.frombuffer(data, dtype=np.uint8)
    breaks = (text == ord(dialect.delimiter)) | (text == LINE_FEED)
    if dialect.newline == "\r":
        breaks |= text == RETURN
    quotes, fault = np.zeros(0, dtype=np.int64), -1
    if dialect.quote is not None and dialect.quote.encode() in data:
        quotes = np.flatnonzero(text == ord(dialect.quote))
        quotes, fault = _real_quotes(text, quotes, breaks)
    ends = np.flatnonzero(breaks)
    if len(quotes):
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    last = np.flatnonzero(text[ends] != ord(dialect.delimiter))
    finished = int(last[-1]) + 1 if len(last) else 0
    rest = int(ends[finished - 1]) + 1 if finished else 0
    return Structure(text, ends[:finished], last, quotes, rest, _longest(ends, len(text)), fault)


def _real_quotes(
    text: NDArray[np.uint8], quotes: Positions, breaks: Marks
) -> tuple[Positions, int]:
    """The quotes that are syntax, and the position of a fault (see ``Structure``)."""
    # What follows the block is unknown and assumed to be right: the incomplete row is examined
    # again at the head of the next block.
    end = len(text) - 1
    following, second = np.minimum(quotes + 1, end), np.minimum(quotes + 2, end)
    row_end = (text[following] == RETURN) & (text[second] == LINE_FEED)
    at_end = breaks[following] | row_end | (quotes + 2 > end)
    at_start = (quotes == 0) | breaks[quotes - 1]
    doubled = np.append(np.diff(quotes) == 1, False)
    after_quote = np.append(False, doubled[:-1])
    opening = np.arange(len(quotes)) % 2 == 0
    if np.all(np.where(opening, at_start | after_quote, at_end | doubled)):
        return quotes, -1
    return _walk(quotes, at_start.tolist(), doubled.tolist(), at_end.tolist())


def _walk(
    quotes: Positions, at_start: list[bool], doubled: list[bool], at_end: list[bool]
) -> tuple[Positions, int]:
    """The same as ``_real_quotes``, quote by quote."""
    real: list[int] = []
    inside = False
    i = 0
    while i < len(at_start):
        if not inside:
            if at_start[i]:
                inside = True
                real.append(i)
        elif doubled[i]:
            real += (i, i + 1)
            i += 1
        else:
            inside = False
            real.append(i)
            if not at_end[i]:
                return quotes[real], int(quotes[i])
        i += 1
    return quotes[real], -1


def _longest(ends: Positions, size: int) -> tuple[int, int]:
    edges = np.concatenate([[-1], ends, [size]])
    lengths = np.diff(edges)
    widest = int(np.argmax(lengths))
    return int(lengths[widest]) - 1, int(edges[widest]) + 1


def _after(ends: Positions) -> Positions:
    """Starts of adjacent ranges, given their ends."""
    starts = np.zeros(len(ends), dtype=np.int64)
    starts[1:] = ends[:-1] + 1
    return starts


def to_columns(structure: Structure, rows: Marks, names: list[str]) -> pl.DataFrame:
    """The cells of the rows marked in ``rows`` (bool [rows]), as columns ``names``.

    An empty cell that is not quoted is null.
    """
    cells = to_series(structure, rows)
    width = len(names)
    every = pl.col("cells")
    columns = [every.gather_every(width, i).alias(name) for i, name in enumerate(names)]
    return cells.to_frame().select(columns)


def bare_words(
    structure: Structure, rows: Marks, frame: pl.DataFrame, words: Collection[str]
) -> dict[str, dict[str, int]]:
    """How many unquoted cells of ``frame``, made of the same rows, hold one of these words."""
    longest = max(map(len, words))
    starts = structure.cell_starts
    lengths = structure.ends - starts
    # The last cell of a row may end in a return.
    short = (lengths > 0) & (lengths <= longest + 1)
    if structure.quotes.size:
        short &= structure.text[starts] != structure.text[structure.quotes[0]]
    marks = short[np.repeat(rows, structure.cells)].reshape(-1, frame.width)
    found = {}
    for place, column in enumerate(frame):
        cells = column.filter(pl.Series(marks[:, place]))
        cells = cells.filter(cells.is_in(list(words)))
        if len(cells):
            words_of, counts = np.unique(cells.to_numpy(), return_counts=True)
            found[column.name] = dict(zip(words_of.tolist(), counts.tolist(), strict=True))
    return found


def to_series(structure: Structure, rows: Marks) -> pl.Series:
    """The cells of the rows marked in ``rows``, row by row."""
    text = structure.text.copy()
    text[structure.ends] = 0
    text = text[: structure.rest]
    if _has_syntax(structure, rows):
        text = text[_content(structure, rows)]
    whole = pl.Series("cells", [text[:-1].tobytes()], dtype=pl.Binary).cast(pl.String)
    cells = whole.to_frame().select(pl.col("cells").str.split("\0").explode())
    filled = pl.col("cells") != ""
    quoted_empty = _quoted_empty(structure, rows)
    if quoted_empty is not None:
        filled |= pl.lit(pl.Series(quoted_empty))
    return cells.select(pl.when(filled).then(pl.col("cells"))).to_series()


def _has_syntax(structure: Structure, rows: Marks) -> bool:
    return len(structure.quotes) > 0 or not rows.all() or bool(np.any(_returns(structure)))


def _content(structure: Structure, rows: Marks) -> Marks:
    """Which bytes of the complete rows are content or end a cell, bool [rest]."""
    content = np.ones(structure.rest, dtype=np.bool_)
    syntax = structure.quotes[~structure.second_of_pair]
    content[syntax[syntax < structure.rest]] = False
    ends = structure.row_ends
    content[ends[_returns(structure)] - 1] = False
    starts = structure.starts
    for row in np.flatnonzero(~rows).tolist():
        content[starts[row] : ends[row] + 1] = False
    return content


def _returns(structure: Structure) -> Marks:
    """Which rows have a return before their line feed, bool [rows]."""
    ends = structure.row_ends
    after_return = structure.text[np.maximum(ends - 1, 0)] == RETURN
    return np.asarray(after_return & (structure.text[ends] != RETURN) & (ends > structure.starts))


def _quoted_empty(structure: Structure, rows: Marks) -> Marks | None:
    """Which cells of the marked rows are quoted and empty, bool [cells]; None if none is."""
    if len(structure.quotes) == 0:
        return None
    text, starts, ends = structure.text, structure.cell_starts, structure.ends
    quoted = text[starts] == text[structure.quotes[0]]
    empty = quoted & (ends - starts - (text[ends - 1] == RETURN) == 2)
    return empty[np.repeat(rows, structure.cells)] if empty.any() else None
