"""Boosted trees on what a reader would note before each step: where one is, since when, and where
one has been.

Source: Friedman 2001; the trees are scikit-learn's, which grow on histograms of the features.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from duree.baselines.answers import ALIKE, Counts
from duree.baselines.markov import FLOOR, Codes, steps_after_the_first
from duree.sequences.ragged import Ragged

# Each round grows a tree for every state; steps that are learned from, at most.
MOST_STATES, MOST_STEPS = 30, 200_000
# Rounds that are tried, chosen on the validation sequences; small leaves and small steps.
ROUNDS = (50, 100, 150)
LEARNING_RATE, LEAVES, LEAF_STEPS, PENALTY = 0.05, 15, 20, 1.0

# Added to every share, so that nothing is held to be impossible.
UNSEEN = 1e-6

Floats = NDArray[np.float64]


class BoostedTrees:
    """Gradient boosting for the next state.

    Parameters
    ----------
    steps : texts -> Ragged of int32 [steps, 1 + covariates]
        Each step as the number of its state, then its covariates.
    states : int
        How many states there are.
    seed : int
    """

    name = "boosted_trees"

    def __init__(self, steps: Codes, states: int, seed: int) -> None:
        self.steps, self.states, self.seed = steps, states, seed
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
        """Choose the rounds on the validation sequences, then learn from all."""
        train, validation = self.steps(texts), self.steps(validation_texts)
        features, after = features_of(validation, self.states), _after(validation)
        losses = {}
        for rounds in ROUNDS:
            self._learn(train, rounds)
            of_truth = self._shares(features)[np.arange(len(after)), after]
            losses[rounds] = -float(np.log(np.maximum(of_truth, FLOOR)).mean())
        rounds = min(losses, key=lambda number: losses[number])
        self.choices = {"rounds": rounds}
        self._learn(train.followed_by(validation), rounds)
        return self

    def predict(self, texts: list[str]) -> Floats:
        """Probabilities of the states at every step after the first, float64 [answers, states]."""
        return self._shares(features_of(self.steps(texts), self.states))

    def _learn(self, steps: Ragged, rounds: int) -> None:
        features, after = features_of(steps, self.states), _after(steps)
        if len(after) > MOST_STEPS:
            self.notes = [f"learned from {MOST_STEPS} of {len(after)} steps"]
            some = np.random.default_rng(self.seed).choice(len(after), MOST_STEPS, replace=False)
            features, after = features[some], after[some]
        self.known = np.unique(after)
        if len(self.known) == 1:
            return
        self.trees = HistGradientBoostingClassifier(
            max_iter=rounds,
            learning_rate=LEARNING_RATE,
            max_leaf_nodes=LEAVES,
            min_samples_leaf=LEAF_STEPS,
            l2_regularization=PENALTY,
            categorical_features=[0, 1],
            early_stopping=False,
            random_state=self.seed,
        ).fit(features, after)

    def _shares(self, features: Floats) -> Floats:
        found = np.zeros((len(features), self.states))
        if len(self.known) == 1:
            found[:, self.known[0]] = 1.0
        elif len(features):
            found[:, self.known] = self.trees.predict_proba(features)
        return np.asarray((found + UNSEEN) / (1 + UNSEEN * self.states))


def features_of(steps: Ragged, states: int) -> Floats:
    """What is known before every step after the first of its row, float64 [answers, features].

    The state now, the one before it that was another (``states`` where there was none), how long
    the state has lasted, which step it is, how many steps so far were in each state, covariates.
    """
    values = steps.values if steps.values.ndim == 2 else steps.values[:, None]
    state = values[:, 0].astype(np.int64)
    rows = np.repeat(np.arange(len(steps)), steps.lengths)
    place = np.arange(len(state)) - np.repeat(steps.offsets[:-1], steps.lengths)
    begins = np.ones(len(state), dtype=bool)
    begins[1:] = (state[1:] != state[:-1]) | (rows[1:] != rows[:-1])
    spell = np.cumsum(begins) - 1
    first = np.flatnonzero(begins)
    lasted = np.arange(len(state)) - first[spell] if len(first) else place
    earlier = np.full(len(first), states)
    same = rows[first[1:]] == rows[first[:-1]]
    earlier[1:][same] = state[first[:-1]][same]
    marks = np.zeros((len(state) + 1, states))
    np.cumsum(np.eye(states)[state], axis=0, out=marks[1:])
    spent = marks[1:] - marks[np.repeat(steps.offsets[:-1], steps.lengths)]
    told = [state, earlier[spell], lasted, place, *spent.T, *values[:, 1:].T]
    return np.stack(told, axis=1).astype(np.float64)[steps_after_the_first(steps) - 1]


def _after(steps: Ragged) -> NDArray[np.int64]:
    """The state of every step after the first of its row."""
    values = steps.values if steps.values.ndim == 1 else steps.values[:, 0]
    return values[steps_after_the_first(steps)].astype(np.int64)
