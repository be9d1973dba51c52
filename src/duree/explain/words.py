"""Words: which ones the network takes to be alike, in the vectors that it learned for its question.

These vectors know what the question needed and no more: in a network that learned to tell praise
from blame, *superb* and *splendid* lie together because they praise alike.
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

# How many words are compared if none are named: rarer ones have hardly learned their vectors.
COMMONEST = 1000


@dataclass(frozen=True)
class Change:
    """How a word's company differs between two networks.

    Attributes
    ----------
    word : str
    cosine : float
        Between its two vectors, after alignment: 1 where nothing changed.
    before, after : list of Neighbour
        Its nearest words in each network, among those that both know.
    seeds : list of float
        The same cosine between the first network and each one of another seed.
    finding : bool
        Whether the word changed more than it does from seed to seed.
    """

    word: str
    cosine: float
    before: list[Neighbour]
    after: list[Neighbour]
    seeds: list[float]
    finding: bool


def neighbours(model: Model, word: str, count: int = 10) -> list[Neighbour]:
    """The words whose vectors point most nearly the same way, the nearest first.

    Raises
    ------
    DataError
        The word is not in the vocabulary; the error names the nearest known ones.
    RunError
        The model reads numbers.
    """
    words, vectors = _words(model)
    place = _place(words, word)
    return _nearest(words, vectors @ vectors[place], {place}, count)


def analogy(model: Model, a: str, b: str, c: str, count: int = 10) -> list[Neighbour]:
    """What is to ``c`` as ``b`` is to ``a``: the words nearest to b - a + c (Mikolov et al. 2013).

    The three words themselves are left out. Raises as ``neighbours`` does.
    """
    words, vectors = _words(model)
    places = [_place(words, word) for word in (a, b, c)]
    sought = vectors[places[1]] - vectors[places[0]] + vectors[places[2]]
    length = max(float(np.linalg.norm(sought)), 1e-12)
    return _nearest(words, vectors @ sought / length, set(places), count)


def word_map(model: Model, words: Sequence[str]) -> Floats:
    """The two directions in which the words' vectors differ most, float64 [words, 2] (PCA).

    Raises as ``neighbours`` does.
    """
    known, vectors = _words(model)
    return principal(vectors[[_place(known, word) for word in words]])


def compare_words(
    one: Model,
    other: Model,
    words: Sequence[str] | None = None,
    seeds: Sequence[Model] = (),
    count: int = 10,
) -> list[Change]:
    """How the company of words differs between two networks, the most changed words first.

    The other's vectors are turned (and mirrored) onto the first's by the rotation that brings the
    words that both know nearest together (orthogonal Procrustes; Hamilton et al. 2016).

    Parameters
    ----------
    one, other : Model
        Networks of two periods, two camps, two genres, with vectors of one size.
    words : list of str, optional
        The words to compare; the commonest thousand that both know, if not given.
    seeds : list of Model
        Networks trained like ``one`` from other seeds: what differs among them too means nothing.
    count : int
        Neighbours of each word.

    Raises
    ------
    DataError
        The networks have no word in common, or vectors of different sizes, or one does not know a
        word that was asked for.
    """
    known, here = _words(one)
    common = _common(known, _words(other)[0])
    for word in words or ():
        for vocabulary in (known, _words(other)[0]):
            _place(vocabulary, word)
    asked = list(words or common[:COMMONEST])
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
    """The other network's vectors of the common words, turned onto the first's."""
    (words, here), (others, there) = _words(one), _words(other)
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
    """Each word's cosine with itself in a network from another seed; 1 where that lacks it."""
    known, here = _words(one)
    common = _common(known, _words(seed)[0])
    cosines = np.sum(here[_places(known, common)] * _aligned(one, seed, common), axis=1)
    found = dict(zip(common, cosines, strict=True))
    return np.array([found.get(word, 1.0) for word in words])


def _words(model: Model) -> tuple[list[str], Floats]:
    """The words of the vocabulary and their vectors, of length 1."""
    vocabulary = text_encoder(model).vocabulary
    embedding = recurrent_part(model).embedding
    assert embedding is not None
    vectors = embedding.weight.detach().double().numpy()[len(SPECIAL) :]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vocabulary[len(SPECIAL) :], vectors / np.maximum(lengths, 1e-12)


def _place(words: list[str], word: str) -> int:
    """Where a word stands in the vocabulary, as typed or in small letters."""
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
