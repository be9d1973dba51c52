"""Tokenised sentences as integers: each word with its word features and characters.

Indices are learned from the training sentences. A word has an index for its form, its lower-case
form, its shape, its prefixes and suffixes, and each of its characters, so that words which do not
occur in training still have known features.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.results.run_files import Described
from duree.sequences.ragged import UNKNOWN, Ragged, offsets_of, unknown_shares
from duree.sequences.texts import are_texts
from duree.storage import require

VERSION = 2
# The columns of a word: form, lower-case form, then word features, then characters.
WORD, LOWER, WORD_FEATURES = 0, 1, 2
# Lengths of prefixes and suffixes; those of fewer words than FEWEST are uninformative.
AFFIXES, FEWEST = (2, 3, 4), 3
CHARACTERS = 2 + 1 + 2 * len(AFFIXES)
# Maximum number of characters of a word, half of them from its end; and marks for both ends.
LONGEST_WORD = 20
BEGIN, END = 2, 3
COLUMNS = CHARACTERS + LONGEST_WORD + 2
RUNS = re.compile(r"(.)\1{2,}")


@dataclass(frozen=True)
class TokenEncoder:
    """An encoder of tokenised sentences, fitted on training sentences.

    Attributes
    ----------
    words, lowered : dict
        The frequency of each word, the most frequent first.
    word_features : tuple of list
        Shapes, then prefixes and suffixes of each length.
    characters : list of str
    """

    words: dict[str, int]
    lowered: dict[str, int]
    word_features: tuple[list[str], ...]
    characters: list[str]

    explained_by: ClassVar[str | None] = None
    units_encoder: ClassVar[None] = None
    vocabulary_size: ClassVar[int | None] = None
    step_classes: ClassVar[Mapping[str, tuple[int, bool]]] = {}

    @classmethod
    def fit(cls, sentences: pl.Series, most_words: int) -> TokenEncoder:
        """Learn from sentences, List(String) [rows], with at most ``most_words`` words."""
        words = _ranked(Counter(sentences.explode().drop_nulls().to_list()), most_words)
        lowered: Counter[str] = Counter()
        for word, count in words.items():
            lowered[word.lower()] += count
        seen = [_features_of(word) for word in words]
        word_features = tuple(
            sorted(feature for feature, count in Counter(column).items() if count >= FEWEST)
            for column in zip(*seen, strict=True)
        )
        characters = sorted({character for word in words for character in word})
        return cls(words, _ranked(lowered, most_words), word_features, characters)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """The number of indices of words, word features and characters."""
        word_features = 1 + sum(1 + len(column) for column in self.word_features)
        return 3 + len(self.words) + len(self.lowered), word_features, 4 + len(self.characters)

    @property
    def embedded_words(self) -> list[str | None]:
        """The word of each index; None for padding and both unknown words."""
        return [None, None, *self.words, None, *self.lowered]

    @property
    def rare(self) -> tuple[tuple[int, int, int], ...]:
        """For forms and for lower-case forms: the index of the unknown word, then the range of
        indices of words that occur once."""
        once = [sum(count > 1 for count in of.values()) for of in (self.words, self.lowered)]
        begin, middle, end = 2, 2 + len(self.words), 3 + len(self.words)
        return (
            (UNKNOWN, begin + once[0], middle),
            (middle, end + once[1], end + len(self.lowered)),
        )

    def encode(self, sentences: pl.Series) -> Ragged:
        """Indices of each word, int32 [words, COLUMNS]."""
        lengths = sentences.list.len().fill_null(0).to_numpy()
        forms = sentences.explode().drop_nulls().to_list() if lengths.sum() else []
        places: dict[str, int] = {}
        which = [places.setdefault(form, len(places)) for form in forms]
        table = np.zeros((len(places), COLUMNS), dtype=np.int32)
        for form, place in places.items():
            table[place] = self._indices(form)
        return Ragged(table[which].reshape(-1, COLUMNS), offsets_of(lengths))

    def knows(self, form: str) -> bool:
        """Whether the form occurs in training."""
        return form in self.words

    @property
    def input_size(self) -> int | None:
        """None, since the input is tokens."""
        return None

    def for_baselines(self, rows: pl.Series) -> list[Any]:
        """The rows in the form that baselines take."""
        return rows.to_list()

    def features_of_steps(self, row: pl.Series) -> dict[str, list[Any]]:
        """Empty: there are no step features."""
        return {}

    def truncation(self, rows: pl.Series, sequences: Ragged) -> str | None:
        """None, since no row is cut."""
        return None

    def unseen(self, sequences: Ragged) -> NDArray[np.float64]:
        """The share of each sentence's words that do not occur in training; NaN without words."""
        return unknown_shares(Ragged(sequences.values[:, WORD], sequences.offsets))

    def describe(self) -> dict[str, Described]:
        """Empty: the report needs only the recipe."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {
            "kind": "tokens",
            "version": VERSION,
            "words": self.words,
            "lowered": self.lowered,
            "word_features": list(self.word_features),
            "characters": self.characters,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> TokenEncoder:
        """Make the encoder that ``to_dict`` described.

        Raises
        ------
        RunError
            The data is malformed, or was written by a newer Durée.
        """
        if state.get("version") == 1 and "looks" in state:  # as version 0.1.0 called them
            known = {name: value for name, value in state.items() if name != "looks"}
            state = known | {"version": VERSION, "word_features": state["looks"]}
        keys = {"kind", "version", "words", "lowered", "word_features", "characters"}
        require(set(state) == keys, "tokens", "keys")
        require(state["kind"] == "tokens", "tokens", "kind")
        require(state["version"] == VERSION, "tokens", "version")
        for name in ("words", "lowered"):
            require(_is_counts(state[name]), "tokens", name)
        word_features, characters = state["word_features"], state["characters"]
        require(
            isinstance(word_features, list) and all(map(are_texts, word_features)),
            "tokens",
            "word_features",
        )
        require(are_texts(characters), "tokens", "characters")
        return cls(state["words"], state["lowered"], tuple(word_features), characters)

    @cached_property
    def _tables(self) -> tuple[dict[str, int], dict[str, int], list[dict[str, int]]]:
        """The indices of forms, of lower-case forms, and of each column of word features."""
        words = {word: place for place, word in enumerate(self.words, start=2)}
        lowered = {word: place for place, word in enumerate(self.lowered, start=3 + len(words))}
        word_features, begin = [], 1
        for column in self.word_features:
            # The first index of each column is for features that do not occur in training.
            word_features.append(
                {"": begin} | {feature: begin + 1 + at for at, feature in enumerate(column)}
            )
            begin += 1 + len(column)
        return words, lowered, word_features

    @cached_property
    def _characters(self) -> dict[str, int]:
        return {character: place for place, character in enumerate(self.characters, start=4)}

    def _indices(self, form: str) -> list[int]:
        words, lowered, word_features = self._tables
        found = [words.get(form, UNKNOWN), lowered.get(form.lower(), 2 + len(words))]
        found += [
            column.get(feature, column[""])
            for column, feature in zip(word_features, _features_of(form), strict=True)
        ]
        if len(form) > LONGEST_WORD:
            form = form[: LONGEST_WORD // 2] + form[-LONGEST_WORD // 2 :]
        spelt = [BEGIN, *(self._characters.get(sign, UNKNOWN) for sign in form), END]
        return found + spelt + [0] * (COLUMNS - len(found) - len(spelt))


def _ranked(counts: Counter[str], most: int) -> dict[str, int]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(ranked[:most])


def _features_of(form: str) -> list[str]:
    """The shape of a word, then its prefixes and suffixes of each length."""
    shape = "".join(
        "X" if c.isupper() else "x" if c.islower() else "0" if c.isdigit() else c for c in form
    )
    begins = [form[:length] for length in AFFIXES]
    ends = [form[-length:] for length in AFFIXES]
    return [RUNS.sub(r"\1\1", shape)[:LONGEST_WORD], *begins, *ends]


def _is_counts(found: Any) -> bool:
    return isinstance(found, dict) and all(
        isinstance(word, str) and type(count) is int for word, count in found.items()
    )
