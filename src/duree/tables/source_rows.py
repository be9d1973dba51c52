"""The rows that messages name: as the user's files count them.

Rows that were left out, and files before the one concerned, make the number of a row in a table
another than that in its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError, Phrase
from duree.storage import given_name
from duree.tables.finding import Finding
from duree.tables.table import Source, Table

# Maximum number of rows that a message names.
SHOWN = 5
WHERE = "where"
ROW, ROWS, TOKENS = "row {rows}", "rows {rows}", "token {rows}"
ROW_OF, ROWS_OF, TOKENS_OF = (
    "row {rows} of {file}",
    "rows {rows} of {file}",
    "token {rows} of {file}",
)


class Rows(Phrase):
    """Rows of a table that is not at hand, by index from 0; ``located`` names them by their files.

    As a text they are counted from 1.
    """

    indices: tuple[int, ...]

    def __new__(cls, indices: Iterable[int]) -> Rows:
        """The rows with these indices; the first few are named."""
        shown = tuple(int(index) for index in list(indices)[:SHOWN])
        numbers = ", ".join(str(index + 1) for index in shown)
        template = (ROW if len(shown) == 1 else ROWS) if shown else ""
        rows = super().__new__(cls, template, rows=numbers)
        rows.indices = shown
        return rows

    def __getnewargs_ex__(self) -> tuple[tuple[object, ...], dict[str, object]]:
        return (self.indices,), {}


class Tokens(Rows):
    """Tokens of a table of sentences that is not at hand, by index from 0 over all its tokens."""

    def __new__(cls, indices: Iterable[int]) -> Tokens:
        """The tokens with these indices; the first few are named."""
        shown = tuple(int(index) for index in list(indices)[:SHOWN])
        numbers = ", ".join(str(index + 1) for index in shown)
        tokens = Phrase.__new__(cls, TOKENS, rows=numbers)
        tokens.indices = shown
        return tokens


def named_rows(table: Table, indices: Sequence[int] | NDArray[np.integer]) -> Phrase:
    """The first few of some rows of a table, by their numbers in their files."""
    shown = [int(index) for index in indices[:SHOWN]]
    if table.origins is None:
        return Rows(shown)
    origins = table.origins[shown]
    is_tokens = origins.schema["row"] == pl.List
    numbers = origins["row"].list.first() if is_tokens else origins["row"]
    return _of_files(table, origins["file"].to_list(), numbers.to_list(), tokens=is_tokens)


def named_tokens(table: Table, indices: Sequence[int]) -> Phrase:
    """The same for tokens of a table of sentences; ``indices`` count all its tokens, from 0."""
    if table.origins is None:
        return Tokens(indices)
    is_whole = table.origins.schema["row"] == pl.List
    origins = table.origins.explode("row") if is_whole else table.origins
    found = origins[list(indices[:SHOWN])]
    return _of_files(table, found["file"].to_list(), found["row"].to_list(), tokens=True)


def numbers_in_file(table: Table, indices: Sequence[int]) -> tuple[str, list[int]]:
    """The file of the first of some rows, and the numbers of those that are in this file."""
    files = ", ".join(source.path for source in table.sources)
    if table.origins is None or table.origins.schema["row"] == pl.List or not table.sources:
        return files, [index + 1 for index in indices]
    origins = table.origins[list(indices)]
    own = origins.filter(pl.col("file") == origins["file"][0])
    return table.sources[int(own["file"][0])].path, own["row"].to_list()


def located(table: Table, findings: Iterable[Finding]) -> list[Finding]:
    """The findings on a table, with the rows that they name as its files count them."""
    found = []
    for finding in findings:
        named = _named(table, {**finding.values, WHERE: finding.where or Rows(finding.rows)})
        where = named.pop(WHERE)
        assert isinstance(where, Phrase)
        found.append(replace(finding, values=named, where=where if str(where) else None))
    return found


@contextmanager
def locating(table: Table, rows: NDArray[np.int64] | None = None) -> Iterator[None]:
    """Name the rows in errors on a table, or on some of its ``rows``, as its files count them."""
    try:
        yield
    except DataError as error:
        error.values = _named(table, error.values, rows)
        raise


def source_names(sources: Sequence[Source]) -> list[str]:
    """The files' names without their folders, unless two have the same."""
    names = [given_name(source.path) or _last(source.path) for source in sources]
    return names if len(set(names)) == len(names) else [source.path for source in sources]


def _last(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _named(
    table: Table, values: Mapping[str, object], rows: NDArray[np.int64] | None = None
) -> dict[str, object]:
    named = dict(values)
    for name, value in values.items():
        if isinstance(value, Tokens):
            named[name] = named_tokens(table, value.indices)
        elif isinstance(value, Rows):
            indices = value.indices if rows is None else rows[list(value.indices)]
            named[name] = named_rows(table, indices)
    return named


def _of_files(table: Table, files: list[int], numbers: list[int], *, tokens: bool) -> Phrase:
    """Rows by file, in the order given."""
    names = source_names(table.sources)
    found: Phrase | None = None
    for file, pairs in groupby(zip(files, numbers, strict=True), key=lambda pair: pair[0]):
        of_file = [number for _, number in pairs]
        rows = ", ".join(map(str, of_file))
        one, several = (TOKENS, TOKENS) if tokens else (ROW, ROWS)
        if len(names) > 1:
            one, several = (TOKENS_OF, TOKENS_OF) if tokens else (ROW_OF, ROWS_OF)
        name = names[file] if names else ""
        phrase = Phrase(one if len(of_file) == 1 else several, rows=rows, file=name)
        found = (
            phrase if found is None else Phrase("{before} and {rows}", before=found, rows=phrase)
        )
    return found if found is not None else Rows([])
