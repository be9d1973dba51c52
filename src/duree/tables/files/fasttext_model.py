"""Vectors from a model of fastText (.bin), which also has vectors of the parts of words.

The vector of a word is the mean of its own and of those of its character n-grams; a word that the
model lacks has the mean of its n-grams (Bojanowski et al. 2017). Only the rows of the corpus's
words are read from the file, so that memory does not depend on its size.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# fasttext.cc: the signature of models, and the version that all releases since 2017 write.
MAGIC, VERSION = 793712314, 12
SIGNATURE = MAGIC.to_bytes(4, "little")
# args.h: dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn,
# lrUpdateRate, t; then dictionary.cc: size, nwords, nlabels, ntokens, pruneidx_size.
HEAD = struct.Struct("<ii12idiiiqq")
# dictionary.cc: count and type behind each word, and whether it is a word or a label.
ENTRY, WORD = struct.Struct("<qb"), 0
MATRIX = struct.Struct("<?qq")
# dictionary.cc: FNV-1a, whose bytes are signed.
BASIS, PRIME = 2166136261, 16777619
END_OF_SENTENCE = "</s>"
# Bytes of the list of words that are read at a time.
CHUNK = 1 << 20


class NotReadableError(ValueError):
    """The file is no complete model of a version with vectors that are not compressed."""


class Model(NamedTuple):
    """A model whose vectors stay in the file.

    Attributes
    ----------
    words : int
    places : {str: int}
        The rows of the words that were asked for, also in other upper and lower case.
    shortest, longest : int
        Lengths of the n-grams in characters; longest is 0 if there are none.
    buckets : int
        Number of rows of n-grams, which follow those of the words.
    rows : float32 [words + buckets, size]
        Memory-mapped.
    """

    words: int
    places: dict[str, int]
    shortest: int
    longest: int
    buckets: int
    rows: NDArray[np.float32]


def read_size(path: Path) -> int:
    """The number of values of each vector.

    Raises
    ------
    NotReadableError
    """
    with open(path, "rb") as file:
        return _head(file.read(HEAD.size))[2]


def open_model(path: Path, lowered: Collection[str]) -> Model:
    """Find words of a model by their lower-case form, and map its vectors.

    Raises
    ------
    NotReadableError
    """
    content = np.memmap(path, dtype=np.uint8, mode="r")
    head = _head(content[: HEAD.size].tobytes())
    size, buckets, shortest, longest = head[2], *head[10:13]
    entries, count, pruned = head[15], head[16], head[19]
    if pruned > 0:
        raise NotReadableError
    places, place = _places(content, entries, lowered)
    is_quantised, rows, columns = MATRIX.unpack_from(_bytes(content, place, MATRIX.size))
    begin = place + MATRIX.size
    if is_quantised or columns != size or len(content) < begin + 4 * rows * columns:
        raise NotReadableError
    if rows < count + (buckets if longest else 0):
        raise NotReadableError
    vectors = np.memmap(path, dtype="<f4", mode="r", offset=begin, shape=(rows, columns))
    return Model(count, places, shortest, longest, buckets, vectors)


def vector(model: Model, word: str) -> NDArray[np.float32] | None:
    """The vector of a word; None if the model has neither the word nor n-grams of it."""
    rows = [model.places[word]] if word in model.places else []
    if model.longest and word != END_OF_SENTENCE:
        rows += [model.words + number for number in ngrams(model, word)]
    if not rows:
        return None
    return np.asarray(model.rows[rows].mean(axis=0, dtype=np.float32))


def ngrams(model: Model, word: str) -> Iterator[int]:
    """The bucket of each character n-gram of the word between its marks ``<`` and ``>``."""
    marked = f"<{word}>"
    for begin in range(len(marked)):
        for length in range(model.shortest, model.longest + 1):
            end = begin + length
            if end > len(marked):
                break
            is_mark = length == 1 and (begin == 0 or end == len(marked))
            if not is_mark:
                yield fnv(marked[begin:end].encode()) % model.buckets


def fnv(content: bytes) -> int:
    """The 32-bit hash of an n-gram."""
    found = BASIS
    for byte in content:
        signed = byte if byte < 128 else byte | 0xFFFFFF00
        found = ((found ^ signed) * PRIME) & 0xFFFFFFFF
    return found


def _head(content: bytes) -> tuple[int, ...]:
    if len(content) < HEAD.size:
        raise NotReadableError
    head = HEAD.unpack(content)
    sizes = (*head[2:3], *head[10:13], *head[15:19])
    if head[0] != MAGIC or head[1] != VERSION or head[2] < 1 or min(sizes) < 0:
        raise NotReadableError
    return head


def _places(
    content: NDArray[np.uint8], entries: int, lowered: Collection[str]
) -> tuple[dict[str, int], int]:
    """The rows of the words that are asked for, and where the list of all words ends."""
    places: dict[str, int] = {}
    block, begin, place = b"", HEAD.size, HEAD.size
    for row in range(entries):
        end = block.find(b"\0", place - begin)
        if end < 0 or end + 1 + ENTRY.size > len(block):
            block, begin = content[place : place + CHUNK].tobytes(), place
            end = block.find(b"\0")
            if end < 0 or end + 1 + ENTRY.size > len(block):
                raise NotReadableError
        word = block[place - begin : end].decode(errors="replace")
        # Labels follow the words, and are none.
        if word.lower() in lowered and ENTRY.unpack_from(block, end + 1)[1] == WORD:
            places.setdefault(word, row)
        place = begin + end + 1 + ENTRY.size
    return places, place


def _bytes(content: NDArray[np.uint8], begin: int, size: int) -> bytes:
    found = content[begin : begin + size].tobytes()
    if len(found) < size:
        raise NotReadableError
    return found
