"""Texts as integers: indices into a vocabulary learned from training texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, ClassVar, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ValidationError

from duree.errors import DataError
from duree.recipe.settings import TextSettings
from duree.results.run_files import Described, TextFacts
from duree.sequences.pieces import Pieces
from duree.sequences.ragged import EMPTY, UNKNOWN, Ragged, unknown_shares
from duree.sequences.texts import require_text, shortened
from duree.sequences.tokenizer import SPACELESS, Segmenter, resolve
from duree.storage import not_valid, require

T = TypeVar("T")

# Indices PADDING, UNKNOWN and EMPTY. No unit equals these, since < and > are units themselves.
SPECIAL = ["<padding>", "<unknown>", "<empty>"]
VERSION = 2
# The version that read every unknown unit as one unknown unit.
WITHOUT_PIECES = 1
# Number of texts, and of characters of each, whose script determines what "auto" means.
SAMPLE_TEXTS, SAMPLE_CHARACTERS = 1000, 2000
# Number of texts that are segmented at a time, to bound memory.
CHUNK = 1000


@dataclass(frozen=True)
class TextEncoder:
    """An encoder of texts, fitted on training texts.

    Attributes
    ----------
    settings : TextSettings
        With the chosen segmenter, never "auto".
    vocabulary : list of str
        The unit of each index: ``<padding>``, ``<unknown>``, ``<empty>``, then at most
        ``settings.max_features`` units by decreasing frequency, ties in alphabetical order.
    splits : bool
        Whether words that are not in the vocabulary are read as the known words that they are made
        of, see ``Pieces``, unless the vocabulary is full; False in models of version 0.1.0.

    Examples
    --------
    >>> encoder = TextEncoder.fit(pl.Series(["No rain, no rainbow."]), TextSettings())
    >>> encoder.encode(pl.Series(["No rainbow!", ""]))[0].tolist()
    [3, 7, 1]
    """

    settings: TextSettings
    vocabulary: list[str]
    splits: bool = True

    explained_by: ClassVar[str | None] = "units"
    input_size: ClassVar[int | None] = None
    step_classes: ClassVar[Mapping[str, tuple[int, bool]]] = {}

    @classmethod
    def fit(cls, texts: pl.Series, settings: TextSettings) -> TextEncoder:
        """Choose the segmenter and learn the vocabulary.

        Parameters
        ----------
        texts : polars.Series of String [rows]
            The training texts.
        settings : TextSettings

        Raises
        ------
        DataError
            The series does not hold texts, or the segmenter is for other scripts.
        ExtraError
            The settings ask for jieba, and it is not installed.
        """
        require_text(texts)
        _check_script(texts, settings)
        sample = texts.gather_every(max(1, len(texts) // SAMPLE_TEXTS))
        chosen = resolve(settings, sample.str.head(SAMPLE_CHARACTERS).drop_nulls().to_list())
        if settings.segmenter == "auto" and chosen.segmenter == "words" and _has_runs(texts):
            # Words are the same, and a sentence in another script is not a single unit.
            chosen = chosen.model_copy(update={"segmenter": "characters"})
        settings = chosen
        counts: Counter[str] = Counter()
        for units in cls(settings, SPECIAL, splits=False)._all_units(texts):
            counts.update(units)
        ranked = sorted(counts, key=lambda unit: (-counts[unit], unit))
        return cls(settings, SPECIAL + ranked[: settings.max_features])

    @cached_property
    def segment(self) -> Segmenter:
        """The segmenter, which splits a text into units without truncation."""
        # Where the vocabulary is full, training texts would be split too: worse on long reviews.
        is_full = len(self.vocabulary) >= len(SPECIAL) + self.settings.max_features
        splits = self.splits and self.settings.segmenter != "states" and not is_full
        return Segmenter(self.settings, Pieces(self.vocabulary[len(SPECIAL) :]) if splits else None)

    def units(self, text: str) -> list[str]:
        """The encoded units of a text: at most ``max_length``; ``<empty>`` if there are none."""
        return self.shorten(self.segment(text)) or [SPECIAL[EMPTY]]

    def places(self, text: str) -> list[tuple[int, int]]:
        """Positions (begin, end) of ``units(text)`` in the text; (0, 0) for ``<empty>``."""
        return self.shorten(self.segment.places(text)) or [(0, 0)]

    def encode(self, texts: pl.Series) -> Ragged:
        """Indices of the units of each text, int32; every row has at least one step.

        Raises
        ------
        DataError
            The series does not hold text.
        """
        return Ragged.from_rows(
            self.tokens(self.shorten(units)) or [EMPTY] for units in self._all_units(texts)
        )

    def tokens(self, units: list[str]) -> list[int]:
        """The index of each unit."""
        find = self._indices.get
        return [find(unit, UNKNOWN) for unit in units]

    def truncated(self, texts: pl.Series) -> NDArray[np.int64]:
        """The number of units of each text that ``encode`` cuts off, int64 [rows]."""
        lengths = [len(units) for units in self._all_units(texts)]
        return np.maximum(np.array(lengths, dtype=np.int64) - self.settings.max_length, 0)

    @property
    def units_encoder(self) -> TextEncoder:
        """This encoder."""
        return self

    @property
    def vocabulary_size(self) -> int:
        """The number of tokens."""
        return len(self.vocabulary)

    @property
    def embedded_words(self) -> list[str | None]:
        """The word of each token; None for padding, unknown and empty."""
        return [None] * len(SPECIAL) + self.vocabulary[len(SPECIAL) :]

    def for_baselines(self, rows: pl.Series) -> list[Any]:
        """The rows in the form that baselines take."""
        return rows.to_list()

    def features_of_steps(self, row: pl.Series) -> dict[str, list[Any]]:
        """Empty: there are no step features."""
        return {}

    def truncation(self, texts: pl.Series, sequences: Ragged) -> str | None:
        """A note on the texts that ``encode`` has cut; None if there are none."""
        limit = self.settings.max_length
        # Only texts of maximum length can have been cut.
        full = np.flatnonzero(sequences.lengths == limit)
        cut = int((self.truncated(texts.gather(full)) > 0).sum())
        if not cut:
            return None
        of_states = self.settings.segmenter == "states"
        rows, units = ("sequences", "steps") if of_states else ("texts", "units")
        return f"{cut} of {len(sequences)} {rows} are longer than {limit} {units}, and were cut"

    def unseen(self, sequences: Ragged) -> NDArray[np.float64]:
        """The share of each row's units that are not in the vocabulary; NaN without units."""
        shares = unknown_shares(sequences)
        shares[sequences.values[sequences.offsets[:-1]] == EMPTY] = np.nan
        return shares

    def describe(self) -> dict[str, Described]:
        """The segmenter that was chosen, and the size of the vocabulary."""
        segmenter = self.settings.segmenter
        if segmenter == "states":
            return {}
        facts = TextFacts(
            segmenter=segmenter,
            version=version("jieba") if segmenter == "jieba" else None,
            units=len(self.vocabulary) - len(SPECIAL),
        )
        return {"encoding.json": facts}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {
            "kind": "text",
            "version": VERSION if self.splits else WITHOUT_PIECES,
            "settings": self.settings.model_dump(),
            "vocabulary": self.vocabulary,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> TextEncoder:
        """The encoder from the result of ``to_dict``.

        Raises
        ------
        RunError
            The data is malformed, or was written by a newer Durée.
        ExtraError
            The encoder needs jieba, and it is not installed.
        """
        require(set(state) == {"kind", "version", "settings", "vocabulary"}, "text", "keys")
        require(state["kind"] == "text", "text", "kind")
        require(state["version"] in (WITHOUT_PIECES, VERSION), "text", "version")
        try:
            settings = TextSettings.model_validate(state["settings"], strict=True)
        except ValidationError:
            raise not_valid("text", "settings") from None
        require(settings.segmenter != "auto", "text", "settings")
        vocabulary = state["vocabulary"]
        require(
            isinstance(vocabulary, list)
            and all(isinstance(unit, str) for unit in vocabulary)
            and len(set(vocabulary)) == len(vocabulary) <= settings.max_features + len(SPECIAL)
            and vocabulary[: len(SPECIAL)] == SPECIAL,
            "text",
            "vocabulary",
        )
        encoder = cls(settings, vocabulary, splits=state["version"] == VERSION)
        encoder.segment  # noqa: B018  raises now if jieba is missing, not at the first text
        return encoder

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {unit: index for index, unit in enumerate(self.vocabulary)}

    def _all_units(self, texts: pl.Series) -> Iterator[list[str]]:
        require_text(texts)
        for begin in range(0, len(texts), CHUNK):
            for text in texts[begin : begin + CHUNK].fill_null("").to_list():
                yield self.segment(text)

    def shorten(self, units: list[T]) -> list[T]:
        """The first, the last, or both parts of a list of units, or of one value per unit, up to
        ``max_length``."""
        return shortened(units, self.settings)


def _has_runs(texts: pl.Series) -> bool:
    """Whether a text has adjacent letters of a script without spaces."""
    return bool(texts.str.contains(f"[{SPACELESS}]{{2}}").any())


def _check_script(texts: pl.Series, settings: TextSettings) -> None:
    """Refuse a segmenter for pairs of texts, or one for scripts without spaces if no text has a
    letter of such a script."""
    if settings.segmenter in ("symbols", "subwords"):
        raise DataError(
            "text.segmenter = {segmenter!r} is for pairs of texts",
            fix="leave it at auto, or choose words",
            segmenter=settings.segmenter,
        )
    if (
        settings.segmenter in ("auto", "words", "states")
        or texts.str.contains(f"[{SPACELESS}]").any()
    ):
        return
    raise DataError(
        "text.segmenter = {segmenter!r} segments text without spaces between words, but "
        "{column!r} holds none",
        fix="leave it at auto, or choose words",
        segmenter=settings.segmenter,
        column=texts.name,
    )
