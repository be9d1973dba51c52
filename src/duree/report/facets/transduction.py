"""Facets of pairs of texts: one as rows, the other as target; with the errors of outputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import polars as pl

from duree.report.facets.rows import Rows
from duree.report.facets.target import Target
from duree.report.methods import transduction
from duree.report.methods.phrases import Phrases
from duree.report.numbers import brief, count, number, share
from duree.report.output_grid import MOST, grid
from duree.report.pages.section import Page, Section
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.explanations import OutputSourcesFacts
from duree.results.run_files import TextFacts
from duree.results.transduction import RowGroup, Transduced, TransductionFacts

# Blanks that are errors must be seen.
BLANK = "␣"
# The most characters of a text in a table.
LONGEST = 160
LENGTHS = {
    "character": "target of {n} characters",
    "symbol": "target of {n} symbols",
    "word": "target of {n} words",
}
KINDS = {
    "substitution": "Something replaced",
    "omission": "Something left out",
    "insertion": "Something added",
    "several": "Several kinds at once",
    "copy": "The source as it was",
    "repetition": "Repeats without end",
    "empty": "No output",
}


@dataclass(frozen=True)
class PairRows(Rows):
    """Sources of pairs of texts; ``facts`` are on the units of both sides."""

    facts: TextFacts

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.record_if_there(TextFacts, "encoding.json")
        return None if found is None or found.target_segmenter is None else cls(found)

    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return transduction.encoding_sentences(run, self.facts, say)


@dataclass(frozen=True)
class Outputs(Target):
    """A text for each row; ``facts`` are on the test set."""

    facts: TransductionFacts
    sources: OutputSourcesFacts | None = None

    watched: ClassVar[tuple[str, int]] = ("validation exact match, or chrF", 1)
    of_outputs: ClassVar[str] = "{share:g} % of the readout"
    is_right_or_wrong: ClassVar[bool] = True
    listed_title: ClassVar[str] = "probability"
    worst_first: ClassVar[str] = "only errors, highest probability first"

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.record_if_there(TransductionFacts, "transduction.json")
        if found is None:
            return None
        return cls(found, folder.record_if_there(OutputSourcesFacts, "outputs.json"))

    def correct(self, run: RunData, rows: pl.DataFrame) -> pl.Series | None:
        """Which outputs equal their target, where that is the primary metric."""
        if not run.metrics.primary.share:
            return None
        answers = run.predictions[self.column(run)].cast(pl.String).str.strip_chars()
        return rows["prediction"].cast(pl.String).str.normalize("NFC") == answers.str.normalize(
            "NFC"
        )

    def listed_figure(self, run: RunData) -> pl.Expr:
        return pl.col("probability")

    def question_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return transduction.question_sentences(run, self.column(run), say)

    def network_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return transduction.network_sentences(run, self.facts, say)

    def loss(self, run: RunData, say: Phrases) -> str:
        return transduction.loss(run, say)

    def sections(self) -> Sequence[Section]:
        explained = [] if self.sources is None else [OutputsExplained(self.sources)]
        return [OutputErrors(self.facts), OutputMistakes(self.facts), *explained]


@dataclass(frozen=True)
class Stretch:
    """A row of the table of confusions."""

    actual: str
    predicted: str
    count: str
    part: str
    example: str


@dataclass(frozen=True)
class OutputErrors(Section):
    """The section on known sources, lengths and confusions."""

    outputs: TransductionFacts

    anchor = "errors"
    title = "Errors of the network"
    template = "outputs.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        found, words = self.outputs, page.words
        groups = list(self._groups(words))
        names = [
            name
            for name in page.run.metrics.metric_names
            if any(name in group.figures for _, group in groups)
        ]
        return {
            "counts": words(
                "{wrong} of {rows} outputs ({part}) differ from their target.",
                wrong=count(found.wrong),
                rows=count(found.rows),
                part=share(found.wrong / (found.rows or 1), found.rows),
            ),
            "metric_titles": [words.metric(name) for name in names],
            "weighted": page.run.recipe.data.weight is not None,
            "groups": [
                (title, count(group.rows), [brief(group.figures.get(name)) for name in names])
                for title, group in groups
            ],
            "ceiling": self._ceiling(words),
            "ambiguous": [
                (
                    label(one.source, LONGEST),
                    [(label(t, LONGEST), n) for t, n in one.targets.items()],
                )
                for one in found.ambiguous
            ],
            "confusions": [
                Stretch(
                    _seen(one.actual),
                    _seen(one.predicted),
                    count(one.count),
                    share(one.share, found.wrong),
                    _as_pair(one.example),
                )
                for one in found.confusions
            ],
        }

    def _groups(self, words: Words) -> Iterable[tuple[str, RowGroup]]:
        found = self.outputs
        if found.known.rows:
            yield words("source occurs in training"), found.known
        if found.unknown.rows:
            yield words("source does not occur in training"), found.unknown
        if len(found.lengths) < 2:
            return
        for group in found.lengths:
            ends = str(group.low) if group.low == group.high else f"{group.low}–{group.high}"
            yield words(LENGTHS[found.unit], n=ends), group

    def _ceiling(self, words: Words) -> str:
        found = self.outputs
        if not found.ambiguous_rows:
            return ""
        return words(
            "{rows} test rows have one of {sources} sources with several targets. With one "
            "output for each source, at most {ceiling} of all rows could be right.",
            rows=count(found.ambiguous_rows),
            sources=count(found.ambiguous_sources),
            ceiling=share(found.ceiling, found.rows),
        )


@dataclass(frozen=True)
class WrongOutput:
    """A wrong output: its number among the test rows, from 1, and its texts; ``sure`` is its
    probability."""

    place: int
    true: str
    predicted: str
    sure: str
    source: str


@dataclass(frozen=True)
class OutputMistakes(Section):
    """Wrong outputs by kind of error, those of the highest probability first."""

    outputs: TransductionFacts

    anchor = "mistakes"
    title = "Worst errors"
    template = "output_mistakes.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        return {
            "kinds": [
                (
                    page.words(KINDS[one.kind]),
                    page.words("{n} rows", n=count(one.rows)),
                    [self._shown(example, page) for example in one.examples],
                )
                for one in self.outputs.kinds
            ]
        }

    def _shown(self, example: Transduced, page: Page) -> WrongOutput:
        chance = example.probability
        return WrongOutput(
            place=example.row + 1,
            true=_seen(example.actual, LONGEST),
            predicted=_seen(example.predicted, LONGEST),
            sure="" if chance is None else f" ({share(chance, page.run.test_rows)})",
            source=_seen(example.source, LONGEST),
        )


@dataclass(frozen=True)
class OutputsExplained(Section):
    """Which units of the source the units of outputs came from, for a few test rows."""

    outputs: OutputSourcesFacts

    anchor = "sources"
    title = "Where outputs came from"
    template = "outputs_explained.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        found, words = self.outputs, page.words
        return {
            "agreement": words(
                "Over {rows} test rows, influence and attention agree with a correlation of "
                "{found}; with positions in another order it is below {chance} in 95 % of draws.",
                rows=count(found.rows),
                found=number(found.agreement, 2),
                chance=number(found.by_chance, 2),
            ),
            "examples": [
                (one, grid(one, one.influence), grid(one, one.attention)) for one in found.examples
            ],
            "most": MOST,
        }


def _seen(text: str, longest: int = 40) -> str:
    """A text with its outer blanks visible; a dash where there is none."""
    if not text:
        return "–"
    inner = text.strip()
    begin, _, end = text.partition(inner) if inner else (text, "", "")
    return f"{BLANK * len(begin)}{label(inner, longest) if inner else ''}{BLANK * len(end)}"


def _as_pair(example: Transduced) -> str:
    return f"{_seen(example.predicted)} ({_seen(example.actual)})"
