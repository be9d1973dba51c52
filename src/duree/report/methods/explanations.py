"""Methods section: explanations of the network."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods.phrases import Phrases
from duree.report.numbers import count
from duree.results.explanations import Explanations


def explanation_sentences(found: Explanations, say: Phrases) -> Iterator[str]:
    """Sentences on the analyses of the network and their numbers of rows."""
    if found.order:
        yield say(
            "The contribution of word order was measured on {n} test rows, with the same "
            "network on the same texts with their words in random order.",
            n=count(found.order.rows),
        )
    if found.curves:
        yield say(
            "Word attributions are integrated gradients ({sundararajan2017}) relative to an "
            "uninformative text of the same length; they were compared with random order by "
            "deleting and inserting words ({petsiuk2018}) on {n} test rows.",
            n=count(found.curves.rows),
        )
    if found.arc:
        yield say(
            "The longest text was predicted passage by passage ({passage} units each); changes "
            "of level were found by binary segmentation, each tested by permutation "
            "({matteson2014}).",
            passage=found.arc.passage,
        )
