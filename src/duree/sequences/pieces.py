"""Words that are not in the vocabulary, read as the known words that they are made of."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cached_property, lru_cache

from duree.sequences.tokenizer import SPACELESS

# The fewest letters of a piece: shorter ones are in words by chance.
SHORTEST = 4
# Longer words are no words, and would take time.
LONGEST = 50
# The share of the letters that must be in pieces.
LEAST_COVERED = 0.7
# The cost of a piece is the logarithm of its rank, since frequency falls with rank (Zipf 1949),
# moved so that the first words do not cost nothing, and a constant, so that few pieces cost less
# than many. A letter outside of pieces costs more than any piece.
MOVED, EACH, LETTER = 10.0, 1.0, 14.0

_SPACELESS = re.compile(f"[{SPACELESS}]+")


class Pieces:
    """The split of a word into known words: *humanrights* into *human* and *rights*.

    The split has the least cost, as in the segmentation of words without spaces (Norvig 2009); a
    word stays as it is if less than 70 % of its letters are in known words.

    Parameters
    ----------
    known : sequence of str
        The known units, most frequent first.
    """

    def __init__(self, known: Sequence[str]) -> None:
        self.known = known
        self.split = lru_cache(maxsize=100_000)(self._split)

    def __reduce__(self) -> tuple[type[Pieces], tuple[Sequence[str]]]:
        return Pieces, (self.known,)  # without the cache, which cannot be pickled

    def __call__(self, unit: str) -> Sequence[str]:
        """The unit alone if it is known or cannot be split, otherwise its pieces in order."""
        return (unit,) if unit in self._known or not unit.isalpha() else self.split(unit)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.known)

    @cached_property
    def _costs(self) -> dict[str, float]:
        return {
            unit: math.log(rank + MOVED) + EACH
            for rank, unit in enumerate(self.known)
            if unit.isalpha() and len(unit) >= _shortest(unit)
        }

    def _split(self, word: str) -> tuple[str, ...]:
        shortest, length = _shortest(word), len(word)
        if not shortest < length <= LONGEST:
            return (word,)
        # The least cost up to each place, and where the last piece or letter before it begins.
        costs, begins = [0.0], [0]
        for end in range(1, length + 1):
            options = [(costs[end - 1] + LETTER, end - 1)]
            options += [
                (costs[begin] + self._costs[word[begin:end]], begin)
                for begin in range(end - shortest + 1)
                if word[begin:end] in self._costs
            ]
            cost, begin = min(options)
            costs.append(cost)
            begins.append(begin)
        found, end = [], length
        while end > 0:
            piece = word[begins[end] : end]
            if piece in self._costs:
                found.append(piece)
            end = begins[end]
        covered = sum(map(len, found))
        return tuple(found[::-1]) if covered >= LEAST_COVERED * length else (word,)


def _shortest(word: str) -> int:
    """The fewest letters of a piece; one in scripts where letters are words or syllables."""
    return 1 if _SPACELESS.fullmatch(word) else SHORTEST
