"""NB-SVM: a linear model on features weighted by naive Bayes.

Source: Wang & Manning (2012), Baselines and Bigrams: presence of units and pairs, scaled by the
log-count ratio (alpha = 1), and weights interpolated with their mean size by beta. Their support
vector machine has the logistic loss here, which gives probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from duree.baselines.linear import LinearModel, fit_logistic
from duree.baselines.ngrams import Ngrams
from duree.baselines.targets import EQUAL_WEIGHTS, CaseWeights, Targets
from duree.baselines.tuning import choose

# Values of C and beta to try; Wang & Manning fix C = 1 and beta = 0.25.
STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
BETAS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Fit:
    """The fit for one class or label: log-count ratios [features], their weights, and the bias."""

    ratios: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float


class NbSvm:
    """NB-SVM for classes (one against the rest) and labels.

    C and beta are tuned by log-loss on the validation rows, then the model is fitted on all rows.
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
        weights: CaseWeights = EQUAL_WEIGHTS,
    ) -> Self:
        """Tune C and beta on the validation rows, then fit on all rows; see ``Baseline``."""
        self.kind = Targets.of(targets)
        train, validation = map(_presence, self.ngrams.fit(texts, validation_texts))
        # The fit does not depend on beta.
        fits = cache(lambda strength: self._fit(train, targets, strength, weights.train))
        (strength, beta), chosen = choose(
            product(STRENGTHS, BETAS),
            lambda setting: _interpolate(fits(setting[0]), setting[1]),
            lambda model: self.kind.loss(
                self._predict(model, validation), validation_targets, weights.validation
            ),
        )
        self.held_out = self._predict(chosen, validation)
        every = vstack([train, validation], format="csr")
        known = np.concatenate([targets, validation_targets])
        self.model = _interpolate(self._fit(every, known, strength, weights.every), beta)
        self.choices = {"C": strength, "beta": beta}
        return self

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """Probabilities float64 [rows, outputs]."""
        return self._predict(self.model, _presence(self.ngrams.count(texts)))

    def _fit(
        self,
        present: csr_matrix,
        targets: NDArray[Any],
        strength: float,
        weights: NDArray[np.float64] | None,
    ) -> list[Fit]:
        fitted = []
        for column in self.kind.columns(targets).T:
            ratios = _log_count_ratios(present, column, weights)
            features = present.multiply(ratios).tocsr()
            fit = fit_logistic(features, column, strength, self.seed, weights)
            fitted.append(Fit(ratios, *fit))
        return fitted

    def _predict(self, model: LinearModel, present: csr_matrix) -> NDArray[np.float64]:
        return self.kind.predictions(model.probabilities(present))


def _interpolate(fitted: list[Fit], beta: float) -> LinearModel:
    """Weights for presence itself, their sizes shrunk to the mean by 1 - beta (section 2.3)."""
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
