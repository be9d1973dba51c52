"""Which encoding a text file is in: found out by proof or by evidence, never by a silent guess.

A byte order mark decides; then text without NUL in every other place must be strict UTF-8, or one
of GB18030, Big5 and Windows-1252 must both decode strictly and make far more sense than the
others. Where the evidence is not clear, the file is refused and its lines are shown in each.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from duree.errors import DataError
from duree.tables.evidence import chinese_evidence, western_evidence

BLOCK = 1 << 22  # bytes read at a time
_SAMPLE = 20_000  # characters of each block that are weighed
_SHOWN = 3  # lines shown of a file in doubt

_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    ("\ufeff".encode("gb18030"), "gb18030"),
)
_CHINESE = ("gb18030", "cp950")  # cp950 is Big5 as it is used
_WESTERN = "cp1252"


def find_encoding(path: Path) -> str:
    """The encoding of a text file, by its Python name.

    Raises
    ------
    DataError
        The evidence is not clear; the message shows lines under each candidate.
    """
    return find_encoding_of(lambda: _blocks_of(path), str(path))


def find_encoding_of(blocks: Callable[[], Iterable[bytes]], name: str) -> str:
    """The same for any source of bytes that can be read again; ``name`` is what errors call it."""
    head = next(iter(blocks()), b"")
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    for encoding in ("utf-16-le", "utf-16-be"):
        if _looks_like_utf16(head, encoding) and _decodes(blocks(), encoding):
            return encoding
    if _decodes(blocks(), "utf-8"):
        return "utf-8"
    return _by_evidence(blocks, name)


def known_encoding(name: str) -> str:
    """The name of a text encoding that the user chose; DataError if there is none such."""
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)  # LookupError for codecs that are not of text
    except LookupError:
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
        for text in _texts(_blocks_of(path), encoding):
            if text and not started:
                text, started = text.removeprefix("\ufeff"), True
            if text:
                yield text.encode("utf-8")
    except UnicodeError:
        line = _line_of_fault(_blocks_of(path), encoding)
        raise _not_in_encoding(path, encoding, line) from None


def _line_of_fault(blocks: Iterable[bytes], encoding: str) -> int:
    """The line, from 1, in which a text stops being in ``encoding``."""
    line = 1
    try:
        for text in _texts(blocks, encoding):
            line += text.count("\n")
    except UnicodeDecodeError as error:
        line += decodable(error.object[: error.start], encoding).count("\n")
    return line


def decodable(data: bytes, encoding: str) -> str:
    """What can be decoded of ``data``; for messages only."""
    return data.decode(encoding, errors="ignore")


def _not_in_encoding(path: Path, encoding: str, line: int) -> DataError:
    return DataError(
        "the text is not in {encoding}: line {line} cannot be decoded",
        "{file}",
        "leave the encoding out to have it found, or correct that line",
        encoding=encoding,
        line=line,
        file=str(path),
    )


def _blocks_of(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            yield block


def _texts(blocks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Strictly decoded blocks; UnicodeError at the first fault."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    for block in blocks:
        yield decoder.decode(block)
    yield decoder.decode(b"", True)


def _decodes(blocks: Iterable[bytes], encoding: str) -> bool:
    try:
        for _ in _texts(blocks, encoding):
            pass
    except UnicodeError:
        return False
    return True


def _looks_like_utf16(head: bytes, encoding: str) -> bool:
    """Whether NUL stands in every other place only, and often, as in UTF-16 without a mark."""
    if b"\0" not in head:
        return False
    even, odd = head[::2].count(0), head[1::2].count(0)
    high, low = (odd, even) if encoding == "utf-16-le" else (even, odd)
    often = high > len(head) // 8 or (high > len(head) // 1000 and not _is_utf8(head))
    return often and low <= high // 100


def _is_utf8(text: bytes, final: bool = False) -> bool:
    """Strictly; unless ``final``, the last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(text, final)
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True)
class _Candidate:
    """An encoding that decodes the file strictly, and how far the outcome makes sense."""

    encoding: str
    good: int
    total: int

    @property
    def share(self) -> float:
        return self.good / max(self.total, 1)


def _by_evidence(blocks: Callable[[], Iterable[bytes]], name: str) -> str:
    chinese = [_weigh(blocks(), encoding, chinese_evidence) for encoding in _CHINESE]
    western = _weigh(blocks(), _WESTERN, western_evidence)
    found = [candidate for candidate in (*chinese, western) if candidate is not None]
    scripts = sorted((c for c in chinese if c is not None), key=lambda c: c.share, reverse=True)
    best = scripts[0].share if scripts else 0.0
    next_best = scripts[1].share if len(scripts) > 1 else 0.0
    latin = western.share if western else 0.0
    if best >= 0.4 and best - next_best >= 0.2 and scripts[0].good >= 3 and latin < 0.5:
        return scripts[0].encoding
    if western and latin >= 0.95 and best < 0.2:
        return western.encoding
    raise _in_doubt(blocks, name, [candidate.encoding for candidate in found])


def _weigh(
    blocks: Iterable[bytes], encoding: str, judge: Callable[[str], tuple[int, int]]
) -> _Candidate | None:
    """A candidate, or None where the bytes do not decode."""
    good = total = 0
    try:
        for text in _texts(blocks, encoding):
            lines = "\n".join(line for line in text.splitlines() if not line.isascii())
            right, weighed = judge(lines[:_SAMPLE])
            good, total = good + right, total + weighed
    except UnicodeError:
        return None
    return _Candidate(encoding, good, total)


def _in_doubt(blocks: Callable[[], Iterable[bytes]], name: str, encodings: list[str]) -> DataError:
    lines = _lines_not_utf8(blocks())
    shown = [
        f"{encoding}: line {number}: {_excerpt(line, encoding)!r}"
        for encoding in encodings
        for number, line in lines
    ]
    return DataError(
        "the text is neither UTF-8 nor clearly in another encoding, from line {line} on",
        "{file}; it would read\n  {shown}\n",
        "choose the encoding that reads right with --encoding (any that Python knows: gb18030, "
        "big5, cp1252, mac_roman, cp1251, ...), or correct the line if the file should be UTF-8",
        line=lines[0][0] if lines else 1,
        file=name,
        shown="\n  ".join(shown),
    )


def _lines_not_utf8(blocks: Iterable[bytes]) -> list[tuple[int, bytes]]:
    """The first lines that are not UTF-8, with their numbers from 1."""
    found: list[tuple[int, bytes]] = []
    number, rest = 1, b""
    for block in blocks:
        lines = (rest + block).split(b"\n")
        rest = lines.pop()[-BLOCK:]
        for line in lines:
            if not _is_utf8(line, True):
                found.append((number, line))
                if len(found) == _SHOWN:
                    return found
            number += 1
    return found if not rest or _is_utf8(rest, True) else [*found, (number, rest)]


def _excerpt(line: bytes, encoding: str) -> str:
    """Up to 60 characters from where the line leaves ASCII, a few before it included."""
    text = decodable(line, encoding)
    first = next((i for i, character in enumerate(text) if character > "\x7f"), 0)
    return text[max(first - 20, 0) : first + 40].strip()


def decode_files(files: list[Path], folder: Path, encoding: str | None) -> tuple[list[str], str]:
    """The whole texts of small files, and the names of their encodings.

    A mark or strict UTF-8 decides file by file; the rest are weighed together.

    Raises
    ------
    DataError
        As ``find_encoding``, and where a file is not in the encoding that was given.
    """
    raw = [file.read_bytes() for file in files]
    names = [known_encoding(encoding) if encoding else _proven(text) for text in raw]
    doubtful = [text + b"\n" for text, name in zip(raw, names, strict=True) if name is None]
    common = _by_evidence(lambda: doubtful, str(folder)) if doubtful else ""
    chosen = [name or common for name in names]
    texts = [_decoded(*whole) for whole in zip(raw, chosen, files, strict=True)]
    return texts, ", ".join(sorted(set(chosen)))


def _proven(text: bytes) -> str | None:
    """The encoding that a mark or strict UTF-8 proves, if any."""
    for mark, encoding in _MARKS:
        if text.startswith(mark):
            return encoding
    return "utf-8" if _is_utf8(text, True) else None


def _decoded(text: bytes, encoding: str, file: Path) -> str:
    try:
        return text.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = 1 + decodable(text[: error.start], encoding).count("\n")
        raise _not_in_encoding(file, encoding, line) from None
