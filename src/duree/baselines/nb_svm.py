"""NB-SVM: a linear model on features that naive Bayes has weighed.

Source: Wang & Manning (2012), Baselines and Bigrams: presence of units and pairs, scaled by the
log-count ratio (alpha = 1), and weights interpolated with their mean size by beta. Their support
vector machine has the logistic loss here, which gives probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from duree.baselines.linear import LinearModel, fit_logistic
from duree.baselines.ngrams import Ngrams
from duree.baselines.targets import ALIKE, Answers, Counts

STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
BETAS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Weighed:
    """One question's fit: log-count ratios [features], the weights on top of them, and the bias."""

    ratios: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float


class NbSvm:
    """NB-SVM for classes (one against the rest) and labels.

    C and beta are tuned by log-loss on the validation rows, then the model is fitted on all.
    """

    name = "nb_svm"
    title = "NB-SVM"
    description = "NB-SVM ({wang2012}) with the logistic loss"

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
        counts: Counts = ALIKE,
    ) -> Self:
        """Tune C and beta on validation, then fit on all rows; see ``Baseline``."""
        self.answers = Answers.of(targets)
        train, validation = map(_presence, self.ngrams.fit(texts, validation_texts))
        losses = {}
        for strength in STRENGTHS:
            fitted = self._weigh(train, targets, strength, counts.train)
            for beta in BETAS:
                self.model = _interpolate(fitted, beta)
                predicted = self._predict(validation)
                losses[strength, beta] = self.answers.log_loss(
                    predicted, validation_targets, counts.validation
                )
        strength, beta = min(losses, key=losses.__getitem__)
        every = np.concatenate([targets, validation_targets])
        self.model = _interpolate(
            self._weigh(vstack([train, validation], format="csr"), every, strength, counts.every),
            beta,
        )
        self.choices = {"C": strength, "beta": beta}
        return self

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """Probabilities float64 [rows, outputs]."""
        return self._predict(_presence(self.ngrams.count(texts)))

    def _weigh(
        self,
        present: csr_matrix,
        targets: NDArray[Any],
        strength: float,
        weights: NDArray[np.float64] | None,
    ) -> list[Weighed]:
        fitted = []
        for column in self.answers.columns(targets).T:
            ratios = _log_count_ratios(present, column, weights)
            features = present.multiply(ratios).tocsr()
            fit = fit_logistic(features, column, strength, self.seed, weights)
            fitted.append(Weighed(ratios, *fit))
        return fitted

    def _predict(self, present: csr_matrix) -> NDArray[np.float64]:
        return self.answers.predictions(self.model.probabilities(present))


def _interpolate(fitted: list[Weighed], beta: float) -> LinearModel:
    """Weights for presence itself, their sizes drawn towards the mean by 1 - beta (section 2.3)."""
    weights = [
        one.ratios * ((1 - beta) * np.abs(one.weights).mean() + beta * one.weights)
        for one in fitted
    ]
    return LinearModel(np.stack(weights, axis=1), np.array([one.bias for one in fitted]))


def _presence(counts: csr_matrix) -> csr_matrix:
    return csr_matrix((np.ones_like(counts.data), counts.indices, counts.indptr), counts.shape)


def _log_count_ratios(
    present: csr_matrix, column: NDArray[Any], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """r of equation 1."""
    counts = np.ones(len(column)) if weights is None else weights
    yes = present.T @ (column * counts) + 1.0
    no = present.T @ ((1.0 - column) * counts) + 1.0
    return np.asarray(np.log(yes / yes.sum()) - np.log(no / no.sum()))
