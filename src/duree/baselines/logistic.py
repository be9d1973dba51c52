"""Logistic regression on the TF-IDF of units and pairs."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.feature_extraction.text import TfidfTransformer

from duree.baselines.answers import Answers
from duree.baselines.linear import LinearModel, fit_logistic
from duree.baselines.ngrams import Ngrams

STRENGTHS = (1.0, 4.0, 16.0, 64.0, 256.0)


class TfidfLogistic:
    """TF-IDF (logarithmic counts, rows of length 1) with logistic regression, one against the rest.

    C is tuned by log-loss on the validation rows, then the model is fitted on all.
    """

    def __init__(self, ngrams: Ngrams, seed: int) -> None:
        self.name = "tfidf_logistic"
        self.ngrams, self.seed = ngrams, seed
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: list[str],
        targets: NDArray[Any],
        validation_texts: list[str],
        validation_targets: NDArray[Any],
    ) -> Self:
        """Tune C on validation, then fit on all rows; see ``Baseline``."""
        self.answers = Answers.of(targets)
        train, validation = self.ngrams.fit(texts, validation_texts)
        weighting = TfidfTransformer(sublinear_tf=True).fit(train)
        weighed, held_out = weighting.transform(train), weighting.transform(validation)
        losses = {}
        for strength in STRENGTHS:
            self._fit(weighed, targets, strength)
            losses[strength] = self.answers.log_loss(self._predict(held_out), validation_targets)
        best = min(losses, key=losses.__getitem__)
        every = vstack([train, validation])
        self.weighting = TfidfTransformer(sublinear_tf=True).fit(every)
        answers = np.concatenate([targets, validation_targets])
        self._fit(self.weighting.transform(every), answers, best)
        self.choices = {"C": best}
        return self

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """Probabilities float64 [rows, outputs]."""
        return self._predict(self.weighting.transform(self.ngrams.count(texts)))

    def _fit(self, features: csr_matrix, targets: NDArray[Any], strength: float) -> None:
        fitted = [
            fit_logistic(features, column, strength, self.seed)
            for column in self.answers.columns(targets).T
        ]
        weights, biases = zip(*fitted, strict=True)
        self.model = LinearModel(np.stack(weights, axis=1), np.array(biases))

    def _predict(self, features: csr_matrix) -> NDArray[np.float64]:
        return self.answers.predictions(self.model.probabilities(features))
