"""The facet of waiting times until the next event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from duree.report.facets.extra import Extra
from duree.report.methods.phrases import Phrases
from duree.report.pages.section import Page, Section
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.results.run_files import WaitFacts


@dataclass(frozen=True)
class WaitingTimes(Extra):
    """Waiting times predicted together with the next event."""

    found: WaitFacts

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.record_if_there(WaitFacts, "waiting_times.json", "waits.json")
        return None if found is None else cls(found)

    def sections(self) -> Sequence[Section]:
        return [WaitingSection(self.found)]

    def weight_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        yield say("Waiting times were fitted and evaluated without weights.")


@dataclass(frozen=True)
class WaitingSection(Section):
    """The section on predictions of waiting times."""

    waiting_times: WaitFacts

    anchor = "waiting_times"
    title = "Waiting times"
    template = "waiting_times.html"
    after = "result"

    def facts(self, page: Page) -> dict[str, Any]:
        return {"waiting_times": self.waiting_times}
