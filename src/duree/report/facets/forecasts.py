"""Facets of forecasts: windows of series as rows, and the next steps as target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from duree.report.facets.rows import Rows
from duree.report.facets.target import Target
from duree.report.figures.forecasts import draw_bands, draw_fans, draw_steps, drawn_models
from duree.report.figures.plan import Plan
from duree.report.methods import forecasts
from duree.report.methods.evaluation import Resampling
from duree.report.methods.phrases import Phrases
from duree.report.pages.section import Page, Section
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.nouns import FORECASTS
from duree.results.run_files import ForecastFacts


@dataclass(frozen=True)
class ForecastRows(Rows):
    """Windows of series."""

    windows: ForecastFacts

    nouns = FORECASTS
    encoding_title: ClassVar[str] = "Series"

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.record_if_there(ForecastFacts, "forecasts.json")
        return None if found is None else cls(found)

    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return forecasts.encoding_sentences(self.windows, say)


@dataclass(frozen=True)
class Forecasts(Target):
    """The next steps of series; ``facts`` are on the test set."""

    facts: ForecastFacts

    watched: ClassVar[tuple[str, int]] = ("validation OWA", -1)
    baselines = forecasts.BASELINES

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.record_if_there(ForecastFacts, "forecasts.json")
        return None if found is None else cls(found)

    def headline(self, run: RunData, words: Words) -> str:
        named = words("Forecasting “{target}”", target=label(self.column(run), 60))
        read = run.rows.named(run)
        source = words("from “{text}”", text=label(read, 60)) if read else ""
        return words.joined(named, source)

    def question_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return [forecasts.question_sentence(run, self.facts, say)]

    def network_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return forecasts.network_sentences(run, self.facts, say)

    def loss(self, run: RunData, say: Phrases) -> str:
        return say(forecasts.LOSSES[self.facts.distribution])

    def baseline_sentences(self, run: RunData, described: str, say: Phrases) -> Iterable[str]:
        return forecasts.baseline_sentences(run, self.facts, described, say)

    def resampling(self, run: RunData) -> Resampling:
        if 1 < self.facts.series < self.facts.origins:
            return Resampling.GROUPS
        return super().resampling(run)

    def share_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return ()

    def sections(self) -> Sequence[Section]:
        return [ForecastSection(self.facts)]

    def figures(self, run: RunData) -> Sequence[Plan]:
        facts = self.facts
        return [
            Plan("fans", "Forecasts and actual values", lambda _, words: draw_fans(facts, words)),
            Plan("steps", "Error by step", lambda run, words: draw_steps(run, facts, words)),
            Plan(
                "bands",
                "Nominal and observed shares",
                lambda run, words: draw_bands(run, facts, words),
            ),
        ]


@dataclass(frozen=True)
class ForecastSection(Section):
    """The section on forecasts and actual values."""

    forecasts: ForecastFacts

    anchor = "errors"
    title = "Forecasts"
    template = "forecasts.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        run, found, words = page.run, self.forecasts, page.words
        drawn = drawn_models(run, found)
        undrawn = [words.model(n, run.metrics.cell) for n in found.steps if n not in drawn]
        left_out = words(
            (
                "Models are named at the ends of the lines; left out because of much larger "
                "errors: {models}."
            ),
            models=words.listed(undrawn),
        )
        return {
            "forecasts": found,
            "sees": forecasts.seen_sentences(run, found, words),
            "steps_caption": words.joined(
                words("Error at each step after the origin."),
                left_out if undrawn else "",
            ),
            "stationarity": forecasts.stationarity_sentence(found, words),
        }
