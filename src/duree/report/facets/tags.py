"""Tagged words: sentences as rows, tags as target, and where the network gave a wrong one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
from duree.results.tags import TagFacts, TaggedWord


@dataclass(frozen=True)
class SentenceRows(Rows):
    """Sentences of tagged words, a token a row of the table."""

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
            "From the folder that holds this run’s folder; a file of tokens is written as it was "
            "read, with its tags."
        )
        return sentence, "NEW.conllu -o tagged.conllu"


@dataclass(frozen=True)
class Tags(Target):
    """A tag for each word; ``facts`` are of the test part."""

    facts: TagFacts

    watched: ClassVar[tuple[str, int]] = ("right tags, or entity F1, on validation", 1)
    loss_note: ClassVar[str] = (
        "The loss on validation is the surprise at whether each given tag is right."
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
        """The confusions."""
        return draw_tags(self.facts, words)


@dataclass(frozen=True)
class TagErrors(Section):
    """Which tags are given in place of which."""

    tags: TagFacts

    anchor = "errors"
    title = "Where the network errs"
    template = "tags.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        found, words = self.tags, page.words
        return {
            "tags": found,
            "counts": words(
                "Of {tokens} test tokens {wrong} have a wrong tag ({part}); they stand in {flawed} "
                "of {sentences} sentences. {unseen} tokens are words that training never saw.",
                tokens=count(found.tokens),
                wrong=count(found.wrong),
                part=share(found.wrong / (found.tokens or 1), found.tokens),
                flawed=count(found.flawed),
                sentences=count(found.sentences),
                unseen=count(found.unseen),
            ),
            "per_class": class_rows(page.run),
            "per_class_caption": words(
                "The network’s figures for each kind of entity with 95 % intervals, the commonest "
                "first: an entity counts as found where its first word, its last and its kind are "
                "right."
                if found.entities
                else "The network’s figures for each tag with 95 % intervals, the commonest first."
            ),
            "per_class_unit": words("kind of entity" if found.entities else "tag"),
            "matrix_caption": words(
                "Test tokens by right tag (down) and given tag (across), with the share of the "
                "right tag. Blue: right; orange: wrong."
                if len(found.table) <= MOST_IN_MATRIX
                else "The commonest confusions, as right → given, and how many test tokens they "
                "are."
            ),
        }


@dataclass(frozen=True)
class ShownWord:
    """A word of a sentence: its style, and the tags below it."""

    word: str
    style: str
    below: str


@dataclass(frozen=True)
class TagMistakes(Section):
    """Sentences with the surest mistakes."""

    tags: TagFacts

    anchor = "mistakes"
    title = "Its worst mistakes"
    template = "tag_mistakes.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        entities = page.words("Entities that are right are blue.") if self.tags.entities else ""
        plain = self._plain_tag()
        return {
            "lead": page.words.joined(
                page.words(
                    "Sentences with the wrong tags that the network was surest of. A word with a "
                    "wrong tag is orange and underlined, with the given tag and, in brackets, the "
                    "right one."
                ),
                entities,
            ),
            "sentences": [
                (count(sentence.place), [self._shown(word, plain) for word in sentence.words])
                for sentence in self.tags.examples
            ],
        }

    def _plain_tag(self) -> str:
        """The commonest tag, which needs no mark."""
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
