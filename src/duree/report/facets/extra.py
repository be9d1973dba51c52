"""Extra: what a run may have beside its rows and its target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from duree.report.facets.facet import Facet
from duree.report.methods.phrases import Phrases
from duree.report.run_data import RunData


class Extra(Facet):
    """A fact that adds to what the rows and the target say.

    Attributes
    ----------
    of_attributions : str
        What must be known of attributions to units; a template.
    """

    of_attributions: ClassVar[str] = ""

    def encoding_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """What is read with the rows."""
        return ()

    def baseline_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """What the baselines see of it."""
        return ()

    def weight_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """How it goes with the weights of rows, where they have any."""
        return ()

    def explanation_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """How it was explained what the network learned."""
        return ()
