"""SequenceRegressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import column_or_1d

from duree.estimators.estimator import SequenceEstimator
from duree.estimators.inputs import as_weights, check_size
from duree.tasks.regress import Regress


class SequenceRegressor(RegressorMixin, SequenceEstimator):  # type: ignore[misc]
    """A recurrent network that predicts one number per sequence. See ``SequenceClassifier``.

    Attributes
    ----------
    model_ : TrainedModel
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on sequences and their targets; the rest as for ``SequenceClassifier``."""
        rows = self._rows(X, reset=True)
        numbers = column_or_1d(np.asarray(y, dtype=np.float64), warn=True)
        assert_all_finite(numbers, input_name="y")
        check_size(rows, numbers)
        task = Regress.from_target(pl.Series("y", numbers), self._recipe())
        return self._fit(rows, numbers, task, as_weights(sample_weight, len(rows)))

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The predicted number of each row."""
        return self._predictions(X)[:, 0]
