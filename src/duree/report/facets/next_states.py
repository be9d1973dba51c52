"""The facet of next states: a prediction after each step of a sequence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import polars as pl

from duree.report.facets.classes import Classes
from duree.report.methods import next as methods
from duree.report.methods.evaluation import Resampling
from duree.report.methods.phrases import Phrases
from duree.report.pages.mistakes import Mistake, mistaken_classes
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.nouns import STEPS, Nouns


@dataclass(frozen=True)
class NextStates(Classes):
    """The state after each step; classes are those with a column of probabilities."""

    watched: ClassVar[tuple[str, int]] = ("validation bits per step", -1)
    of_outputs: ClassVar[str] = "{share:g} % of the hidden state at each step"
    step_features_in_baselines: ClassVar[str] = (
        "The tree models and logistic regression used the features of the last two events."
    )
    baselines = methods.BASELINES

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = Classes.find(folder)
        names = found.names if found else ()
        return cls(names) if folder.metrics.counted == "steps" else None

    def nouns(self, of_rows: Nouns) -> Nouns:
        return replace(of_rows, of_answers=STEPS)

    def classes(self, run: RunData) -> list[str]:
        if self.names:
            return list(self.names)
        # With many states the file contains only the probability of the most probable one.
        answers = run.predictions[self.column(run)].cast(pl.String)
        return answers.drop_nulls().unique().sort().to_list()

    def listed_figure(self, run: RunData) -> pl.Expr:
        # Of many states only the likeliest has its probability in the file.
        return super().listed_figure(run) if self.names else pl.col("probability")

    def headline(self, run: RunData, words: Words) -> str:
        named = run.data.sources[0].name if run.data.sources else run.name
        return words("Predicting the next state in “{target}”", target=label(named, 60))

    def question_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        yield say(
            "After each step of {source}, the next state was predicted.",
            source=run.rows.source(run, say),
        )

    def network_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return methods.network_sentences(run, say)

    def weight_sentences(self, run: RunData, weight: str, say: Phrases) -> Iterable[str]:
        return methods.weight_sentences(run, weight, say)

    def resampling(self, run: RunData) -> Resampling:
        grouped = run.recipe.data.group is not None
        return Resampling.GROUPS if grouped else Resampling.SEQUENCES

    def share_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return super().share_sentences(run, say.of_answers)

    def mistakes(self, run: RunData, words: Words) -> list[Mistake]:
        return list(mistaken_classes(run, self._before))

    def _before(self, run: RunData, row: int) -> str:
        """A step as a text: its number, the previous state and the true state."""
        at = run.predictions
        if "before" not in at.columns:
            return str(run.rows.shown(run, row))
        true = at[self.column(run)].cast(pl.String).fill_null("")[row]
        return f"{at['step'][row]}: {at['before'][row]} › {true}"
