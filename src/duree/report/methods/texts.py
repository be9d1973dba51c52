"""Methods section: encoding of texts, and their network."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods import network
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count
from duree.report.run_data import RunData
from duree.results.run_files import TextFacts
from duree.sequences.pieces import LEAST_COVERED
from duree.tables.split.folds import MOST_FOLDED_UNITS

SEGMENTERS = {
    "auto": "words, or characters where the script has no spaces",
    "words": "words",
    "characters": "characters",
    "jieba": "words as segmented by jieba ({sun2020})",
}
OF_VERSION = {"jieba": "words as segmented by jieba {version} ({sun2020})"}
NUMBERS = {
    "keep": "",
    "digits": "Every digit was written as 0.",
    "one": "Every number was written as 0.",
}
KEEP = {
    "both": (
        "Texts longer than {limit} units were truncated to their first {head} and last "
        "{tail} units."
    ),
    "head": "Texts longer than {limit} units were truncated to their first {limit} units.",
    "tail": "Texts longer than {limit} units were truncated to their last {limit} units.",
}

PIECES = (
    "A word outside the vocabulary was read as the known words that it is made of, if they have at "
    "least {share:.0f} % of its letters."
)
# The wide part of texts, of other sequences, and of runs of version 0.1.0.
WIDE_OF_TEXTS = (
    "A linear model on units, pairs of neighbouring units and, if they lowered the loss, "
    "character n-grams of units (2 to 5 characters), with TF-IDF weights "
    "({sparckjones1972}) multiplied by the square roots of log-count ratios (after {wang2012}), "
    "was fitted by itself. Its penalty, a scale and an offset for each score were chosen on rows "
    "that it was not fitted on: by five-fold cross-validation, or on the validation set where rows "
    "were split by time or are many (more than {limit} units). It was combined with the network "
    "({cheng2016}), with weights found on the validation set, and then refitted on training and "
    "validation rows together."
)
WIDE_OF_STEPS = (
    "A linear model on units and pairs of neighbouring units, with TF-IDF weights "
    "({sparckjones1972}) multiplied by the square roots of log-count ratios (after {wang2012}), "
    "was fitted by itself. Its penalty, a scale and an offset for each score were chosen on rows "
    "that it was not fitted on: by five-fold cross-validation, or on the validation set where rows "
    "were split by time or are many (more than {limit} units). It was combined with the network "
    "({cheng2016}), with weights found on the validation set, and then refitted on training and "
    "validation rows together."
)
EARLIER_WIDE = (
    "A linear bag-of-words model ({wang2012}), trained separately, was combined with the network "
    "({cheng2016}), with weights found on the validation set; it was then refitted on training "
    "and validation rows together."
)


def encoding_sentences(run: RunData, facts: TextFacts | None, say: Phrases) -> Iterator[str]:
    """Sentences on the encoding of texts; ``facts`` are None in runs of version 0.1.0."""
    text = run.recipe.text
    if facts and facts.version:
        units = say(OF_VERSION[facts.segmenter], version=facts.version)
    else:
        units = say(SEGMENTERS[facts.segmenter if facts else text.segmenter])
    if text.lowercase:
        yield say("Texts were case-folded and split into {units}.", units=units)
    else:
        yield say("Texts were split into {units}.", units=units)
    if NUMBERS[text.numbers]:
        yield say(NUMBERS[text.numbers])
    if facts and facts.units < text.max_features:
        yield say(
            "All {n} units of the training texts form the vocabulary; others are unknown.",
            n=count(facts.units),
        )
    else:
        yield say(
            "The {n} most frequent units of the training texts form the vocabulary; all others are "
            "unknown.",
            n=count(text.max_features),
        )
    has_all = facts is not None and facts.units < text.max_features
    if run.metrics.manifest is not None and text.segmenter != "states" and has_all:
        yield say(PIECES, share=100 * LEAST_COVERED)
    yield say(
        KEEP[text.keep],
        limit=count(text.max_length),
        head=count(text.max_length - text.max_length // 2),
        tail=count(text.max_length // 2),
    )


def network_sentences(run: RunData, wide: str, say: Phrases) -> Iterator[str]:
    """Sentences on the network's architecture; ``wide`` is that on its wide part."""
    model = run.recipe.model
    yield say(
        "Each unit was embedded in {embedding} dimensions and read by a {direction}{cell} with "
        "{layers} and {size}; {pooling}, and a linear layer gave the scores.",
        embedding=model.embedding_size,
        direction=network.direction(run, say),
        cell=network.cell(run, say),
        layers=network.layers(run, say),
        size=network.size(run, say),
        pooling=network.pooling(run, say),
    )
    if model.wide:
        limit = count(MOST_FOLDED_UNITS)
        yield say(EARLIER_WIDE if run.metrics.manifest is None else wide, limit=limit)
    yield from network.dropout_sentences(run, say)
    if model.word_dropout:
        yield say(
            (
                "{share:g} % of the units were replaced by the unknown unit during training "
                "({iyyer2015})."
            ),
            share=100 * model.word_dropout,
        )
