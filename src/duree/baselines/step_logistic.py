"""Logistic regression for the next step, on features of the prefix before it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from duree.baselines.next_steps import Floats, Sample, Steps
from duree.baselines.prefixes import PrefixEncoder, Prefixes
from duree.baselines.tuning import choose

# Values of C to try, each fit starting from the one before.
STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
# Steps times states in a sample, at most.
MOST_CELLS = 600_000
TOLERANCE, ROUNDS = 1e-4, 300
# Added to every probability, so that none is 0.
UNSEEN = 1e-6


class StepLogistic:
    """Multinomial logistic regression; C is tuned on the validation sequences.

    Parameters
    ----------
    states : int
        Number of states.
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
        """Tune C on the validation sequences, then fit to all sequences."""
        sample = Sample(train, validation, MOST_CELLS // self.states, self.seed)
        self.notes, held_out = sample.notes, sample.held_out
        self._begin(sample.fitted)
        best, _ = choose(STRENGTHS, self._fit, lambda _: held_out.log_loss(self.predict(held_out)))
        self.choices = {"C": best}
        self._begin(sample.every)
        self._fit(best)

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at every step after the first, float64 [targets, states]."""
        known = Prefixes.before_targets(steps, self.states)
        shares = np.full((len(known.state), self.states), UNSEEN)
        if len(shares):
            encoded = self.encoder.transform(known)
            shares[:, self.model.classes_] += self.model.predict_proba(encoded)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def _begin(self, steps: Steps) -> None:
        """Encode the prefixes that the model is fitted to, and start without weights."""
        self.encoder = PrefixEncoder()
        encoded = self.encoder.fit(Prefixes.before_targets(steps, self.states))
        self.fitted = encoded, steps.targets, steps.target_weights
        one = len(np.unique(steps.targets)) == 1
        regression = LogisticRegression(tol=TOLERANCE, max_iter=ROUNDS, warm_start=True)
        self.model = DummyClassifier() if one else regression

    def _fit(self, strength: float) -> None:
        """Fit on from the weights of the fit before."""
        if isinstance(self.model, LogisticRegression):
            self.model.set_params(C=strength)
        with warnings.catch_warnings():
            # After so many rounds probabilities are the same in three digits.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model.fit(*self.fitted)
