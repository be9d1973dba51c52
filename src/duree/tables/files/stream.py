"""Reading a table in pieces, for tables larger than memory: CSV, TSV and Parquet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import polars.exceptions as pl_exceptions

from duree.errors import DataError
from duree.forked import uses_threads
from duree.tables.files.csv import delimited_frames
from duree.tables.files.limits import CELLS_LIMIT
from duree.tables.files.parquet_json import damaged
from duree.tables.files.read import checked_cells, read_tables
from duree.tables.files.true_format import refuse_other_format
from duree.tables.finding import Finding
from duree.tables.table import Content, Source, Table, origins_of

# A piece has at most about so many rows or bytes.
ROWS, BYTES = 20_000, 64 * 2**20
PARQUET = (".parquet", ".pq")
DELIMITED = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


def stream_table(
    path: str | Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    skip: int = 0,
    header: Collection[str] = (),
    documents: bool = False,
    notify: Callable[[Finding], None] | None = None,
) -> Iterator[Table]:
    """The rows of one file in order, piece by piece, with the types of ``read_tables``.

    Parameters
    ----------
    path : path
    encoding, delimiter : str, optional
        Detected if not given.
    skip : int
        Number of rows to skip at the start.
    header, documents
        As for ``read_tables``.
    notify : Finding -> None, optional
        Called with what was found in reading, such as the encoding, when the last row is read.

    Yields
    ------
    Table
        At least one if the file has more than ``skip`` rows. Formats that cannot be read in pieces
        (JSON lines, Excel, Stata, SPSS, folders) give a single one.

    Raises
    ------
    DataError
        As ``read_tables``; errors in later rows are raised when they are reached.
    """
    uses_threads("polars")
    path = Path(path)
    kind = path.suffix.lower()
    if path.is_file():
        refuse_other_format(path, known=True)
    if not path.is_file() or kind not in {*DELIMITED, *PARQUET}:
        table = read_tables(
            [path], encoding=encoding, delimiter=delimiter, header=header, documents=documents
        )
        origins = None if table.origins is None else table.origins[skip:]
        yield Table(table.frame[skip:], table.sources, table.findings, origins=origins)
        if notify is not None:
            for finding in table.findings:
                notify(finding)
        return
    frames = (
        _parquet_frames(path)
        if kind in PARQUET
        else delimited_frames(
            path,
            encoding=encoding,
            delimiter=delimiter,
            default_delimiter=DELIMITED[kind],
            notify=notify,
        )
    )
    source, rows = Source(path=str(path), format=kind[1:], rows=0, sha256=""), 0
    try:
        for frame in _pieces(frames):
            if frame.height > skip:
                numbers = np.arange(rows + skip + 1, rows + frame.height + 1)
                yield Table(frame[skip:], (source,), origins=origins_of([numbers]))
            skip, rows = max(0, skip - frame.height), rows + frame.height
    except OSError:
        rows = 0
    if rows == 0:  # reading the file whole raises the error
        read_tables([path], encoding=encoding, delimiter=delimiter)


def require_few_cells(path: Path) -> None:
    """Refuse a Parquet file whose metadata state more cells than a program should hold at once: a
    few bytes may stand for millions.

    Raises
    ------
    DataError
    """
    if path.suffix.lower() != ".parquet" or not path.is_file():
        return
    try:
        rows, columns = count_rows(path) or 0, len(pl.read_parquet_schema(path))
    except (pl_exceptions.PolarsError, pl_exceptions.PanicException) as error:
        raise damaged(path, error) from None
    if rows * columns > CELLS_LIMIT:
        raise DataError(
            "{file} has {rows} rows and {columns} columns, more than {limit} cells",
            fix="use the command line: duree fit reads the file in place",
            file=str(path),
            rows=rows,
            columns=columns,
            limit=CELLS_LIMIT,
        )


def count_rows(path: str | Path) -> int | None:
    """The number of rows, if it is known without reading the file; otherwise None."""
    uses_threads("polars")
    path = Path(path)
    if path.suffix.lower() not in PARQUET or not path.is_file():
        return None
    return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())


def _parquet_frames(path: Path) -> Iterator[pl.DataFrame]:
    try:
        lazy = pl.scan_parquet(path, glob=False)
        rows = count_rows(path) or 0
        for begin in range(0, max(rows, 1), ROWS):
            frame = lazy.slice(begin, ROWS).collect()
            numbers = np.arange(begin + 1, begin + frame.height + 1)
            yield checked_cells(Content(frame, rows=numbers), path).frame
    except (pl_exceptions.PolarsError, pl_exceptions.PanicException) as error:
        raise damaged(path, error) from None


def _pieces(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in frames of about equal size."""
    held: list[pl.DataFrame] = []
    for frame in frames:
        held.append(frame)
        rows = sum(piece.height for piece in held)
        if rows >= ROWS or sum(piece.estimated_size() for piece in held) >= BYTES:
            yield from pl.concat(held, rechunk=False).iter_slices(ROWS)
            held = []
    if held:
        yield from pl.concat(held, rechunk=False).iter_slices(ROWS)
