"""Markov chains and what is simpler: the next state from the last one or two, or from the time.

Every chain leans on a simpler one where it has seen little: after a context that was seen ``n``
times, a state seen ``c`` times there has probability ``(c + strength * simpler) / (n + strength)``
(MacKay & Peto 1995). The strength is chosen on the validation sequences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from duree.baselines.next_steps import Floats, Steps, mean_surprise, steps_after_the_first
from duree.baselines.targets import FLOOR
from duree.sequences.ragged import Ragged

# What is tried for the strength of the simpler chain, in observations.
STRENGTHS = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)

Contexts = Callable[[Ragged], NDArray[np.int64]]


def nothing_before(codes: Ragged) -> NDArray[np.int64]:
    """The context of a chain of order 0: always the same, int64 [answers]."""
    return np.zeros(len(steps_after_the_first(codes)), dtype=np.int64)


def one_before(codes: Ragged) -> NDArray[np.int64]:
    """The context of a chain of order 1: the state before, int64 [answers]."""
    return codes.values[steps_after_the_first(codes) - 1].astype(np.int64)


def two_before(codes: Ragged) -> NDArray[np.int64]:
    """The context of order 2: both states before, as one number; the second step has only one."""
    places = steps_after_the_first(codes)
    before = codes.values.astype(np.int64)
    earlier = np.where(codes.steps[places] > 1, before[places - 2] + 1, 0)
    return np.asarray(earlier << 32 | before[places - 1])


def one_before_and_time(codes: Ragged) -> NDArray[np.int64]:
    """The state before together with the time point, as one number, int64 [answers]."""
    places = steps_after_the_first(codes)
    return np.asarray(codes.steps[places] << 32 | codes.values[places - 1].astype(np.int64))


class Markov:
    """The next state by how often each followed the same context.

    Parameters
    ----------
    name, title, description : str
        See ``Baseline``.
    states : int
        How many states there are.
    contexts : codes -> int64 [answers]
        What of the past a step hangs on.
    simpler : Markov, optional
        The chain to lean on; the same share for every state, where there is none.
    """

    def __init__(
        self,
        name: str,
        states: int,
        contexts: Contexts,
        simpler: Markov | None = None,
        *,
        title: str = "Markov chain",
        description: str = "",
    ) -> None:
        self.name, self.title, self.description = name, title, description
        self.states, self.contexts, self.simpler = states, contexts, simpler
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def learn(self, train: Steps, validation: Steps) -> None:
        """Choose the strengths on the validation sequences, then count in all."""
        self._choose(train, validation)
        self._count(train.followed_by(validation))

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at every step after the first, float64 [answers, states]."""
        return self._shares(steps.codes)

    def _choose(self, train: Steps, validation: Steps) -> None:
        """The strength, here and below, at which chains of the training sequences do best."""
        if self.simpler:
            self.simpler._choose(train, validation)
        self._count(train)
        counted, total, simpler = self._evidence(validation.codes, validation.came)
        losses = {}
        for strength in STRENGTHS:
            of_truth = (counted + strength * simpler) / (total + strength)
            losses[strength] = mean_surprise(of_truth, validation.counts)
        self.strength = min(losses, key=lambda strength: losses[strength])
        self.choices = {"strength": self.strength}

    def _count(self, steps: Steps) -> None:
        """How often each state followed each context, here and in the simpler chains."""
        if self.simpler:
            self.simpler._count(steps)
        after, counts = steps.came, steps.counts
        self.seen, place = np.unique(self.contexts(steps.codes), return_inverse=True)
        shape = (len(self.seen) + 1, self.states)  # the last line: a context that was never seen
        counts = np.ones(len(after)) if counts is None else counts
        self.counts = sparse.csr_array((counts, (place, after)), shape=shape)
        self.totals = self.counts.sum(axis=1)

    def _places(self, codes: Ragged) -> NDArray[np.int64]:
        """The line of the counts that speaks of each step, int64 [answers]."""
        asked = self.contexts(codes)
        place = np.searchsorted(self.seen, asked)
        place[place == len(self.seen)] = 0
        return np.where(self.seen[place] == asked, place, len(self.seen))

    def _evidence(
        self, codes: Ragged, after: NDArray[np.integer]
    ) -> tuple[Floats, Floats, Floats | float]:
        """How often the given state came after the context of each step, how often any did, and the
        simpler chain's probability of it: float64 [answers] each."""
        place = self._places(codes)
        simpler: Floats | float = 1 / self.states
        if self.simpler:
            counted, total, simplest = self.simpler._evidence(codes, after)
            lent = self.simpler.strength * simplest
            simpler = np.asarray((counted + lent) / (total + self.simpler.strength))
        return np.asarray(self.counts[place, after]), self.totals[place], simpler

    def _shares(self, codes: Ragged) -> Floats:
        """The probabilities of all states at each step, float64 [answers, states]."""
        place = self._places(codes)
        simpler = self.simpler._shares(codes) if self.simpler else 1 / self.states
        lent = self.strength * simpler
        return np.asarray(
            (self.counts[place].toarray() + lent) / (self.totals[place] + self.strength)[:, None]
        )


class LastState:
    """That nothing changes: the state before, with the share of steps at which it stayed.

    Where it changes, the other states have the shares that they have among all steps.
    """

    name = "last_state"
    title = "last state repeated"
    description = "the previous state, with the probability that a state stays the same"

    def __init__(self, states: int) -> None:
        self.states = states
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def learn(self, train: Steps, validation: Steps) -> None:
        """Count how often a state stays."""
        steps = train.followed_by(validation)
        after, counts = steps.came, steps.counts
        counts = np.ones(len(after)) if counts is None else counts
        # One more of each, so that nothing is held to be impossible.
        stayed = counts @ (after == one_before(steps.codes))
        self.stays = float(stayed + 1) / (counts.sum() + 2)
        shares = np.bincount(after, counts, minlength=self.states) + 1.0
        self.shares = shares / shares.sum()

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at every step after the first, float64 [answers, states]."""
        before = one_before(steps.codes)
        rows = np.arange(len(before))
        found = np.tile(self.shares, (len(before), 1))
        found[rows, before] = 0.0
        others = np.maximum(found.sum(axis=1, keepdims=True), FLOOR)
        found *= (1 - self.stays) / others
        found[rows, before] = self.stays
        return found
