"""A hidden Markov model of tags.

Source: Brants 2000 (TnT), sections 2.2 and 2.3: interpolated relative frequencies for the
transitions, and suffixes for unseen words; here of first order.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from duree.baselines.tagging import Sentences, Tags, count_errors
from duree.baselines.tuning import choose

# Suffixes are learned from words as rare as this, and up to this length (Brants 2000, section 2.3).
RARE, LONGEST_SUFFIX = 10, 10
# Weights of a transition's own frequency to try.
SHARES = (0.5, 0.8, 0.95)


class HiddenMarkov:
    """Viterbi decoding of a first-order model; see ``Tagger``.

    The weight of a transition's own frequency, relative to that of the tag alone, is tuned on the
    held-out sentences.
    """

    name = "hmm"
    title = "hidden Markov model"
    description = "a hidden Markov model that guesses unseen words by their endings ({brants2000})"

    def __init__(self) -> None:
        self.choices: dict[str, Any] = {}

    def fit(
        self, sentences: Sentences, tags: Tags, held_out: Sentences, held_out_tags: Tags
    ) -> Self:
        """Count, tune, and count again in all sentences."""
        self._count(sentences, tags)
        best, _ = choose(
            SHARES, self._smooth, lambda _: count_errors(self.predict(held_out), held_out_tags)
        )
        self._count([*sentences, *held_out], [*tags, *held_out_tags])
        self._smooth(best)
        self.choices = {"transition_share": best}
        return self

    def predict(self, sentences: Sentences) -> list[tuple[list[int], list[float]]]:
        """The most probable tags; their probabilities are not computed, and given as 1."""
        found = [self._best([self._emission(word) for word in words]) for words in sentences]
        return [(tags, [1.0] * len(tags)) for tags in found]

    def _count(self, sentences: Sentences, tags: Tags) -> None:
        count = 1 + max((tag for given in tags for tag in given), default=0)
        self.of_tags, self.first, self.last = np.zeros((3, count))
        self.pairs = np.zeros((count, count))
        self.of_words: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(count))
        for words, given in zip(sentences, tags, strict=True):
            known = [(word, tag) for word, tag in zip(words, given, strict=True) if tag >= 0]
            for word, tag in known:
                self.of_words[word][tag] += 1
                self.of_tags[tag] += 1
            for (_, one), (_, other) in itertools.pairwise(known):
                self.pairs[one, other] += 1
            if known:
                self.first[known[0][1]] += 1
                self.last[known[-1][1]] += 1
        self.of_words = dict(self.of_words)
        self.suffixes: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(count))
        for word, counts in self.of_words.items():
            if counts.sum() <= RARE:
                for length in range(min(LONGEST_SUFFIX, len(word)) + 1):
                    self.suffixes[word[len(word) - length :]] += counts
        self.suffixes = dict(self.suffixes)
        self.emissions: dict[str, NDArray[np.float64]] = {}

    def _smooth(self, share: float) -> None:
        alone = (self.of_tags + 1) / (self.of_tags + 1).sum()
        # Brants 2000, section 2.3: the weight of the next longer suffix is the standard deviation
        # of the tag frequencies.
        self.theta = (
            float(np.std(self.of_tags / max(self.of_tags.sum(), 1), ddof=1))
            if len(alone) > 1
            else 0.0
        )
        self.alone = alone

        def mixed(counts: NDArray[np.float64]) -> NDArray[np.float64]:
            totals = np.maximum(counts.sum(axis=-1, keepdims=True), 1)
            return np.asarray(np.log(share * counts / totals + (1 - share) * alone))

        self.transitions, self.begins = mixed(self.pairs), mixed(self.first)
        ends = share * self.last / np.maximum(self.of_tags, 1) + (1 - share) * 1e-2
        self.ends = np.log(ends)
        self.emissions = {}

    def _emission(self, word: str) -> NDArray[np.float64]:
        """The logarithm of P(word | tag), up to a constant for all tags."""
        if word not in self.emissions:
            counts = self.of_words.get(word)
            if counts is not None:
                chances = (counts + 1e-3) / (self.of_tags + 1)
            else:
                chances = self._by_suffix(word) / self.alone
            self.emissions[word] = np.log(chances)
        return self.emissions[word]

    def _by_suffix(self, word: str) -> NDArray[np.float64]:
        """P(tag | suffix), from the empty suffix to the longest known."""
        found = self.alone
        for length in range(min(LONGEST_SUFFIX, len(word)) + 1):
            counts = self.suffixes.get(word[len(word) - length :])
            if counts is None:
                break
            found = (counts / counts.sum() + self.theta * found) / (1 + self.theta)
        return np.asarray(np.maximum(found, 1e-12))

    def _best(self, emissions: list[NDArray[np.float64]]) -> list[int]:
        if not emissions:
            return []
        reached, came_from = self.begins + emissions[0], []
        for emission in emissions[1:]:
            paths = reached[:, None] + self.transitions
            came_from.append(paths.argmax(axis=0))
            reached = paths.max(axis=0) + emission
        tags = [int((reached + self.ends).argmax())]
        for where in reversed(came_from):
            tags.append(int(where[tags[-1]]))
        return tags[::-1]
