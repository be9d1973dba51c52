"""Surprisal by unit, word, sentence or document: sums of the bits of a text's units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.sequences.ragged import Ragged
from duree.sequences.regions import regions_of, sentence_begins, word_begins

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Level = Literal["unit", "word", "sentence"]


class Units(Protocol):
    """What is asked of an encoder: where units stand, and of how many codes each is."""

    def spans(self, text: str) -> Ints: ...

    def code_counts(self, text: str) -> Ints: ...


@dataclass(frozen=True)
class Surprisal:
    """The bits of the units of one text; the last one is the end of the text.

    Attributes
    ----------
    text : str
    spans : int64 [units + 1, 2]
        Where each stands in the text, in characters; the end is empty.
    bits : float64 [units + 1]
    """

    text: str
    spans: Ints
    bits: Floats

    @classmethod
    def of(cls, text: str, encoder: Units, bits: Floats) -> Surprisal:
        """The surprisal of a text from ``bits`` float64 [codes + 1], that of the end last."""
        counts = np.append(encoder.code_counts(text), 1)
        begins = np.cumsum(counts) - counts
        end = np.array([[len(text), len(text)]])
        spans = np.concatenate([encoder.spans(text).reshape(-1, 2), end])
        return cls(text, spans, np.add.reduceat(bits, begins))

    def regions(self, level: Level) -> Ints:
        """The number of the unit, word or sentence of each unit, from 0: int64 [units + 1]."""
        if level == "unit":
            return np.arange(len(self.bits))
        begins = word_begins(self.text) if level == "word" else sentence_begins(self.text)
        if len(begins) == 0:
            return np.zeros(len(self.bits), dtype=np.int64)
        return regions_of(self.spans, begins, self.text)

    def table(self, level: Level) -> pl.DataFrame:
        """One row for each region: ``sentence``, ``word`` and ``unit`` (from 1, down to the level),
        ``text``, ``begin``, ``end``, ``units``, ``characters``, ``bits``.

        ``text`` is without the blanks around it, which ``characters`` counts: a unit counts for the
        blanks before it that belong to no unit, so that all sums are those of the text.
        """
        of_levels = {name: self.regions(name) for name in LEVELS[: LEVELS.index(level) + 1]}
        chosen = of_levels[level]
        first = np.flatnonzero(np.diff(chosen, prepend=-1))
        last = np.append(first[1:], len(chosen)) - 1
        ends = self.spans[:, 1]
        lengths = np.diff(ends, prepend=0)
        begins, stops, texts = self._without_blanks(self.spans[first, 0], ends[last])
        columns: dict[str, Ints | Floats | list[int] | list[str]] = {
            name: numbers[first] + 1 for name, numbers in of_levels.items()
        }
        columns |= {
            "text": texts,
            "begin": begins,
            "end": stops,
            "units": np.diff(np.append(first, len(chosen))),
            "characters": np.add.reduceat(lengths, first),
            "bits": np.add.reduceat(self.bits, first),
        }
        return pl.DataFrame(columns, schema_overrides={"text": pl.String})

    def _without_blanks(self, begins: Ints, ends: Ints) -> tuple[list[int], list[int], list[str]]:
        """Regions without the blanks around them; one of blanks alone is as it stands."""
        found: list[tuple[int, int, str]] = []
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
            piece = self.text[begin:end]
            if stripped := piece.strip():
                begin += len(piece) - len(piece.lstrip())
                piece = stripped
            found.append((begin, begin + len(piece), piece))
        where, to, texts = zip(*found, strict=True)
        return list(where), list(to), list(texts)


LEVELS: tuple[Level, ...] = ("sentence", "word", "unit")


def surprisals(texts: Sequence[str], encoder: Units, bits: Ragged) -> list[Surprisal]:
    """The surprisal of each text; ``bits`` are float64, row by row as the texts are encoded."""
    return [Surprisal.of(text, encoder, bits[row]) for row, text in enumerate(texts)]
