"""TextEncoder: from texts to sequences of indices, by a vocabulary learned on training texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import polars as pl

from duree.errors import RunError
from duree.recipe import TextSettings
from duree.sequences.ragged import EMPTY, PADDING, UNKNOWN, Ragged
from duree.sequences.units import Segmenter, choose_segmenter, make_splitter

SPECIAL = {PADDING: "<padding>", UNKNOWN: "<unknown>", EMPTY: "<empty>"}


@dataclass(frozen=True)
class TextEncoder:
    """The preparation of texts, to be saved with the model and applied by it.

    Attributes
    ----------
    settings : TextSettings
    segmenter : {"words", "characters", "jieba"}
        As chosen once, on the training texts.
    vocabulary : list of str
        The unit that each index stands for; the first three are padding, unknown and empty.
    """

    settings: TextSettings
    segmenter: Segmenter
    vocabulary: list[str]
    _index: dict[str, int] = field(init=False, repr=False, compare=False)
    _split: Callable[[str], list[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {unit: place for place, unit in enumerate(self.vocabulary) if place >= len(SPECIAL)}
        object.__setattr__(self, "_index", index)
        splitter = make_splitter(self.segmenter, self.settings.lowercase, self.settings.numbers)
        object.__setattr__(self, "_split", splitter)

    @classmethod
    def fit(cls, texts: pl.Series, settings: TextSettings) -> Self:
        """Count the units of the training texts and keep the most frequent.

        Parameters
        ----------
        texts : polars.Series of String [rows]
        settings : TextSettings
        """
        segmenter = choose_segmenter(texts, settings)
        split = make_splitter(segmenter, settings.lowercase, settings.numbers)
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(split(text))
        # Ties go by the unit itself, so that the vocabulary does not hang on the order of rows.
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        kept = [unit for unit, _ in ranked[: settings.max_features]]
        return cls(settings, segmenter, [*SPECIAL.values(), *kept])

    def encode(self, texts: Iterable[str]) -> Ragged:
        """Indices of the units of each text, int32; a text without units is one ``EMPTY``."""
        split, index = self._split, self._index
        limit, keep = self.settings.max_length, self.settings.keep
        rows = []
        for text in texts:
            row = [index.get(unit, UNKNOWN) for unit in shorten(split(text), limit, keep)]
            rows.append(np.array(row or [EMPTY], dtype=np.int32))
        return Ragged.from_rows(rows)

    def units(self, text: str) -> list[str]:
        """The units that the network sees of a text, in its own words."""
        return shorten(self._split(text), self.settings.max_length, self.settings.keep)

    def truncated(self, texts: Iterable[str]) -> int:
        """How many of the texts are longer than the network reads."""
        return sum(len(self._split(text)) > self.settings.max_length for text in texts)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {
            "settings": self.settings.model_dump(),
            "segmenter": self.segmenter,
            "vocabulary": self.vocabulary,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """Make the encoder that ``to_dict`` described.

        Raises
        ------
        RunError
            The description is not one that ``to_dict`` made.
        """
        vocabulary = state.get("vocabulary")
        if (
            not isinstance(vocabulary, list)
            or not all(isinstance(unit, str) for unit in vocabulary)
            or vocabulary[: len(SPECIAL)] != list(SPECIAL.values())
        ):
            raise RunError(
                "the model's vocabulary is damaged",
                fix="train it again: duree fit --recipe RUN/recipe.toml",
            )
        return cls(TextSettings(**state["settings"]), state["segmenter"], vocabulary)


def shorten(units: list[str], limit: int, keep: str) -> list[str]:
    """At most ``limit`` units: from the head, the tail, or half from each (the head gets more)."""
    if len(units) <= limit:
        return units
    head = {"head": limit, "tail": 0, "both": limit - limit // 2}[keep]
    return units[:head] + units[len(units) - (limit - head) :]
