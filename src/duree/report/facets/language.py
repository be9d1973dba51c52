"""Facets of language models: documents, and the bits of their units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import polars as pl

from duree.report.facets.rows import Rows
from duree.report.facets.target import Target
from duree.report.figures.plan import Plan
from duree.report.figures.surprisal import RATES, draw_groups
from duree.report.methods import language
from duree.report.methods.evaluation import Resampling
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count, number
from duree.report.pages.section import Page, Section
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label
from duree.report.surprisal_facts import DIGITS, Stretch, compared, darkest_of, legend, stretches
from duree.report.vocabulary import Words
from duree.results.run_files import TextFacts
from duree.results.surprisal import Comparison, LanguageFacts, ShownText

FILE = "language.json"


@dataclass(frozen=True)
class DocumentRows(Rows):
    """Documents, and the units that they are read by."""

    facts: TextFacts

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        if not folder.has(FILE):
            return None
        return cls(folder.record(TextFacts, "encoding.json"))

    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return language.encoding_sentences(run, self.facts, say)

    def listed(self, run: RunData) -> None:
        """None: documents have no single prediction."""
        return None


@dataclass(frozen=True)
class Surprisals(Target):
    """The bits of every unit; ``found`` is on the test documents."""

    found: LanguageFacts

    watched: ClassVar[tuple[str, int]] = ("validation bits per unit", -1)
    of_outputs: ClassVar[str] = "{share:g} % of the outputs"

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.record_if_there(LanguageFacts, FILE)
        return None if found is None else cls(found)

    def headline(self, run: RunData, words: Words) -> str:
        named = run.data.sources[0].name if run.data.sources else run.name
        return words("A language model of “{name}”", name=label(named, 60))

    def question_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return language.question_sentences(run, say)

    def network_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return language.network_sentences(run, self.found, say)

    def loss(self, run: RunData, say: Phrases) -> str:
        return say("cross-entropy of each unit")

    def resampling(self, run: RunData) -> Resampling:
        grouped = run.recipe.data.group is not None
        return Resampling.GROUPS if grouped else Resampling.SEQUENCES

    def share_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return ()

    def listed_figure(self, run: RunData) -> pl.Expr:
        return pl.col("bits") / pl.col("units")

    def sections(self) -> Sequence[Section]:
        of_groups = [] if self.found.comparison is None else [GroupSection(self.found)]
        return [*of_groups, TextSection(self.found)]

    def figures(self, run: RunData) -> Sequence[Plan]:
        comparison = self.found.comparison
        if comparison is None:
            return []
        return [Plan("groups", "Mean surprisal by group", _drawing(comparison))]


def _drawing(found: Comparison) -> Any:
    return lambda _, words: draw_groups(found, words)


@dataclass(frozen=True)
class GroupSection(Section):
    """Mean surprisal by group."""

    found: LanguageFacts

    anchor = "groups"
    title = "Surprisal by group"
    template = "language_groups.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        comparison, words = self.found.comparison, page.words
        assert comparison is not None  # otherwise there is no such section
        shown = len(comparison.groups)
        return {
            "comparison": comparison,
            "rate": words(RATES[comparison.rate]),
            "paragraphs": list(compared(comparison, words)),
            "digits": DIGITS,
            "only": words(
                "Shown are the {n} of {all} groups with most test documents.",
                n=shown,
                all=count(self.found.groups),
            )
            if shown < self.found.groups
            else "",
        }


@dataclass(frozen=True)
class Example:
    """A test document as the template shows it."""

    title: str
    figures: list[str]
    stretches: list[Stretch]
    cut: int


@dataclass(frozen=True)
class TextSection(Section):
    """The test documents that surprised most and least."""

    found: LanguageFacts

    anchor = "texts"
    title = "Test documents, shaded by surprisal"
    template = "language_texts.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        darkest = darkest_of(self.found.texts)
        return {
            "order": self.found.order_of_texts,
            "legend": legend(darkest),
            "examples": [self._example(text, darkest, page) for text in self.found.texts],
        }

    def _example(self, text: ShownText, darkest: float, page: Page) -> Example:
        words = page.words
        return Example(
            page.run.row_title(text.row - 1, words),
            [
                words("units: {n}", n=count(text.units)),
                words("{bits} bits per unit", bits=number(text.bits / text.units, 2)),
                words("{bits} bits per character", bits=number(text.per_character, 2)),
            ],
            stretches(text, darkest),
            text.cut,
        )
