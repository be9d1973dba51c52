"""The text of a file in a known encoding, strictly: bytes that do not fit are told by line."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from duree.errors import DataError

BLOCK = 1 << 21  # bytes read at a time


def known_encoding(name: str) -> str:
    """The name of a text encoding that the user chose; DataError if there is none such."""
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)  # LookupError for codecs that are not of text
    except (LookupError, ValueError):
        common = ("utf-8", "utf-16", "gb18030", "big5", "cp1252", "latin-1", "mac_roman")
        near = get_close_matches(name.lower(), common, n=1) or [", ".join(common)]
        raise DataError(
            "{name!r} is not a text encoding",
            fix="did you mean {near}?",
            name=name,
            near=near[0],
        ) from None
    return codec.name


def utf8_blocks(path: Path, encoding: str) -> Iterator[bytes]:
    """The text of a file as UTF-8, block by block, without a byte order mark.

    Raises
    ------
    DataError
        The file is not in this encoding; the message names the line.
    """
    started = False
    try:
        for text in strict_texts(blocks_of(path), encoding):
            if text and not started:
                text, started = text.removeprefix("\ufeff"), True
            if text:
                yield text.encode("utf-8")
    except UnicodeError:
        line = _line_of_fault(blocks_of(path), encoding)
        raise _not_in_encoding(path, encoding, line) from None


def decode(text: bytes, encoding: str, path: Path) -> str:
    """The whole text of a small file, without a byte order mark; DataError as ``utf8_blocks``."""
    try:
        return text.decode(encoding).removeprefix("\ufeff")
    except UnicodeError:
        raise _not_in_encoding(path, encoding, _line_of_fault([text], encoding)) from None


def blocks_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, a block at a time."""
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            yield block


def strict_texts(blocks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Strictly decoded blocks; UnicodeError at the first fault."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    for block in blocks:
        yield decoder.decode(block)
    yield decoder.decode(b"", True)


def decodable(data: bytes, encoding: str) -> str:
    """What can be decoded of ``data``; for messages only."""
    return data.decode(encoding, errors="ignore")


def _line_of_fault(blocks: Iterable[bytes], encoding: str) -> int:
    """The line, from 1, in which a text stops being in ``encoding``."""
    line = 1
    try:
        for text in strict_texts(blocks, encoding):
            line += text.count("\n")
    except UnicodeDecodeError as error:
        line += decodable(error.object[: error.start], encoding).count("\n")
    return line


def _not_in_encoding(path: Path, encoding: str, line: int) -> DataError:
    return DataError(
        "the text is not in {encoding}: line {line} cannot be decoded",
        "in {file}",
        "correct that line, or choose the encoding that the file is in with --encoding",
        encoding=encoding,
        line=line,
        file=str(path),
    )
