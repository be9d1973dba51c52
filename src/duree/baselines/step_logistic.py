"""Logistic regression for what comes next, on what is known before each step."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from duree.baselines.next_steps import Floats, Steps, note_of
from duree.baselines.prefixes import Prefixes, PrefixMarks

# What is tried for C, each from where the one before ended.
STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
# Steps times states that are learned from, at most.
MOST_CELLS = 600_000
TOLERANCE, ROUNDS = 1e-4, 300
# Added to every share, so that nothing is held to be impossible.
UNSEEN = 1e-6


class StepLogistic:
    """Multinomial logistic regression; C is tuned on the validation sequences.

    Parameters
    ----------
    states : int
        How many states there are.
    seed : int
    """

    name = "logistic"
    title = "logistic regression"
    description = (
        "multinomial logistic regression on the last three states, the state before the present "
        "one, how long that has lasted, the number of spells, the time and the covariates, each by "
        "itself and together with the present state, and the shares of the time spent in each state"
    )

    def __init__(self, states: int, seed: int) -> None:
        self.states, self.seed = states, seed
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def learn(self, train: Steps, validation: Steps) -> None:
        """Tune C on validation, then learn from all."""
        most = MOST_CELLS // self.states
        learned, held_out = train.some(most, self.seed), validation.some(most, self.seed)
        self.notes = note_of(learned, train)
        losses = {}
        self._begin(learned)
        for strength in STRENGTHS:
            self._fit(strength)
            losses[strength] = held_out.surprise(self.predict(held_out))
        best = min(losses, key=lambda strength: losses[strength])
        self.choices = {"C": best}
        self._begin(train.followed_by(validation).some(most, self.seed))
        self._fit(best)

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at every step after the first, float64 [answers, states]."""
        known = Prefixes.before_answers(steps, self.states)
        found = np.full((len(known.state), self.states), UNSEEN)
        if len(found):
            marked = self.marks.transform(known)
            found[:, self.model.classes_] += self.model.predict_proba(marked)
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def _begin(self, steps: Steps) -> None:
        """Mark what is known before the answers that are learned from."""
        self.marks = PrefixMarks()
        marked = self.marks.fit(Prefixes.before_answers(steps, self.states))
        self.learned = marked, steps.came, steps.counts
        one = len(np.unique(steps.came)) == 1
        regression = LogisticRegression(tol=TOLERANCE, max_iter=ROUNDS, warm_start=True)
        self.model = DummyClassifier() if one else regression

    def _fit(self, strength: float) -> None:
        if isinstance(self.model, LogisticRegression):
            self.model.set_params(C=strength)
        with warnings.catch_warnings():
            # After so many rounds the shares are the same in three digits.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model.fit(*self.learned)
