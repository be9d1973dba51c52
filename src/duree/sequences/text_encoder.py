"""Text as a sequence of numbers: a vocabulary learned from training texts, then indices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ValidationError

from duree.errors import DataError
from duree.recipe.settings import TextSettings
from duree.results.run_files import StepFeature
from duree.sequences.ragged import EMPTY, UNKNOWN, Ragged
from duree.sequences.tokenizer import SPACELESS, Segmenter, resolve
from duree.storage import not_valid, require

T = TypeVar("T")

# Indices PADDING, UNKNOWN and EMPTY. No unit can look like these: < and > are units themselves.
SPECIAL = ["<padding>", "<unknown>", "<empty>"]
VERSION = 1
# Texts whose script decides what "auto" means, and how much of each is read.
SAMPLE_TEXTS, SAMPLE_CHARACTERS = 1000, 2000
# Texts that are held in units at a time, so that memory does not grow with the table.
CHUNK = 1000


@dataclass(frozen=True)
class TextEncoder:
    """What was learned from training texts, enough to encode any other text.

    Attributes
    ----------
    settings : TextSettings
        With the segmenter that was chosen; never "auto".
    vocabulary : list of str
        Unit of each index: ``<padding>``, ``<unknown>``, ``<empty>``, then at most
        ``settings.max_features`` units, the most frequent first, ties in order of text.

    Examples
    --------
    >>> encoder = TextEncoder.fit(pl.Series(["No rain, no rainbow."]), TextSettings())
    >>> encoder.encode(pl.Series(["No rainbow!", ""]))[0].tolist()
    [3, 7, 1]
    """

    settings: TextSettings
    vocabulary: list[str]

    explained_by: ClassVar[str | None] = "units"
    input_size: ClassVar[int | None] = None
    step_classes: ClassVar[Mapping[str, tuple[int, bool]]] = {}

    @classmethod
    def fit(cls, texts: pl.Series, settings: TextSettings) -> TextEncoder:
        """Choose the segmenter and learn the vocabulary.

        Parameters
        ----------
        texts : polars.Series of String [rows]
            Training texts, and no others.
        settings : TextSettings

        Raises
        ------
        DataError
            The series does not hold text, or the segmenter named is for other scripts than its.
        ExtraError
            The settings ask for jieba, and it is not installed.
        """
        _check_text(texts)
        _check_script(texts, settings)
        sample = texts.gather_every(max(1, len(texts) // SAMPLE_TEXTS))
        settings = resolve(settings, sample.str.head(SAMPLE_CHARACTERS).drop_nulls().to_list())
        counts: Counter[str] = Counter()
        for units in cls(settings, SPECIAL)._all_units(texts):
            counts.update(units)
        ranked = sorted(counts, key=lambda unit: (-counts[unit], unit))
        return cls(settings, SPECIAL + ranked[: settings.max_features])

    @cached_property
    def segment(self) -> Segmenter:
        """Parts a text into all its units, none cut off."""
        return Segmenter(self.settings)

    def units(self, text: str) -> list[str]:
        """The units that the network sees: at most ``max_length``, ``<empty>`` if there is none."""
        return self.shorten(self.segment(text)) or [SPECIAL[EMPTY]]

    def places(self, text: str) -> list[tuple[int, int]]:
        """Where in the text each of ``units(text)`` stands: begin and end; ``<empty>`` nowhere."""
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
        """How many units of each text ``encode`` leaves out, int64 [rows]."""
        lengths = [len(units) for units in self._all_units(texts)]
        return np.maximum(np.array(lengths, dtype=np.int64) - self.settings.max_length, 0)

    @property
    def units_encoder(self) -> TextEncoder:
        """Itself."""
        return self

    @property
    def vocabulary_size(self) -> int:
        """How many tokens there are."""
        return len(self.vocabulary)

    def for_baselines(self, rows: pl.Series) -> list[Any]:
        """The rows as baselines are given them."""
        return rows.to_list()

    def features_of_steps(self, row: pl.Series) -> dict[str, list[Any]]:
        """None."""
        return {}

    def truncation(self, texts: pl.Series, sequences: Ragged) -> str | None:
        """A note on the texts that were cut when they were encoded; None where none was."""
        limit = self.settings.max_length
        # Only a text that fills its sequence can have been cut: the others need no second look.
        full = np.flatnonzero(sequences.lengths == limit)
        cut = int((self.truncated(texts.gather(full)) > 0).sum())
        if not cut:
            return None
        of_states = self.settings.segmenter == "states"
        rows, units = ("sequences", "steps") if of_states else ("texts", "units")
        return f"{cut} of {len(sequences)} {rows} are longer than {limit} {units}, and were cut"

    def describe(self) -> dict[str, dict[str, StepFeature]]:
        """Nothing beyond what the recipe says."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {
            "kind": "text",
            "version": VERSION,
            "settings": self.settings.model_dump(),
            "vocabulary": self.vocabulary,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> TextEncoder:
        """Make the encoder that ``to_dict`` described.

        Raises
        ------
        RunError
            The data is malformed, or was written by a newer Durée.
        ExtraError
            The encoder needs jieba, and it is not installed.
        """
        require(set(state) == {"kind", "version", "settings", "vocabulary"}, "text", "keys")
        require(state["kind"] == "text", "text", "kind")
        require(state["version"] == VERSION, "text", "version")
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
        encoder = cls(settings, vocabulary)
        encoder.segment  # noqa: B018  a missing jieba is told now, not at the first text
        return encoder

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {unit: index for index, unit in enumerate(self.vocabulary)}

    def _all_units(self, texts: pl.Series) -> Iterator[list[str]]:
        _check_text(texts)
        for begin in range(0, len(texts), CHUNK):
            for text in texts[begin : begin + CHUNK].fill_null("").to_list():
                yield self.segment(text)

    def shorten(self, units: list[T]) -> list[T]:
        """Of something for each unit of a text what belongs to those that are read."""
        length, keep = self.settings.max_length, self.settings.keep
        if len(units) <= length:
            return units
        tail = {"head": 0, "tail": length, "both": length // 2}[keep]
        return units[: length - tail] + units[len(units) - tail :]


def _check_text(texts: pl.Series) -> None:
    if texts.dtype not in (pl.String, pl.Null):
        raise DataError(
            "column {column!r} holds {type}, not text",
            fix="choose a column of texts",
            column=texts.name,
            type=str(texts.dtype),
        )


def _check_script(texts: pl.Series, settings: TextSettings) -> None:
    """Refuse a segmenter for scripts without spaces where no text has a letter of one."""
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
