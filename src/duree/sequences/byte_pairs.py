"""Byte-pair encoding: words as the frequent parts that they are made of.

Starting from single characters, the pair of neighbouring units that occurs most often is merged
into one unit, again and again. Frequent words become single units; rare ones are spelt from parts.

Source: Sennrich, Haddow & Birch 2016, algorithm 1; here with the blank before a word as its first
character, in place of a mark at its end, so that joined units are the text itself.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from heapq import heapify, heappop, heappush

from duree.sequences.tokenizer import characters_of

Pair = tuple[str, str]

# Pairs that occur once say nothing about other words.
FEWEST = 2
# Longer runs of letters are cut, so that time grows with the length of a text, not its square.
LONGEST_WORD = 64


class BytePairs:
    """Splits words into units by merges that were learned on training words.

    Parameters
    ----------
    merges : sequence of (str, str)
        The pairs of units to merge, the first learned first.
    """

    def __init__(self, merges: Sequence[Pair]) -> None:
        self.merges = tuple(merges)

    @classmethod
    def learn(cls, words: Mapping[str, int], most: int) -> BytePairs:
        """Learn at most ``most`` merges from words and their frequencies.

        Of pairs that are equally frequent, the first in alphabetical order is merged.
        """
        spelt, counts = [list(word) for word in words], list(words.values())
        frequency: Counter[Pair] = Counter()
        places: defaultdict[Pair, set[int]] = defaultdict(set)
        for place, (units, count) in enumerate(zip(spelt, counts, strict=True)):
            for pair in itertools.pairwise(units):
                frequency[pair] += count
                places[pair].add(place)
        queue = [(-count, pair) for pair, count in frequency.items()]
        heapify(queue)
        merges: list[Pair] = []
        while queue and len(merges) < most:
            negative, pair = heappop(queue)
            if frequency[pair] != -negative:
                # Merges since then have taken some of its occurrences.
                if frequency[pair] >= FEWEST:
                    heappush(queue, (-frequency[pair], pair))
                continue
            if -negative < FEWEST:
                break
            merges.append(pair)
            joined, changed = pair[0] + pair[1], set[Pair]()
            for place in places.pop(pair):
                units, count = spelt[place], counts[place]
                spelt[place] = merged = _merged(units, pair)
                if len(merged) == len(units):
                    continue  # an earlier merge took the pair from this word
                for old in itertools.pairwise(units):
                    frequency[old] -= count
                for new in itertools.pairwise(merged):
                    frequency[new] += count
                    if joined in new:  # the others were there before
                        places[new].add(place)
                        changed.add(new)
            for new in changed:
                heappush(queue, (-frequency[new], new))
        return cls(merges)

    def __call__(self, word: str) -> tuple[str, ...]:
        """The units of a word; joined, they are the word."""
        found = self._known.get(word)
        if found is None:
            found = self._known[word] = self._split(word)
        return found

    def __reduce__(self) -> tuple[type[BytePairs], tuple[tuple[Pair, ...]]]:
        return BytePairs, (self.merges,)  # without the words met so far

    @cached_property
    def _known(self) -> dict[str, tuple[str, ...]]:
        return {}

    @cached_property
    def _ranks(self) -> dict[Pair, int]:
        return {pair: rank for rank, pair in enumerate(self.merges)}

    def _split(self, word: str) -> tuple[str, ...]:
        units, never = list(word), len(self.merges)
        while len(units) > 1:
            pairs = itertools.pairwise(units)
            rank, pair = min((self._ranks.get(pair, never), pair) for pair in pairs)
            if rank == never:
                break
            units = _merged(units, pair)
        return tuple(units)


def words_of(text: str) -> list[str]:
    """The words and marks of a text; joined, they are a blank and the text.

    A word keeps the blank before it, so that it is the same at the begin of a text and inside it.
    """
    return pieces_of().findall(f" {text}") if text else []


def text_of(units: Sequence[str]) -> str:
    """The text of units, or of whole words."""
    return "".join(units).removeprefix(" ")


def _merged(units: list[str], pair: Pair) -> list[str]:
    """The units with every occurrence of the pair, from the left, as one unit."""
    first, second = pair
    found, place, last = [], 0, len(units) - 1
    while place <= last:
        if place < last and units[place] == first and units[place + 1] == second:
            found.append(first + second)
            place += 2
        else:
            found.append(units[place])
            place += 1
    return found


@cache
def pieces_of() -> re.Pattern[str]:
    """The pattern of the words and marks of a text, of which every character belongs to one.

    Letters and digits with their marks; or one other sign; both with a blank before them."""
    mark = characters_of("Mn", "Mc", "Me")
    return re.compile(rf" ?[\w{mark}]{{1,{LONGEST_WORD}}}| ?[^\w\s{mark}]|\s")
