"""Boosted trees on what a reader would note before each step: where one is, since when, and where
one has been.

Source: Friedman 2001; the trees are scikit-learn's, which grow on histograms of the features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from duree.baselines.next_steps import Floats, Steps, note_of
from duree.baselines.prefixes import Prefixes
from duree.sequences.ragged import Ragged

# Each round grows a tree for every state; steps that are learned from, at most.
MOST_STATES, MOST_STEPS = 30, 100_000
# Rounds that are tried, chosen on the validation sequences; small leaves and small steps.
ROUNDS = (50, 100, 150)
# Parts of the rows, each told by trees that learned from the others.
PARTS = 8
LEARNING_RATE, LEAVES, LEAF_STEPS, PENALTY = 0.05, 15, 20, 1.0

# Added to every share, so that nothing is held to be impossible.
UNSEEN = 1e-6


class BoostedTrees:
    """Gradient boosting for the next state.

    Parameters
    ----------
    states : int
        How many states there are.
    seed : int
    """

    name = "boosted_trees"
    title = "boosted trees"
    description = (
        "gradient boosting ({friedman2001}) on the last two states, how long the last has lasted, "
        "the time, the times spent in each state so far, and the covariates"
    )

    def __init__(self, states: int, seed: int) -> None:
        self.states, self.seed = states, seed
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def learn(self, train: Steps, validation: Steps) -> None:
        """Choose the rounds on the validation sequences, then learn from all."""
        # Of many steps some are looked at, and no table is made of the others.
        learned = train.some(MOST_STEPS, self.seed)
        self.notes = note_of(learned, train)
        held_out = validation.some(MOST_STEPS, self.seed)
        losses = {}
        # Many rounds on millions of steps would take longer than all other models together.
        for rounds in ROUNDS[:1] if self.notes else ROUNDS:
            self._grow(learned, rounds)
            losses[rounds] = held_out.surprise(self.predict(held_out))
        rounds = min(losses, key=lambda number: losses[number])
        self.choices = {"rounds": rounds}
        self._grow(train.followed_by(validation).some(MOST_STEPS, self.seed), rounds)

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at every step after the first, float64 [answers, states]."""
        return self.trees.shares(Prefixes.before_answers(steps, self.states).for_trees)

    def _grow(self, steps: Steps, rounds: int) -> None:
        features = Prefixes.before_answers(steps, self.states).for_trees
        self.trees = Trees.grow(
            features, steps.came, self.states, rounds, self.seed, weights=steps.counts
        )


@dataclass(frozen=True)
class Trees:
    """Trees for the states in ``known``, of ``states``; no trees where there is one alone."""

    known: NDArray[np.int64]
    states: int
    grown: HistGradientBoostingClassifier | None

    @classmethod
    def grow(
        cls,
        features: Floats,
        after: NDArray[np.int64],
        states: int,
        rounds: int,
        seed: int,
        weights: Floats | None = None,
    ) -> Trees:
        """Learn from steps, which count by their weights."""
        known = np.unique(after)
        if len(known) < 2:
            return cls(known, states, None)
        grown = HistGradientBoostingClassifier(
            max_iter=rounds,
            learning_rate=LEARNING_RATE,
            max_leaf_nodes=LEAVES,
            min_samples_leaf=LEAF_STEPS,
            l2_regularization=PENALTY,
            categorical_features=[0, 1],
            early_stopping=False,
            random_state=seed,
        )
        return cls(known, states, grown.fit(features, after, weights))

    def shares(self, features: Floats) -> Floats:
        """Probabilities of the states, float64 [steps, states]."""
        found = np.zeros((len(features), self.states))
        if self.grown is None or not len(features):
            found[:, self.known] = 1.0
        else:
            found[:, self.known] = self.grown.predict_proba(features)
        found += UNSEEN
        return np.asarray(found / found.sum(axis=1, keepdims=True))


def cross_fitted(
    steps: Ragged,
    after: NDArray[np.int64],
    states: int,
    seed: int,
    weights: NDArray[np.floating] | None = None,
) -> NDArray[np.float32]:
    """What trees say of each step's next state that have not seen its row, float32 [steps, states].

    Parameters
    ----------
    steps : Ragged of int32 [steps, 1 + others]
        Of each row the steps after which another came.
    after : int64 [steps]
        The state that came after each.
    states, seed : int
    weights : float [rows], optional
        How much each row counts.
    """
    features = Prefixes.of(steps, states).for_trees
    part = np.random.default_rng(seed).permutation(len(steps)) % PARTS
    of_steps = np.repeat(part, steps.lengths)
    counts = None if weights is None else np.repeat(weights, steps.lengths)
    found = np.empty((len(after), states), dtype=np.float32)
    for one in range(PARTS):
        own = of_steps == one
        others = None if counts is None else counts[~own]
        trees = Trees.grow(features[~own], after[~own], states, ROUNDS[1], seed, others)
        found[own] = trees.shares(features[own])
    return found
