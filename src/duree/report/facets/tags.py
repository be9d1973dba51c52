"""Facets of tagging: sentences as rows, tags as target; with confusions and mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl

from duree.report.facets.rows import Rows
from duree.report.facets.target import Target
from duree.report.figures.classes import MOST_IN_MATRIX, draw_tags
from duree.report.figures.plan import Plan
from duree.report.methods import tags
from duree.report.methods.evaluation import Resampling
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count, share
from duree.report.pages.section import Page, Section
from duree.report.pages.table_rows import class_rows
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.nouns import SENTENCES
from duree.results.tags import TagFacts, TaggedSentence, TaggedWord


@dataclass(frozen=True)
class SentenceRows(Rows):
    """Sentences, from tables with one token per row."""

    nouns = SENTENCES
    encoding_title: ClassVar[str] = "Words"
    of_files: ClassVar[str] = "The data were {rows} tokens from {files}."
    files_unit: ClassVar[str] = "tokens"
    baselines = tags.BASELINES

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        return cls() if folder.recipe.data.token is not None else None

    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return tags.encoding_sentences(run, say)

    def listed(self, run: RunData) -> pl.Expr | None:
        return None

    def to_predict(self, run: RunData, words: Words) -> tuple[str, str]:
        sentence = words(
            "Run this in the folder that contains the run folder; a file of tokens is written "
            "in its own format, with the predicted tags."
        )
        ends = Path(run.recipe.data.files[0]).suffix if run.recipe.data.files else ""
        ends = ends or ".conllu"
        return sentence, f"NEW{ends} -o tagged{ends}"


@dataclass(frozen=True)
class Tags(Target):
    """A tag for each word; ``facts`` are on the test set."""

    facts: TagFacts

    watched: ClassVar[tuple[str, int]] = ("validation accuracy of tags, or entity F1", 1)
    loss_note: ClassVar[str] = (
        "The validation loss is the cross-entropy of whether each predicted tag is correct."
    )

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.record_if_there(TagFacts, "tags.json")
        return None if found is None else cls(found)

    def column(self, run: RunData) -> str:
        return ", ".join(self.facts.layers)

    def count(self, run: RunData) -> int:
        return self.facts.tokens

    def question_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return tags.question_sentences(self.facts, say)

    def network_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return tags.network_sentences(run, self.facts, say)

    def loss(self, run: RunData, say: Phrases) -> str:
        return tags.loss(run, say)

    def resampling(self, run: RunData) -> Resampling:
        return Resampling.GROUPS

    def share_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return tags.share_sentences(self.facts, say)

    def sections(self) -> Sequence[Section]:
        return [TagErrors(self.facts), TagMistakes(self.facts)]

    def figures(self, run: RunData) -> Sequence[Plan]:
        return [Plan("tags", "Confusions of tags", self.draw)] if self.facts.wrong else []

    def draw(self, run: RunData, words: Words) -> Any:
        """The figure of confusions."""
        return draw_tags(self.facts, words)


@dataclass(frozen=True)
class TagErrors(Section):
    """The section on confusions of tags."""

    tags: TagFacts

    anchor = "errors"
    title = "Errors of the network"
    template = "tags.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        found, words = self.tags, page.words
        return {
            "tags": found,
            "counts": words(
                "{wrong} of {tokens} test tokens ({part}) have a wrong tag; they occur in "
                "{flawed} of {sentences} sentences. {unseen} tokens are words that do not "
                "occur in training.",
                tokens=count(found.tokens),
                wrong=count(found.wrong),
                part=share(found.wrong / (found.tokens or 1), found.tokens),
                flawed=count(found.flawed),
                sentences=count(found.sentences),
                unseen=count(found.unseen),
            ),
            "per_class": class_rows(page.run),
            "per_class_caption": words(
                "Precision, recall and F1 of the network for each entity type with 95 % "
                "intervals, most frequent first; an entity is correct if its first word, its "
                "last word and its type are correct."
                if found.entities
                else (
                    "Precision, recall and F1 of the network for each tag with 95 % "
                    "intervals, most frequent first."
                )
            ),
            "per_class_unit": words("entity type" if found.entities else "tag"),
            "matrix_caption": words(
                "Test tokens by true tag (down) and predicted tag (across), with the share of "
                "the true tag. Blue: correct; orange: wrong."
                if len(found.table) <= MOST_IN_MATRIX
                else "The most frequent confusions (true → predicted), with the number of test "
                "tokens."
            ),
        }


@dataclass(frozen=True)
class ShownWord:
    """A word of a sentence, with its style and the tags below it."""

    word: str
    style: str
    below: str


@dataclass(frozen=True)
class TagMistakes(Section):
    """Sentences with wrong tags of the highest probability."""

    tags: TagFacts

    anchor = "mistakes"
    title = "Worst errors"
    template = "tag_mistakes.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        entities = page.words("Correct entities are blue.") if self.tags.entities else ""
        plain = self._plain_tag()
        return {
            "lead": page.words.joined(
                page.words(
                    "The sentences with the most confident errors. A word with a wrong tag is "
                    "orange and underlined, followed by the predicted tag and, in brackets, "
                    "the true one."
                ),
                entities,
            ),
            "sentences": [
                (_titled(page, sentence), [self._shown(word, plain) for word in sentence.words])
                for sentence in self.tags.examples
            ],
        }

    def _plain_tag(self) -> str:
        """The most frequent tag, which is not marked."""
        table = self.tags.table
        return max(table, key=lambda tag: sum(table[tag].values()), default="")

    def _shown(self, one: TaggedWord, plain: str) -> ShownWord:
        word = label(one.word, 40)
        if one.true != one.predicted:
            below = f"{label(one.predicted, 40)} ({label(one.true, 40)})"
            return ShownWord(word, "against6", below)
        if self.tags.entities and one.true != plain:
            return ShownWord(word, "for2", label(one.true, 40))
        return ShownWord(word, "", "")


def _titled(page: Page, sentence: TaggedSentence) -> str:
    """The number of a sentence, and the row of its first word in the file, if that is known."""
    number = page.words("test sentence {n}", n=count(sentence.place))
    if sentence.first is None or page.run.source(sentence.first)[0] is None:
        return number
    # What a row of the file holds is a token, and no sentence.
    return f"{number} · {page.run.source_title(sentence.first, Words(page.words.language))}"
