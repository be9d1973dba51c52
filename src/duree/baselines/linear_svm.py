"""Linear support vector machine on TF-IDF weights of units, pairs of units, and characters.

Source: Cortes & Vapnik 1995; Fan et al. 2008 (LIBLINEAR). Probabilities are a softmax of the
decision values over a temperature that is fitted on the validation rows (Guo et al. 2017).
"""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack, vstack
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from duree.baselines.linear import Floats, LinearModel
from duree.baselines.ngrams import LEAST_SEEN, Ngrams
from duree.baselines.targets import EQUAL_WEIGHTS, CaseWeights, Targets
from duree.baselines.tuning import choose
from duree.evaluation.calibration import fit_temperature

# Values of C to try, each with and without weights that balance the classes.
STRENGTHS = (0.03, 0.1, 0.3, 1.0)
BALANCING = (None, "balanced")
CHARACTERS = (2, 5)
# Beyond so many characters of training texts, words are plenty, and n-grams take minutes.
MOST_CHARACTERS = 5_000_000
ROUNDS = 5000


class LinearSvm:
    """A linear SVM for classes (one against the rest) and labels.

    C, and whether classes are balanced, are chosen by macro-F1 on the validation rows; then the
    model is fitted on all rows.
    """

    name = "linear_svm"
    title = "TF-IDF + linear SVM"
    description = (
        "a linear support vector machine ({cortes1995}) on TF-IDF weights of units, pairs of "
        "neighbouring units, and 2 to 5 neighbouring characters"
    )

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
        """Choose C and the balance on the validation rows, then fit on all rows."""
        self.kind = Targets.of(targets)
        counts, validation_counts = self.ngrams.fit(texts, validation_texts)
        train = self._learn_features(texts, counts)
        validation = self._features(validation_texts, validation_counts)

        def loss(model: LinearModel) -> float:
            values = self._decisions(model, validation)
            return -self._macro_f1(values, validation_targets, weights.validation)

        (strength, balance), model = choose(
            product(STRENGTHS, BALANCING),
            lambda setting: self._fit(train, targets, *setting, weights.train),
            loss,
        )
        values = self._decisions(model, validation)
        self.temperature = self._temperature(values, validation_targets, weights.validation)
        self.held_out = self._probabilities(values)
        # The counts are put together, since counting forgets the texts counted before.
        every = self._learn_features(
            [*texts, *validation_texts], vstack([counts, validation_counts], format="csr")
        )
        known = np.concatenate([targets, validation_targets])
        self.model = self._fit(every, known, strength, balance, weights.every)
        self.choices = {"C": strength, "class weights": balance or "none"}
        return self

    def predict(self, texts: list[str]) -> Floats:
        """Probabilities float64 [rows, outputs]."""
        features = self._features(texts, self.ngrams.count(texts))
        return self._probabilities(self._decisions(self.model, features))

    def _probabilities(self, values: Floats) -> Floats:
        """The calibrated probabilities of decision values, [rows, outputs]."""
        if self.kind.kind == "classes":
            return np.asarray(softmax(values / self.temperature, axis=1))
        return np.asarray(softmax(_as_classes(values) / self.temperature, axis=1)[:, 1]).reshape(
            values.shape
        )

    def _learn_features(self, texts: list[str], counts: csr_matrix) -> csr_matrix:
        """Learn how features are weighted, and weight those of the texts."""
        self.of_units = TfidfTransformer(sublinear_tf=True)
        found = [self.of_units.fit_transform(counts)]
        self.of_characters = None
        if sum(map(len, texts)) <= MOST_CHARACTERS:
            least = LEAST_SEEN if len(texts) > LEAST_SEEN else 1
            of_characters = TfidfVectorizer(
                analyzer="char", ngram_range=CHARACTERS, min_df=least, sublinear_tf=True
            )
            with suppress(ValueError):  # no n-gram is in two texts
                found.append(of_characters.fit_transform(texts))
                self.of_characters = of_characters
        return hstack(found, format="csr")

    def _features(self, texts: list[str], counts: csr_matrix) -> csr_matrix:
        found = [self.of_units.transform(counts)]
        if self.of_characters is not None:
            found.append(self.of_characters.transform(texts))
        return hstack(found, format="csr")

    def _fit(
        self,
        features: csr_matrix,
        targets: NDArray[Any],
        strength: float,
        balance: str | None,
        weights: Floats | None,
    ) -> LinearModel:
        fitted = [
            self._slope(features, column, strength, balance, weights)
            for column in self.kind.columns(targets).T
        ]
        slopes, biases = zip(*fitted, strict=True)
        return LinearModel(np.stack(slopes, axis=1), np.array(biases))

    def _decisions(self, model: LinearModel, features: csr_matrix) -> Floats:
        """Decision values, [rows, classes] or [rows, labels]."""
        values = model.scores(features)
        is_one = self.kind.kind == "classes" and values.shape[1] == 1
        return np.concatenate([-values, values], axis=1) if is_one else values

    def _slope(
        self,
        features: csr_matrix,
        column: Floats,
        strength: float,
        balance: str | None,
        weights: Floats | None,
    ) -> tuple[Floats, float]:
        """The weights and the bias for one column of 0 and 1."""
        if column.min() == column.max():  # there is nothing to separate
            return np.zeros(features.shape[1]), 2.0 * column[0] - 1.0
        model = LinearSVC(
            C=strength, class_weight=balance, max_iter=ROUNDS, random_state=self.seed
        ).fit(features, column, weights)
        return model.coef_[0], float(model.intercept_[0])

    def _macro_f1(self, values: Floats, targets: NDArray[Any], weights: Floats | None) -> float:
        of_classes = self.kind.kind == "classes"
        found = values.argmax(axis=1) if of_classes else (values > 0).astype(int)
        return float(
            f1_score(targets, found, average="macro", sample_weight=weights, zero_division=0)
        )

    def _temperature(self, values: Floats, targets: NDArray[Any], weights: Floats | None) -> float:
        if self.kind.kind == "classes":
            return fit_temperature(values, targets, weights)
        repeated = None if weights is None else np.repeat(weights, values.shape[1])
        return fit_temperature(_as_classes(values), targets.ravel(), repeated)


def _as_classes(values: Floats) -> Floats:
    """The decision on each label of each row as the scores of two classes: [rows * labels, 2]."""
    flat = values.ravel()
    return np.stack([-flat, flat], axis=1)
