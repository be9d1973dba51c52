"""The hidden Markov model: states that nobody sees, each with its own shares of those seen.

Source: Rabiner 1989; fitted by expectation and maximisation with hmmlearn, and asked for the next
state by its forward probabilities.
"""

from __future__ import annotations

import logging
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from duree.baselines.answers import ALIKE, Counts
from duree.baselines.markov import FLOOR, Codes, some_of, steps_after_the_first
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

Floats = NDArray[np.float64]
# Shares of hidden states at the start, from one to the next, and of what each shows.
Tables = tuple[Floats, Floats, Floats]


class HiddenMarkov:
    """A hidden Markov model whose order is chosen on the validation sequences.

    Parameters
    ----------
    codes : texts -> Ragged of int32
        Each sequence as numbers of states.
    states : int
        How many states can be seen.
    seed : int
    """

    name = "hidden_markov"

    def __init__(self, codes: Codes, states: int, seed: int) -> None:
        self.codes, self.states, self.seed = codes, states, seed
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: list[str],
        targets: Any,
        validation_texts: list[str],
        validation_targets: Any,
        counts: Counts = ALIKE,
    ) -> Self:
        """Fit a model of each order, and keep the one that the validation sequences surprise least.

        The one that is kept is not fitted again: another start might end elsewhere.
        """
        train, validation = _whole(self.codes(texts)), self.codes(validation_texts)
        learned = some_of(train, MOST_STEPS, self.seed)
        if len(learned) < len(train):
            self.notes.append(f"learned from {len(learned)} of {len(train)} sequences")
        after = validation.values[steps_after_the_first(validation)]
        best = np.inf
        for hidden in HIDDEN:
            tables = self._learn(learned, hidden)
            loss = -float(np.log(np.maximum(_of_truth(validation, after, tables), FLOOR)).mean())
            if loss < best:
                best, self.tables, self.choices = loss, tables, {"hidden_states": hidden}
        return self

    def predict(self, texts: list[str]) -> Floats:
        """Probabilities of the states at every step after the first, float64 [answers, states]."""
        return _next_states(self.codes(texts), *self.tables)

    def _learn(self, codes: Ragged, hidden: int) -> Tables:
        """Fit a model with so many hidden states."""
        from hmmlearn.hmm import CategoricalHMM

        logging.getLogger("hmmlearn").setLevel(logging.ERROR)
        model = CategoricalHMM(
            hidden,
            n_features=self.states,
            n_iter=ITERATIONS,
            init_params="",
            implementation="scaling",
        )
        rng = np.random.default_rng(self.seed)
        model.startprob_ = rng.dirichlet(np.ones(hidden))
        model.transmat_ = STAYS * np.eye(hidden) + (1 - STAYS) * rng.dirichlet(
            np.ones(hidden), hidden
        )
        # Each hidden state begins as one shade of a state that is seen.
        own = np.eye(self.states)[np.arange(hidden) % self.states]
        model.emissionprob_ = STAYS * own + (1 - STAYS) * rng.dirichlet(
            np.ones(self.states), hidden
        )
        model.fit(codes.values[:, None], codes.lengths)
        tables = (model.startprob_, model.transmat_, model.emissionprob_)
        start, moves, shows = (
            (table + UNSEEN) / (table + UNSEEN).sum(axis=-1, keepdims=True) for table in tables
        )
        return start, moves, shows


def _of_truth(codes: Ragged, after: NDArray[np.integer], tables: Tables) -> Floats:
    """The probability of each state that came, float64 [answers]; some rows at a time."""
    shown = []
    answers = np.maximum(codes.lengths - 1, 0)
    ends = offsets_of(answers)
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


def _whole(codes: Ragged) -> Ragged:
    """The rows that hold a step: hmmlearn takes no others."""
    return codes.take(np.flatnonzero(codes.lengths > 0))
