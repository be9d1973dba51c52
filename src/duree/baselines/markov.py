"""Markov chains and simpler models: the next state from the last one or two, or from the time.

Every chain is smoothed towards a simpler one: after a context that was seen ``n`` times, a state
that followed it ``c`` times has probability ``(c + strength * simpler) / (n + strength)`` (MacKay &
Peto 1995). The strength is tuned on the validation sequences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from duree.baselines.next_steps import Floats, Steps, mean_log_loss, steps_after_the_first
from duree.baselines.targets import FLOOR
from duree.baselines.tuning import choose
from duree.sequences.ragged import Ragged

# Strengths of the simpler chain to try, in observations.
STRENGTHS = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)

# From states to a number for the context of each target, int64 [targets].
Contexts = Callable[[Ragged], NDArray[np.int64]]


def nothing_before(states: Ragged) -> NDArray[np.int64]:
    """The context of a chain of order 0: always the same, int64 [targets]."""
    return np.zeros(len(steps_after_the_first(states)), dtype=np.int64)


def one_before(states: Ragged) -> NDArray[np.int64]:
    """The context of a chain of order 1: the state before, int64 [targets]."""
    return states.values[steps_after_the_first(states) - 1].astype(np.int64)


def two_before(states: Ragged) -> NDArray[np.int64]:
    """The context of order 2: both states before, as one number; the second step has only one."""
    places = steps_after_the_first(states)
    before = states.values.astype(np.int64)
    earlier = np.where(states.steps[places] > 1, before[places - 2] + 1, 0)
    return np.asarray(earlier << 32 | before[places - 1])


def one_before_and_time(states: Ragged) -> NDArray[np.int64]:
    """The state before together with the time point, as one number, int64 [targets]."""
    places = steps_after_the_first(states)
    return np.asarray(states.steps[places] << 32 | states.values[places - 1].astype(np.int64))


class Markov:
    """The next state, by how often each followed the same context.

    Parameters
    ----------
    name, title, description : str
        See ``Baseline``.
    states : int
        Number of states.
    contexts : states -> int64 [targets]
        What a step depends on.
    simpler : Markov, optional
        The chain to smooth towards; None: equal shares of all states.
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
        """Tune the strengths on the validation sequences, then count in all sequences."""
        self._choose(train, validation)
        self._count(train.followed_by(validation))

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at every step after the first, float64 [targets, states]."""
        return self._shares(steps.states)

    def _choose(self, train: Steps, validation: Steps) -> None:
        """The best strengths for chains of the training sequences, the simpler chains first."""
        if self.simpler:
            self.simpler._choose(train, validation)
        self._count(train)
        counted, total, simpler = self._evidence(validation.states, validation.targets)
        self.strength, _ = choose(
            STRENGTHS,
            lambda strength: (counted + strength * simpler) / (total + strength),
            lambda of_truth: mean_log_loss(of_truth, validation.target_weights),
        )
        self.choices = {"strength": self.strength}

    def _count(self, steps: Steps) -> None:
        """How often each state followed each context, here and in the simpler chains."""
        if self.simpler:
            self.simpler._count(steps)
        targets, weights = steps.targets, steps.target_weights
        self.seen, place = np.unique(self.contexts(steps.states), return_inverse=True)
        shape = (len(self.seen) + 1, self.states)  # the last row: unseen contexts
        weights = np.ones(len(targets)) if weights is None else weights
        self.counts = sparse.csr_array((weights, (place, targets)), shape=shape)
        self.totals = self.counts.sum(axis=1)

    def _places(self, states: Ragged) -> NDArray[np.int64]:
        """The row of the counts for the context of each target, int64 [targets]."""
        contexts = self.contexts(states)
        place = np.searchsorted(self.seen, contexts)
        place[place == len(self.seen)] = 0
        return np.where(self.seen[place] == contexts, place, len(self.seen))

    def _evidence(
        self, states: Ragged, targets: NDArray[np.integer]
    ) -> tuple[Floats, Floats, Floats | float]:
        """How often each target followed its context, how often any state did, and the simpler
        chain's probability of the target: float64 [targets] each."""
        place = self._places(states)
        simpler: Floats | float = 1 / self.states
        if self.simpler:
            counted, total, simplest = self.simpler._evidence(states, targets)
            lent = self.simpler.strength * simplest
            simpler = np.asarray((counted + lent) / (total + self.simpler.strength))
        return np.asarray(self.counts[place, targets]), self.totals[place], simpler

    def _shares(self, states: Ragged) -> Floats:
        """The probabilities of all states at each target, float64 [targets, states]."""
        place = self._places(states)
        simpler = self.simpler._shares(states) if self.simpler else 1 / self.states
        lent = self.strength * simpler
        return np.asarray(
            (self.counts[place].toarray() + lent) / (self.totals[place] + self.strength)[:, None]
        )


class LastState:
    """Persistence: the previous state, with the share of steps at which the state stayed the same.

    The other states share the rest in proportion to their overall frequencies.
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
        targets, weights = steps.targets, steps.target_weights
        weights = np.ones(len(targets)) if weights is None else weights
        # Add-one smoothing, so that no probability is 0.
        stayed = weights @ (targets == one_before(steps.states))
        self.stays = float(stayed + 1) / (weights.sum() + 2)
        shares = np.bincount(targets, weights, minlength=self.states) + 1.0
        self.shares = shares / shares.sum()

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at every step after the first, float64 [targets, states]."""
        before = one_before(steps.states)
        rows = np.arange(len(before))
        found = np.tile(self.shares, (len(before), 1))
        found[rows, before] = 0.0
        others = np.maximum(found.sum(axis=1, keepdims=True), FLOOR)
        found *= (1 - self.stays) / others
        found[rows, before] = self.stays
        return found
