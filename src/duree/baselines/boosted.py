"""Boosted trees on what a reader would note before each step: where one is, since when, and where
one has been.

Source: Friedman 2001; the trees are scikit-learn's, which grow on histograms of the features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from duree.baselines.answers import ALIKE, Counts
from duree.baselines.markov import Codes, some_of, steps_after_the_first
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

Floats = NDArray[np.float64]


class BoostedTrees:
    """Gradient boosting for the next state.

    Parameters
    ----------
    steps : texts -> Ragged of int32 [steps, 1 + others]
        Each step as the number of its state, then what else is known of it.
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
        # Of many steps some are looked at, and no table is made of the others.
        learned = some_of(train, MOST_STEPS, self.seed)
        if len(learned) < len(train):
            self.notes = [f"learned from {len(learned)} of {len(train)} sequences"]
        features, after = self._known(learned)
        judged = self._known(some_of(validation, MOST_STEPS, self.seed))
        losses = {}
        # Many rounds on millions of steps would take longer than all other models together.
        for rounds in ROUNDS if len(learned) == len(train) else ROUNDS[:1]:
            trees = Trees.grow(features, after, self.states, rounds, self.seed)
            of_truth = trees.shares(judged[0])[np.arange(len(judged[1])), judged[1]]
            losses[rounds] = -float(np.log(of_truth).mean())
        rounds = min(losses, key=lambda number: losses[number])
        self.choices = {"rounds": rounds}
        every = self._known(some_of(train.followed_by(validation), MOST_STEPS, self.seed))
        self.trees = Trees.grow(*every, self.states, rounds, self.seed)
        return self

    def predict(self, texts: list[str]) -> Floats:
        """Probabilities of the states at every step after the first, float64 [answers, states]."""
        return self.trees.shares(self._known(self.steps(texts))[0])

    def _known(self, steps: Ragged) -> tuple[Floats, NDArray[np.int64]]:
        """What is known before every step after the first of its row, and the state that it is."""
        values = steps.values if steps.values.ndim == 1 else steps.values[:, 0]
        places = steps_after_the_first(steps)
        return features_of(steps, self.states)[places - 1], values[places].astype(np.int64)


@dataclass(frozen=True)
class Trees:
    """Trees for the states in ``known``, of ``states``; no trees where there is one alone."""

    known: NDArray[np.int64]
    states: int
    grown: HistGradientBoostingClassifier | None

    @classmethod
    def grow(
        cls, features: Floats, after: NDArray[np.int64], states: int, rounds: int, seed: int
    ) -> Trees:
        """Learn from steps."""
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
        return cls(known, states, grown.fit(features, after))

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
    steps: Ragged, after: NDArray[np.int64], states: int, seed: int
) -> NDArray[np.float32]:
    """What trees say of each step's next state that have not seen its row, float32 [steps, states].

    Parameters
    ----------
    steps : Ragged of int32 [steps, 1 + others]
        Of each row the steps after which another came.
    after : int64 [steps]
        The state that came after each.
    """
    features = features_of(steps, states)
    part = np.random.default_rng(seed).permutation(len(steps)) % PARTS
    of_steps = np.repeat(part, steps.lengths)
    found = np.empty((len(after), states), dtype=np.float32)
    for one in range(PARTS):
        own = of_steps == one
        trees = Trees.grow(features[~own], after[~own], states, ROUNDS[1], seed)
        found[own] = trees.shares(features[own])
    return found


def features_of(steps: Ragged, states: int) -> Floats:
    """What is known after every step, float64 [steps, features].

    The state now, the one before it that was another (``states`` where there was none), how long
    the state has lasted, which step it is, how many steps so far were in each state, covariates.
    """
    values = steps.values if steps.values.ndim == 2 else steps.values[:, None]
    state = values[:, 0].astype(np.int64)
    rows = np.repeat(np.arange(len(steps)), steps.lengths)
    place = steps.steps
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
    return np.stack(told, axis=1).astype(np.float64)
