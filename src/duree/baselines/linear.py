"""Linear models on bags of units and pairs. One constant is tuned on validation, by log-loss or
squared error; then the model is fitted on training and validation rows together, which makes it as
strong as it can honestly be."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge

from duree.baselines.majority import as_marks
from duree.baselines.ngrams import Ngrams

FLOOR = 1e-12


class TfidfLogistic:
    """TF-IDF of units and pairs with logistic regression, one against the rest."""

    name: ClassVar[str] = "tfidf_logistic"
    strengths: ClassVar[tuple[float, ...]] = (1.0, 4.0, 16.0, 64.0)

    def __init__(self, ngrams: Ngrams, seed: int) -> None:
        self.ngrams, self.seed = ngrams, seed
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: list[str],
        targets: NDArray[Any],
        validation_texts: list[str],
        validation_targets: NDArray[Any],
    ) -> None:
        """Tune C on validation, then fit on all rows.

        ``targets`` is int [rows] (one class a row) or 0/1 [rows, labels].
        """
        self.exclusive = targets.ndim == 1
        targets, validation_targets = as_marks(targets), as_marks(validation_targets)
        train = self.ngrams.fit(texts)
        validation = self.ngrams.count(validation_texts)
        losses = {}
        for strength in self.strengths:
            self._fit(train, targets, strength)
            losses[strength] = _log_loss(self._predict(validation), validation_targets)
        best = min(losses, key=lambda strength: losses[strength])
        self._fit(vstack([train, validation]), np.concatenate([targets, validation_targets]), best)
        self.choices = {"C": best}

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """Probabilities float64 [rows, outputs]."""
        return self._predict(self.ngrams.count(texts))

    def _fit(self, counts: csr_matrix, targets: NDArray[Any], strength: float) -> None:
        self.weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
        features = self.weighting.transform(counts)
        self.models = [
            self._fit_one(features, column, strength) for column in self._columns(targets)
        ]

    def _fit_one(
        self, features: csr_matrix, column: NDArray[Any], strength: float
    ) -> LogisticRegression | float:
        if column.min() == column.max():  # an answer that all rows, or none, have
            return float(column[0])
        # The dual solver draws rows at random, hence the seed.
        model = LogisticRegression(
            C=strength, solver="liblinear", dual=True, max_iter=200, random_state=self.seed
        )
        return model.fit(features, column)

    def _predict(self, counts: csr_matrix) -> NDArray[np.float64]:
        return self._joined([self._yes(model, k, counts) for k, model in enumerate(self.models)])

    def _yes(
        self, model: LogisticRegression | float, output: int, counts: csr_matrix
    ) -> NDArray[np.float64]:
        features = self.weighting.transform(counts)
        return _probability(model, features)

    def _columns(self, targets: NDArray[Any]) -> list[NDArray[Any]]:
        """The yes-or-no questions; of two classes, the second alone."""
        if self.exclusive and targets.shape[1] == 2:
            return [targets[:, 1]]
        return list(targets.T)

    def _joined(self, columns: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        stacked = np.stack(columns, axis=1)
        if self.exclusive and len(columns) == 1:
            return np.concatenate([1 - stacked, stacked], axis=1)
        if self.exclusive:
            return np.asarray(stacked / np.maximum(stacked.sum(axis=1, keepdims=True), FLOOR))
        return stacked


class NbSvm(TfidfLogistic):
    """Presence of units and pairs, scaled by log-count ratios (Wang & Manning 2012).

    Their support vector machine has the logistic loss here, which gives probabilities; their
    interpolation with the mean weight has no part (beta = 1).
    """

    name: ClassVar[str] = "nb_svm"
    strengths: ClassVar[tuple[float, ...]] = (0.03, 0.1, 0.3, 1.0, 3.0)

    def _fit(self, counts: csr_matrix, targets: NDArray[Any], strength: float) -> None:
        present = _presence(counts)
        self.ratios = [_log_count_ratio(present, column) for column in self._columns(targets)]
        self.models = [
            self._fit_one(present.multiply(ratio).tocsr(), column, strength)
            for ratio, column in zip(self.ratios, self._columns(targets), strict=True)
        ]

    def _yes(
        self, model: LogisticRegression | float, output: int, counts: csr_matrix
    ) -> NDArray[np.float64]:
        return _probability(model, _presence(counts).multiply(self.ratios[output]).tocsr())


class TfidfRidge:
    """TF-IDF of units and pairs with ridge regression."""

    name: ClassVar[str] = "tfidf_ridge"
    strengths: ClassVar[tuple[float, ...]] = (0.1, 0.3, 1.0, 3.0, 10.0)

    def __init__(self, ngrams: Ngrams) -> None:
        self.ngrams = ngrams
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: list[str],
        targets: NDArray[Any],
        validation_texts: list[str],
        validation_targets: NDArray[Any],
    ) -> None:
        """Tune alpha on validation, then fit on all rows; ``targets`` is float [rows]."""
        counts = [self.ngrams.fit(texts), self.ngrams.count(validation_texts)]
        errors = {}
        for strength in self.strengths:
            self._fit(counts[0], targets, strength)
            errors[strength] = float(np.mean((self._predict(counts[1]) - validation_targets) ** 2))
        best = min(errors, key=lambda strength: errors[strength])
        self._fit(vstack(counts), np.concatenate([targets, validation_targets]), best)
        self.choices = {"alpha": best}

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """Numbers float64 [rows, 1]."""
        return self._predict(self.ngrams.count(texts))[:, None]

    def _fit(self, counts: csr_matrix, targets: NDArray[Any], strength: float) -> None:
        self.weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
        self.model = Ridge(alpha=strength, solver="sparse_cg")
        self.model.fit(self.weighting.transform(counts), targets)

    def _predict(self, counts: csr_matrix) -> NDArray[np.float64]:
        return np.asarray(self.model.predict(self.weighting.transform(counts)))


def _probability(model: LogisticRegression | float, features: csr_matrix) -> NDArray[np.float64]:
    if isinstance(model, float):
        return np.full(features.shape[0], model)
    return np.asarray(model.predict_proba(features)[:, 1])


def _presence(counts: csr_matrix) -> csr_matrix:
    present = counts.astype(np.float64)
    present.data[:] = 1.0
    return present


def _log_count_ratio(present: csr_matrix, column: NDArray[Any]) -> NDArray[np.float64]:
    """Equation 1 of Wang & Manning 2012 with alpha = 1."""
    yes = np.asarray(present[column == 1].sum(axis=0)).ravel() + 1.0
    no = np.asarray(present[column == 0].sum(axis=0)).ravel() + 1.0
    return np.asarray(np.log(yes / yes.sum()) - np.log(no / no.sum()))


def _log_loss(predictions: NDArray[np.float64], targets: NDArray[Any]) -> float:
    of_truth = np.where(targets == 1, predictions, 1 - predictions)
    return -float(np.log(np.maximum(of_truth, FLOOR)).mean())
