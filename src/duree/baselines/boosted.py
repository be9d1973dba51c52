"""Gradient-boosted trees for the next step, on features of the prefix before it.

Source: Friedman 2001; scikit-learn's histogram-based implementation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from duree.baselines.next_steps import Floats, Sample, Steps
from duree.baselines.prefixes import Prefixes
from duree.baselines.tuning import choose
from duree.sequences.ragged import Ragged

# Each round grows one tree per state: maximum numbers of states, and of steps in a sample.
MOST_STATES, MOST_STEPS = 30, 100_000
# Numbers of rounds to try.
ROUNDS = (50, 100, 150)
# Folds of cross-fitting.
FOLDS = 8
# Smaller steps and trees than scikit-learn's defaults (0.1 and 31 leaves), with an L2 penalty:
# surveys have few sequences.
LEARNING_RATE, LEAVES, LEAF_STEPS, PENALTY = 0.05, 15, 20, 1.0

# Added to every probability, so that none is 0.
UNSEEN = 1e-6


class BoostedTrees:
    """Gradient boosting for the next state.

    Parameters
    ----------
    states : int
        Number of states.
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
        """Tune the rounds on the validation sequences, then fit to all sequences."""
        # Only the sample is expanded to features.
        sample = Sample(train, validation, MOST_STEPS, self.seed)
        self.notes, fitted, held_out = sample.notes, sample.fitted, sample.held_out
        best, _ = choose(
            # Many rounds on millions of steps would take longer than all other models together.
            ROUNDS[:1] if self.notes else ROUNDS,
            lambda rounds: self._grow(fitted, rounds),
            lambda _: held_out.log_loss(self.predict(held_out)),
        )
        self.choices = {"rounds": best}
        self._grow(sample.every, best)

    def predict(self, steps: Steps) -> Floats:
        """Probabilities of the states at every step after the first, float64 [targets, states]."""
        return self.trees.predict(Prefixes.before_targets(steps, self.states).categorical)

    def _grow(self, steps: Steps, rounds: int) -> None:
        self.trees = Trees.grow(
            Prefixes.before_targets(steps, self.states).categorical,
            steps.targets,
            self.states,
            rounds,
            self.seed,
            weights=steps.target_weights,
        )


@dataclass(frozen=True)
class Trees:
    """Trees for the states in ``known``, out of ``states``; None if there is only one state."""

    known: NDArray[np.int64]
    states: int
    grown: HistGradientBoostingClassifier | None

    @classmethod
    def grow(
        cls,
        features: Floats,
        targets: NDArray[np.int64],
        states: int,
        rounds: int,
        seed: int,
        weights: Floats | None = None,
    ) -> Trees:
        """Fit trees to weighted steps."""
        known = np.unique(targets)
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
        return cls(known, states, grown.fit(features, targets, weights))

    def predict(self, features: Floats) -> Floats:
        """Probabilities of the states, float64 [steps, states]."""
        shares = np.zeros((len(features), self.states))
        if self.grown is None or not len(features):
            shares[:, self.known] = 1.0
        else:
            shares[:, self.known] = self.grown.predict_proba(features)
        shares += UNSEEN
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def cross_fitted(
    steps: Ragged,
    after: NDArray[np.int64],
    states: int,
    seed: int,
    weights: NDArray[np.floating] | None = None,
) -> NDArray[np.float32]:
    """Out-of-fold predictions of each step's next state, float32 [steps, states].

    Parameters
    ----------
    steps : Ragged of int32 [steps, 1 + features]
        All but the last step of each row.
    after : int64 [steps]
        The state after each.
    states, seed : int
    weights : float [rows], optional
        Weights of the rows.
    """
    features = Prefixes.of(steps, states).categorical
    fold = np.random.default_rng(seed).permutation(len(steps)) % FOLDS
    of_steps = np.repeat(fold, steps.lengths)
    step_weights = None if weights is None else np.repeat(weights, steps.lengths)
    predictions = np.empty((len(after), states), dtype=np.float32)
    for one in range(FOLDS):
        own = of_steps == one
        others = None if step_weights is None else step_weights[~own]
        trees = Trees.grow(features[~own], after[~own], states, ROUNDS[1], seed, others)
        predictions[own] = trees.predict(features[own])
    return predictions
