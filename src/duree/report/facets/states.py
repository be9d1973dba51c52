"""Facets of state sequences from columns, spells or events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from duree.recipe.settings import DataSettings
from duree.report.facets.rows import Rows
from duree.report.figures.plan import Plan
from duree.report.figures.states import (
    MOST_STATES,
    draw_distribution,
    draw_entropy,
    draw_sequences,
    draw_transitions,
)
from duree.report.methods import states
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count, share
from duree.report.pages.section import Page, Section
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.nouns import STATES
from duree.results.run_files import StateFacts

MOST_CLASSES, MOST_IN_TABLE = 6, 20


@dataclass(frozen=True)
class StateRows(Rows):
    """State sequences from columns of the table; ``facts`` are on all of them."""

    facts: StateFacts | None

    nouns = STATES
    baselines = states.BASELINES

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        if not cls.columns(folder.recipe.data):
            return None
        return cls(folder.record_if_there(StateFacts, "states.json"))

    @staticmethod
    def columns(data: DataSettings) -> tuple[str, ...]:
        """The columns of states."""
        return tuple(data.states)

    def named(self, run: RunData) -> str | None:
        return ", ".join((*self.columns(run.recipe.data), *run.recipe.data.attribute))

    def source(self, run: RunData, say: Phrases) -> str:
        named = say.words.listed([label(name) for name in self.columns(run.recipe.data)])
        return say("the sequences of states in the columns {named}", named=named)

    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return states.encoding_sentences(say)

    def lengths(self, facts: StateFacts, words: Words) -> str:
        """A sentence on the number and length of sequences."""
        sentence = words(
            "{rows} sequences of {times} time points each, from {first} to {last}, in {states} "
            "states.",
            **_ends(facts),
        )
        missing = words(
            "{part} of the time points have no state.", part=share(facts.missing, facts.rows)
        )
        return words.joined(sentence, missing if facts.missing else "")

    def sections(self) -> Sequence[Section]:
        return [StateSection(self, self.facts)] if self.facts and self.facts.states else []

    def figures(self, run: RunData) -> Sequence[Plan]:
        facts = self.facts
        if facts is None or not facts.states:
            return []
        return [
            Plan(
                "states",
                "Share of each state over time",
                lambda _, words: draw_distribution(facts, words),
            ),
            Plan(
                "sequences",
                "State sequences, one per line",
                lambda _, words: draw_sequences(facts, words),
            ),
            Plan(
                "transitions",
                "Transition probabilities",
                lambda _, words: draw_transitions(facts, words),
            ),
            Plan(
                "entropy",
                "Entropy of the states over time",
                lambda _, words: draw_entropy(facts, words),
            ),
        ]


@dataclass(frozen=True)
class SpellRows(StateRows):
    """State sequences from spells, one per row of the table."""

    @staticmethod
    def columns(data: DataSettings) -> tuple[str, ...]:
        return (data.state,) if data.state else ()

    def source(self, run: RunData, say: Phrases) -> str:
        (state,) = self.columns(run.recipe.data)
        return say("the spells of “{state}” of each case in order of time", state=label(state))

    def lengths(self, facts: StateFacts, words: Words) -> str:
        return words(
            "{rows} sequences of up to {times} steps, from {first} to {last}, in {states} "
            "states; sequences that have ended have no state.",
            **_ends(facts),
        )


@dataclass(frozen=True)
class EventRows(SpellRows):
    """Event sequences from events, one per row of the table."""

    has_places_in_time: ClassVar[bool] = False

    @staticmethod
    def columns(data: DataSettings) -> tuple[str, ...]:
        return tuple(data.event)

    def source(self, run: RunData, say: Phrases) -> str:
        named = say.words.listed([label(name) for name in self.columns(run.recipe.data)])
        return say("the events of “{named}” of each case in order of time", named=named)


@dataclass(frozen=True)
class StateSection(Section):
    """The section on states over time."""

    rows: StateRows
    states: StateFacts

    anchor = "sequences"
    title = "Sequences"
    template = "states.html"
    after = "data"

    def facts(self, page: Page) -> dict[str, Any]:
        facts, words, weight = self.states, page.words, page.run.recipe.data.weight
        shares = [
            words("Share of each state at each time point, among the rows with a known state.")
        ]
        if len(facts.by_class) > 1:
            shares += [
                words(
                    "Above: all rows; below: each class of “{target}”, at most the {n} most "
                    "frequent.",
                    target=label(page.run.target_column()),
                    n=MOST_CLASSES,
                )
            ]
        lines = words(
            "{n} sequences, one per line, to be read from left to right; sorted by their last "
            "state, then by the one before it, and so on backwards.",
            n=len(facts.index.rows),
        )
        sampled = len(facts.index.rows) < facts.rows
        longest = sorted(facts.mean_time, key=lambda state: -facts.mean_time[state])
        return {
            "lengths": words.joined(
                self.rows.lengths(facts, words), _weighted(weight, words) if weight else ""
            ),
            "shares": words.joined(*shares),
            "lines": words.joined(lines, words("They are a random sample.") if sampled else ""),
            "transitions": words.joined(
                words(
                    "How often (%) a state (down) is followed by each state (across) at the next "
                    "time point."
                ),
                _only_longest(facts, MOST_STATES, words),
            ),
            "times": words.joined(
                words("Mean number of time points that a row spends in each state."),
                _only_longest(facts, MOST_IN_TABLE, words),
            ),
            "mean_times": [
                (label(state), facts.mean_time[state], share(time, facts.rows))
                for state in longest[:MOST_IN_TABLE]
                for time in [facts.mean_time[state] / len(facts.times)]
            ],
        }


def _ends(facts: StateFacts) -> dict[str, Any]:
    return {
        "rows": count(facts.rows),
        "times": count(len(facts.times)),
        "first": label(facts.times[0]),
        "last": label(facts.times[-1]),
        "states": len(facts.states),
    }


def _weighted(weight: str, words: Words) -> str:
    return words(
        "Shares, probabilities and means are weighted by “{weight}”.", weight=label(weight, 40)
    )


def _only_longest(facts: StateFacts, most: int, words: Words) -> str:
    if len(facts.states) <= most:
        return ""
    return words("Only the {n} states with the longest duration are shown.", n=most)
