"""Pairs of texts as integers: source and target with one vocabulary, and texts from integers.

Texts are normalised to Unicode's NFC, in which canonically equivalent texts are one; otherwise a
target that is encoded and restored is the same text, blanks and unseen characters included. Only
blanks between symbols are not kept: symbols are joined by one.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ValidationError

from duree.recipe.settings import TextSettings
from duree.results.run_files import Described, TextFacts
from duree.sequences.byte_pairs import BytePairs, Pair
from duree.sequences.pair_tags import is_tag, normal, split_tags
from duree.sequences.pair_units import JOINED, Kind, Sides, choose_units, split_text
from duree.sequences.ragged import EMPTY, END, UNKNOWN, Ragged
from duree.sequences.texts import are_texts, shortened, texts_of
from duree.storage import not_valid, require

# The first index of a unit, after those that are reserved.
FIRST_UNIT = END + 1
# Open codes of characters that continue a unit come after those of characters that begin one.
CONTINUED = sys.maxunicode + 1
VERSION = 1
# Merges of byte pairs: one for so many types of words, within these bounds. Few merges are best
# for few texts (Sennrich & Zhang 2019).
TYPES_PER_MERGE, FEWEST_MERGES, MOST_MERGES = 5, 2000, 6000


@dataclass(frozen=True)
class PairEncoder:
    """An encoder of pairs of texts, fitted on training pairs.

    Source and target have one vocabulary, so that a unit which is copied keeps its index.
    A unit that is one character and not in the vocabulary has an open code, ``vocabulary_size``
    plus its code point, so that it can be copied and restored. Other units that are not in the
    vocabulary are ``UNKNOWN`` in sources; in targets they are spelt by open codes, so that no
    target is taken for another. Covariates come before the source, as units of their own: one for
    each tag, which no unit of a text can equal.

    Attributes
    ----------
    settings : TextSettings
        ``lowercase`` applies to sources alone.
    sides : Sides
        The units of sources and of targets.
    covariates : tuple of str
        Names of the covariates before each source, in order.
    units : list of str
        The units with indices from ``FIRST_UNIT`` on, at most ``settings.max_features``, by
        decreasing frequency on both sides together, ties in alphabetical order.
    pairs : BytePairs
        The merges of subwords; without any for other units.

    Examples
    --------
    >>> words = pl.Series(["vnd", "vns"]), pl.Series(["und", "uns"])
    >>> encoder = PairEncoder.fit(*words, TextSettings())
    >>> encoder.encode_targets(pl.Series(["und"]))[0].tolist()
    [7, 4, 5, 3]
    """

    settings: TextSettings
    sides: Sides
    covariates: tuple[str, ...]
    units: list[str]
    pairs: BytePairs

    explained_by: ClassVar[str | None] = "outputs"
    embedded_words: ClassVar[tuple[str | None, ...]] = ()
    input_size: ClassVar[int | None] = None
    units_encoder: ClassVar[None] = None
    step_classes: ClassVar[Mapping[str, tuple[int, bool]]] = {}

    @classmethod
    def fit(
        cls,
        sources: pl.Series,
        targets: pl.Series,
        settings: TextSettings,
        covariates: Sequence[str] = (),
    ) -> PairEncoder:
        """Choose the units and learn the vocabulary.

        Parameters
        ----------
        sources, targets : polars.Series of String [rows]
            The training texts; sources begin with their covariates, see ``prepend_covariates``.
        settings : TextSettings
        covariates : sequence of str
            The names of the covariates before each source.

        Raises
        ------
        DataError
            The series do not hold texts, or the recipe asks for units that pairs do not have.
        """
        heads = tuple(covariates)
        bare = cls(settings, Sides("characters", "characters"), heads, [], BytePairs(()))
        texts = [bare._split_source(text)[1] for text in texts_of(sources)]
        answers = [normal(text) for text in texts_of(targets)]
        sides = choose_units(sources, targets, settings, heads)
        words: Counter[str] = Counter()
        for kind, side in ((sides.source, texts), (sides.target, answers)):
            if kind == "subwords":
                for text in side:
                    words.update(split_text(kind, text))
        most = max(FEWEST_MERGES, min(len(words) // TYPES_PER_MERGE, MOST_MERGES))
        pairs = BytePairs.learn(words, min(most, settings.max_features))
        unbound = cls(settings, sides, heads, [], pairs)
        counts: Counter[str] = Counter()
        for text in texts_of(sources):
            head, body = unbound._split_source(text)
            counts.update(head)
            counts.update(unbound._parts(sides.source, body))
        for text in answers:
            counts.update(unbound._parts(sides.target, text))
        ranked = sorted(counts, key=lambda unit: (-counts[unit], unit))
        return cls(settings, sides, heads, ranked[: settings.max_features], pairs)

    @property
    def vocabulary_size(self) -> int:
        """The number of indices; open codes begin here."""
        return FIRST_UNIT + len(self.units)

    def units_of_source(self, text: str) -> tuple[str, ...]:
        """The units of a source: its covariates, then at most ``max_length`` of its text."""
        head, body = self._split_source(text)
        return *head, *shortened(self._units(self.sides.source, body), self.settings)

    def texts_of_sources(self, rows: pl.Series) -> list[str]:
        """The sources without their covariates, as a copy of them would be written."""
        return [self._split_source(text)[1] for text in texts_of(rows)]

    def units_of_target(self, text: str) -> tuple[str, ...]:
        """The units of a target, all of them."""
        return tuple(self._units(self.sides.target, normal(text)))

    def text_of_target(self, units: Sequence[str]) -> str:
        """The text of a target's units."""
        return JOINED[self.sides.target](units)

    def codes_of(self, units: Sequence[str]) -> list[int]:
        """The index of each unit, or its open code."""
        find = self._indices.get
        return [find(unit) or self._open_code(unit) for unit in units]

    def encode(self, rows: pl.Series) -> Ragged:
        """Indices of the units of each source, int32; every row has at least one step.

        Raises
        ------
        DataError
            The series does not hold text.
        """
        return Ragged.from_rows(
            self.codes_of(self.units_of_source(text)) or [EMPTY] for text in texts_of(rows)
        )

    def encode_targets(self, target: pl.Series) -> Ragged:
        """Indices of the units of each target, int32, with ``END`` after the last.

        Raises
        ------
        DataError
            The series does not hold text.
        """
        return Ragged.from_rows(
            [*self.target_codes(self.units_of_target(text)), END] for text in texts_of(target)
        )

    def target_codes(self, units: Sequence[str]) -> list[int]:
        """The codes of a target's units; several for a long one outside the vocabulary."""
        codes = []
        for unit, code in zip(units, self.codes_of(units), strict=True):
            if code == UNKNOWN:
                begin, *others = map(ord, unit)
                codes.append(self.vocabulary_size + begin)
                codes += [self.vocabulary_size + CONTINUED + other for other in others]
            else:
                codes.append(code)
        return codes

    def texts(self, codes: NDArray[Any], lengths: NDArray[Any]) -> list[str]:
        """The texts of targets.

        Codes that are no units of texts, such as ``END`` or a tag, write nothing.

        Parameters
        ----------
        codes : integers [rows, width]
        lengths : integers [rows]
            The number of codes of each row, without ``END``.
        """
        rows = zip(codes.tolist(), lengths.tolist(), strict=True)
        return [self.text_of_target(self._written(row[:length])) for row, length in rows]

    def units_of(self, codes: Sequence[int]) -> tuple[str, ...]:
        """The units of the codes of a source, with its tags, or of a target without ``END``."""
        tags = [self.units[code - FIRST_UNIT] for code in codes if code in self._tags]
        return *tags, *self._written(codes)

    @property
    def tag_codes(self) -> list[int]:
        """The indices of tags: units of sources that no target has."""
        return [FIRST_UNIT + place for place, unit in enumerate(self.units) if is_tag(unit)]

    def for_baselines(self, rows: pl.Series) -> list[Any]:
        """The rows in the form that baselines take."""
        return rows.to_list()

    def features_of_steps(self, row: pl.Series) -> dict[str, list[Any]]:
        """Empty: there are no step features."""
        return {}

    def truncation(self, rows: pl.Series, sequences: Ragged) -> str | None:
        """A note on the sources that ``encode`` has cut; None if there are none."""
        limit = self.settings.max_length
        # Only sources of maximum length can have been cut.
        full = np.flatnonzero(sequences.lengths >= limit)
        cut = 0
        for text in texts_of(rows.gather(full)):
            cut += len(self._units(self.sides.source, self._split_source(text)[1])) > limit
        if not cut:
            return None
        return f"{cut} of {len(sequences)} texts are longer than {limit} units, and were cut"

    def unseen(self, sequences: Ragged) -> NDArray[np.float64]:
        """The share of each source's units that are not in the vocabulary; NaN without units."""
        values = sequences.values
        is_unseen = (values == UNKNOWN) | (values >= self.vocabulary_size)
        shares = Ragged(is_unseen, sequences.offsets).means()
        return np.where(values[sequences.offsets[:-1]] == EMPTY, np.nan, shares)

    def describe(self) -> dict[str, Described]:
        """The units that were chosen, and the size of the vocabulary."""
        facts = TextFacts(
            segmenter=self.sides.source,
            target_segmenter=self.sides.target,
            merges=len(self.pairs.merges),
            units=len(self.units),
        )
        return {"encoding.json": facts}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {
            "kind": "pairs",
            "version": VERSION,
            "settings": self.settings.model_dump(),
            "sides": asdict(self.sides),
            "covariates": list(self.covariates),
            "units": self.units,
            "merges": [list(pair) for pair in self.pairs.merges],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> PairEncoder:
        """The encoder from the result of ``to_dict``.

        Raises
        ------
        RunError
            The data is malformed, or was written by a newer Durée.
        """
        keys = {"kind", "version", "settings", "sides", "covariates", "units", "merges"}
        require(set(state) == keys, "pairs", "keys")
        require(state["kind"] == "pairs", "pairs", "kind")
        require(state["version"] == VERSION, "pairs", "version")
        try:
            settings = TextSettings.model_validate(state["settings"], strict=True)
        except ValidationError:
            raise not_valid("pairs", "settings") from None
        sides, units, merges = state["sides"], state["units"], state["merges"]
        require(
            isinstance(sides, dict)
            and set(sides) == {"source", "target"}
            and all(kind in get_args(Kind) for kind in sides.values()),
            "pairs",
            "sides",
        )
        require(are_texts(state["covariates"]), "pairs", "covariates")
        require(
            are_texts(units) and len(set(units)) == len(units) <= settings.max_features,
            "pairs",
            "units",
        )
        require(
            isinstance(merges, list)
            and all(are_texts(pair) and len(pair) == 2 and all(pair) for pair in merges),
            "pairs",
            "merges",
        )
        learned: list[Pair] = [(first, second) for first, second in merges]
        return cls(settings, Sides(**sides), tuple(state["covariates"]), units, BytePairs(learned))

    @cached_property
    def _tags(self) -> frozenset[int]:
        return frozenset(self.tag_codes)

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {unit: index for index, unit in enumerate(self.units, start=FIRST_UNIT)}

    def _open_code(self, unit: str) -> int:
        return self.vocabulary_size + ord(unit) if len(unit) == 1 else UNKNOWN

    def _written(self, codes: Sequence[int]) -> list[str]:
        """The units that codes write."""
        size, units = self.vocabulary_size, list[str]()
        for code in codes:
            if code >= size + CONTINUED and units:
                units[-1] += chr(code - size - CONTINUED)
            elif code >= size:
                units.append(chr((code - size) % CONTINUED))
            elif code >= FIRST_UNIT and not is_tag(unit := self.units[code - FIRST_UNIT]):
                units.append(unit)
        return units

    def _split_source(self, text: str) -> tuple[list[str], str]:
        """The tags of a source, and its text; blanks at its ends, as those of targets, are none of
        its units."""
        tags, text = split_tags(normal(text), self.covariates)
        text = text.strip()
        return tags, text.lower() if self.settings.lowercase else text

    def _parts(self, kind: Kind, text: str) -> list[str]:
        """The units of a text, whether they are in the vocabulary or not."""
        pieces = split_text(kind, text)
        if kind != "subwords":
            return pieces
        return [unit for word in pieces for unit in self.pairs(word)]

    def _units(self, kind: Kind, text: str) -> list[str]:
        """The units of a text; a part of a word that is not in the vocabulary is spelt."""
        units = self._parts(kind, text)
        if kind != "subwords":
            return units
        known = self._indices
        return [part for unit in units for part in ((unit,) if unit in known else unit)]
