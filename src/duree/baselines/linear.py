"""Linear models of yes-or-no questions, with the probability that the logistic function gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

# How exactly a fit is carried out: probabilities at 1e-4 are the same in four digits.
TOLERANCE = 1e-2
# The same of Newton's method, whose tolerance is that of the gradient.
NEWTON_TOLERANCE = 1e-4
ROUNDS = 1000


@dataclass(frozen=True)
class LinearModel:
    """One linear score for each question.

    Attributes
    ----------
    weights : float64 [features, questions]
    biases : float64 [questions]
    """

    weights: NDArray[np.float64]
    biases: NDArray[np.float64]

    def probabilities(self, features: csr_matrix) -> NDArray[np.float64]:
        """Probability of yes, float64 [rows, questions]."""
        return np.asarray(expit(features @ self.weights + self.biases))


def fit_logistic(
    features: csr_matrix,
    answers: NDArray[Any],
    strength: float,
    seed: int,
    weights: NDArray[np.float64] | None = None,
    *,
    dual: bool = True,
) -> tuple[NDArray[np.float64], float]:
    """Weights float64 [features] and bias of a logistic regression with an L2 penalty.

    Parameters
    ----------
    features : [rows, features]
    answers : 0/1 [rows]
    strength : float
        C, the weight of the loss beside the penalty.
    seed : int
        The order in which rows are visited (dual coordinate descent: Yu, Huang & Lin 2011).
    weights : float [rows], optional
        How much each row counts.
    dual : bool
        Whether the dual is solved; else the primal, by Newton's method in a trust region (Lin, Weng
        & Keerthi 2008), which few features that go together do not slow down.
    """
    if answers.min() == answers.max():
        # Nothing can be told apart: Laplace's rule says how sure one may be.
        odds = (answers.sum() + 1) / (len(answers) - answers.sum() + 1)
        return np.zeros(features.shape[1]), float(np.log(odds))
    model = LogisticRegression(
        C=strength,
        solver="liblinear",
        dual=dual,
        tol=TOLERANCE if dual else NEWTON_TOLERANCE,
        max_iter=ROUNDS,
        random_state=seed,
    ).fit(features, answers, weights)
    return model.coef_[0], float(model.intercept_[0])
