"""Word vectors: the words that are similar for the network.

The vectors contain what the task requires and no more: in a network that classifies sentiment,
*superb* and *splendid* are similar because both are positive.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

from duree.errors import DataError
from duree.explain.model import Model, principal, recurrent_part, text_encoder
from duree.results.explanations import Neighbour
from duree.sequences.text_encoder import SPECIAL

Floats = NDArray[np.float64]

# Number of words compared by default: vectors of rarer words are hardly trained.
MOST_FREQUENT = 1000


@dataclass(frozen=True)
class Change:
    """The difference of a word between two networks.

    Attributes
    ----------
    word : str
    cosine : float
        Between its two vectors, after alignment: 1 if nothing changed.
    before, after : list of Neighbour
        Its nearest words in each network, among the common vocabulary.
    seeds : list of float
        The same cosine between the first network and each network of another seed.
    finding : bool
        Whether the word differs more than between seeds.
    """

    word: str
    cosine: float
    before: list[Neighbour]
    after: list[Neighbour]
    seeds: list[float]
    finding: bool


def neighbours(model: Model, word: str, count: int = 10) -> list[Neighbour]:
    """The words with the most similar vectors.

    Parameters
    ----------
    model : Model
    word : str
    count : int
        Number of words to return.

    Returns
    -------
    list of Neighbour
        Words with cosine similarities, the most similar first.

    Raises
    ------
    DataError
        The word is not in the vocabulary; the error gives similar words.
    RunError
        The model reads numbers.
    """
    words, vectors = unit_vectors(model)
    place = _place(words, word)
    return _nearest(words, vectors @ vectors[place], {place}, count)


def analogy(model: Model, a: str, b: str, c: str, count: int = 10) -> list[Neighbour]:
    """The words that relate to ``c`` as ``b`` does to ``a``: those nearest to b - a + c.

    Parameters
    ----------
    model : Model
    a, b, c : str
        Words of the vocabulary; they are left out of the result.
    count : int
        Number of words to return.

    Returns
    -------
    list of Neighbour
        The nearest first.

    Raises
    ------
    DataError, RunError
        As ``neighbours``.

    Source: Mikolov et al. 2013.
    """
    words, vectors = unit_vectors(model)
    places = [_place(words, word) for word in (a, b, c)]
    sought = vectors[places[1]] - vectors[places[0]] + vectors[places[2]]
    length = max(float(np.linalg.norm(sought)), 1e-12)
    return _nearest(words, vectors @ sought / length, set(places), count)


def word_map(model: Model, words: Sequence[str]) -> Floats:
    """The first two principal components of the words' vectors.

    Parameters
    ----------
    model : Model
    words : list of str

    Returns
    -------
    float64 [words, 2]

    Raises
    ------
    DataError, RunError
        As ``neighbours``.
    """
    known, vectors = unit_vectors(model)
    return principal(vectors[[_place(known, word) for word in words]])


def compare_words(
    one: Model,
    other: Model,
    words: Sequence[str] | None = None,
    seeds: Sequence[Model] = (),
    count: int = 10,
) -> list[Change]:
    """Differences of words between two networks, the most changed words first.

    The vectors of the second network are aligned with those of the first by the orthogonal matrix
    that minimises the distances of common words (Procrustes; Hamilton et al. 2016).

    Parameters
    ----------
    one, other : Model
        Networks of two periods, parties or genres, with vectors of equal size.
    words : list of str, optional
        The words to compare; if not given, the thousand most frequent words of both networks.
    seeds : list of Model
        Networks trained like ``one`` from other seeds, which show the differences due to chance.
    count : int
        Number of neighbours of each word.

    Returns
    -------
    list of Change

    Raises
    ------
    DataError
        The networks have no common words or vectors of different sizes, or one lacks a word that
        was given.
    """
    known, here = unit_vectors(one)
    common = _common(known, unit_vectors(other)[0])
    for word in words or ():
        for vocabulary in (known, unit_vectors(other)[0]):
            _place(vocabulary, word)
    asked = list(words or common[:MOST_FREQUENT])
    shared = [common.index(word if word in common else word.lower()) for word in asked]
    there = _aligned(one, other, common)
    own = here[_places(known, common)]
    cosines = np.sum(own * there, axis=1)[shared]
    noise = [_cosines_with(one, seed, [common[place] for place in shared]) for seed in seeds]
    found = []
    for rank in np.argsort(cosines, kind="stable"):
        place, cosine = shared[rank], float(cosines[rank])
        others = [float(of_seed[rank]) for of_seed in noise]
        found.append(
            Change(
                word=common[place],
                cosine=cosine,
                before=_nearest(common, own @ own[place], {place}, count),
                after=_nearest(common, there @ there[place], {place}, count),
                seeds=others,
                finding=all(cosine < seed for seed in others),
            )
        )
    return found


def _common(words: list[str], others: list[str]) -> list[str]:
    """The words in both vocabularies, in the order of the first."""
    known = set(others)
    return [word for word in words if word in known]


def _places(words: list[str], wanted: list[str]) -> list[int]:
    place = {word: index for index, word in enumerate(words)}
    return [place[word] for word in wanted]


def _aligned(one: Model, other: Model, common: list[str]) -> Floats:
    """The other network's vectors of the common words, aligned with the first's."""
    (words, here), (others, there) = unit_vectors(one), unit_vectors(other)
    if not common or here.shape[1] != there.shape[1]:
        raise DataError(
            "the words of the two networks cannot be compared: {words} in common, vectors of "
            "{size} and {other}",
            fix="train both with the same model.embedding_size, on texts in the same language",
            words=len(common),
            size=here.shape[1],
            other=there.shape[1],
        )
    there = there[_places(others, common)]
    rotation, _ = orthogonal_procrustes(there, here[_places(words, common)])
    return np.asarray(there @ rotation)


def _cosines_with(one: Model, seed: Model, words: list[str]) -> Floats:
    """Each word's cosine with itself in a network from another seed; 1 if that lacks the word."""
    known, here = unit_vectors(one)
    common = _common(known, unit_vectors(seed)[0])
    cosines = np.sum(here[_places(known, common)] * _aligned(one, seed, common), axis=1)
    found = dict(zip(common, cosines, strict=True))
    return np.array([found.get(word, 1.0) for word in words])


def unit_vectors(model: Model) -> tuple[list[str], Floats]:
    """The words of the vocabulary and their unit vectors."""
    vocabulary = text_encoder(model).vocabulary
    embedding = recurrent_part(model).embedding
    assert embedding is not None
    vectors = embedding.weight.detach().double().numpy()[len(SPECIAL) :]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vocabulary[len(SPECIAL) :], vectors / np.maximum(lengths, 1e-12)


def _place(words: list[str], word: str) -> int:
    """The index of a word in the vocabulary, as given or in lower case."""
    for form in (word, word.lower()):
        if form in words:
            return words.index(form)
    near = difflib.get_close_matches(word.lower(), words, n=5, cutoff=0.6) or words[:5]
    raise DataError(
        "the network's vocabulary has no word {word!r}",
        fix="words that it has: {near}",
        word=word,
        near=", ".join(near),
    )


def _nearest(words: list[str], cosines: Floats, without: set[int], count: int) -> list[Neighbour]:
    most = min(count + len(without), len(words))
    near = np.argpartition(-cosines, most - 1)[:most]
    order = near[np.argsort(-cosines[near], kind="stable")].tolist()
    found = [place for place in order if place not in without][:count]
    return [Neighbour(words[place], float(cosines[place])) for place in found]
