"""Texts as integers for a language model: every text has a probability, and can be restored.

Texts are read as they are: not normalised, not cut, and lower-cased only if the recipe says so.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ValidationError

from duree.recipe.settings import TextSettings
from duree.results.run_files import Described, TextFacts
from duree.sequences.byte_pairs import BytePairs, Pair
from duree.sequences.language_joins import Joins
from duree.sequences.language_spellings import spell_some
from duree.sequences.language_units import Kind, blocks, choose_kind, pattern_of, with_form
from duree.sequences.ragged import END, UNKNOWN, Ragged, offsets_of
from duree.sequences.texts import are_texts, texts_of
from duree.storage import not_valid, require

# The first code of a unit, after those that are reserved. Of words, the first two open and close
# the spelling of one outside the vocabulary; then come codes of characters, then those of words.
FIRST_UNIT = SPELLING = END + 1
SPELT = SPELLING + 1
VERSION = 1
# The characters that Unicode 16.0 assigns: the probability of an unknown character is that of
# UNKNOWN divided by their number.
ASSIGNED_CHARACTERS = 154_998
# A word that occurs less often in training is spelt, so that spelling is learned too.
FEWEST = 2
# Merges of byte pairs: one for so many types of words, within these bounds.
TYPES_PER_MERGE, FEWEST_MERGES, MOST_MERGES = 5, 500, 8000

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class LanguageEncoder:
    """An encoder of texts by characters, parts of words, or words, fitted on training texts.

    Each text is the codes of its units, then ``END``. A word that is not in the vocabulary is
    ``SPELLING``, the codes of its characters, and ``SPELT``. A part of a word that is not
    in the vocabulary is its characters, which are then units. A character that does not occur in
    training is ``UNKNOWN``.

    Attributes
    ----------
    settings : TextSettings
    kind : {"characters", "subwords", "words", "symbols"}
        The units; symbols are words that stand between blanks.
    characters : list of str
        Of words, the characters that spell others; otherwise empty.
    known : list of str
        The units with a code of their own, at most ``settings.max_features``, by decreasing
        frequency, ties in alphabetical order.
    pairs : BytePairs
        The merges of parts of words; without any for other units.
    joins : Joins
        How words are joined to a text.

    Examples
    --------
    >>> encoder = LanguageEncoder.fit(pl.Series(["abba", "b"]), TextSettings())
    >>> encoder.encode(pl.Series(["bay"]))[0].tolist()
    [4, 5, 1, 3]
    """

    settings: TextSettings
    kind: Kind
    characters: list[str]
    known: list[str]
    pairs: BytePairs
    joins: Joins

    explained_by: ClassVar[str | None] = None
    embedded_words: ClassVar[tuple[str | None, ...]] = ()
    input_size: ClassVar[int | None] = None
    units_encoder: ClassVar[None] = None
    step_classes: ClassVar[Mapping[str, tuple[int, bool]]] = {}

    @classmethod
    def fit(cls, rows: pl.Series, settings: TextSettings) -> LanguageEncoder:
        """Choose the units and learn the vocabulary from the training texts, Series of String.

        Raises
        ------
        DataError
            The series does not hold text, or the recipe asks for units that there are not.
        """
        texts, most = texts_of(rows), settings.max_features
        kind = choose_kind(texts, settings)
        no_pairs, no_joins = BytePairs(()), Joins()
        unfitted = cls(settings, kind, [], [], no_pairs, no_joins)
        pieces: Counter[str] = Counter()
        for text in texts:
            for some in unfitted._words(text):
                pieces.update(some)
        if kind == "characters":
            return cls(settings, kind, [], _ranked(pieces)[:most], no_pairs, no_joins)
        characters: Counter[str] = Counter()
        for piece, count in pieces.items():
            characters.update(dict.fromkeys(piece, count))
        if kind == "subwords":
            merges = min(max(FEWEST_MERGES, len(pieces) // TYPES_PER_MERGE), MOST_MERGES, most)
            pairs = BytePairs.learn(pieces, merges)
            units: Counter[str] = Counter(dict.fromkeys(characters, 0))
            for piece, count in pieces.items():
                units.update({unit: n * count for unit, n in Counter(pairs(piece)).items()})
            return cls(settings, kind, [], _ranked(units)[:most], pairs, no_joins)
        joins = Joins.learn(texts, pattern_of(kind)) if kind == "words" else no_joins
        often = Counter({piece: count for piece, count in pieces.items() if count >= FEWEST})
        return cls(settings, kind, _ranked(characters), _ranked(often)[:most], no_pairs, joins)

    @property
    def vocabulary_size(self) -> int:
        """The number of codes, reserved ones included."""
        return self._first_known + len(self.known)

    def units(self, text: str) -> tuple[str, ...]:
        """The units of a text, as they stand in it."""
        return tuple(text[begin:end] for begin, end in self.spans(text).tolist())

    def spans(self, text: str) -> Integers:
        """Where each unit begins and ends in the text, in characters: int64 [units, 2]."""
        if not self._spells:  # every character belongs to a unit
            if self.kind == "characters":
                lengths = np.ones(len(text), dtype=np.int64)
            else:
                each = (len(unit) for some in self._pieces(text) for unit in some)
                lengths = np.fromiter(each, np.int64)
            ends = np.cumsum(lengths)
            return np.stack([ends - lengths, ends], axis=1)
        found, begin = [np.zeros((0, 2), dtype=np.int64)], 0
        for block in blocks(with_form(text, self.settings)):
            spans = [match.span() for match in self._pattern.finditer(block)]
            found.append(np.array(spans, dtype=np.int64).reshape(-1, 2) + begin)
            begin += len(block)
        return np.concatenate(found)

    def code_counts(self, text: str) -> Integers:
        """The number of codes of each unit: int64 [units]; more than 1 of a word that is spelt."""
        return np.diff(np.flatnonzero(self.ends_of_units(self._codes(text))), prepend=-1)

    def encode(self, rows: pl.Series) -> Ragged:
        """The codes of each text, and ``END``: int32.

        Raises
        ------
        DataError
            The series does not hold text.
        """
        return Ragged.from_rows(np.append(self._codes(text), END) for text in texts_of(rows))

    def counted(self, rows: pl.Series) -> Ragged:
        """The units, characters and texts that end at each code: int32 [codes, 3].

        ``END`` counts as a unit. A unit counts for the blanks before it that belong to no unit,
        ``END`` for those at the end of the text.
        """
        found = []
        for text in texts_of(rows):
            ends = self.ends_of_units(self._codes(text))
            counts = np.zeros((len(ends) + 1, 3), dtype=np.int32)
            counts[-1, 2] = 1
            counts[:, 0] = np.append(ends, True)
            up_to = np.append(self.spans(text)[:, 1], len(text))
            counts[counts[:, 0] > 0, 1] = np.diff(up_to, prepend=0)
            found.append(counts)
        offsets = offsets_of([len(counts) for counts in found])
        return Ragged(np.concatenate([np.zeros((0, 3), dtype=np.int32), *found]), offsets)

    def with_spellings(self, documents: Ragged, seed: int) -> Ragged:
        """Training documents, in which some words are spelt: see ``spell_some``."""
        if not self._spells:
            return documents
        first = self._first_known
        return spell_some(
            documents, first, SPELLING, lambda code: self._spelling(self.known[code - first]), seed
        )

    def ends_of_units(self, codes: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether each code is the last of its unit: bool [codes]."""
        if not self._spells:
            return np.ones(len(codes), dtype=bool)
        # 1 from the mark that opens a spelling to before the one that closes it.
        return np.asarray(np.cumsum((codes == SPELLING) * 1 - (codes == SPELT)) == 0)

    def text_of(self, codes: Iterable[int]) -> str:
        """The text of codes; reserved ones write nothing, an unknown character is U+FFFD."""
        units, within = list[str](), False
        for code in codes:
            if self._spells and code in (SPELLING, SPELT):
                within = code == SPELLING
                units += [""] if within else []
            elif code == UNKNOWN or code >= FIRST_UNIT:
                unit = "\ufffd" if code == UNKNOWN else self._written[code - FIRST_UNIT]
                if within:
                    units[-1] += unit
                else:
                    units.append(unit)
        return self.joins.text_of(units) if self._spells else "".join(units)

    def for_baselines(self, rows: pl.Series) -> list[NDArray[np.int32]]:
        """The codes of each text."""
        encoded = self.encode(rows)
        return [encoded[row] for row in range(len(encoded))]

    def features_of_steps(self, row: pl.Series) -> dict[str, list[Any]]:
        """Empty: there are no step features."""
        return {}

    def truncation(self, rows: pl.Series, sequences: Ragged) -> str | None:
        """None: no text is cut."""
        return None

    def unseen(self, sequences: Ragged) -> NDArray[np.float64]:
        """The share of each text's units that are spelt or unknown; NaN without units."""
        values = sequences.values
        units = self.ends_of_units(values) & (values != END)
        others = units & (values == (SPELT if self._spells else UNKNOWN))
        unseen, every = (
            np.diff(np.append(0, np.cumsum(each))[sequences.offsets]) for each in (others, units)
        )
        return np.where(every > 0, unseen / np.maximum(every, 1), np.nan)

    def describe(self) -> dict[str, Described]:
        """The units that were chosen, and the size of the vocabulary."""
        merges = len(self.pairs.merges)
        return {
            "encoding.json": TextFacts(segmenter=self.kind, units=len(self.known), merges=merges)
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {
            "kind": "language",
            "version": VERSION,
            "settings": self.settings.model_dump(),
            "units": self.kind,
            "characters": self.characters,
            "known": self.known,
            "merges": [list(pair) for pair in self.pairs.merges],
            "joins": [sorted(self.joins.before), sorted(self.joins.after)],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> LanguageEncoder:
        """The encoder from the result of ``to_dict``.

        Raises
        ------
        RunError
            The data is malformed, or was written by a newer Durée.
        """
        keys = {"kind", "version", "settings", "units", "characters", "known", "merges", "joins"}
        require(set(state) == keys, "language", "keys")
        require(state["kind"] == "language", "language", "kind")
        require(state["version"] == VERSION, "language", "version")
        try:
            settings = TextSettings.model_validate(state["settings"], strict=True)
        except ValidationError:
            raise not_valid("language", "settings") from None
        require(state["units"] in get_args(Kind), "language", "units")
        for name in ("characters", "known"):
            found = state[name]
            require(are_texts(found) and len(set(found)) == len(found), "language", name)
        joins, merges = state["joins"], state["merges"]
        are_two = isinstance(joins, list) and len(joins) == 2 and all(map(are_texts, joins))
        require(are_two, "language", "joins")
        are_pairs = isinstance(merges, list) and all(
            are_texts(pair) and len(pair) == 2 and all(pair) for pair in merges
        )
        require(are_pairs, "language", "merges")
        learned: list[Pair] = [(first, second) for first, second in merges]
        return cls(
            settings,
            state["units"],
            state["characters"],
            state["known"],
            BytePairs(learned),
            Joins(*map(frozenset, joins)),
        )

    @property
    def _spells(self) -> bool:
        """Whether units are words, which are spelt if they are not in the vocabulary."""
        return self.kind in ("words", "symbols")

    @property
    def _first_known(self) -> int:
        return FIRST_UNIT + (2 + len(self.characters) if self._spells else 0)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return pattern_of(self.kind)

    @cached_property
    def _written(self) -> list[str]:
        """What each code from ``FIRST_UNIT`` on writes."""
        return [*(["", ""] if self._spells else []), *self.characters, *self.known]

    @cached_property
    def _codes_of_known(self) -> dict[str, int]:
        return {unit: code for code, unit in enumerate(self.known, start=self._first_known)}

    @cached_property
    def _codes_of_characters(self) -> dict[str, int]:
        return {one: code for code, one in enumerate(self.characters, start=SPELT + 1)}

    @cached_property
    def _code_by_point(self) -> NDArray[np.int32]:
        """The code of each character by its code point: int32 [code points]."""
        codes = np.full(0x110000, UNKNOWN, dtype=np.int32)
        codes[[ord(one) for one in self.known]] = np.arange(len(self.known)) + self._first_known
        return codes

    def _words(self, text: str) -> Iterator[str | list[str]]:
        """The characters or words of a text as the vocabulary has them, block by block."""
        text = with_form(text, self.settings)
        if self.kind == "characters":
            yield text
        else:
            yield from map(self._pattern.findall, blocks(text))

    def _pieces(self, text: str) -> Iterator[str | list[str]]:
        """The units of a text as the vocabulary has them, block by block."""
        known = self._codes_of_known
        for words in self._words(text):
            if self.kind == "subwords":
                units = (unit for word in words for unit in self.pairs(word))
                yield [part for unit in units for part in ((unit,) if unit in known else unit)]
            else:
                yield words

    def _codes(self, text: str) -> NDArray[np.int32]:
        """The codes of a text, without ``END``: int32 [codes]."""
        if self.kind == "characters":
            points = with_form(text, self.settings).encode("utf-32-le", "surrogatepass")
            return self._code_by_point[np.frombuffer(points, dtype=np.uint32)]
        found = [np.zeros(0, dtype=np.int32)]
        for units in self._pieces(text):
            codes = map(self._codes_of_known.get, units, [UNKNOWN] * len(units))
            found += self._spelt(units, np.fromiter(codes, np.int32, len(units)))
        return np.concatenate(found)

    def _spelt(self, units: str | list[str], codes: NDArray[np.int32]) -> list[NDArray[np.int32]]:
        """The codes in pieces, with spellings in the place of unknown words."""
        if not self._spells:
            return [codes]
        found, begin = [], 0
        for place in np.flatnonzero(codes == UNKNOWN).tolist():
            found += [codes[begin:place], self._spelling(units[place])]
            begin = place + 1
        return [*found, codes[begin:]]

    def _spelling(self, word: str) -> NDArray[np.int32]:
        find = self._codes_of_characters.get
        return np.array([SPELLING, *(find(one, UNKNOWN) for one in word), SPELT], dtype=np.int32)


def divide_unknown(log_probability: NDArray[Any], codes: NDArray[Any]) -> NDArray[Any]:
    """Log-probabilities of codes, in nats, where that of ``UNKNOWN`` is the probability of one of
    the characters that Unicode assigns."""
    of_one = log_probability - math.log(ASSIGNED_CHARACTERS)
    return np.where(codes == UNKNOWN, of_one, log_probability)


def _ranked(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda unit: (-counts[unit], unit))
