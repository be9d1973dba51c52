"""The facet of step features, the further inputs at each event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

from duree.report.facets.extra import Extra
from duree.report.methods.phrases import Phrases
from duree.report.methods.states import step_feature_sentences
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.results.run_files import StepFeature


@dataclass(frozen=True)
class StepFeatures(Extra):
    """The features of events by column."""

    found: dict[str, StepFeature]

    of_attributions: ClassVar[str] = "The attribution of an event includes those of its features."

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        names = ("step_features.json", "beside.json")
        found = folder.record_if_there(dict[str, StepFeature], *names)
        return cls(found) if found else None

    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return step_feature_sentences(self.found, say)

    def baseline_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        yield say(run.target.step_features_in_baselines)
