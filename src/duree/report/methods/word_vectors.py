"""Sentences on the word vectors that a network started from."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods.phrases import Phrases
from duree.report.numbers import count
from duree.report.safe_text import label
from duree.results.run_files import VectorFacts

CHOICES = {
    "frozen": "They were left as they are, since this gave the better validation metric "
    "({frozen:.3f}; tuned in training: {tuned:.3f}; {kim2014}).",
    "tuned": "They were tuned in training, since this gave the better validation metric "
    "({tuned:.3f}; left as they are: {frozen:.3f}; {kim2014}).",
}


def vector_sentences(facts: VectorFacts, say: Phrases) -> Iterator[str]:
    """Sentences on the file, on how many words have a vector, and on how they were used."""
    yield say(
        "The embeddings started from the {size}-dimensional word vectors of “{file}”, which has "
        "vectors of {found} of the {words} words of the training rows ({share:.1f} % of their "
        "occurrences).",
        size=facts.size,
        file=label(facts.file),
        found=count(facts.found),
        words=count(facts.words),
        share=100 * facts.share,
    )
    if facts.chosen:
        yield say(CHOICES[facts.chosen], **facts.figures)
        if len({round(figure, 3) for figure in facts.figures.values()}) == 1:
            yield say("Where both metrics are equal, the validation loss decides.")
