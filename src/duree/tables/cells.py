"""From the bytes of whole rows to columns of strings.

Everything that is only syntax is taken out of a block at once: the quotes around cells, one of two
doubled ones, the return before a line feed, rows that are not wanted. NUL, which no text holds any
more, is written where cells end, and the block is split there.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from duree.tables.files.csv_structure import RETURN, Marks, Structure


def to_columns(structure: Structure, rows: Marks, names: list[str]) -> pl.DataFrame:
    """The cells of the rows marked in ``rows`` (bool [rows]), each row as many as ``names``.

    A cell that is empty and not quoted is null.
    """
    cells = to_series(structure, rows)
    width = len(names)
    every = pl.col("cells")
    columns = [every.gather_every(width, i).alias(name) for i, name in enumerate(names)]
    return cells.to_frame().select(columns)


def to_series(structure: Structure, rows: Marks) -> pl.Series:
    """The cells of the rows marked in ``rows``, one after the other."""
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
    """Which bytes of the finished rows are content or end a cell, bool [rest]."""
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
    """Which rows end in a return before their line feed, bool [rows]."""
    ends = structure.row_ends
    after_return = structure.text[np.maximum(ends - 1, 0)] == RETURN
    return np.asarray(after_return & (structure.text[ends] != RETURN) & (ends > structure.starts))


def _quoted_empty(structure: Structure, rows: Marks) -> Marks | None:
    """Which cells of the kept rows are quoted and empty, bool [cells]; None where none is."""
    if len(structure.quotes) == 0:
        return None
    text, starts, ends = structure.text, structure.cell_starts, structure.ends
    quoted = text[starts] == text[structure.quotes[0]]
    empty = quoted & (ends - starts - (text[ends - 1] == RETURN) == 2)
    return empty[np.repeat(rows, structure.cells)] if empty.any() else None
