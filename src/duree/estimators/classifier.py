"""SequenceClassifier."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets

from duree.errors import DataError
from duree.estimators.estimator import SequenceEstimator
from duree.estimators.inputs import (
    as_labels,
    as_weights,
    check_size,
    plain_labels,
    restored_labels,
)
from duree.explain.model import explanation_of
from duree.tasks.classify import Classify


class SequenceClassifier(ClassifierMixin, SequenceEstimator):  # type: ignore[misc]
    """A recurrent network that classifies sequences.

    Parameters
    ----------
    cell : {"gru", "lstm", "rnn"}
    hidden_size : int
    seed : int
        The same data, parameters, machine and seed give exactly the same model.
    **others
        See ``SequenceEstimator``.

    Attributes
    ----------
    classes_ : ndarray [classes]
    model_ : TrainedModel

    Examples
    --------
    >>> from duree import SequenceClassifier
    >>> texts = ["a fine day", "a bad day", "fine weather", "bad weather"] * 10
    >>> model = SequenceClassifier(hidden_size=8, epochs=5).fit(texts, [1, 0, 1, 0] * 10)
    >>> model.predict(["fine"]).shape
    (1,)
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on sequences and their classes.

        Parameters
        ----------
        X : sequence [rows]
            Texts: a list, Series or array of str. States: a list of lists of str. Series: an array
            of numbers [rows, steps(, channels)], or a list of arrays [steps(, channels)] of
            different lengths; NaN if missing. Lists with one text each are texts.
        y : array-like [rows]
        sample_weight : array-like of numbers [rows], optional
            How much each row counts, in training and validation; rows with 0 are left out.

        Raises
        ------
        DataError, RecipeError, TrainingError, ValueError
        """
        rows = self._rows(X, reset=True)
        labels = as_labels(y)
        if labels.dtype.kind == "f":
            assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        check_size(rows, labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                "y has only one class, {label!r}",
                fix="a classifier needs at least two",
                label=str(self.classes_[0]),
            )
        task = Classify(tuple(str(label) for label in self.classes_))
        return self._fit(rows, codes.astype(np.int64), task, as_weights(sample_weight, len(rows)))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities float64 [rows, classes], in the order of ``classes_``."""
        return self._predictions(X)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Logarithms of the probabilities, float64 [rows, classes]; minus infinity for 0."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self._predictions(X)))

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row; of a run with ``--metric``, that decided for it."""
        predictions = self._predictions(X)
        chosen: NDArray[Any] = self.classes_[explanation_of(self.model_).chosen(predictions)]
        return chosen

    def _attributes(self) -> dict[str, Any]:
        return plain_labels(self.classes_)

    def _restore(self, attributes: dict[str, Any]) -> None:
        self.classes_ = restored_labels(attributes)
