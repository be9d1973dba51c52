"""Pieces: an output written piece by piece, which can be resumed after an interruption.

Pieces are kept in a folder next to the output, each written whole or not at all, with a note of
what they were made from. When all are complete, they are merged and the folder is removed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import polars as pl

from duree.errors import DataError
from duree.storage import cannot_write, write_file
from duree.tables.files.write import sink_table, write_table
from duree.tables.finding import Finding

NOTE = "made-from.json"


class Pieces:
    """The pieces of one output file.

    Parameters
    ----------
    output : Path
        The file to write.
    made_from : dict
        Plain JSON data on the source. Pieces of another source are discarded.

    Attributes
    ----------
    rows : int
        Number of rows that are complete.

    Raises
    ------
    RunError
        The folder cannot be written.
    """

    def __init__(self, output: Path, made_from: dict[str, Any]) -> None:
        self.output = output
        self.folder = output.with_name(f".{output.name}.pieces")
        note = json.dumps(made_from, sort_keys=True).encode()
        try:
            if not (_is_ours(self.folder) and _is(self.folder / NOTE, note)):
                shutil.rmtree(self.folder, ignore_errors=True)
                self.folder.mkdir(mode=0o700, parents=True)
                write_file(self.folder / NOTE, note)
        except OSError as error:
            raise cannot_write(output, error) from None
        done = self._files()
        self.rows = sum(map(_rows, done))
        self.count = len(done)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Discard the pieces after an error of the input; keep them after an interruption, and
        where the disk is full."""
        if kind is not None and issubclass(kind, DataError):
            self.discard()

    def add(self, frame: pl.DataFrame, numbers: Mapping[str, Sequence[int]] | None = None) -> None:
        """Save one more piece; ``numbers`` are the numbers of rows that are reported, by reason."""
        try:
            write_file(self.folder / f"{self.count:08}.json", json.dumps(numbers or {}).encode())
            write_table(frame, self.folder / f"{self.count:08}.parquet")
        except OSError as error:
            raise cannot_write(self.output, error) from None
        self.rows, self.count = self.rows + frame.height, self.count + 1

    def put_together(self, *, raw: bool = False, mark: bool = False) -> list[Finding]:
        """Write the output from its pieces, and remove them; see ``sink_table``."""
        findings = sink_table(self.scan(), self.output, raw=raw, mark=mark, within=self.folder)
        self.discard()
        return findings

    def numbers(self, reason: str) -> list[int]:
        """The numbers of the rows that are reported for a reason, in all pieces."""
        notes = (file.with_suffix(".json") for file in self._files())
        return [n for note in notes for n in json.loads(note.read_bytes()).get(reason, ())]

    def scan(self) -> pl.LazyFrame:
        """All rows that are complete."""
        return pl.scan_parquet(self._files())

    def discard(self) -> None:
        """Remove the pieces."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.parquet"))


def _is_ours(folder: Path) -> bool:
    """Whether nobody else can have placed the folder there."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


def _is(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _rows(file: Path) -> int:
    return int(pl.scan_parquet(file, glob=False).select(pl.len()).collect().item())
