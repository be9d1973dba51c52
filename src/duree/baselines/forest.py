"""Random forest (Breiman 2001) on the TF-IDF of single units."""

from __future__ import annotations

import os
import time
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfTransformer

from duree.baselines.ngrams import Ngrams

# Commonest units: a forest draws few features at a split, and rare ones only dilute them.
FEATURES = 20_000
TREES_AT_ONCE = 50


class Forest:
    """A forest for classes and labels; ``trees`` of them, fewer if ``minutes`` run out.

    Nothing is tuned, so it learns from training and validation rows together.
    """

    name: ClassVar[str] = "random_forest"
    model_class: ClassVar[type] = RandomForestClassifier

    def __init__(self, ngrams: Ngrams, trees: int, minutes: float | None, seed: int) -> None:
        self.ngrams, self.trees, self.minutes = ngrams, trees, minutes
        # Each tree draws from a seed of its own, so the forest does not hang on the threads.
        self.model = self.model_class(
            n_estimators=0, warm_start=True, n_jobs=_threads(), random_state=seed
        )
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: list[str],
        targets: NDArray[Any],
        validation_texts: list[str],
        validation_targets: NDArray[Any],
    ) -> None:
        """Grow the trees; ``targets`` is int [rows] or 0/1 [rows, labels], or float [rows]."""
        counts = vstack([self.ngrams.fit(texts), self.ngrams.count(validation_texts)]).tocsr()
        self.columns = _commonest(counts, np.array(self.ngrams.is_single()))
        self.weighting = TfidfTransformer(sublinear_tf=True).fit(counts[:, self.columns])
        features = self._features(counts)
        answers = np.concatenate([targets, validation_targets])
        began = time.perf_counter()
        while self.model.n_estimators < self.trees:
            self.model.n_estimators = min(self.model.n_estimators + TREES_AT_ONCE, self.trees)
            self.model.fit(features, answers)
            if self.minutes and time.perf_counter() - began > 60 * self.minutes:
                break
        grown = self.model.n_estimators
        self.choices = {"trees": grown}
        if grown < self.trees:
            self.notes = [f"{grown} trees instead of {self.trees}: the minutes ran out"]

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """Probabilities float64 [rows, outputs]."""
        found = self.model.predict_proba(self._features(self.ngrams.count(texts)))
        if isinstance(found, list):  # one pair of columns for each label
            return np.stack(
                [
                    of_label[:, list(known).index(1)] if 1 in known else np.zeros(len(texts))
                    for of_label, known in zip(found, self.model.classes_, strict=True)
                ],
                axis=1,
            )
        return np.asarray(found)

    def _features(self, counts: csr_matrix) -> csr_matrix:
        return self.weighting.transform(counts[:, self.columns]).astype(np.float32)


class RegressionForest(Forest):
    """The same for numbers."""

    model_class: ClassVar[type] = RandomForestRegressor

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """Numbers float64 [rows, 1]."""
        return np.asarray(self.model.predict(self._features(self.ngrams.count(texts))))[:, None]


def _commonest(counts: csr_matrix, single: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The columns of the single units that most texts hold, in ascending order."""
    columns = np.flatnonzero(single)
    texts = np.asarray((counts[:, columns] > 0).sum(axis=0)).ravel()
    return np.sort(columns[np.argsort(-texts, kind="stable")[:FEATURES]])


def _threads() -> int:
    """As many as numeric libraries are told to use, or as there are cores."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdigit() and int(told) > 0 else os.cpu_count() or 1
