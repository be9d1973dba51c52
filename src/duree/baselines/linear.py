"""Linear models on weighted features: logistic and ridge regression, their penalty tuned.

Source: Hoerl & Kennard 1970 (ridge regression); Fan et al. 2008 (LIBLINEAR).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, Ridge

from duree.baselines.ngrams import Features
from duree.baselines.targets import EQUAL_WEIGHTS, CaseWeights, Targets
from duree.baselines.tuning import choose

# Tolerance of dual coordinate descent: probabilities at 1e-4 are the same in four digits.
TOLERANCE = 1e-2
# Tolerance of Newton's method, which is that of the gradient.
NEWTON_TOLERANCE = 1e-4
ROUNDS = 1000

Floats = NDArray[np.float64]
# From features to predictions, float64 [rows, outputs].
Predict = Callable[[csr_matrix], Floats]


class Learner(Protocol):
    """A linear model with an L2 penalty.

    Attributes
    ----------
    setting : str
        The name of the penalty.
    values : tuple of float
        Values to try.
    """

    @property
    def setting(self) -> str: ...
    @property
    def values(self) -> tuple[float, ...]: ...

    def fit(
        self,
        features: csr_matrix,
        targets: NDArray[Any],
        kind: Targets,
        value: float,
        weights: Floats | None,
    ) -> Predict:
        """Fit with one value of the setting."""
        ...


class LinearBaseline:
    """A linear model on features that are weighted first; see ``Baseline``.

    The penalty is tuned on the validation rows (by log-loss, or by squared error for numbers), then
    the model is fitted on all rows.

    Parameters
    ----------
    name, title, description : str
        See ``Baseline``.
    features : Features
    weighting : () -> transformer
        A scikit-learn transformer that weights the features, fitted on the training rows.
    learner : Learner
    """

    def __init__(
        self,
        name: str,
        title: str,
        description: str,
        features: Features,
        weighting: Callable[[], Any],
        learner: Learner,
    ) -> None:
        self.name, self.title, self.description = name, title, description
        self.features, self.weighting, self.learner = features, weighting, learner
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: Any,
        targets: NDArray[Any],
        validation_texts: Any,
        validation_targets: NDArray[Any],
        weights: CaseWeights = EQUAL_WEIGHTS,
    ) -> Self:
        """Tune the penalty on the validation rows, then fit on all rows."""
        kind, learner = Targets.of(targets), self.learner
        train, validation = self.features.fit(texts, validation_texts)
        weighting = self.weighting().fit(train)
        weighted, held_out = weighting.transform(train), weighting.transform(validation)
        best, chosen = choose(
            learner.values,
            lambda value: learner.fit(weighted, targets, kind, value, weights.train),
            lambda predict: kind.loss(predict(held_out), validation_targets, weights.validation),
        )
        self.held_out = chosen(held_out)
        every = vstack([train, validation])
        self.transform = self.weighting().fit(every).transform
        known = np.concatenate([targets, validation_targets])
        self.model = learner.fit(self.transform(every), known, kind, best, weights.every)
        self.choices = {learner.setting: best}
        return self

    def predict(self, texts: Any) -> Floats:
        """Probabilities or numbers, float64 [rows, outputs]."""
        return self.model(self.transform(self.features.count(texts)))


@dataclass(frozen=True)
class Logistic:
    """Logistic regression, one against the rest; C is tuned.

    Attributes
    ----------
    values : tuple of float
    seed : int
    dual : bool
        See ``fit_logistic``.
    """

    values: tuple[float, ...]
    seed: int
    dual: bool = True
    setting = "C"

    def fit(
        self,
        features: csr_matrix,
        targets: NDArray[Any],
        kind: Targets,
        value: float,
        weights: Floats | None,
    ) -> Predict:
        """One regression for each column of the targets."""
        fitted = [
            fit_logistic(features, column, value, self.seed, weights, dual=self.dual)
            for column in kind.columns(targets).T
        ]
        slopes, biases = zip(*fitted, strict=True)
        model = LinearModel(np.stack(slopes, axis=1), np.array(biases))
        return lambda features: kind.predictions(model.probabilities(features))


@dataclass(frozen=True)
class LeastSquares:
    """Ridge regression; the penalty alpha is tuned."""

    values: tuple[float, ...]
    setting = "alpha"

    def fit(
        self,
        features: csr_matrix,
        targets: NDArray[Any],
        kind: Targets,
        value: float,
        weights: Floats | None,
    ) -> Predict:
        """One regression on the numbers."""
        model = Ridge(alpha=value, solver="sparse_cg").fit(features, targets, weights)
        return lambda features: np.asarray(model.predict(features), dtype=np.float64)[:, None]


@dataclass(frozen=True)
class LinearModel:
    """One linear score for each binary question.

    Attributes
    ----------
    weights : float64 [features, questions]
    biases : float64 [questions]
    """

    weights: Floats
    biases: Floats

    def scores(self, features: csr_matrix) -> Floats:
        """Linear scores, float64 [rows, questions]."""
        return np.asarray(features @ self.weights + self.biases)

    def probabilities(self, features: csr_matrix) -> Floats:
        """Probability of yes, float64 [rows, questions]."""
        return np.asarray(expit(self.scores(features)))


def fit_logistic(
    features: csr_matrix,
    targets: NDArray[Any],
    strength: float,
    seed: int,
    weights: Floats | None = None,
    *,
    dual: bool = True,
) -> tuple[Floats, float]:
    """Weights float64 [features] and bias of a logistic regression with an L2 penalty.

    Parameters
    ----------
    features : [rows, features]
    targets : 0/1 [rows]
    strength : float
        C, the weight of the loss relative to the penalty.
    seed : int
        The order in which rows are visited (dual coordinate descent: Yu, Huang & Lin 2011).
    weights : float [rows], optional
        Weights of the rows.
    dual : bool
        Whether the dual is solved; else the primal, by Newton's method in a trust region (Lin, Weng
        & Keerthi 2008), which few and correlated features do not slow down.
    """
    if targets.min() == targets.max():
        # A single class cannot be separated: Laplace's rule of succession gives its probability.
        odds = (targets.sum() + 1) / (len(targets) - targets.sum() + 1)
        return np.zeros(features.shape[1]), float(np.log(odds))
    model = LogisticRegression(
        C=strength,
        solver="liblinear",
        dual=dual,
        tol=TOLERANCE if dual else NEWTON_TOLERANCE,
        max_iter=ROUNDS,
        random_state=seed,
    ).fit(features, targets, weights)
    return model.coef_[0], float(model.intercept_[0])
