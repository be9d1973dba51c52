"""The units of pairs of texts: characters, blank-separated symbols, parts of words, or words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

import polars as pl

from duree.errors import DataError
from duree.recipe.settings import TextSettings
from duree.sequences.byte_pairs import text_of, words_of
from duree.sequences.pair_tags import normal, split_tags
from duree.sequences.tokenizer import find_script

Kind = Literal["characters", "symbols", "subwords", "words"]

# Number of texts by which units are chosen.
SAMPLE = 5000
# Symbols are short and few, and each occurs several times: "t ʃ iː", not "to be or". The sounds of
# a language are 20 to 150, with tones and stress; no written language has words as short as this.
SHORT, FEW, OCCURRENCES = 2.5, 500, 3
# Most sentences have at least so many words; names and compounds have fewer.
SENTENCE = 4


@dataclass(frozen=True)
class Sides:
    """The units of sources and of targets."""

    source: Kind
    target: Kind


def split_text(kind: Kind, text: str) -> list[str]:
    """The units of a text; of parts of words, the words."""
    if kind == "characters":
        return list(text)
    return text.split() if kind == "symbols" else words_of(text)


# How units are joined to the text that they are from; blanks around symbols are not kept.
JOINED: dict[Kind, Callable[[Sequence[str]], str]] = {
    "characters": "".join,
    "symbols": " ".join,
    "subwords": text_of,
    "words": text_of,
}


def choose_units(
    sources: pl.Series, targets: pl.Series, settings: TextSettings, covariates: Sequence[str] = ()
) -> Sides:
    """The units of both sides, as the recipe says or by the training texts.

    A side whose texts are short, blank-separated symbols of few types has symbols as units. Parts
    of words are the units of sentences: if most sources have four words or more, and no side has
    symbols. Other texts have characters, as does a side in Chinese or another script without
    blanks. If the recipe says symbols, a side of which most texts have no blank has characters.

    Parameters
    ----------
    sources, targets : polars.Series of String [rows]
        The training texts; sources begin with their covariates.
    settings : TextSettings
    covariates : sequence of str
        The names of the covariates before each source.

    Raises
    ------
    DataError
        The recipe asks for units that pairs of texts do not have.
    """
    segmenter = settings.segmenter
    if segmenter not in ("auto", *get_args(Kind)):
        raise DataError(
            "text.segmenter = {segmenter!r} does not segment pairs of texts",
            fix="leave it at auto, or choose characters, symbols, subwords or words",
            segmenter=segmenter,
        )
    samples = [_sample(sources, covariates), _sample(targets)]
    if segmenter == "symbols":
        kinds: list[Kind] = [
            "symbols" if _have_words(texts, 2) else "characters" for texts in samples
        ]
        return Sides(*kinds)
    if segmenter != "auto":
        return Sides(cast(Kind, segmenter), cast(Kind, segmenter))
    symbols = [_are_symbols(texts) for texts in samples]
    sentences = _have_words(samples[0], SENTENCE) and not any(symbols)
    return Sides(*(_kind(*side, sentences) for side in zip(samples, symbols, strict=True)))


def _kind(texts: list[str], symbols: bool, sentences: bool) -> Kind:
    if symbols:
        return "symbols"
    return "subwords" if sentences and find_script(texts) == "spaced" else "characters"


def _sample(texts: pl.Series, covariates: Sequence[str] = ()) -> list[str]:
    """Some of the texts that are not blank, without their covariates."""
    every = max(1, len(texts) // SAMPLE)
    sample = texts.gather_every(every).drop_nulls().to_list()
    plain = [split_tags(normal(text), covariates)[1] for text in sample]
    return [text for text in plain if text.strip()]


def _have_words(texts: list[str], least: int) -> bool:
    """Whether most texts have so many words or symbols, with blanks between them."""
    return 2 * sum(len(text.split()) >= least for text in texts) > len(texts)


def _are_symbols(texts: list[str]) -> bool:
    counts = Counter(symbol for text in texts for symbol in text.split())
    total = counts.total()
    letters = sum(len(symbol) * count for symbol, count in counts.items())
    return (
        _have_words(texts, 2)
        and letters <= SHORT * total
        and OCCURRENCES * len(counts) <= total
        and len(counts) <= FEW
    )
