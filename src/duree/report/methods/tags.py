"""Methods section: tagging, with the encoding of words and the network."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods import network
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count
from duree.report.run_data import RunData
from duree.report.safe_text import label
from duree.results.tags import TagFacts

BASELINES = {
    "most_frequent_tag": "the most frequent tag of each word",
    "hmm": "a hidden Markov model that guesses unseen words by their endings ({brants2000})",
    "crf": "a conditional random field ({lafferty2001}; {okazaki2007}) on the words, their "
    "beginnings, ends and shapes, and those of their neighbours",
}
SPELT = {
    "recurrent": "Its characters were read in both directions by a recurrent layer ({lample2016}).",
    "convolution": "Its characters were read by a convolutional layer with a width of three "
    "characters ({ma2016}).",
    "none": "",
}


def question_sentences(facts: TagFacts, say: Phrases) -> Iterator[str]:
    """Sentences on the target."""
    layers = say.words.listed([f"“{label(layer)}”" for layer in facts.layers])
    yield say("For each word of a sentence its {layers} was predicted.", layers=layers)
    if any(layer.lower() == "lemma" for layer in facts.layers):
        yield say(
            "Lemmas were predicted as the rule that derives them from the word ({straka2018})."
        )


def encoding_sentences(run: RunData, say: Phrases) -> Iterator[str]:
    """Sentences on the encoding of words."""
    yield say(
        "A word was represented by its form and its lower-cased form (the {n} most frequent in "
        "the training sentences; all others are unknown), by its shape, and by its prefixes "
        "and suffixes of two to four characters.",
        n=count(run.recipe.text.max_features),
    )
    if spelt := SPELT[run.recipe.model.characters]:
        yield say(spelt)


def network_sentences(run: RunData, facts: TagFacts, say: Phrases) -> Iterator[str]:
    """Sentences on the network's architecture."""
    model = run.recipe.model
    yield say(
        "Each word was embedded in {embedding} dimensions and read by a {direction}{cell} with "
        "{layers} and {size}; a linear layer scored every tag at each word.",
        embedding=model.embedding_size,
        direction=network.direction(run, say),
        cell=network.cell(run, say),
        layers=network.layers(run, say),
        size=network.size(run, say),
    )
    if model.wide and model.chain:
        yield say(
            "A linear score of the features of a word and its neighbours was added "
            "({cheng2016}), trained jointly with the network."
        )
    if model.chain:
        yield say(
            "The tags of a sentence were chosen jointly, as the best path of a conditional "
            "random field on these scores ({lafferty2001})."
        )
        if facts.entities:
            yield say(
                "Paths that violate the BIO scheme are excluded, unless the training "
                "data violate it."
            )
    dropped = [
        ("{share:g} % of the inputs of a word", model.input_dropout),
        ("{share:g} % of the dimensions between layers", model.layer_dropout),
        ("{share:g} % of the recurrent state", model.recurrent_dropout),
        ("{share:g} % of the hidden states", model.output_dropout),
        ("{share:g} % of the words that occur once", model.word_dropout),
    ]
    if named := [say(template, share=100 * share) for template, share in dropped if share]:
        yield say(
            "During training, dropout ({gal2016}) was applied to {dropped}.",
            dropped=say.words.listed(named),
        )


def loss(run: RunData, say: Phrases) -> str:
    """The name of the training loss."""
    if run.recipe.model.chain:
        return say("negative log-likelihood of the true tags of each sentence")
    return say("cross-entropy")


def share_sentences(facts: TagFacts, say: Phrases) -> Iterator[str]:
    """Sentences on the counting of entities and the intervals of shares."""
    if facts.entities:
        yield say("Entities were counted as in conlleval ({tjong2000}).")
    yield say(
        "Shares of correct tokens have Wilson intervals ({wilson1927}), based on the effective "
        "number of tokens ({kish1965})."
    )
