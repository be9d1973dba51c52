"""Methods section: language models, with their units and their network."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods import network
from duree.report.methods.phrases import Phrases
from duree.report.methods.texts import NUMBERS
from duree.report.numbers import count, number
from duree.report.run_data import RunData
from duree.results.run_files import TextFacts
from duree.results.surprisal import LanguageFacts

UNITS = {
    "characters": "Texts were read by characters.",
    "subwords": "Texts were read by parts of words, by {merges} merges of byte pairs "
    "({sennrich2016}) learned on the training documents.",
    "words": "Texts were read by words and punctuation marks.",
    "symbols": "Texts were read by what stands between blanks, and ends of lines.",
}


def question_sentences(run: RunData, say: Phrases) -> Iterator[str]:
    """Sentences on what is predicted."""
    yield say(
        "Each unit of {source} was predicted from all units before it in its document; the end of "
        "a document is a unit too ({mikolov2010}). Minus the logarithm to base 2 of its "
        "probability is its surprisal, in bits ({hale2001}; {levy2008}).",
        source=run.rows.source(run, say),
    )


def encoding_sentences(run: RunData, facts: TextFacts, say: Phrases) -> Iterator[str]:
    """Sentences on the units."""
    merges = count(facts.merges)
    kind = UNITS[facts.segmenter]
    yield say(kind, merges=merges) if facts.segmenter == "subwords" else say(kind)
    yield (
        say("They were case-folded.")
        if run.recipe.text.lowercase
        else say("They were neither normalised nor cut, and upper and lower case were kept.")
    )
    if NUMBERS[run.recipe.text.numbers]:
        yield say(NUMBERS[run.recipe.text.numbers])
    yield say("The vocabulary has {n} units of the training documents.", n=count(facts.units))
    if facts.segmenter in ("words", "symbols"):
        yield say(
            "Words outside of it, and those that occur only once in training, are spelt by their "
            "characters, so that every text has a probability."
        )
    yield say(
        "The probability of an unknown character is divided by the number of characters that "
        "Unicode assigns."
    )


def network_sentences(run: RunData, found: LanguageFacts, say: Phrases) -> Iterator[str]:
    """Sentences on the network's architecture."""
    model = run.recipe.model
    yield say(
        "Each unit was embedded in {embedding} dimensions and read by a {cell} with {layers} and "
        "{n} units; the output layer is tied to the embedding ({press2017}).",
        embedding=model.embedding_size,
        cell=network.cell(run, say),
        layers=network.layers(run, say),
        n=model.hidden_size,
    )
    yield say(
        "The state was carried on from chunk to chunk of a document (truncated backpropagation; "
        "{williams1990})."
    )
    if found.samples:
        yield say(
            "In training, the softmax was computed among the targets and about {n} units drawn "
            "log-uniformly, with corrected scores ({jean2015}).",
            n=count(found.samples),
        )
    dropped = [
        say(template, share=100 * share)
        for template, share in (
            ("{share:g} % of the recurrent weights", model.recurrent_dropout),
            ("{share:g} % of the embedding dimensions", model.input_dropout),
            ("{share:g} % of the outputs", model.output_dropout),
            ("{share:g} % of the units’ vectors", model.word_dropout),
        )
        if share
    ]
    if dropped:
        yield say(
            "During training, dropout as in {merity2018} was applied to {dropped}.",
            dropped=say.words.listed(dropped),
        )
    if "interpolated" in run.metrics.models:
        yield say(
            "It was also interpolated with n-grams of order {order} with modified Kneser-Ney "
            "smoothing ({chen1999}); the network’s share in the mixture, fitted on the validation "
            "set, is {share}.",
            order=found.order,
            share=number(found.share, 2),
        )
