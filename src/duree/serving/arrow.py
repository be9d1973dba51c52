"""Arrow streams: reads one column of a table from a client, writes tables for responses.

The bytes from a client may be anything. polars trusts the lengths in an Arrow stream, and a false
one ends the whole process: so the needed column is read here, and every length is checked against
the bytes received. The format: arrow.apache.org/docs/format/Columnar.html.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.serving.bodies import ROWS, Cell

# Maximum number of columns (nested ones included), bytes of a name, messages, and bytes of all
# texts, which may share memory: a small body must not become large.
COLUMNS, NAME, MESSAGES, TEXTS = 1000, 1000, 2 * ROWS, 1_000_000

SCHEMA, BATCH = 1, 3  # kinds of messages
VERSION = 4  # the fifth, of 2020
NULL, INT, FLOAT, TEXT, BOOL, UNION, LARGE_TEXT, BINARY_VIEW, TEXT_VIEW = (
    1,
    2,
    3,
    5,
    6,
    14,
    20,
    23,
    24,
)
READ = {NULL, INT, FLOAT, TEXT, BOOL, LARGE_TEXT, TEXT_VIEW}
# Number of buffers by type of column, if not two; those of its children follow.
BUFFERS = {NULL: 0, 4: 3, TEXT: 3, 13: 1, 16: 1, 19: 3, LARGE_TEXT: 3, 22: 0, 25: 3, 26: 3}
FLOATS = ("<f2", "<f4", "<f8")


class InvalidTable(ValueError):
    """The body is Arrow, but not a table that can be predicted."""


@dataclass(frozen=True)
class Record:
    """A FlatBuffers table: Arrow's metadata."""

    data: bytes
    at: int

    def place(self, slot: int) -> int:
        """The position of a field; 0 if it was left out."""
        known = self.at - _read("<i", self.data, self.at)
        entry = 4 + 2 * slot
        inside = entry < _read("<H", self.data, known)
        offset = _read("<H", self.data, known + entry) if inside else 0
        return self.at + offset if offset else 0

    def number(self, slot: int, form: str) -> int:
        place = self.place(slot)
        return _read(form, self.data, place) if place else 0

    def record(self, slot: int) -> Record:
        return self._at(self.place(slot))

    def records(self, slot: int) -> Iterator[Record]:
        begin, length = self._vector(slot)
        if length > COLUMNS:
            raise InvalidTable(f"the table has more than {COLUMNS} columns")
        return (self._at(begin + 4 * number) for number in range(length))

    def integers(self, slot: int, each: int = 1) -> NDArray[np.int64]:
        """A vector of 64-bit numbers, ``each`` per row."""
        begin, length = self._vector(slot)
        return np.frombuffer(self.data, "<i8", length * each, begin).reshape(length, each)

    def text(self, slot: int) -> str:
        begin, length = self._vector(slot)
        if length > NAME:
            raise InvalidTable(f"the name of a column has more than {NAME} bytes")
        return self.data[begin : begin + length].decode()

    def _at(self, place: int) -> Record:
        return Record(self.data, place + _read("<I", self.data, place))

    def _vector(self, slot: int) -> tuple[int, int]:
        if not (place := self.place(slot)):
            return 0, 0
        begin = place + _read("<I", self.data, place)
        return begin + 4, _read("<I", self.data, begin)


@dataclass(frozen=True)
class Column:
    """A column of a schema: its type, and the position of its buffers in every batch."""

    name: str
    field: Record
    node: int
    buffer: int
    views: int

    @property
    def kind(self) -> int:
        return self.field.number(2, "<B")

    def refuse_others(self) -> None:
        """Refuse types that rows in JSON cannot have either."""
        if self.kind not in READ or self.field.place(4):
            raise InvalidTable(f"column {self.name!r} contains neither texts nor numbers")


def read_column(body: bytes, name: str) -> list[Cell]:
    """The values of one column of an Arrow stream.

    Raises
    ------
    ValueError
        It is not Arrow, has no such column or too many rows, or other values than texts or numbers.
    """
    try:
        return _column(body, name)
    except InvalidTable:
        raise
    except (ValueError, IndexError, TypeError, struct.error):
        raise ValueError("the body is not an Arrow stream") from None


def write_table(columns: list[pl.Series]) -> bytes:
    """Columns as an Arrow stream that old readers understand too."""
    written = io.BytesIO()
    pl.DataFrame(columns).write_ipc_stream(written, compat_level=pl.CompatLevel.oldest())
    return written.getvalue()


def _column(body: bytes, name: str) -> list[Cell]:
    messages = _messages(body)
    kind, schema, _ = next(messages, (0, Record(b"", 0), memoryview(b"")))
    if kind != SCHEMA or schema.number(0, "<h"):
        raise ValueError("no schema, or one of another byte order")
    columns = list(_columns(schema))
    found = [column for column in columns if column.name == name]
    if len(found) != 1:
        given = ", ".join(repr(column.name) for column in columns[:20]) or "none"
        raise InvalidTable(f"the table has no single column {name!r}; its columns are {given}")
    found[0].refuse_others()
    values: list[Cell] = []
    for kind, batch, content in messages:
        if kind == BATCH:
            if len(values) + batch.number(0, "<Q") > ROWS:
                raise InvalidTable(f"the table has more than {ROWS} rows; send fewer at a time")
            values += _values(found[0], batch, content)
    if not values:
        raise InvalidTable("the table has no rows")
    return values


def _messages(body: bytes) -> Iterator[tuple[int, Record, memoryview]]:
    """Kind, description and content of each message."""
    begin = 0
    for _ in range(MESSAGES):
        if begin == len(body):
            return
        mark, length = struct.unpack_from("<iI", body, begin)
        begin += 8
        if mark != -1:
            raise ValueError("no message starts here")
        if not length:
            return
        described = body[begin : begin + length]
        message = Record(described, _read("<I", described, 0))
        content = message.number(3, "<q")
        end = begin + length + content
        if content < 0 or end > len(body) or message.number(0, "<h") != VERSION:
            raise ValueError("a message is longer than the body, or of another version")
        yield message.number(1, "<B"), message.record(2), memoryview(body)[begin + length : end]
        begin = end
    raise InvalidTable("the table has too many batches")


def _columns(schema: Record) -> Iterator[Column]:
    node = buffer = views = seen = 0
    for field in schema.records(1):
        yield Column(field.text(0), field, node, buffer, views)
        within = [field]
        while within:
            inner = within.pop()
            kind, coded = inner.number(2, "<B"), inner.place(4)
            node += 1
            seen += 1
            if (
                coded
            ):  # dictionary encoding: the buffers hold indices, and the values are sent separately
                buffer += 2
                continue
            views += kind in (BINARY_VIEW, TEXT_VIEW)
            dense = kind == UNION and inner.record(3).number(0, "<h")
            buffer += 1 + dense if kind == UNION else BUFFERS.get(kind, 2)
            within += inner.records(5)
            if seen + len(within) > COLUMNS:
                raise InvalidTable(f"the table has more than {COLUMNS} columns")


def _values(column: Column, batch: Record, content: memoryview) -> list[Cell]:
    if batch.place(3):
        raise InvalidTable("the table is compressed; send it uncompressed")
    rows = batch.number(0, "<Q")
    if not rows or column.kind == NULL:
        return [None] * rows
    places = batch.integers(2, 2)
    # The number of data buffers of view columns varies, and they lie among the others.
    varying = batch.integers(4)[:, 0].tolist()
    first = column.buffer + sum(varying[: column.views])

    def buffer(number: int) -> memoryview:
        begin, length = places[first + number].tolist()
        return _within(content, begin, begin + length)

    values: list[Cell]
    if column.kind == TEXT_VIEW:
        others = [buffer(2 + number) for number in range(varying[column.views])]
        values = list(_viewed(buffer(1), others, rows))
    elif column.kind in (TEXT, LARGE_TEXT):
        width = "<i4" if column.kind == TEXT else "<i8"
        values = list(_texts(buffer(1), buffer(2), width, rows))
    else:
        values = _numbers(column, buffer(1), rows)
    if batch.integers(1, 2)[column.node, 1]:  # some are missing
        there = _bits(buffer(0), rows)
        values = [
            value if is_there else None for value, is_there in zip(values, there, strict=True)
        ]
    # As in JSON.
    if any(isinstance(value, float) and not math.isfinite(value) for value in values):
        raise InvalidTable(f"column {column.name!r} contains a number that is not finite")
    return values


def _texts(ends: memoryview, letters: memoryview, width: str, rows: int) -> Iterator[str]:
    places = np.frombuffer(ends, width, rows + 1).tolist()
    for begin, end in pairwise(places):
        yield str(_within(letters, begin, end), "utf-8")


def _viewed(views: memoryview, others: list[memoryview], rows: int) -> Iterator[str]:
    """Texts of at most 12 bytes are stored in their views, which point to longer ones."""
    total = 0
    for at in range(0, 16 * rows, 16):
        length, _, other, begin = struct.unpack_from("<iiII", views, at)
        total += length
        if total > TEXTS:
            raise InvalidTable(f"the texts have more than {TEXTS} bytes; send fewer at a time")
        place, begin = (views, at + 4) if length <= 12 else (others[other], begin)
        yield str(_within(place, begin, begin + length), "utf-8")


def _numbers(column: Column, data: memoryview, rows: int) -> list[Cell]:
    if column.kind == BOOL:
        return _bits(data, rows)
    described = column.field.record(3)
    if column.kind == FLOAT:
        form = FLOATS[described.number(0, "<H")]
    else:
        form = f"<{'i' if described.number(1, '<B') else 'u'}{described.number(0, '<i') // 8}"
    values: list[Cell] = np.frombuffer(data, np.dtype(form), rows).tolist()
    return values


def _bits(data: memoryview, rows: int) -> list[Cell]:
    packed = np.frombuffer(data, np.uint8, (rows + 7) // 8)
    bits: list[Cell] = np.unpackbits(packed, count=rows, bitorder="little").astype(bool).tolist()
    return bits


def _within(data: memoryview, begin: int, end: int) -> memoryview:
    if not 0 <= begin <= end <= len(data):
        raise ValueError("outside the buffer")
    return data[begin:end]


def _read(form: str, data: bytes, place: int) -> int:
    number: int = struct.unpack_from(form, data, place)[0]
    return number
