"""Shingles: the overlapping triples of units by which texts are compared.

A unit is a word, or one character in scripts without spaces between words, so that the same rule
applies to English, Chinese and mixed texts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

SHINGLE_LENGTH = 3
SPACELESS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
UNIT = rf"[\w&&[{SPACELESS}]]|[\w--[{SPACELESS}]]+"
BREAK_TAG = r"(?i)<br\s*/?>"

# Enough text for efficiency, little enough to be held in memory several times.
CHUNK_BYTES = 8_000_000

# Odd constants with well-mixed bits, one for each place in a shingle (Steele et al. 2014).
_PLACES = np.array(
    [0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB][:SHINGLE_LENGTH], dtype=np.uint64
)


def count_units(texts: pl.Series) -> pl.Series:
    """Units in each text, UInt32 [rows]; 0 for a missing one."""
    return without_breaks(texts).str.count_matches(UNIT).fill_null(0)


def count_characters(texts: pl.Series) -> pl.Series:
    """Units that are characters of a script without spaces, UInt32 [rows]."""
    return texts.str.count_matches(rf"[\w&&[{SPACELESS}]]").fill_null(0)


def split_units(texts: pl.Series) -> pl.Series:
    """The units of each text, folded to lower case, List(String) [rows]."""
    return without_breaks(texts).str.to_lowercase().str.extract_all(UNIT)


def without_breaks(texts: pl.Series) -> pl.Series:
    """The texts with HTML break tags replaced by spaces."""
    return texts.str.replace_all(BREAK_TAG, " ")


def hash_shingles(texts: pl.Series) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The shingles of each text as 64-bit hashes, repeats included.

    Parameters
    ----------
    texts : polars.Series of String [rows]
        Each of at least ``SHINGLE_LENGTH`` units.

    Returns
    -------
    shingles : uint64 [total]
        Row by row. Reproducible within one version of polars, whose hash function is used.
    starts : int64 [rows]
        Where each row begins.
    """
    units = split_units(texts)
    lengths = units.list.len().to_numpy().astype(np.int64)
    hashes = units.explode().hash(seed=0).to_numpy()
    count = len(hashes) - SHINGLE_LENGTH + 1
    shingles = np.zeros(count, dtype=np.uint64)
    for place in range(SHINGLE_LENGTH):
        shingles += hashes[place : place + count] * _PLACES[place]
        shingles ^= shingles >> np.uint64(29)
    # Shingles that would extend into the next row are dropped.
    ends = np.cumsum(lengths)
    inside = np.ones(len(hashes), dtype=bool)
    for place in range(1, SHINGLE_LENGTH):
        inside[ends - place] = False
    per_row = lengths - SHINGLE_LENGTH + 1
    return shingles[inside[:count]], np.cumsum(per_row) - per_row


def chunks(texts: pl.Series, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Split ``rows`` into runs of about ``CHUNK_BYTES`` of text each."""
    if len(rows) == 0:
        return
    sizes = texts.gather(rows).str.len_bytes().to_numpy().astype(np.int64)
    places = np.cumsum(sizes) // CHUNK_BYTES
    yield from np.split(rows, np.flatnonzero(np.diff(places)) + 1)
