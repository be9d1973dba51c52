"""The facet of numeric series, with statistics of their channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import polars as pl
from markupsafe import Markup

from duree.report.facets.rows import Rows
from duree.report.figures.plan import Plan
from duree.report.figures.series import draw_channels
from duree.report.figures.sparklines import draw_sparks
from duree.report.methods import series
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count
from duree.report.pages.section import Page, Section
from duree.report.pages.table_rows import MOST_CHANNELS, channel_rows
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.nouns import SERIES
from duree.results.series import ChannelFacts

MOST_CLASSES, FEWEST_ROWS = 6, 4


@dataclass(frozen=True)
class SeriesRows(Rows):
    """Numeric series; ``facts`` are statistics of their channels."""

    channels: ChannelFacts

    nouns = SERIES
    encoding_title: ClassVar[str] = "Series"
    of_inputs: ClassVar[str] = "{share:g} % of the channels"
    with_baselines: ClassVar[str] = "The baselines, trained on the same rows, were: {baselines}."
    baselines = series.BASELINES

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.record_if_there(ChannelFacts, "channels.json")
        return None if found is None else cls(found)

    def named(self, run: RunData) -> str | None:
        return ", ".join(run.recipe.data.series)

    def source(self, run: RunData, say: Phrases) -> str:
        named = say.words.listed([label(name) for name in run.recipe.data.series])
        if run.recipe.data.time is not None:
            return say("the series of {named} of each case in order of time", named=named)
        return say("the numbers in the columns {named}", named=named)

    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return series.encoding_sentences(run, self.channels, say)

    def network_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return series.network_sentences(run, say)

    def shown(self, run: RunData, row: int) -> str | Markup:
        column = run.column("text")
        if not column:
            return ""
        names = [channel.name for channel in self.channels.channels]
        return draw_sparks(run.predictions[column][row].to_numpy(), names)

    def listed_column(self, run: RunData) -> str | None:
        return run.column("id")

    def listed(self, run: RunData) -> pl.Expr | None:
        if run.column("text") not in run.predictions.columns:
            return None
        name = self.listed_column(run)
        if name in run.predictions.columns:
            return pl.col(name).cast(pl.String)
        return pl.int_range(1, pl.len() + 1).cast(pl.String)

    def sections(self) -> Sequence[Section]:
        return [SeriesSection(self.channels)]

    def figures(self, run: RunData) -> Sequence[Plan]:
        title = "Mean and quartiles of the series over time"
        return [Plan("channels", title, lambda _, words: draw_channels(self.channels, words))]


@dataclass(frozen=True)
class SeriesSection(Section):
    """The section on channels over time."""

    channels: ChannelFacts

    anchor = "sequences"
    title = "Sequences"
    template = "channels.html"
    after = "data"

    def facts(self, page: Page) -> dict[str, Any]:
        facts, words, weight = self.channels, page.words, page.run.recipe.data.weight
        caption = [
            words(
                "Mean of each channel at each step (line) and the middle half of the rows "
                "(band), among the rows with a known value; steps with fewer than {n} rows are "
                "not drawn.",
                n=FEWEST_ROWS,
            )
        ]
        if len(facts.class_rows) > 1:
            caption += [
                words(
                    "By class of “{target}”, at most the {n} most frequent.",
                    target=label(page.run.target_column()),
                    n=MOST_CLASSES,
                )
            ]
        weighted = (
            words("Means and quartiles are weighted by “{weight}”.", weight=label(weight, 40))
            if weight
            else ""
        )
        return {
            "lengths": words.joined(_lengths(facts, words), weighted),
            "caption": words.joined(*caption, _only_first(facts, len(facts.curves), words)),
            "table_caption": words.joined(
                words("The channels, over all steps of all rows."),
                _only_first(facts, MOST_CHANNELS, words),
            ),
            "channels": channel_rows(facts),
        }


def _lengths(facts: ChannelFacts, words: Words) -> str:
    shortest, median, longest = facts.lengths
    shared = {"rows": count(facts.rows), "n": len(facts.channels)}
    if shortest == longest:
        return words(
            "{rows} series of {steps} steps each, channels: {n}.", steps=count(longest), **shared
        )
    return words(
        "{rows} series of {shortest} to {longest} steps (median {median}), channels: {n}.",
        shortest=count(shortest),
        median=count(median),
        longest=count(longest),
        **shared,
    )


def _only_first(facts: ChannelFacts, most: int, words: Words) -> str:
    if len(facts.channels) <= most:
        return ""
    return words("Only the first {n} channels are shown.", n=most)
