"""The hidden Markov model: states that nobody sees, each with its own shares of those seen.

Source: Rabiner 1989; fitted by expectation and maximisation with hmmlearn, and asked for the next
state by its forward probabilities.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from duree.baselines.next_steps import (
    Floats,
    Steps,
    mean_surprise,
    note_of,
    steps_after_the_first,
)
from duree.baselines.targets import FLOOR
from duree.sequences.ragged import Ragged, offsets_of, pieces

# How many hidden states are tried, and from how many steps of whole sequences a model learns.
HIDDEN, MOST_STEPS = (4, 8, 16, 24), 100_000
ITERATIONS = 100
# Steps whose states are foretold at a time.
AT_ONCE = 20_000
# How much of a hidden state stays, and shows its own, when fitting begins.
STAYS = 0.9
# Added to every share, so that nothing is held to be impossible.
UNSEEN = 1e-6

# Shares of hidden states at the start, from one to the next, and of what each shows.
Tables = tuple[Floats, Floats, Floats]


class HiddenMarkov:
    """A hidden Markov model whose order is chosen on the validation sequences.

    Parameters
    ----------
    states : int
        How many states can be seen.
    seed : int
    """

    name = "hidden_markov"
    title = "hidden Markov model"
    description = "a hidden Markov model ({rabiner1989})"

    def __init__(self, states: int, seed: int) -> None:
        self.states, self.seed = states, seed
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def learn(self, train: Steps, validation: Steps) -> None:
        """Fit a model of each order; the one that the validation sequences surprise least goes on
        to learn from them too, beginning where it was."""
        learned = train.some(MOST_STEPS, self.seed)
        self.notes = note_of(learned, train)
        if train.weights is not None:
            self.notes.append("learned from all sequences alike, as hmmlearn takes no weights")
        best = np.inf
        for hidden in HIDDEN:
            tables = self._learn(learned, self._begun(hidden))
            of_truth = _of_truth(validation, tables)
            loss = mean_surprise(of_truth, validation.counts)
            if loss < best:
                best, self.tables, self.choices = loss, tables, {"hidden_states": hidden}
        every = train.followed_by(validation).some(MOST_STEPS, self.seed)
        self.tables = self._learn(every, self.tables)

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at every step after the first, float64 [answers, states]."""
        return _next_states(steps.codes, *self.tables)

    def _begun(self, hidden: int) -> Tables:
        """Where fitting so many hidden states begins: each stays, and shows one that is seen."""
        rng = np.random.default_rng(self.seed)
        start = rng.dirichlet(np.ones(hidden))
        moves = STAYS * np.eye(hidden) + (1 - STAYS) * rng.dirichlet(np.ones(hidden), hidden)
        own = np.eye(self.states)[np.arange(hidden) % self.states]
        shows = STAYS * own + (1 - STAYS) * rng.dirichlet(np.ones(self.states), hidden)
        return start, moves, shows

    def _learn(self, steps: Steps, begun: Tables) -> Tables:
        """Fit a model that begins with these tables."""
        from hmmlearn.hmm import CategoricalHMM

        logging.getLogger("hmmlearn").setLevel(logging.ERROR)
        model = CategoricalHMM(
            len(begun[0]),
            n_features=self.states,
            n_iter=ITERATIONS,
            init_params="",
            implementation="scaling",
        )
        model.startprob_, model.transmat_, model.emissionprob_ = begun
        # Rows that hold no step are none to hmmlearn.
        codes = steps.codes
        model.fit(codes.values[:, None], codes.lengths[codes.lengths > 0])
        tables = (model.startprob_, model.transmat_, model.emissionprob_)
        start, moves, shows = (
            (table + UNSEEN) / (table + UNSEEN).sum(axis=-1, keepdims=True) for table in tables
        )
        return start, moves, shows


def _of_truth(steps: Steps, tables: Tables) -> Floats:
    """The probability of each state that came, float64 [answers]; some rows at a time."""
    shown, codes, after = [], steps.codes, steps.came
    ends = offsets_of(np.maximum(codes.lengths - 1, 0))
    for rows in pieces(codes.lengths, AT_ONCE):
        came = after[ends[rows[0]] : ends[rows[-1] + 1]]
        shown.append(_next_states(codes.take(rows), *tables)[np.arange(len(came)), came])
    return np.concatenate(shown) if shown else np.zeros(0)


def _next_states(codes: Ragged, start: Floats, moves: Floats, shows: Floats) -> Floats:
    """Probabilities of what is seen next, at every step after the first of each row."""
    lengths, longest = codes.lengths, int(codes.lengths.max(initial=0))
    order = np.argsort(-lengths, kind="stable")
    hidden = np.tile(start, (len(codes), 1))
    found = np.empty((len(codes.values), shows.shape[1]))
    for step in range(longest):
        rows = order[: int((lengths > step).sum())]
        places = codes.offsets[rows] + step
        found[places] = hidden[rows] @ shows
        belief = hidden[rows] * shows[:, codes.values[places]].T
        hidden[rows] = belief / np.maximum(belief.sum(axis=1, keepdims=True), FLOOR) @ moves
    return found[steps_after_the_first(codes)]
