"""Methods of explanations: how it was found what the network learned."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods.phrases import Phrases
from duree.report.numbers import count
from duree.results.explanations import Explanations


def explanation_sentences(found: Explanations, say: Phrases) -> Iterator[str]:
    """What was tried on the network, and on how many rows."""
    if found.order:
        yield say(
            "What word order is worth was found on {n} test rows, by the same network on the same "
            "texts with their words in random order.",
            n=count(found.order.rows),
        )
    if found.curves:
        yield say(
            "What each word added was found by integrated gradients ({sundararajan2017}) from a "
            "text of the same length without content, and held against a random order by deleting "
            "and inserting words ({petsiuk2018}) on {n} test rows.",
            n=count(found.curves.rows),
        )
    if found.arc:
        yield say(
            "The longest text was followed in passages of {passage} units; its changes of level "
            "were found by binary segmentation, each tested by permutations ({matteson2014}).",
            passage=found.arc.passage,
        )
