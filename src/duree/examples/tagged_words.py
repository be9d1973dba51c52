"""Simulated sentences with the names of persons and places tagged, as in an archive's catalogue.

Many names are of persons in one sentence and of places in another: what precedes and follows
decides. All sentences were written for this file.
"""

from __future__ import annotations

import re

import numpy as np
import polars as pl

# A word in braces stands for one of its phrases; PER and LOC are names that get tags.
SENTENCES = (
    "{who} {PER} wrote from {LOC} about the {thing} .",
    "A {thing} was sent to {PER} in {LOC} .",
    "{who} {PER} and {who} {PER} met near {LOC} {when} .",
    "The {thing} of {PER} was lost on the way to {LOC} .",
    "From {LOC} the {thing} went to {LOC} {when} .",
    "{PER} , who lived in {LOC} , bought the {thing} .",
    "Nobody in {LOC} knew the {thing} {when} .",
    "{when} {PER} asked {PER} for the {thing} .",
)
PHRASES = {
    "who": ("captain", "notary", "the widow", "abbess", "mister", "doctor"),
    "thing": ("letter", "deed", "inventory", "portrait", "bill", "seal", "map", "ledger"),
    "when": ("in spring", "after Easter", "before the frost", "last year", "at Michaelmas"),
}
# Either a person or a place.
NAMES = ("Florence", "Lincoln", "Paris", "Vienna", "Lyons", "Sidney", "Chester", "Georgia")
PERSONS = (*NAMES, "Anna Berg", "Jean Morel", "Ruth Hale", "Otto Lind", "Clara", "Matthias")
PLACES = (*NAMES, "Cork", "Upper Marle", "Saint Aubin", "Naples", "Dresden", "Calais")
TAGGED = {"PER": PERSONS, "LOC": PLACES}


def generate(sentences: int = 600, seed: int = 0) -> pl.DataFrame:
    """Words with ``sentence``, ``word`` and ``tag``, in which B- begins a name and I- continues it.

    Parameters
    ----------
    sentences : int
        Number of sentences.
    seed : int
    """
    rng = np.random.default_rng(seed)
    rows = [
        (number, word, tag)
        for number in range(1, sentences + 1)
        for word, tag in _sentence(rng, str(rng.choice(SENTENCES)))
    ]
    return pl.DataFrame(rows, schema=["sentence", "word", "tag"], orient="row")


def _sentence(rng: np.random.Generator, pattern: str) -> list[tuple[str, str]]:
    """The words of one sentence with their tags."""
    words: list[tuple[str, str]] = []
    for piece in pattern.split():
        name = re.sub(r"[{}]", "", piece)
        phrases = TAGGED.get(name) or PHRASES.get(name) or (piece,)
        phrase = str(rng.choice(phrases)).split()
        tags = [f"B-{name}"] + [f"I-{name}"] * (len(phrase) - 1)
        words += zip(phrase, tags if name in TAGGED else ["O"] * len(phrase), strict=True)
    return words
