"""Facet: an aspect of a run, with its sections and figures in the report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from duree.report.figures.plan import Plan
from duree.report.pages.section import Section
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder


class Facet(ABC):
    """The base of facets, without sections or figures."""

    @classmethod
    @abstractmethod
    def find(cls, folder: RunFolder) -> Self | None:
        """The facet, if the folder has its data; otherwise None."""

    def sections(self) -> Sequence[Section]:
        """The sections of the facet."""
        return ()

    def figures(self, run: RunData) -> Sequence[Plan]:
        """The figures of the facet, in the order of the page."""
        return ()
