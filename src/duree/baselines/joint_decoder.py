"""Decoding with a joint n-gram: the most probable targets of a source, by beam search."""

from __future__ import annotations

import bisect
import heapq
import math
from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np

from duree.baselines.alignment import MOST_SOURCE, Chunk, Units
from duree.baselines.kneser_ney import Continuations, KneserNey

Key = TypeVar("Key", bound=Hashable)
# Log-probabilities by what the model knows of the chunks before, and the target units so far.
Reached = dict[tuple[int, Units], float]

# Hypotheses kept at each place of the source, and how much less probable than the best, in nats.
BEAM, WIDTH = 32, 10.0
# Chunks that a hypothesis is continued with, for the same source units.
MOST_STEPS = 16
# Continuations that are remembered.
MOST_REMEMBERED = 300_000


class JointDecoder:
    """Targets of sources, from a model of sequences of chunks.

    Parameters
    ----------
    chunks : sequence of (source units, target units)
        Sorted. The model's units are their indices and, after them, the end.
    model : KneserNey
    """

    def __init__(self, chunks: Sequence[Chunk], model: KneserNey) -> None:
        self.model, self.end = model, len(chunks)
        self.targets = [target for _, target in chunks]
        sources = [source for source, _ in chunks]
        self.ranges = {
            source: (bisect.bisect_left(sources, source), bisect.bisect_right(sources, source))
            for source in dict.fromkeys(sources)
        }
        self.unseen = -math.log(model.units)
        self.known: dict[tuple[int, int], Continuations] = {}
        self.steps: dict[tuple[int, int], list[tuple[float, int, Units]]] = {}

    def decode(self, source: Units, only: Units | None = None) -> dict[Units, float]:
        """Targets and their log-probabilities together with the source, from the best on.

        All ways to cut the source and the target that the beam holds are added up.

        Parameters
        ----------
        source : tuple of str
        only : tuple of str, optional
            Look for this target alone: empty if the model cannot write it.
        """
        if len(self.known) > MOST_REMEMBERED:
            self.known.clear()
            self.steps.clear()
        places: list[Reached] = [{} for _ in range(len(source) + 1)]
        places[0][self.model.start, ()] = 0.0
        for place, reached in enumerate(places[:-1]):
            best = heapq.nlargest(BEAM, reached.items(), key=lambda item: item[1])
            for length in range(1, min(MOST_SOURCE, len(source) - place) + 1):
                self._extend(best, source[place : place + length], places[place + length], only)
            reached.clear()
        ends: dict[Units, float] = {}
        for (state, target), score in places[-1].items():
            if only is None or target == only:
                end = float(self._continuations(state, self.end, self.end + 1).log_probability[0])
                _add(ends, target, score + end)
        best_ends = heapq.nlargest(BEAM, ends.items(), key=lambda item: item[1])
        return dict(best_ends)

    def _extend(
        self,
        best: list[tuple[tuple[int, Units], float]],
        units: Units,
        after: Reached,
        only: Units | None,
    ) -> None:
        """Add to ``after`` what the best hypotheses become with a chunk of these source units."""
        for (state, target), score in best:
            if score < best[0][1] - WIDTH:
                return
            for chance, following, more in self._steps(state, units):
                longer = target + more
                if only is None or only[: len(longer)] == longer:
                    _add(after, (following, longer), score + chance)

    def _steps(self, state: int, source: Units) -> list[tuple[float, int, Units]]:
        """What may follow for some source units: log-probabilities, states and target units."""
        if source not in self.ranges:
            # What never occurs in training is copied, and what follows it starts anew.
            return [(self.unseen, 0, source)] if len(source) == 1 else []
        low, high = self.ranges[source]
        found = self.steps.get((state, low))
        if found is None:
            chances, states = self._continuations(state, low, high)
            likely = np.argsort(-chances, kind="stable")[:MOST_STEPS]
            likely = likely[chances[likely] >= chances[likely[0]] - WIDTH]
            found = [
                (chance, following, self.targets[low + one])
                for chance, following, one in zip(
                    chances[likely].tolist(), states[likely].tolist(), likely.tolist(), strict=True
                )
            ]
            self.steps[state, low] = found
        return found

    def _continuations(self, state: int, low: int, high: int) -> Continuations:
        """``KneserNey.continuations``, remembered."""
        found = self.known.get((state, low))
        if found is None:
            if state == 0:
                found = self.model.continuations(0, low, high)
            else:
                shorter = self._continuations(int(self.model.shorter[state]), low, high)
                found = self.model.lengthen(shorter, state, low)
            self.known[state, low] = found
        return found


def _add(scores: dict[Key, float], key: Key, score: float) -> None:
    """Add a probability to those of a key, all as logarithms."""
    known = scores.get(key)
    if known is None:
        scores[key] = score
    else:
        high, low = (known, score) if known > score else (score, known)
        scores[key] = high + math.log1p(math.exp(low - high))
