"""Sentences as requests for tagging: lists of words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from duree.errors import DataError
from duree.recipe.settings import TOKENS
from duree.serving.bodies import Line, column_of, unfit
from duree.serving.rows import ServedRows
from duree.tables.files.conll_lines import LONGEST_SENTENCE

# The number of characters of a text that take as long as one word.
WORD_SIZE = 200


@dataclass(frozen=True)
class TriedSentence:
    """The words of a sentence, each with a tag and its probability in every layer, and the share of
    its words that do not occur in training."""

    page: ClassVar[str] = "try_tags.html"
    layers: list[str]
    words: list[tuple[str, list[tuple[str, float]]]]
    unseen: float | None

    @property
    def units(self) -> int:
        """The number of its words."""
        return len(self.words)


class Sentences(ServedRows[list[str]]):
    """Requests and responses of a network that tags words."""

    @property
    def needed(self) -> list[str]:
        """The columns that every row must have."""
        return [TOKENS]

    @property
    def example(self) -> dict[str, Line]:
        """An example row."""
        return {TOKENS: ["No", "rain", ",", "no", "rainbow", "."]}

    def read(self, row: Mapping[str, Line], number: int) -> list[str]:
        """The words of a row: a list, or one text with spaces between words.

        Raises
        ------
        HTTPException
            422: there are no words, too many, or invalid ones.
        """
        given = column_of(row, TOKENS, number)
        words = given.split() if isinstance(given, str) else given
        if not isinstance(words, list) or not words:
            raise unfit(number, f"{TOKENS!r} is to be a list of words, or a text with some")
        for place, word in enumerate(words, start=1):
            if not isinstance(word, str) or not word.strip():
                raise unfit(number, f"word {place} of {TOKENS!r} is {word!r}, and no word")
        if len(words) > LONGEST_SENTENCE:
            most = f"a sentence may have at most {LONGEST_SENTENCE:,}"
            raise unfit(number, f"{len(words):,} words in {TOKENS!r}; {most}: split it")
        return [str(word) for word in words]

    def size(self, words: list[str]) -> int:
        """The number of characters of a text that take as long as the sentence."""
        return WORD_SIZE * len(words)

    def answers(self, sentences: list[list[str]]) -> list[dict[str, Any]]:
        """The tags of each sentence and their probabilities; further layers are named as by
        ``duree predict``."""
        inputs = pl.Series(TOKENS, sentences, dtype=pl.List(pl.String))
        sequences = self.model.encode(inputs)
        summary_columns = self.model.task.summary_columns(self.model.predictions(sequences), inputs)
        columns = {column.name: column.to_list() for column in summary_columns}
        spans = zip(sequences.offsets[:-1].tolist(), sequences.offsets[1:].tolist(), strict=True)
        answers = [
            {name: cells[begin:end] for name, cells in columns.items()} for begin, end in spans
        ]
        return list(self.doubted(answers, sequences))

    def try_typed(self, text: str, covariates: Mapping[str, str]) -> TriedSentence:
        """The tags of a sentence, of which as many words are read as may be sent."""
        words = text.split()[:LONGEST_SENTENCE]
        if not words:
            raise DataError("no words were given", fix="write words separated by spaces")
        answer = self.answers([words])[0]
        layers = [name for name in answer if name.startswith("prediction")]
        pairs = [
            zip(answer[name], answer[name.replace("prediction", "probability", 1)], strict=True)
            for name in layers
        ]
        names = self.model.columns["target"].split(",")
        tagged = zip(words, map(list, zip(*pairs, strict=True)), strict=True)
        return TriedSentence(names, list(tagged), answer["unseen"])
