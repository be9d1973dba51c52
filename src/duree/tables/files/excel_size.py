"""The size that a workbook takes once it is read, from its XML, before anything reads it.

A reader lays the cells out from the first to the last that has a value, and writes a shared text
out wherever it occurs: a kilobyte can become more than any memory holds.
"""

from __future__ import annotations

import re
import zipfile
from array import array
from functools import lru_cache
from pathlib import Path
from xml.parsers import expat

from duree.errors import DataError
from duree.tables.files.limits import CELLS_LIMIT

# Bytes of all texts, each counted as often as it occurs.
TEXTS_LIMIT = 500_000_000
LONGEST_INDEX = 20  # characters
SHARED_TEXTS = "xl/sharedstrings.xml"
_REFERENCE = re.compile(r"([A-Za-z]+)([0-9]+)")


def check_sheet_size(archive: zipfile.ZipFile, sheet: str, path: Path) -> None:
    """Refuse a sheet that would take too much memory.

    Raises
    ------
    DataError
        Its cells or its texts are too many.
    expat.ExpatError, ValueError
        It is not a sheet.
    """
    names = [name for name in archive.namelist() if name.lower() == SHARED_TEXTS]
    texts = _SharedTexts()
    for name in names[:1]:
        _parse(archive, name, texts)
    _parse(archive, sheet, _Sheet(texts.lengths, path))


class _Elements:
    """The elements of an XML file, one after the other, without their prefixes."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def text(self, text: str) -> None:
        """A piece of text within an element."""

    def end(self, name: str) -> None:
        """An element ends."""


class _SharedTexts(_Elements):
    """The bytes of each shared text."""

    def __init__(self) -> None:
        self.lengths = array("Q")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            self.lengths.append(0)

    def text(self, text: str) -> None:
        if self.lengths:
            self.lengths[-1] += len(text.encode())


class _Sheet(_Elements):
    """The first and last row and column with a value, and the bytes of shared texts."""

    def __init__(self, lengths: array[int], path: Path) -> None:
        self.lengths, self.path = lengths, path
        self.row = self.column = 0
        self.first: tuple[int, int] | None = None
        self.last = (0, 0)
        self.bytes = 0
        self.is_shared = False
        self.index: str | None = None  # that of a shared text, while it is read

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self.row = int(attributes.get("r", self.row + 1))
            self.column = 0
        elif name == "c":
            self.is_shared = attributes.get("t") == "s"
            self.column += 1
            if "r" in attributes:
                self.row, self.column = _place(attributes["r"])
        elif name in ("v", "is"):
            self._include(self.row, self.column)
            self.index = "" if self.is_shared and name == "v" else None

    def text(self, text: str) -> None:
        if self.index is not None:
            self.index += text
            if len(self.index) > LONGEST_INDEX:
                raise ValueError("a cell names no shared text")

    def end(self, name: str) -> None:
        if name == "v" and self.index is not None:
            place, self.index = int(self.index or "-1"), None
            if 0 <= place < len(self.lengths):
                self.bytes += self.lengths[place]
                if self.bytes > TEXTS_LIMIT:
                    self._refuse_texts()

    def _include(self, row: int, column: int) -> None:
        top, left = self.first or (row, column)
        bottom, right = self.last
        self.first = min(top, row), min(left, column)
        self.last = max(bottom, row), max(right, column)
        rows, columns = (1 + end - begin for begin, end in zip(self.first, self.last, strict=True))
        if rows * columns > CELLS_LIMIT:
            raise DataError(
                "{file} has cells in {rows} rows and {columns} columns, more than {limit} cells",
                "row {row}, column {column}",
                "delete the cells beyond the table, or save it as .csv",
                file=str(self.path),
                rows=rows,
                columns=columns,
                limit=CELLS_LIMIT,
                row=row,
                column=column,
            )

    def _refuse_texts(self) -> None:
        raise DataError(
            "the texts of {file} take more than {limit} bytes, as some occur in many cells",
            fix="save the sheet as .csv and read that",
            file=str(self.path),
            limit=TEXTS_LIMIT,
        )


def _parse(archive: zipfile.ZipFile, name: str, elements: _Elements) -> None:
    """Go through the elements of a file in the archive."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda full, attributes: elements.start(_local(full), attributes)
    parser.EndElementHandler = lambda full: elements.end(_local(full))
    parser.CharacterDataHandler = elements.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    with archive.open(name) as stream:
        parser.ParseFile(stream)


def _refuse_doctype(*declared: object) -> None:
    raise ValueError("no workbook declares a document type")


@lru_cache(maxsize=1000)
def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _place(reference: str) -> tuple[int, int]:
    """Row and column of ``B7``, counted from 1."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise ValueError(f"{reference[:20]!r} is no cell")
    return int(found[2]), _column(found[1])


@lru_cache(maxsize=20_000)
def _column(letters: str) -> int:
    number = 0
    for letter in letters[:8].upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number
