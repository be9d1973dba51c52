"""Where the cells and rows of delimited text begin and end, found in its bytes before any parsing.

A quote opens a cell only at the cell's start, and a quote inside a quoted cell is written twice
(RFC 4180); anywhere else a quote is an ordinary character. Where every quote is of the first two
kinds, a delimiter is real if an even number of quotes stands before it, which NumPy counts for a
whole block at once. Otherwise the quotes, and only they, are walked through one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
LINE_FEED, RETURN = ord("\n"), ord("\r")


@dataclass(frozen=True)
class Dialect:
    """How cells and rows are parted.

    ``quote`` is None where quotes are ordinary text; ``newline`` is ``"\\r"`` in files that end
    every row with a lone carriage return, else ``"\\n"`` (with or without one before it).
    """

    delimiter: str
    quote: str | None = '"'
    newline: str = "\n"


@dataclass(frozen=True)
class Structure:
    """The finished rows at the head of a block.

    Attributes
    ----------
    ends : int64 [cells]
        Where the delimiter or newline that ends each cell stands.
    last : int64 [rows]
        Which of ``ends`` ends each row.
    rest : int
        Where the unfinished row at the block's end begins.
    longest : tuple of int
        Length in bytes of the longest cell, finished or not, and where it begins.
    opened : int
        Where the quoted cell opens that is faulty, or still open at the end (-1: there is none).
    fault : int
        Where text follows a closing quote (-1: nowhere).
    """

    ends: Positions
    last: Positions
    rest: int
    longest: tuple[int, int]
    opened: int = -1
    fault: int = -1

    @property
    def starts(self) -> Positions:
        """Where each row begins, int64 [rows]."""
        return np.concatenate([[0], self.ends[self.last[:-1]] + 1])[: len(self.last)]

    @property
    def cells(self) -> Positions:
        """Number of cells in each row, int64 [rows]."""
        return np.diff(self.last, prepend=-1)


def find_structure(data: bytes, dialect: Dialect) -> Structure:
    """Find the cells and rows of ``data``, which begins at the start of a row."""
    text = np.frombuffer(data, dtype=np.uint8)
    breaks = (text == ord(dialect.delimiter)) | (text == LINE_FEED)
    if dialect.newline == "\r":
        breaks |= text == RETURN
    quotes = np.zeros(0, dtype=np.int64)
    if dialect.quote is not None and dialect.quote.encode() in data:
        quotes = np.flatnonzero(text == ord(dialect.quote))
    opened = fault = -1
    ends = np.flatnonzero(breaks)
    if len(quotes):
        real, fault = _real_quotes(text, quotes, breaks)
        before = np.searchsorted(real, ends)
        ends = ends[before % 2 == 0]
        opened = _last_opening(real, fault)
    is_last = text[ends] != ord(dialect.delimiter)
    last = np.flatnonzero(is_last)
    rest = int(ends[last[-1]]) + 1 if len(last) else 0
    longest = _longest(ends, len(data))
    finished = ends[: last[-1] + 1] if len(last) else ends[:0]
    return Structure(finished, last, rest, longest, opened, fault)


def blank_rows(data: bytes, structure: Structure) -> NDArray[np.bool_]:
    """Which rows are empty lines, bool [rows]."""
    starts, ends = structure.starts, structure.ends[structure.last]
    text = np.frombuffer(data, dtype=np.uint8)
    only_return = (ends - starts == 1) & (text[starts] == RETURN)
    blank: NDArray[np.bool_] = (ends == starts) | only_return
    return blank


def _real_quotes(
    text: NDArray[np.uint8], quotes: Positions, breaks: NDArray[np.bool_]
) -> tuple[Positions, int]:
    """The quotes that open, close or double, and where text follows a closing one (-1: nowhere)."""
    size = len(text)
    doubled = np.append(np.diff(quotes) == 1, False)  # another quote follows at once
    at_start = (quotes == 0) | breaks[quotes - 1]
    following = np.minimum(quotes + 1, size - 1)
    returns = (text[following] == RETURN) & (
        text[np.minimum(quotes + 2, size - 1)] == LINE_FEED
    ) | (quotes + 2 >= size)
    at_end = breaks[following] | returns
    even = np.arange(len(quotes)) % 2 == 0
    after_quote = np.append(False, doubled[:-1])
    if np.all(np.where(even, at_start | after_quote, at_end | doubled)):
        return quotes, -1
    return _walk(quotes, at_start.tolist(), doubled.tolist(), at_end.tolist())


def _walk(
    quotes: Positions, at_start: list[bool], doubled: list[bool], at_end: list[bool]
) -> tuple[Positions, int]:
    """The same as ``_real_quotes``, one quote after the other."""
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


def _last_opening(real: Positions, fault: int) -> int:
    """Where the quoted cell opens that is faulty, or still open at the end."""
    if fault < 0 and len(real) % 2 == 0:
        return -1
    turns_on = real[::2]
    # The second quote of a doubled pair stands where an opening one would: right behind another.
    after_quote = np.append(False, np.diff(real) == 1)[::2]
    return int(turns_on[~after_quote][-1])


def _longest(ends: Positions, size: int) -> tuple[int, int]:
    edges = np.concatenate([[-1], ends, [size]])
    lengths = np.diff(edges)
    widest = int(np.argmax(lengths))
    return int(lengths[widest]) - 1, int(edges[widest]) + 1
