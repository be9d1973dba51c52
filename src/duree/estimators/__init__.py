"""Estimators with scikit-learn's interface, and ``load`` for models and runs."""

from __future__ import annotations

from duree.estimators.classifier import SequenceClassifier
from duree.estimators.estimator import SequenceEstimator
from duree.estimators.load import TrainedTagger, load
from duree.estimators.regressor import SequenceRegressor

__all__ = [
    "SequenceClassifier",
    "SequenceEstimator",
    "SequenceRegressor",
    "TrainedTagger",
    "load",
]
