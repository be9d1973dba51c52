"""Extra: an optional facet, besides those of the rows and the target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from duree.report.facets.facet import Facet
from duree.report.methods.phrases import Phrases
from duree.report.run_data import RunData


class Extra(Facet):
    """The base of optional facets, which can add sentences to the methods section.

    Attributes
    ----------
    of_attributions : str
        A remark on attributions to units; a template.
    """

    of_attributions: ClassVar[str] = ""

    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """Sentences on further inputs."""
        return ()

    def baseline_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """Sentences on the use of these inputs by baselines."""
        return ()

    def weight_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """Sentences on case weights, if there are any."""
        return ()

    def explanation_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """Sentences on how the network was explained."""
        return ()
