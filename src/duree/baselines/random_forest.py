"""Random forest on the features of rows; of texts, on the most frequent units."""

from __future__ import annotations

import time
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.ensemble import RandomForestRegressor
from sklearn.utils.parallel import Parallel, delayed

from duree.baselines.ngrams import Features
from duree.baselines.targets import EQUAL_WEIGHTS, CaseWeights, Targets

# Most frequent units: a split sees few features, and rare ones would only dilute them.
UNITS = 20_000
# Trees that are grown before the time is checked again.
TREES_AT_ONCE = 20
# From this many rows on, each tree sees half of them and stops at leaves of five: five times faster
# on IMDB, and no less accurate. On fewer rows trees grow to the end, as Breiman's do.
MANY_ROWS = 5000


class Forest:
    """Random forest (Breiman 2001) for classes, labels and numbers.

    Trees minimise the squared error; for 0/1 columns that is Gini's impurity. Each split considers
    the square root of the number of features. Features of texts are counts of units: a tree splits
    alike whether or not each is multiplied by its inverse document frequency. Nothing is tuned, so
    it is fitted on training and validation rows together.

    Parameters
    ----------
    features : Features
    trees : int
        How many are grown, unless ``max_minutes`` run out.
    seed : int
    threads : int
    max_minutes : float or None
    description : str
        See ``Baseline``.
    """

    name = "random_forest"
    title = "random forest"

    def __init__(
        self,
        features: Features,
        trees: int,
        seed: int,
        *,
        threads: int = 2,
        max_minutes: float | None = None,
        description: str = "a random forest ({breiman2001})",
    ) -> None:
        self.description = description
        self.features, self.trees, self.seed = features, trees, seed
        self.threads, self.max_minutes = threads, max_minutes
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: Any,
        targets: NDArray[Any],
        validation_texts: Any,
        validation_targets: NDArray[Any],
        weights: CaseWeights = EQUAL_WEIGHTS,
    ) -> Self:
        """Grow the trees on all rows; see ``Baseline``."""
        self.kind = Targets.of(targets)
        features = vstack(self.features.fit(texts, validation_texts), format="csr")
        self.validation = np.arange(len(targets), features.shape[0])
        self.columns = _most_frequent(features, self.features.is_unit)
        columns = self.kind.columns(np.concatenate([targets, validation_targets]))
        self.known = features[self.validation][:, self.columns]
        self.mean = np.average(columns, axis=0, weights=weights.every)
        self._grow(features[:, self.columns].tocsc(), columns, weights.every)
        grown = len(self.forest.estimators_)
        self.choices = {"trees": grown}
        if grown < self.trees:
            self.notes = [f"{grown} trees instead of {self.trees}: the time ran out"]
        return self

    def predict(self, texts: Any) -> NDArray[np.float64]:
        """Probabilities or numbers, float64 [rows, outputs]: the mean of all trees."""
        features = self.features.count(texts)[:, self.columns]
        # Summed in the order of the trees, whichever thread is first, for reproducible results.
        predictions = Parallel(n_jobs=self.threads, prefer="threads", return_as="generator")(
            delayed(tree.predict)(features, check_input=False) for tree in self.forest.estimators_
        )
        mean = sum(predictions) / len(self.forest.estimators_)
        return self.kind.predictions(mean.reshape(len(texts), -1))

    @property
    def held_out(self) -> NDArray[np.float64]:
        """Predictions of the validation rows, each by the trees that did not draw it; float64
        [rows, outputs] (out-of-bag estimates: Breiman 2001)."""
        sums = np.zeros((len(self.validation), len(self.mean)))
        trees = np.zeros((len(self.validation), 1))
        drawn = self.forest.estimators_samples_
        for tree, rows in zip(self.forest.estimators_, drawn, strict=True):
            left_out = np.flatnonzero(~np.isin(self.validation, rows))
            predicted = tree.predict(self.known[left_out], check_input=False)
            sums[left_out] += predicted.reshape(len(left_out), -1)
            trees[left_out] += 1
        # With few trees, all may have drawn a row.
        means = np.where(trees > 0, sums / np.maximum(trees, 1), self.mean)
        return self.kind.predictions(means)

    def _grow(
        self,
        features: csr_matrix,
        columns: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
    ) -> None:
        many = len(columns) >= MANY_ROWS
        self.forest = RandomForestRegressor(
            0,
            max_features="sqrt",
            max_samples=0.5 if many else None,
            min_samples_leaf=5 if many else 1,
            n_jobs=self.threads,
            random_state=self.seed,
            warm_start=True,
        )
        at_once = self.trees if self.max_minutes is None else TREES_AT_ONCE
        began = time.monotonic()
        while self.forest.n_estimators < self.trees:
            self.forest.n_estimators = min(self.forest.n_estimators + at_once, self.trees)
            self.forest.fit(features, columns[:, 0] if columns.shape[1] == 1 else columns, weights)
            if self.max_minutes and time.monotonic() - began > 60 * self.max_minutes:
                break


def _most_frequent(counts: csr_matrix, is_unit: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The columns of the single units that occur in most texts, in ascending order."""
    columns = np.flatnonzero(is_unit)
    texts = np.bincount(counts.indices, minlength=counts.shape[1])[columns]
    return np.sort(columns[np.argsort(-texts, kind="stable")[:UNITS]])
