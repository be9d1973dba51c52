"""Translation of the notes on models that a run stores.

Runs store them as English sentences; these are the templates of the sentences.
"""

from __future__ import annotations

import re

from duree.report.vocabulary import Words

NOTES = (
    "{cut} of {rows} texts are longer than {limit} units, and were cut",
    "{cut} of {rows} sequences are longer than {limit} steps, and were cut",
    "{cut} of {rows} series are longer than {limit} steps, and were cut",
    "{grown} trees instead of {trees}: the time ran out",
    "{grown} trees instead of {trees}: there are many steps",
    "{tried} of {settings} settings were tried: the time ran out",
    "learned from {few} of {many} sequences",
    "{unaligned} of {pairs} different pairs could not be aligned",
    "fitted with equal weights for all sequences, because hmmlearn takes no weights",
    "fitted with equal weights for all pairs: it counts them",
    "without the season of {season} steps: more than it can fit",
    "{failed} of {rows} could not be fitted: the last value there",
    "the CRF was left out: it needs pip install 'duree[label]'",
    "Training was ended by hand, with the weights of the best epoch so far.",
)


def retold(note: str, words: Words) -> str:
    """A note in the language of ``words``; unchanged if it has no translation."""
    for template in NOTES:
        if found := re.fullmatch(_shape(template), note):
            return words(template, **found.groupdict())
    return words(note)


def _shape(template: str) -> str:
    parts = re.split(r"\{(\w+)\}", template)
    return "".join(
        f"(?P<{part}>[^:]+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)
    )
