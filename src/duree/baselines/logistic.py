"""Logistic regression on the features of a text or a sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from duree.baselines.linear import LinearModel, fit_logistic
from duree.baselines.ngrams import Features
from duree.baselines.targets import ALIKE, Answers, Counts


class Logistic:
    """Logistic regression, one against the rest, on features that are weighed first.

    C is tuned by log-loss on the validation rows, then the model is fitted on all.

    Parameters
    ----------
    name, title, description : str
        See ``Baseline``.
    features : Features
    weigh : () -> transformer
        How features are weighed, learned from the training rows: a scikit-learn transformer.
    strengths : tuple of float
        Values of C to try.
    seed : int
    dual : bool
        How it is fitted; see ``fit_logistic``.
    """

    def __init__(
        self,
        name: str,
        title: str,
        description: str,
        features: Features,
        weigh: Callable[[], Any],
        strengths: tuple[float, ...],
        seed: int,
        *,
        dual: bool = True,
    ) -> None:
        self.name, self.title, self.description = name, title, description
        self.features, self.weigh = features, weigh
        self.strengths, self.seed, self.dual = strengths, seed, dual
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
        """Tune C on validation, then fit on all rows; see ``Baseline``."""
        self.answers = Answers.of(targets)
        train, validation = self.features.fit(texts, validation_texts)
        weighting = self.weigh().fit(train)
        weighed, held_out = weighting.transform(train), weighting.transform(validation)
        losses = {}
        for strength in self.strengths:
            self._fit(weighed, targets, strength, counts.train)
            losses[strength] = self.answers.log_loss(
                self._predict(held_out), validation_targets, counts.validation
            )
        best = min(losses, key=losses.__getitem__)
        every = vstack([train, validation])
        self.weighting = self.weigh().fit(every)
        answers = np.concatenate([targets, validation_targets])
        self._fit(self.weighting.transform(every), answers, best, counts.every)
        self.choices = {"C": best}
        return self

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """Probabilities float64 [rows, outputs]."""
        return self._predict(self.weighting.transform(self.features.count(texts)))

    def _fit(
        self,
        features: csr_matrix,
        targets: NDArray[Any],
        strength: float,
        weights: NDArray[np.float64] | None,
    ) -> None:
        fitted = [
            fit_logistic(features, column, strength, self.seed, weights, dual=self.dual)
            for column in self.answers.columns(targets).T
        ]
        slopes, biases = zip(*fitted, strict=True)
        self.model = LinearModel(np.stack(slopes, axis=1), np.array(biases))

    def _predict(self, features: csr_matrix) -> NDArray[np.float64]:
        return self.answers.predictions(self.model.probabilities(features))
