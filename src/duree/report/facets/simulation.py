"""The facet of simulation: the last state, predicted from earlier time points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from duree.report.facets.extra import Extra
from duree.report.numbers import count
from duree.report.pages.section import Page, Section
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label
from duree.results.run_files import Simulation


@dataclass(frozen=True)
class Simulated(Extra):
    """Simulated paths up to the last time point."""

    found: Simulation

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.record_if_there(Simulation, "simulation.json", "further.json")
        return None if found is None else cls(found)

    def sections(self) -> Sequence[Section]:
        return [SimulationSection(self.found)]


@dataclass(frozen=True)
class SimulationSection(Section):
    """The section on the accuracy for the last state, by the number of known time points."""

    simulation: Simulation

    anchor = "simulation"
    title = "Forecasts at a fixed horizon"
    template = "simulation.html"
    after = "result"

    def facts(self, page: Page) -> dict[str, Any]:
        found = self.simulation
        return {
            "simulation": found,
            "lead": page.words(
                "Given each sequence up to an earlier time point, which state is predicted for "
                "the last one, {last}? The network continues each of {rows} sequences along "
                "{paths} simulated paths and predicts the state in which most of them end.",
                last=label(found.last),
                rows=count(found.rows),
                paths=count(found.paths),
            ),
        }
