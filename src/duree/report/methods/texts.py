"""Methods of texts: how they were encoded, and what the network that reads them is made of."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods import network
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count
from duree.report.run_data import RunData

SEGMENTERS = {
    "auto": "words, or characters where the script has no spaces",
    "words": "words",
    "characters": "characters",
    "jieba": "words as segmented by jieba",
}
NUMBERS = {
    "keep": "",
    "digits": "Every digit was written as 0.",
    "one": "Every number was written as 0.",
}
KEEP = {
    "both": "Of a text longer than {limit} units the first {head} and the last {tail} were kept.",
    "head": "Of a text longer than {limit} units the first {limit} were kept.",
    "tail": "Of a text longer than {limit} units the last {limit} were kept.",
}


def encoding_sentences(run: RunData, say: Phrases) -> Iterator[str]:
    """How a text became a sequence."""
    text = run.recipe.text
    units = say(SEGMENTERS[text.segmenter])
    if text.lowercase:
        yield say("Texts were case-folded and cut into {units}.", units=units)
    else:
        yield say("Texts were cut into {units}.", units=units)
    if NUMBERS[text.numbers]:
        yield say(NUMBERS[text.numbers])
    yield say(
        "The {n} most frequent units of the training texts were given an index; all others counted "
        "as unknown.",
        n=count(text.max_features),
    )
    yield say(
        KEEP[text.keep],
        limit=count(text.max_length),
        head=count(text.max_length - text.max_length // 2),
        tail=count(text.max_length // 2),
    )


def network_sentences(run: RunData, say: Phrases) -> Iterator[str]:
    """What the network is made of."""
    model = run.recipe.model
    yield say(
        "Each unit was embedded in {embedding} dimensions and read by a {direction}{cell} of "
        "{layers} with {size}; {pooling}, and a linear layer gave the scores.",
        embedding=model.embedding_size,
        direction=network.direction(run, say),
        cell=network.cell(run, say),
        layers=network.layers(run, say),
        size=network.size(run, say),
        pooling=network.pooling(run, say),
    )
    if model.wide:
        yield say(
            "A linear bag-of-words score ({wang2012}), trained by itself, was joined to the "
            "network’s ({cheng2016}), each with a weight found on validation; it was then fitted "
            "again on training and validation rows together."
        )
    yield from network.dropout_sentences(run, say)
    if model.word_dropout:
        yield say(
            "{share:g} % of the units were hidden as unknown while training ({iyyer2015}).",
            share=100 * model.word_dropout,
        )
