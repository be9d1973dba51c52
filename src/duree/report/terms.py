"""Terms: the names of a run's metrics and models.

``metrics.json`` holds the titles of metrics and baselines. Runs of version 0.1.0 store only their
names: those titles are here and in ``duree.results.metric``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from duree.results.baseline import BaselineWords
from duree.results.metric import Metric, known_metric

# Titles of parts of the network, of waiting times, and of the baselines of version 0.1.0.
MODELS = {
    "majority": "majority class",
    "mean": "training mean",
    "tfidf_logistic": "TF-IDF + logistic regression",
    "tfidf_ridge": "TF-IDF + ridge regression",
    "state_logistic": "states + logistic regression",
    "state_ridge": "states + ridge regression",
    "series_logistic": "series features + logistic regression",
    "series_ridge": "series features + ridge regression",
    "rocket": "random convolutions (ROCKET)",
    "nb_svm": "NB-SVM",
    "naive": "last value",
    "naive2": "Naive2",
    "seasonal_naive": "seasonal naive",
    "ses": "exponential smoothing",
    "theta": "Theta",
    "ets": "ETS",
    "arima": "ARIMA",
    "most_frequent_tag": "most frequent tag of each word",
    "hmm": "hidden Markov model",
    "crf": "CRF on word features",
    "random_forest": "random forest",
    "last_state": "last state repeated",
    "markov": "Markov chain",
    "markov_2": "Markov chain of order 2",
    "markov_by_time": "Markov chain by time",
    "hidden_markov": "hidden Markov model",
    "logistic": "logistic regression",
    "boosted_trees": "boosted trees",
    "all_waits": "shares of all waiting times",
    "waits_after_event": "shares after the same event",
    "recurrent_part": "its recurrent part alone",
    "wide_part": "its wide part alone",
    "interpolated": "network and n-grams interpolated",
}


@dataclass(frozen=True)
class Terms:
    """The metrics and models of a run, as described in its ``metrics.json``."""

    metrics: Mapping[str, Metric] = field(default_factory=dict)
    baselines: Mapping[str, BaselineWords] = field(default_factory=dict)

    def metric(self, name: str) -> Metric:
        """The metric of this name; an unknown one has its name as title."""
        return self.metrics.get(name) or known_metric(name)

    def model(self, name: str) -> str:
        """The title of a model, an English template."""
        words = self.baselines.get(name)
        return words.title if words else MODELS.get(name, name)


NO_TERMS = Terms()
