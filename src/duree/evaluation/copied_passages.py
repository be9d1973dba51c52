"""Copied passages: stretches of texts that stand, word by word, in other texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Span = tuple[int, int]

# Shorter passages are in many texts by chance or by habit.
FEWEST_WORDS, FEWEST_CHARACTERS = 8, 30
# Words or characters of other texts that are searched at once, to bound memory.
AT_ONCE = 1_000_000
_WORD = re.compile(r"\S+")
_BASE = np.uint64(0x9E3779B97F4A7C15)


def copied_passages(
    texts: Sequence[str], others: Iterable[str], *, words: bool
) -> list[list[Span]]:
    """The passages of each text that stand in one of the others.

    Parameters
    ----------
    texts, others : texts
    words : bool
        Passages of eight or more words, whatever blanks lie between them; otherwise of thirty or
        more characters.

    Returns
    -------
    list of list of (begin, end)
        In characters, ascending; passages that overlap or touch are one.
    """
    size = FEWEST_WORDS if words else FEWEST_CHARACTERS
    split = _words if words else _characters
    own = [split(text) for text in texts]
    numbers = {unit: n for n, unit in enumerate({unit for units, _ in own for unit in units})}
    coded = [np.array([numbers[unit] for unit in units], dtype=np.int64) for units, _ in own]
    wanted = {window for codes in coded for window in _windows(codes, size)}
    found = _found(wanted, others, numbers, split, size) if wanted else set()
    return [
        list(_spans(codes, spans, found, size))
        for codes, (_, spans) in zip(coded, own, strict=True)
    ]


Split = Callable[[str], tuple[Sequence[str], Sequence[Span]]]


def _words(text: str) -> tuple[list[str], list[Span]]:
    matches = list(_WORD.finditer(text))
    return [match.group() for match in matches], [match.span() for match in matches]


def _characters(text: str) -> tuple[str, list[Span]]:
    return text, [(place, place + 1) for place in range(len(text))]


def _found(
    wanted: set[bytes], others: Iterable[str], numbers: dict[str, int], split: Split, size: int
) -> set[bytes]:
    """The windows that stand in other texts."""
    hashes = np.unique(
        np.concatenate([_hashes(np.frombuffer(one, dtype=np.int64), size) for one in wanted])
    )
    found: set[bytes] = set()
    for text in others:
        units = text.split() if split is _words else text
        for begin in range(0, len(units), AT_ONCE):
            some = units[begin : begin + AT_ONCE + size - 1]
            codes = np.fromiter((numbers.get(unit, -1) for unit in some), np.int64, len(some))
            alike = np.isin(_hashes(codes, size), hashes)
            for place in np.flatnonzero(alike).tolist():
                window = codes[place : place + size].tobytes()
                if window in wanted:
                    found.add(window)
    return found


def _hashes(codes: Ints, size: int) -> NDArray[np.uint64]:
    """A hash of each window of codes: uint64 [windows]."""
    count = len(codes) - size + 1
    hashes = np.zeros(max(count, 0), dtype=np.uint64)
    for place in range(size):
        hashes = hashes * _BASE + codes[place : place + len(hashes)].astype(np.uint64)
    return hashes


def _windows(codes: Ints, size: int) -> Iterator[bytes]:
    """The windows of codes, as bytes of int64."""
    for place in range(len(codes) - size + 1):
        yield codes[place : place + size].tobytes()


def _spans(codes: Ints, spans: Sequence[Span], found: set[bytes], size: int) -> Iterator[Span]:
    """The joined spans of the windows that were found."""
    inside = np.zeros(len(codes) + 2, dtype=bool)
    for place, window in enumerate(_windows(codes, size)):
        if window in found:
            inside[place + 1 : place + size + 1] = True
    edges = np.flatnonzero(np.diff(inside)).tolist()
    for begin, end in list(pairwise(edges))[::2]:
        yield spans[begin][0], spans[end - 1][1]
