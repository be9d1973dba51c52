"""The facet of the search that the recipe was chosen by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from duree.report.facets.extra import Extra
from duree.report.methods.phrases import Phrases
from duree.report.methods.tuning import tuning_sentences
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.results.tuning import TuningFacts


@dataclass(frozen=True)
class Tuned(Extra):
    """The trials of a search."""

    facts: TuningFacts

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.record_if_there(TuningFacts, "tuning.json")
        return cls(found) if found else None

    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return tuning_sentences(self.facts, say)
