"""The facet of word vectors that the embeddings started from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from duree.report.facets.extra import Extra
from duree.report.methods.phrases import Phrases
from duree.report.methods.word_vectors import vector_sentences
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.results.run_files import VectorFacts


@dataclass(frozen=True)
class StartVectors(Extra):
    """The vectors of a file."""

    facts: VectorFacts

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.record_if_there(VectorFacts, "vectors.json")
        return cls(found) if found else None

    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return vector_sentences(self.facts, say)
