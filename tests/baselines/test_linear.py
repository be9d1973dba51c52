"""Linear models: ridge regression."""

from functools import partial

import numpy as np
from sklearn.feature_extraction.text import TfidfTransformer

from duree.baselines import PENALTIES
from duree.baselines.linear import LeastSquares, LinearBaseline
from duree.baselines.ngrams import Ngrams


def ridge(grams: Ngrams) -> LinearBaseline:
    weighting = partial(TfidfTransformer, sublinear_tf=True)
    return LinearBaseline("ridge", "", "", grams, weighting, LeastSquares(PENALTIES))


def test_the_fit_is_that_of_the_normal_equations():
    texts = ["a b", "a c c", "b c", "a a b c", "c"]
    numbers = np.array([1.0, 3.0, 2.0, 5.0, -1.0])
    grams = Ngrams(str.split)
    model = ridge(grams).fit(texts, numbers, texts[:2], numbers[:2])
    features = TfidfTransformer(sublinear_tf=True).fit_transform(grams.count(texts + texts[:2]))
    known = np.append(numbers, numbers[:2])
    centre = features.mean(axis=0)
    inner = features.toarray() - np.asarray(centre)
    penalty = model.choices["alpha"] * np.eye(inner.shape[1])
    weights = np.linalg.solve(inner.T @ inner + penalty, inner.T @ (known - known.mean()))
    expected = inner[:5] @ weights + known.mean()
    # The solver stops at a residual of 1e-4.
    np.testing.assert_allclose(model.predict(texts)[:, 0], expected, atol=1e-3)


def test_the_penalty_is_the_best_on_validation():
    texts = ["war x", "bread x"] * 20
    numbers = np.array([-5.0, 5.0] * 20)
    follows = ridge(Ngrams(str.split)).fit(texts, numbers, texts[:4], numbers[:4])
    assert follows.choices == {"alpha": PENALTIES[0]}
    contradicts = ridge(Ngrams(str.split)).fit(texts, numbers, texts[:4], -numbers[:4])
    assert contradicts.choices == {"alpha": PENALTIES[-1]}
