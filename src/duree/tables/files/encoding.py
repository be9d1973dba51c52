"""Text encodings: strict decoding, and detection by proof or by clear evidence.

A byte order mark decides. UTF-16 without one shows by its NUL bytes. Otherwise the text must be
strict UTF-8, or one of GB18030, Big5 and Windows-1252 must both decode it strictly and make far
more sense than the others. Where the evidence is not clear, the file is refused, and the message
shows some of its lines in each candidate encoding.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from duree.errors import DataError
from duree.tables.files.encoding_evidence import (
    chinese_evidence,
    hungarian_evidence,
    japanese_evidence,
    western_evidence,
)

BLOCK = 1 << 21  # bytes read at a time
_SAMPLE = 20_000  # characters of each block that are examined
_SHOWN = 3  # lines shown of a file in doubt

_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    ("\ufeff".encode("gb18030"), "gb18030"),
)
_MARKED = ("utf-16", "utf-32")  # which need a mark
# Codecs of host names and the like, which decode no text of several lines.
_NOT_OF_FILES = ("idna", "punycode", "undefined")
_SWAPPED = {"utf-16-le": "utf-16-be", "utf-16-be": "utf-16-le"}
_CHINESE = ("gb18030", "cp950")  # cp950 is Big5 as it is used
_JAPANESE = ("euc_jp", "shift_jis")  # never chosen, but they make others doubtful
_WESTERN = "cp1252"
_CENTRAL = "cp1250"  # as Hungarian has been written; other languages in it make no sense in cp1252
_EVIDENCE: dict[str, Callable[[str], tuple[int, int]]] = {
    **dict.fromkeys(_CHINESE, chinese_evidence),
    **dict.fromkeys(_JAPANESE, japanese_evidence),
    _WESTERN: western_evidence,
}


def known_encoding(name: str) -> str:
    """The canonical name of a text encoding; DataError if there is none of this name."""
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)  # LookupError for codecs that are not of text
        if codec.name in _NOT_OF_FILES:
            raise LookupError(codec.name)
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


def chosen_encoding(path: Path, given: str | None) -> str:
    """The encoding that the user gave, by its canonical name; otherwise the one found."""
    return known_encoding(given) if given else find_encoding(path)


def utf8_blocks(path: Path, encoding: str) -> Iterator[bytes]:
    """The text of a file as UTF-8, block by block, without a byte order mark.

    Raises
    ------
    DataError
        The file is not in this encoding; the message gives the line.
    """
    started = False
    try:
        for text in _strict_texts(_blocks_of(path), encoding):
            if text and not started:
                text, started = text.removeprefix("\ufeff"), True
            if text:
                yield text.encode("utf-8")
    except UnicodeError:
        line = _line_of_fault(_blocks_of(path), encoding)
        raise _not_in_encoding(path, encoding, line) from None


def decode(text: bytes, encoding: str, path: Path) -> str:
    """The whole text of a small file, without a byte order mark; DataError as ``utf8_blocks``."""
    try:
        return text.decode(encoding).removeprefix("\ufeff")
    except UnicodeError:
        raise _not_in_encoding(path, encoding, _line_of_fault([text], encoding)) from None


def find_encoding(path: Path) -> str:
    """The encoding of a text file, by its Python name.

    Raises
    ------
    DataError
        The evidence is not clear; the message shows lines in each candidate encoding.
    """
    head = next(_blocks_of(path), b"")
    if marked := _marked(head):
        return marked
    for encoding in _SWAPPED:
        if _seems_utf16(head, encoding) and _decodes(_blocks_of(path), encoding):
            return encoding
    if _decodes(_blocks_of(path), "utf-8"):
        return "utf-8"
    return _by_evidence(lambda: _blocks_of(path), str(path))


def find_encodings(texts: list[bytes], name: str) -> list[str]:
    """The encoding of each of many small texts: those without proof are examined together."""
    proved = [_marked(text) or ("utf-8" if _is_utf8(text, True) else None) for text in texts]
    doubtful = [text + b"\n" for text, found in zip(texts, proved, strict=True) if found is None]
    common = _by_evidence(lambda: doubtful, name) if doubtful else ""
    return [found or common for found in proved]


def has_mark(path: Path) -> bool:
    """Whether a file begins with a byte order mark."""
    return path.is_file() and _marked(next(_blocks_of(path), b"")) is not None


def _blocks_of(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            yield block


def _strict_texts(blocks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Strictly decoded blocks; UnicodeError at the first fault."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    for block in blocks:
        yield decoder.decode(block)
    yield decoder.decode(b"", True)


def _decodes(blocks: Iterable[bytes], encoding: str) -> bool:
    try:
        for _ in _strict_texts(blocks, encoding):
            pass
    except UnicodeError:
        return False
    return True


def _is_utf8(text: bytes, final: bool = False) -> bool:
    """Strictly; unless ``final``, the last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(text, final)
    except UnicodeDecodeError:
        return False
    return True


def _marked(head: bytes) -> str | None:
    """The encoding that a byte order mark proves, if any."""
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)


def _seems_utf16(head: bytes, encoding: str) -> bool:
    """Whether a text with NUL has far more line ends, delimiters and spaces in this byte order."""
    if b"\0" not in head or (head.count(0) < len(head) // 8 and _is_utf8(head)):
        return False
    this, swapped = (_structural(head, name) for name in (encoding, _SWAPPED[encoding]))
    return this > 20 * swapped


def _structural(head: bytes, encoding: str) -> int:
    text = _decodable(head, encoding)
    return sum(text.count(character) for character in "\n\r,;\t| ")


def _decodable(data: bytes, encoding: str) -> str:
    """What can be decoded of ``data``."""
    return data.decode(encoding, errors="ignore")


@dataclass(frozen=True)
class _Candidate:
    """An encoding that decodes the file strictly, and how much of the outcome makes sense."""

    encoding: str
    good: int
    total: int

    @property
    def share(self) -> float:
        return self.good / max(self.total, 1)


def _by_evidence(blocks: Callable[[], Iterable[bytes]], name: str) -> str:
    """The encoding that makes far more sense of the text than the others, or DataError."""
    candidates = [_candidate(blocks(), encoding) for encoding in _EVIDENCE]
    found = {candidate.encoding: candidate for candidate in candidates if candidate is not None}
    western = found[_WESTERN].share if _WESTERN in found else 0.0
    eastern = sorted((c for c in found.values() if c.encoding != _WESTERN), key=lambda c: -c.share)
    shares = [candidate.share for candidate in eastern] + [0.0, 0.0]
    if western >= 0.95 and shares[0] < 0.2:
        if _seems_hungarian(blocks()):
            raise _in_doubt(blocks, name, [_WESTERN, _CENTRAL])
        return _WESTERN
    clear = shares[0] >= 0.4 and shares[0] - shares[1] >= 0.2 and western < 0.5
    if clear and eastern[0].encoding in _CHINESE and eastern[0].good >= 3:
        return eastern[0].encoding
    shown = [c.encoding for c in found.values() if c.share or c.encoding not in _JAPANESE]
    raise _in_doubt(blocks, name, shown or ["latin-1"])


def _seems_hungarian(blocks: Iterable[bytes]) -> bool:
    """Whether õ and û seem to be the ő and ű of Hungarian, the only difference in its letters."""
    text = "".join(_strict_texts(blocks, _WESTERN))[: _SAMPLE * 10]
    return hungarian_evidence(text)


def _candidate(blocks: Iterable[bytes], encoding: str) -> _Candidate | None:
    """The evidence for an encoding, or None where the bytes do not decode."""
    good = total = 0
    try:
        for text in _strict_texts(blocks, encoding):
            lines = "\n".join(line for line in text.splitlines() if not line.isascii())
            right, examined = _EVIDENCE[encoding](lines[:_SAMPLE])
            good, total = good + right, total + examined
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
        "choose the right encoding with --encoding (any that Python supports: gb18030, big5, "
        "cp1252, mac_roman, cp1251, ...), or correct the line if the file should be UTF-8",
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
    """Up to 60 characters around the first one outside ASCII."""
    text = _decodable(line, encoding)
    first = next((i for i, character in enumerate(text) if character > "\x7f"), 0)
    return text[max(first - 20, 0) : first + 40].strip()


def _line_of_fault(blocks: Iterable[bytes], encoding: str) -> int:
    """The line, from 1, in which a text stops being in ``encoding``."""
    line = 1
    try:
        for text in _strict_texts(blocks, encoding):
            line += text.count("\n")
    except UnicodeDecodeError as error:
        line += _decodable(error.object[: error.start], encoding).count("\n")
    except UnicodeError:  # some codecs do not say where
        pass
    return line


def _not_in_encoding(path: Path, encoding: str, line: int) -> DataError:
    if encoding in _MARKED:
        return DataError(
            "the text is not in {encoding}: it has no byte order mark",
            "in {file}",
            "give the byte order too, as in --encoding {encoding}-le or {encoding}-be, or leave "
            "--encoding out to have it detected",
            encoding=encoding,
            file=str(path),
        )
    return DataError(
        "the text is not in {encoding}: line {line} cannot be decoded",
        "in {file}",
        "correct that line, or give the file's encoding with --encoding",
        encoding=encoding,
        line=line,
        file=str(path),
    )
