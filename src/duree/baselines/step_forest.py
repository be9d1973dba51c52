"""Random forest for what comes next, on what is known before each step."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from duree.baselines.next_steps import Floats, Steps, note_of
from duree.baselines.prefixes import Prefixes

# Steps that are learned from, at most; of more, fewer trees and no small leaves.
MOST_STEPS, FEW_TREES = 100_000, 200
# Steps times states that each tree sees, at most: its leaves hold a share for every state.
MOST_CELLS = 200_000
# What is tried for the least steps of a leaf, with so many trees.
LEAVES, TRIED_TREES = (5, 30, 100), 100
# The share of the features that a split looks at. With fewer, splits by rare states stand in for
# those by the state now: 0.226 for 0.213 bits a step on mvad at their square root.
LOOKED_AT = 0.5
# The weight of the shares of all steps beside what the leaves say, so that nothing is impossible.
LENT = 1e-3


class StepForest:
    """Random forest (Breiman 2001); the size of its leaves is tuned on the validation sequences.

    Parameters
    ----------
    states : int
        How many states there are.
    trees : int
    seed, threads : int
    """

    name = "random_forest"
    title = "random forest"
    description = "a random forest ({breiman2001}) on the same and the times spent in each state"

    def __init__(self, states: int, trees: int, seed: int, threads: int = 2) -> None:
        self.states, self.trees, self.seed, self.threads = states, trees, seed, threads
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def learn(self, train: Steps, validation: Steps) -> None:
        """Choose the leaves on the validation sequences, then learn from all."""
        learned = train.some(MOST_STEPS, self.seed)
        self.notes = note_of(learned, train)
        held_out = validation.some(MOST_STEPS, self.seed)
        trees = min(self.trees, FEW_TREES) if self.notes else self.trees
        losses = {}
        for leaf in LEAVES[1:] if self.notes else LEAVES:
            self._grow(learned, min(TRIED_TREES, trees), leaf)
            losses[leaf] = held_out.surprise(self.predict(held_out))
        if trees < self.trees:
            self.notes.append(f"{trees} trees instead of {self.trees}: there are many steps")
        best = min(losses, key=lambda leaf: losses[leaf])
        self.choices = {"trees": trees, "leaf_steps": best}
        self._grow(train.followed_by(validation).some(MOST_STEPS, self.seed), trees, best)

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at every step after the first, float64 [answers, states]."""
        marked = Prefixes.before_answers(steps, self.states).marked
        found = np.tile(LENT * self.shares, (len(marked), 1))
        if len(found):
            found[:, self.forest.classes_] += self.forest.predict_proba(marked)
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def _grow(self, steps: Steps, trees: int, leaf: int) -> None:
        marked, came = Prefixes.before_answers(steps, self.states).marked, steps.came
        counts = np.bincount(came, steps.counts, self.states) + 1.0
        self.shares = counts / counts.sum()
        self.forest = RandomForestClassifier(
            trees,
            max_features=LOOKED_AT,
            min_samples_leaf=leaf,
            max_samples=min(max(MOST_CELLS // self.states, 1), len(came)),
            n_jobs=self.threads,
            random_state=self.seed,
        ).fit(marked, came, steps.counts)
        # Added up one after the other, shares are the same each time.
        self.forest.n_jobs = 1
