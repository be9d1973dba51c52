"""Random forest for the next step, on features of the prefix before it."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from duree.baselines.next_steps import Floats, Sample, Steps
from duree.baselines.prefixes import Prefixes
from duree.baselines.tuning import choose

# Steps in a sample, at most; with more steps, fewer trees and no small leaves.
MOST_STEPS, FEW_TREES = 100_000, 200
# Steps times states that each tree sees, at most: its leaves store a share for every state.
MOST_CELLS = 200_000
# Minimum steps in a leaf to try, each with so many trees.
LEAVES, TRIED_TREES = (5, 30, 100), 100
# The share of the features that a split considers. With their square root, as is usual, splits on
# rare states replace those on the current state: 0.226 instead of 0.213 bits a step on mvad.
FEATURES_PER_SPLIT = 0.5
# The weight of the overall shares of the states, so that no probability is 0.
PRIOR = 1e-3


class StepForest:
    """Random forest (Breiman 2001); the size of its leaves is tuned on the validation sequences.

    Parameters
    ----------
    states : int
        Number of states.
    trees : int
    seed, threads : int
    """

    name = "random_forest"
    title = "random forest"
    description = (
        "a random forest ({breiman2001}) on the same features and the times spent in each state"
    )

    def __init__(self, states: int, trees: int, seed: int, threads: int = 2) -> None:
        self.states, self.trees, self.seed, self.threads = states, trees, seed, threads
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def learn(self, train: Steps, validation: Steps) -> None:
        """Tune the leaves on the validation sequences, then fit to all sequences."""
        sample = Sample(train, validation, MOST_STEPS, self.seed)
        self.notes, fitted, held_out = sample.notes, sample.fitted, sample.held_out
        trees = min(self.trees, FEW_TREES) if self.notes else self.trees
        best, _ = choose(
            LEAVES[1:] if self.notes else LEAVES,
            lambda leaf: self._grow(fitted, min(TRIED_TREES, trees), leaf),
            lambda _: held_out.log_loss(self.predict(held_out)),
        )
        if trees < self.trees:
            self.notes.append(f"{trees} trees instead of {self.trees}: there are many steps")
        self.choices = {"trees": trees, "leaf_steps": best}
        self._grow(sample.every, trees, best)

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at every step after the first, float64 [targets, states]."""
        features = Prefixes.before_targets(steps, self.states).one_hot
        shares = np.tile(PRIOR * self.shares, (len(features), 1))
        if len(shares):
            shares[:, self.forest.classes_] += self.forest.predict_proba(features)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def _grow(self, steps: Steps, trees: int, leaf: int) -> None:
        features, targets = Prefixes.before_targets(steps, self.states).one_hot, steps.targets
        counts = np.bincount(targets, steps.target_weights, self.states) + 1.0
        self.shares = counts / counts.sum()
        self.forest = RandomForestClassifier(
            trees,
            max_features=FEATURES_PER_SPLIT,
            min_samples_leaf=leaf,
            max_samples=min(max(MOST_CELLS // self.states, 1), len(targets)),
            n_jobs=self.threads,
            random_state=self.seed,
        ).fit(features, targets, steps.target_weights)
        # On one thread trees are summed in order, so that results are reproducible.
        self.forest.n_jobs = 1
