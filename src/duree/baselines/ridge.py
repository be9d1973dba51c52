"""Ridge regression on the features of a text or a sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import Ridge

from duree.baselines.ngrams import Features
from duree.baselines.targets import ALIKE, Counts


class RidgeRegression:
    """Ridge regression on features that are weighed first; see ``Logistic``.

    The penalty alpha is tuned by squared error on the validation rows, then the model is fitted on
    all.
    """

    def __init__(
        self,
        name: str,
        title: str,
        description: str,
        features: Features,
        weigh: Callable[[], Any],
        penalties: tuple[float, ...],
    ) -> None:
        self.name, self.title, self.description = name, title, description
        self.features, self.weigh = features, weigh
        self.penalties = penalties
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
        """Tune alpha on validation, then fit on all rows; see ``Baseline``."""
        train, validation = self.features.fit(texts, validation_texts)
        weighting = self.weigh().fit(train)
        weighed, held_out = weighting.transform(train), weighting.transform(validation)
        errors = {}
        for penalty in self.penalties:
            self._fit(weighed, targets, penalty, counts.train)
            squares = (self._predict(held_out) - validation_targets) ** 2
            errors[penalty] = np.average(squares, weights=counts.validation)
        best = min(errors, key=errors.__getitem__)
        every = vstack([train, validation])
        self.weighting = self.weigh().fit(every)
        answers = np.concatenate([targets, validation_targets])
        self._fit(self.weighting.transform(every), answers, best, counts.every)
        self.choices = {"alpha": best}
        return self

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """Numbers float64 [rows, 1]."""
        return self._predict(self.weighting.transform(self.features.count(texts)))[:, None]

    def _fit(
        self,
        features: csr_matrix,
        targets: NDArray[Any],
        penalty: float,
        weights: NDArray[np.float64] | None,
    ) -> None:
        self.model = Ridge(alpha=penalty, solver="sparse_cg").fit(features, targets, weights)

    def _predict(self, features: csr_matrix) -> NDArray[np.float64]:
        return np.asarray(self.model.predict(features), dtype=np.float64)
