"""Methods section: from one sequence to another, with its units and its network."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods import network
from duree.report.methods.phrases import Phrases
from duree.report.methods.texts import KEEP
from duree.report.numbers import count
from duree.report.run_data import RunData
from duree.report.safe_text import label
from duree.results.run_files import TextFacts
from duree.results.transduction import TransductionFacts

UNITS = {
    "characters": "characters",
    "symbols": "symbols separated by blanks",
    "subwords": "parts of words, by {merges} merges of byte pairs ({sennrich2016}) learned on the "
    "training rows",
    "words": "words",
}
ATTENTION = {
    "dot": "At each step it attends to the states of the source (scaled dot products; "
    "{luong2015}).",
    "additive": "At each step it attends to the states of the source (one hidden layer; "
    "{bahdanau2015}).",
    "monotonic": "It writes each unit from one state of the source, never going back; which one is "
    "summed over exactly ({wu2019}).",
}
CHOSEN = {
    "network": "",
    "lookup": (
        "A source that occurs in training was given its most frequent target there, since that was "
        "right more often on the validation set, by more than a standard error, than a choice "
        "together with a joint n-gram."
    ),
    "joint_ngram": (
        "A log-linear model ({och2002}) chose among the outputs of the network and of a joint "
        "n-gram ({bisani2008}), with weights found on the validation set, where the network alone "
        "was not right more often by more than a standard error."
    ),
}


def question_sentences(run: RunData, target: str, say: Phrases) -> Iterator[str]:
    """Sentences on the target."""
    yield say(
        "From {source} the text in “{target}” was predicted, unit by unit, with a length of its "
        "own.",
        source=run.rows.source(run, say),
        target=label(target),
    )


def encoding_sentences(run: RunData, facts: TextFacts, say: Phrases) -> Iterator[str]:
    """Sentences on the units of sources and targets."""
    text, merges = run.recipe.text, count(facts.merges)
    source, target = (
        say(UNITS[kind], merges=merges) if kind == "subwords" else say(UNITS[kind])
        for kind in (facts.segmenter, facts.target_segmenter or facts.segmenter)
    )
    if text.lowercase:
        yield say("Sources were case-folded.")
    if source == target:
        yield say("Sources and targets were split into {units}.", units=source)
    else:
        yield say(
            "Sources were split into {source}, targets into {target}.", source=source, target=target
        )
    if run.recipe.data.covariate:
        columns = say.words.listed([f"“{label(name)}”" for name in run.recipe.data.covariate])
        yield say(
            "The values of {columns} stand before the source, each tag as a unit.", columns=columns
        )
    whole = "Both share one vocabulary, of all {n} units of the training rows{copied}."
    cut = "Both share one vocabulary, of the {n} most frequent units of the training rows{copied}."
    can_copy = "; characters outside of it can be copied from the source"
    yield say(
        whole if facts.units < text.max_features else cut,
        n=count(facts.units),
        copied=say(can_copy) if run.recipe.model.copying else "",
    )
    yield say(
        KEEP[text.keep],
        limit=count(text.max_length),
        head=count(text.max_length - text.max_length // 2),
        tail=count(text.max_length // 2),
    )


def network_sentences(run: RunData, facts: TransductionFacts, say: Phrases) -> Iterator[str]:
    """Sentences on the network's architecture."""
    model = run.recipe.model
    cell = network.cell(run, say)
    yield say(
        "Each unit was embedded in {embedding} dimensions; an encoder, a bidirectional "
        "({schuster1997}) {cell} with {layers} and {n} units in each direction, read the source.",
        embedding=model.embedding_size,
        cell=cell,
        layers=network.layers(run, say),
        n=model.hidden_size,
    )
    yield say(
        "A decoder of the same kind, in one direction, wrote the target unit by unit "
        "({sutskever2014})."
    )
    yield say(ATTENTION[model.attention])
    yield say("The output layer is tied to the embedding ({press2017}).")
    if model.copying:
        yield say(
            "A gate decides whether a unit is written from the vocabulary or copied from the "
            "source ({gu2016}; {see2017})."
        )
    yield from network.dropout_sentences(run, say)
    if (networks := run.recipe.evaluation.seeds) > 1:
        yield say(
            "{n} such networks, trained from different seeds, wrote together: their probabilities "
            "were averaged at each unit.",
            n=networks,
        )
    if model.beam > 1:
        yield say("Outputs were found by beam search with {n} hypotheses.", n=model.beam)
    else:
        yield say("Outputs were written greedily, the most probable unit at each step.")
    if chosen := CHOSEN[facts.chosen_by]:
        yield say(chosen)


def loss(run: RunData, say: Phrases) -> str:
    """The name of the training loss."""
    if share := run.recipe.model.label_smoothing:
        return say(
            "cross-entropy of each unit with label smoothing of {share:g} ({szegedy2016})",
            share=share,
        )
    return say("cross-entropy of each unit")
