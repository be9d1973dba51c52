"""The size that a workbook takes once it is read, from its XML, before anything reads it.

A reader lays the cells out from the first to the last that has a value, and writes a shared text
out wherever it occurs: a kilobyte can become more than any memory holds.
"""

from __future__ import annotations

import zipfile
from array import array
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from xml.parsers import expat

from duree.errors import DataError
from duree.tables.files.limits import CELLS_LIMIT

# Bytes of all texts, each counted as often as it occurs.
TEXTS_LIMIT = 500_000_000
MOST_NAMES = 1000  # of elements
SHARED_TEXTS = "xl/sharedstrings.xml"
# The bytes that a cell with a shared text takes at least: <c t="s"><v>0</v></c>
SHORTEST_CELL = 21


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
    cells = archive.getinfo(sheet).file_size // SHORTEST_CELL
    may_be_long = max(texts.lengths, default=0) * cells > TEXTS_LIMIT
    _parse(archive, sheet, _Sheet(texts.lengths if may_be_long else None, path))


class _Elements(Protocol):
    """What goes through an XML file; names are without their prefixes."""

    reads_text: bool

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def text(self, text: str) -> None:
        """The text after the beginning of an element, in large pieces."""


class _SharedTexts:
    """The bytes of each shared text."""

    reads_text = True

    def __init__(self) -> None:
        self.lengths = array("Q")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            self.lengths.append(0)

    def text(self, text: str) -> None:
        if self.lengths:
            self.lengths[-1] += len(text.encode())


class _Sheet:
    """The rows and columns from the first to the last with a value, and the bytes of texts.

    ``lengths`` are the bytes of each shared text; None if they cannot be too many.
    """

    def __init__(self, lengths: array[int] | None, path: Path) -> None:
        self.lengths, self.path, self.reads_text = lengths, path, lengths is not None
        self.row, self.digits = 0, ""
        self.column = 0
        self.cell: dict[str, str] = {}
        self.seen: set[str | int] = set()  # columns
        self.rows: tuple[int, int] | None = None
        self.columns: tuple[int, int] | None = None
        self.bytes = 0
        self.is_shared = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self.cell = attributes
            self.column += 1
            self.is_shared = False
        elif name in ("v", "is"):
            self._include(self.cell.get("r"))
            self.is_shared = name == "v" and self.cell.get("t") == "s"
        elif name == "row":
            self.row = int(attributes.get("r", self.row + 1))
            self.digits, self.column = "", 0
            self.is_shared = False

    def text(self, text: str) -> None:
        if self.is_shared and self.lengths is not None:
            self.is_shared = False
            place = int(text)
            if 0 <= place < len(self.lengths):
                self.bytes += self.lengths[place]
                if self.bytes > TEXTS_LIMIT:
                    self._refuse_texts()

    def _include(self, reference: str | None) -> None:
        """A cell has a value: ``B7``, or the next one in the row."""
        column: str | int = self.column
        if reference is not None:
            column = reference.rstrip("0123456789")
            digits = reference[len(column) :]
            if digits != self.digits:
                self.row, self.digits = int(digits), digits
        if column in self.seen and self.rows and self.rows[1] == self.row:
            return
        self.seen.add(column)
        place = _number(column) if isinstance(column, str) else column
        self.rows = _widened(self.rows, self.row)
        self.columns = _widened(self.columns, place)
        rows, columns = (1 + last - first for first, last in (self.rows, self.columns))
        if rows * columns > CELLS_LIMIT:
            raise DataError(
                "{file} has cells in {rows} rows and {columns} columns, more than {limit} cells",
                "row {row}, column {column}",
                "delete the cells beyond the table, or save it as .csv",
                file=str(self.path),
                rows=rows,
                columns=columns,
                limit=CELLS_LIMIT,
                row=self.row,
                column=place,
            )

    def _refuse_texts(self) -> None:
        raise DataError(
            "the texts of {file} take more than {limit} bytes, as some occur in many cells",
            fix="save the sheet as .csv and read that",
            file=str(self.path),
            limit=TEXTS_LIMIT,
        )


class _LocalNames(dict[str, str]):
    """Names of elements without their prefixes."""

    def __missing__(self, name: str) -> str:
        local = name.rpartition(":")[2]
        if len(self) < MOST_NAMES:
            self[name] = local
        return local


def _parse(archive: zipfile.ZipFile, name: str, elements: _Elements) -> None:
    """Go through the elements of a file in the archive."""
    parser, names, start = expat.ParserCreate(), _LocalNames(), elements.start
    parser.buffer_text = True  # the text between two beginnings comes in one piece
    parser.StartElementHandler = lambda full, attributes: start(names[full], attributes)
    if elements.reads_text:
        parser.CharacterDataHandler = elements.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    with archive.open(name) as stream:
        parser.ParseFile(stream)


def _refuse_doctype(*declared: object) -> None:
    raise ValueError("no workbook declares a document type")


def _widened(span: tuple[int, int] | None, place: int) -> tuple[int, int]:
    """A span of rows or columns that includes a place."""
    first, last = span or (place, place)
    return min(first, place), max(last, place)


@lru_cache(maxsize=20_000)
def _number(letters: str) -> int:
    """The number of a column: 28 of ``AB``."""
    if not (letters.isascii() and letters.isalpha()):
        raise ValueError(f"{letters[:20]!r} is no column")
    number = 0
    for letter in letters[:8].upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number
