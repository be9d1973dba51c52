"""Baselines for sequence labelling: a tagger for each layer of tags."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from duree.sequences.ragged import Ragged

Sentences = list[list[str]]
Tags = list[list[int]]

# With more tags than this, models of tag pairs take too long.
MOST_TAGS = 60


class Tagger(Protocol):
    """A model of the tags of one layer.

    Attributes
    ----------
    name, title, description : str
        See ``Baseline``.
    choices : dict
        Settings that were tuned, and their values.
    """

    name: str
    title: str
    description: str
    choices: dict[str, Any]

    def fit(
        self, sentences: Sentences, tags: Tags, held_out: Sentences, held_out_tags: Tags
    ) -> Self:
        """Tune on the held-out sentences, then fit to all; a tag below 0 is unknown."""
        ...

    def predict(self, sentences: Sentences) -> list[tuple[list[int], list[float]]]:
        """For each sentence its tags, and their probabilities."""
        ...


class TagBaseline:
    """A tagger for every layer of the targets; see ``Baseline`` for its attributes.

    Layers with too many tags for the tagger get the most frequent tag of each word.

    Parameters
    ----------
    name : str
    make : () -> Tagger
    counts : list of int
        The number of tags in each layer.
    first_layer : int
        The column of the targets with the first layer.
    """

    def __init__(
        self, name: str, make: Callable[[], Tagger], counts: list[int], first_layer: int
    ) -> None:
        self.name, self.first_layer, self.counts = name, first_layer, counts
        tagger = make()
        self.title, self.description = tagger.title, tagger.description
        suited = [count <= MOST_TAGS or make is MostFrequentTag for count in counts]
        self.taggers = [make() if suits else MostFrequentTag() for suits in suited]
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: Sentences,
        targets: Ragged,
        validation_texts: Sentences,
        validation_targets: Ragged,
    ) -> Self:
        """Fit a tagger to each layer; targets are Ragged of int64 [words, columns]."""
        for layer, (tagger, count) in enumerate(zip(self.taggers, self.counts, strict=True)):
            tags, held_out = (
                _tags(of, self.first_layer + layer, count) for of in (targets, validation_targets)
            )
            tagger.fit(texts, tags, validation_texts, held_out)
        self.choices = self.taggers[0].choices
        return self

    def predict(self, texts: Sentences) -> NDArray[np.float64]:
        """Float64 [words, 2 * layers]: for each layer the tag, then its probability."""
        columns: list[list[float]] = []
        for tagger in self.taggers:
            found = tagger.predict(texts)
            columns.append([tag for tags, _ in found for tag in tags])
            columns.append([chance for _, chances in found for chance in chances])
        return np.array(columns, dtype=np.float64).T.reshape(-1, 2 * len(self.taggers))


class MostFrequentTag:
    """The most frequent tag of each word; the most frequent of all tags for unseen words."""

    name = "most_frequent_tag"
    title = "most frequent tag of each word"
    description = "the most frequent tag of each word"

    def __init__(self) -> None:
        self.choices: dict[str, Any] = {}

    def fit(
        self, sentences: Sentences, tags: Tags, held_out: Sentences, held_out_tags: Tags
    ) -> Self:
        """Count; see ``Tagger``."""
        counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
        for words, given in zip([*sentences, *held_out], [*tags, *held_out_tags], strict=True):
            for word, tag in zip(words, given, strict=True):
                if tag >= 0:
                    counts[word][tag] += 1
        total = sum(counts.values(), Counter())
        self.unseen = _most(total)
        self.tags = {word: _most(of_word) for word, of_word in counts.items()}
        return self

    def predict(self, sentences: Sentences) -> list[tuple[list[int], list[float]]]:
        """See ``Tagger``."""
        found = [[self.tags.get(word, self.unseen) for word in words] for words in sentences]
        return [([tag for tag, _ in of], [chance for _, chance in of]) for of in found]


def count_errors(predicted: list[tuple[list[int], list[float]]], tags: Tags) -> int:
    """The number of wrong tags, from what ``Tagger.predict`` gives."""
    pairs = zip((found for found, _ in predicted), tags, strict=True)
    return sum(a != b for one, other in pairs for a, b in zip(one, other, strict=True))


def _most(counts: Counter[int]) -> tuple[int, float]:
    """The most frequent tag (the first in order among equals), and its share."""
    tag, count = min(counts.items(), key=lambda item: (-item[1], item[0]), default=(0, 1))
    return tag, count / max(counts.total(), 1)


def _tags(targets: Ragged, column: int, count: int) -> Tags:
    """The tags of each sentence; -1 for tags that do not occur in training."""
    tags = targets.values[:, column]
    known = np.where(tags < count, tags, -1).tolist()
    ends = targets.offsets.tolist()
    return [known[begin:end] for begin, end in itertools.pairwise(ends)]
