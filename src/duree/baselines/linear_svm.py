"""Linear support vector machine on TF-IDF weights of units, pairs of units, and characters.

Source: Cortes & Vapnik 1995; Fan et al. 2008 (LIBLINEAR). Probabilities are a softmax of the
decision values over a temperature that is fitted on the validation rows (Guo et al. 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from duree.baselines.linear import Floats
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

Decide = Callable[[csr_matrix], Floats]


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
        counts = self.ngrams.fit(texts, validation_texts)
        self._learn_features(texts, counts[0])
        train, validation = self._features(texts), self._features(validation_texts)

        def loss(decide: Decide) -> float:
            return -self._macro_f1(decide(validation), validation_targets, weights.validation)

        (strength, balance), decide = choose(
            product(STRENGTHS, BALANCING),
            lambda setting: self._fit(train, targets, *setting, weights.train),
            loss,
        )
        self.temperature = self._temperature(decide(validation), validation_targets, weights)
        every = [*texts, *validation_texts]
        known = np.concatenate([targets, validation_targets])
        self._learn_features(every, self.ngrams.count(every))
        self.decide = self._fit(self._features(every), known, strength, balance, weights.every)
        self.choices = {"C": strength, "class weights": balance or "none"}
        return self

    def predict(self, texts: list[str]) -> Floats:
        """Probabilities float64 [rows, outputs]."""
        values = self.decide(self._features(texts))
        if self.kind.kind == "classes":
            return np.asarray(softmax(values / self.temperature, axis=1))
        return np.asarray(softmax(_as_classes(values) / self.temperature, axis=1)[:, 1]).reshape(
            values.shape
        )

    def _learn_features(self, texts: list[str], counts: csr_matrix) -> None:
        self.of_units = TfidfTransformer(sublinear_tf=True).fit(counts)
        self.of_characters = None
        if sum(map(len, texts)) <= MOST_CHARACTERS:
            least = LEAST_SEEN if len(texts) > LEAST_SEEN else 1
            self.of_characters = TfidfVectorizer(
                analyzer="char", ngram_range=CHARACTERS, min_df=least, sublinear_tf=True
            )
            try:
                self.of_characters.fit(texts)
            except ValueError:  # no n-gram is in two texts
                self.of_characters = None

    def _features(self, texts: list[str]) -> csr_matrix:
        of_units = self.of_units.transform(self.ngrams.count(texts))
        if self.of_characters is None:
            return of_units
        return hstack([of_units, self.of_characters.transform(texts)], format="csr")

    def _fit(
        self,
        features: csr_matrix,
        targets: NDArray[Any],
        strength: float,
        balance: str | None,
        weights: Floats | None,
    ) -> Decide:
        """A function from features to decision values: [rows, classes] or [rows, labels]."""
        columns = self.kind.columns(targets)
        fitted = [self._slope(features, column, strength, balance, weights) for column in columns.T]
        slopes, biases = (np.array(each) for each in zip(*fitted, strict=True))

        def decide(features: csr_matrix) -> Floats:
            values = np.asarray(features @ slopes.T + biases)
            is_one = self.kind.kind == "classes" and values.shape[1] == 1
            return np.concatenate([-values, values], axis=1) if is_one else values

        return decide

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

    def _temperature(self, values: Floats, targets: NDArray[Any], weights: CaseWeights) -> float:
        given = weights.validation
        if self.kind.kind == "classes":
            return fit_temperature(values, targets, given)
        repeated = None if given is None else np.repeat(given, values.shape[1])
        return fit_temperature(_as_classes(values), targets.ravel(), repeated)


def _as_classes(values: Floats) -> Floats:
    """The decision on each label of each row as the scores of two classes: [rows * labels, 2]."""
    flat = values.ravel()
    return np.stack([-flat, flat], axis=1)
