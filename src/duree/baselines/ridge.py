"""Ridge regression on the TF-IDF of units and pairs."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import Ridge

from duree.baselines.ngrams import Ngrams

PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0)


class TfidfRidge:
    """TF-IDF (logarithmic counts, rows of length 1) with ridge regression.

    The penalty alpha is tuned by squared error on the validation rows, then the model is fitted on
    all.
    """

    def __init__(self, ngrams: Ngrams) -> None:
        self.name = "tfidf_ridge"
        self.ngrams = ngrams
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: list[str],
        targets: NDArray[Any],
        validation_texts: list[str],
        validation_targets: NDArray[Any],
    ) -> Self:
        """Tune alpha on validation, then fit on all rows; see ``Baseline``."""
        train, validation = self.ngrams.fit(texts, validation_texts)
        weighting = TfidfTransformer(sublinear_tf=True).fit(train)
        weighed, held_out = weighting.transform(train), weighting.transform(validation)
        errors = {}
        for penalty in PENALTIES:
            self._fit(weighed, targets, penalty)
            errors[penalty] = np.mean((self._predict(held_out) - validation_targets) ** 2)
        best = min(errors, key=errors.__getitem__)
        every = vstack([train, validation])
        self.weighting = TfidfTransformer(sublinear_tf=True).fit(every)
        answers = np.concatenate([targets, validation_targets])
        self._fit(self.weighting.transform(every), answers, best)
        self.choices = {"alpha": best}
        return self

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """Numbers float64 [rows, 1]."""
        return self._predict(self.weighting.transform(self.ngrams.count(texts)))[:, None]

    def _fit(self, features: csr_matrix, targets: NDArray[Any], penalty: float) -> None:
        self.model = Ridge(alpha=penalty, solver="sparse_cg").fit(features, targets)

    def _predict(self, features: csr_matrix) -> NDArray[np.float64]:
        return np.asarray(self.model.predict(features), dtype=np.float64)
