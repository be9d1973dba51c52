"""Word vectors that the user has: GloVe, word2vec (text and binary), fastText (.vec, .bin).

All but .bin may be packed with gzip. The file is streamed, and only the vectors of words that are
asked for are kept: memory depends on the words of the corpus, not on the file.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError
from duree.tables.files.fasttext_model import (
    SIGNATURE,
    Model,
    NotReadableError,
    open_model,
    read_size,
)
from duree.tables.files.fasttext_model import vector as vector_of

GZIP, ZIP, BOM = b"\x1f\x8b", b"PK", b"\xef\xbb\xbf"
# A longer line, or a longer word of a binary file, is no line of word vectors.
LONGEST_LINE, LONGEST_WORD = 1 << 20, 1 << 12
CHUNK = 1 << 22
NUMERIC, SEPARATOR = frozenset(b"0123456789+-.eE \t\r\n"), re.compile(rb"[ \t]")
# Words of the file and of the corpus that an error shows.
EXAMPLES = 5

_NONE = "{path!r} holds no word vectors"
_EXPECTED = "give a file of GloVe, word2vec or fastText: on each line a word and its numbers"

Content = BinaryIO | gzip.GzipFile


class Layout(NamedTuple):
    """How a file is laid out.

    Attributes
    ----------
    size : int
        Numbers per vector.
    words : int or None
        Number of words that the file's first line states; None: it has no such line.
    is_binary : bool
    """

    size: int
    words: int | None
    is_binary: bool


@dataclass(frozen=True)
class WordVectors:
    """The vectors of some words.

    Attributes
    ----------
    values : float32 [words, size]
        In the order in which the words were asked for; zero for words without a vector.
    found : bool [words]
    in_file : int
        Number of words in the file; words that it lacks may have vectors of their parts.
    """

    values: NDArray[np.float32]
    found: NDArray[np.bool_]
    in_file: int


def vector_size(path: Path | str) -> int:
    """The number of values of each vector in a file, from its first lines.

    Raises
    ------
    DataError
        It cannot be read, or holds no word vectors.
    """
    path = Path(path)
    with _open(path) as file:
        return read_size(path) if _is_model(file) else _layout(path, file).size


def read_word_vectors(path: Path | str, words: Sequence[str | None]) -> WordVectors:
    """Read the vectors of ``words`` from a file, and no others.

    A word that the file lacks gets the first vector of a word that differs only in upper and lower
    case: ``Paris`` for ``paris``; then, from a model of fastText, that of its parts. If a word
    occurs twice in the file, the first one counts.

    Parameters
    ----------
    path : Path or str
    words : sequence of str or None
        A word may occur several times; None is no word and has no vector.

    Raises
    ------
    DataError
        The file cannot be read, is damaged or ends early, has a line with other than the expected
        numbers, or has none of the words.
    """
    path = Path(path)
    with _open(path) as file:
        if _is_model(file):
            return _of_model(open_model(path, {word.lower() for word in words if word}), words)
        layout = _layout(path, file)
        vectors, theirs = _collect(path, file, layout, words)
    if layout.words is not None and vectors.in_file < layout.words:
        raise DataError(
            "{path!r} ends after {count} of {stated} word vectors",
            fix="download or copy it again",
            path=str(path),
            count=vectors.in_file,
            stated=layout.words,
        )
    if not vectors.found.any():
        ours = [word for word in words if word is not None]
        raise DataError(
            "none of the {count} words of the training rows has a vector in {path!r}",
            fix="choose vectors of the texts' language: the file has words such as {theirs}, the "
            "texts {ours}",
            count=len(set(ours)),
            path=str(path),
            theirs=", ".join(theirs),
            ours=", ".join(ours[:EXAMPLES]),
        )
    return vectors


def _collect(
    path: Path, file: Content, layout: Layout, words: Sequence[str | None]
) -> tuple[WordVectors, list[str]]:
    """The vectors of the words, and the first words of the file."""
    exact: dict[bytes, list[int]] = {}
    folded: dict[str, list[int]] = {}
    for place, word in enumerate(words):
        if word is not None:
            exact.setdefault(word.encode(errors="replace"), []).append(place)
            folded.setdefault(word.lower(), []).append(place)
    values = np.zeros((len(words), layout.size), dtype=np.float32)
    found, found_exactly = np.zeros((2, len(words)), dtype=bool)
    examples: list[str] = []
    count, last = 0, b""
    entries = _binary_entries if layout.is_binary else _text_entries
    for count, (entry, last) in enumerate(entries(path, file, layout), 1):
        readable = entry.decode(errors="replace")
        if count <= EXAMPLES:
            examples.append(readable)
        exactly = [place for place in exact.get(entry, ()) if not found_exactly[place]]
        others = [place for place in folded.get(readable.lower(), ()) if not found[place]]
        if not exactly and not others:
            continue
        vector = _vector(path, layout, count, last)
        if vector is not None:
            values[exactly + others] = vector
            found[exactly + others], found_exactly[exactly] = True, True
    if count and not layout.is_binary:  # the line where a download that broke off ends
        _vector(path, layout, count, last)
    return WordVectors(values, found, count), examples


@contextmanager
def _open(path: Path) -> Iterator[Content]:
    """The unpacked content of a file; what goes wrong in reading it becomes a DataError."""
    try:
        with open(path, "rb") as file:
            is_packed = file.read(2) == GZIP
            file.seek(0)
            with gzip.open(file) if is_packed else file as content:
                yield content
    except NotReadableError:
        raise DataError(
            "{path!r} is no complete model of fastText, or a compressed one (.gz, .ftz)",
            fix="download or copy it again, or give the .vec file that is published beside it",
            path=str(path),
        ) from None
    except FileNotFoundError:
        raise DataError("there is no file {path!r}", fix="check the path", path=str(path)) from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(
            "{path!r} is damaged or incomplete",
            fix="download or copy it again",
            path=str(path),
        ) from None
    except OSError as error:
        raise DataError(
            "{path!r} cannot be read: {reason}",
            fix="check that it is a file which you may read",
            path=str(path),
            reason=error.strerror or error,
        ) from None


def _is_model(file: Content) -> bool:
    """Whether the file, at its beginning, is a model of fastText; it is at its beginning again."""
    begins = file.read(len(SIGNATURE))
    file.seek(0)
    return begins == SIGNATURE


def _of_model(model: Model, words: Sequence[str | None]) -> WordVectors:
    """The vectors of words from a model of fastText."""
    twins = {word.lower(): word for word in reversed(model.places)}
    values = np.zeros((len(words), model.rows.shape[1]), dtype=np.float32)
    found = np.zeros(len(words), dtype=bool)
    for place, word in enumerate(words):
        if word is None:
            continue
        vector = vector_of(model, word if word in model.places else twins.get(word.lower(), word))
        if vector is not None:
            values[place], found[place] = vector, True
    return WordVectors(values, found, model.words)


def _layout(path: Path, file: Content) -> Layout:
    """How the file is laid out; it is then read up to its first word."""
    head = file.read(CHUNK)
    if head.startswith(ZIP):
        raise DataError(
            "{path!r} is a zip archive", fix="unpack it, and give a file in it", path=str(path)
        )
    begin = len(BOM) if head.startswith(BOM) else 0
    first, _, others = head[begin:].partition(b"\n")
    parts = first.split()
    if len(parts) == 2 and all(part.isdigit() for part in parts):
        words, size = map(int, parts)
        word, values = [*SEPARATOR.split(others, 1), b""][:2]
        # A number of a text and its separator take two bytes at least.
        is_text = NUMERIC.issuperset(values[: 2 * size - 1])
        if size > 0 and len(word) <= LONGEST_WORD:
            file.seek(begin + len(first) + 1)
            return Layout(size, words, not is_text)
    elif (size := _numbers_at_end(parts)) and len(first) <= LONGEST_LINE:
        file.seek(begin)
        return Layout(size, None, False)
    raise DataError(_NONE, fix=_EXPECTED, path=str(path))


def _numbers_at_end(parts: list[bytes]) -> int:
    """How many of the parts of a line, without the first, are numbers up to its end."""
    count = 0
    for part in reversed(parts[1:]):
        try:
            float(part)
        except ValueError:
            break
        count += 1
    return count


def _text_entries(path: Path, file: Content, layout: Layout) -> Iterator[tuple[bytes, bytes]]:
    """The first word of each line, and its other words or numbers."""
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise DataError(_NONE, fix=_EXPECTED, path=str(path))
        word, _, rest = line.partition(b" " if b" " in line else b"\t")
        if line.strip():
            yield word, rest


def _binary_entries(path: Path, file: Content, layout: Layout) -> Iterator[tuple[bytes, bytes]]:
    """Each word, and the bytes of its numbers."""
    width, content, begin = 4 * layout.size, b"", 0
    for _ in range(layout.words or 0):
        end = content.find(b" ", begin)
        while end < 0 or end + 1 + width > len(content):
            more = file.read(CHUNK)
            if not more or (end < 0 and len(content) - begin > LONGEST_WORD):
                return
            content, begin = content[begin:] + more, 0
            end = content.find(b" ")
        yield content[begin:end].lstrip(b"\n"), content[end + 1 : end + 1 + width]
        begin = end + 1 + width


def _vector(path: Path, layout: Layout, number: int, rest: bytes) -> NDArray[np.float32] | None:
    """The numbers of a word; None for a line whose word has blanks, as some have in GloVe's files.

    Raises
    ------
    DataError
        There are too few of them, or they are no finite numbers.
    """
    parts = [] if layout.is_binary else rest.split()
    if len(parts) > layout.size:
        return None
    try:
        if layout.is_binary:
            vector = np.frombuffer(rest, dtype="<f4").astype(np.float32)
        else:
            vector = np.array(parts).astype(np.float32)
        if len(vector) == layout.size and np.isfinite(vector).all():
            return vector
    except ValueError:
        pass
    raise DataError(
        "word {number} of {path!r} does not have {size} finite numbers",
        fix="download or copy the file again",
        number=number,
        path=str(path),
        size=layout.size,
    )
