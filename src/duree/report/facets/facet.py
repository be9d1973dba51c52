"""Facet: something that a run may have, with all that the report shows and says of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from duree.report.figures.plan import Plan
from duree.report.pages.section import Section
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder


class Facet(ABC):
    """A fact about a run. What a facet leaves out, a run has not."""

    @classmethod
    @abstractmethod
    def find(cls, folder: RunFolder) -> Self | None:
        """The facet, where the folder holds what it is made of."""

    def sections(self) -> Sequence[Section]:
        """Its sections of the page."""
        return ()

    def figures(self, run: RunData) -> Sequence[Plan]:
        """Its figures, in the order of the page."""
        return ()
