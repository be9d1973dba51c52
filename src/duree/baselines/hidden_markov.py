"""The hidden Markov model of the next step.

Source: Rabiner 1989; fitted by expectation-maximisation with hmmlearn; the next state is predicted
by the forward algorithm.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from duree.baselines.next_steps import (
    Floats,
    Sample,
    Steps,
    mean_log_loss,
    steps_after_the_first,
)
from duree.baselines.targets import FLOOR
from duree.baselines.tuning import choose
from duree.sequences.ragged import Ragged, offsets_of, pieces

# Numbers of hidden states to try, and steps in a sample at most.
HIDDEN, MOST_STEPS = (4, 8, 16, 24), 100_000
ITERATIONS = 100
# Steps that are predicted at a time.
AT_ONCE = 20_000
# Starting values: the probability that a hidden state persists, and emits a state of its own.
PERSISTENCE = 0.9
# Added to every probability, so that none is 0.
UNSEEN = 1e-6

# Initial, transition and emission probabilities.
Tables = tuple[Floats, Floats, Floats]


class HiddenMarkov:
    """A hidden Markov model whose number of hidden states is tuned on the validation sequences.

    Parameters
    ----------
    states : int
        Number of observed states.
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
        """Tune the number of hidden states on the validation sequences; then fit to all sequences,
        starting from the parameters found."""
        sample = Sample(train, validation, MOST_STEPS, self.seed)
        self.notes, fitted = sample.notes, sample.fitted
        if train.weights is not None:
            self.notes.append(
                "fitted with equal weights for all sequences, because hmmlearn takes no weights"
            )
        best, tables = choose(
            HIDDEN,
            lambda hidden: self._fit(fitted, self._start(hidden)),
            lambda tables: mean_log_loss(_of_truth(validation, tables), validation.target_weights),
        )
        self.choices = {"hidden_states": best}
        self.tables = self._fit(sample.every, tables)

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at every step after the first, float64 [targets, states]."""
        return _next_states(steps.states, *self.tables)

    def _start(self, hidden: int) -> Tables:
        """Starting values: hidden states that persist, each of which mostly emits one state."""
        rng = np.random.default_rng(self.seed)
        start = rng.dirichlet(np.ones(hidden))
        own, others = np.eye(hidden), rng.dirichlet(np.ones(hidden), hidden)
        transitions = PERSISTENCE * own + (1 - PERSISTENCE) * others
        own = np.eye(self.states)[np.arange(hidden) % self.states]
        others = rng.dirichlet(np.ones(self.states), hidden)
        emissions = PERSISTENCE * own + (1 - PERSISTENCE) * others
        return start, transitions, emissions

    def _fit(self, steps: Steps, begun: Tables) -> Tables:
        """Fit a model from these starting values."""
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
        # hmmlearn does not take empty rows.
        states = steps.states
        model.fit(states.values[:, None], states.lengths[states.lengths > 0])
        tables = (model.startprob_, model.transmat_, model.emissionprob_)
        start, transitions, emissions = (
            (table + UNSEEN) / (table + UNSEEN).sum(axis=-1, keepdims=True) for table in tables
        )
        return start, transitions, emissions


def _of_truth(steps: Steps, tables: Tables) -> Floats:
    """The probability of each target, float64 [targets]; some rows at a time."""
    found, states, targets = [], steps.states, steps.targets
    ends = offsets_of(np.maximum(states.lengths - 1, 0))
    for rows in pieces(states.lengths, AT_ONCE):
        true = targets[ends[rows[0]] : ends[rows[-1] + 1]]
        found.append(_next_states(states.take(rows), *tables)[np.arange(len(true)), true])
    return np.concatenate(found) if found else np.zeros(0)


def _next_states(states: Ragged, start: Floats, transitions: Floats, emissions: Floats) -> Floats:
    """Probabilities of the next state, at every step after the first of each row."""
    lengths, longest = states.lengths, int(states.lengths.max(initial=0))
    order = np.argsort(-lengths, kind="stable")
    hidden = np.tile(start, (len(states), 1))
    found = np.empty((len(states.values), emissions.shape[1]))
    for step in range(longest):
        rows = order[: int((lengths > step).sum())]
        places = states.offsets[rows] + step
        found[places] = hidden[rows] @ emissions
        belief = hidden[rows] * emissions[:, states.values[places]].T
        hidden[rows] = belief / np.maximum(belief.sum(axis=1, keepdims=True), FLOOR) @ transitions
    return found[steps_after_the_first(states)]
