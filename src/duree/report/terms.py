"""Terms: what a run's metrics and models are called, what each metric measures and rests on.

This is the one place where they are looked up. A run of version 0.1.0 stores their names alone:
its terms stand here.
"""

from __future__ import annotations

from dataclasses import dataclass

from duree.evaluation.metrics import LABELS, OF_LAYER

# What each metric tells, for a reader who meets it for the first time.
MEANINGS = {
    "accuracy": "share of rows that got their true class",
    "entity_f1": "harmonic mean of precision and recall over entities, counted as conlleval does",
    "entity_precision": "share of the entities given that are right from first word to last",
    "entity_recall": "share of the true entities that were found from first word to last",
    "unseen_accuracy": "share of right tags among words that training never saw",
    "macro_f1": "harmonic mean of precision and recall, averaged over the classes, rare or common",
    "micro_f1": "harmonic mean of precision and recall over all labels of all rows",
    "subset_accuracy": "share of rows that got exactly their true labels",
    "bits": "how much each next step surprises the model, in bits; 0 is perfect",
    "change_accuracy": "share of the steps with a change at which the new one was foretold",
    "change_bits": "the same surprise at the steps with a change alone",
    "top3_accuracy": "share of steps whose truth was among the three likeliest",
    "mrr": "mean of one over the place of the truth among all, by probability",
    "log_loss": "how much the truth surprises the probabilities; 0 is perfect",
    "brier": "mean squared distance of the probabilities from the truth; 0 is perfect",
    "auc": "chance that a row of a class is ranked above one of another; 0.5 is guessing",
    "calibration_error": "mean gap between stated confidence and the share that was right",
    "mae": "mean absolute error, in units of the target",
    "rmse": "root of the mean squared error, in units of the target; large errors weigh more",
    "r2": "share of the target’s variance that is explained; 0 is no better than the mean",
    "owa": "mean of sMAPE and MASE, each divided by that of Naive2: below 1 is better than it",
    "smape": "mean absolute error in per cent of the mean of forecast and truth (0 to 200)",
    "mase": "mean absolute error, in units of the mean change within the series",
    "crps": "how far the whole stated distribution lies from what came, in the same units",
    "pinball": "mean loss of the quantiles, in the same units",
    "coverage_80": "share of what came that lies in the 80 % band; 0.8 is right",
    "coverage_95": "share of what came that lies in the 95 % band; 0.95 is right",
    "spearman": "how well the order of the rows is found; 1 is perfect, 0 is chance",
}
# What the methods section calls them, with the works that define them.
SOURCES = {
    "brier": "the Brier score ({brier1950})",
    "auc": "the area under the ROC curve ({hanley1982})",
    "calibration_error": "the expected calibration error over 15 bins ({naeini2015})",
    "spearman": "Spearman’s rank correlation ({spearman1904})",
    "owa": "OWA and sMAPE as the M4 competition defines them ({makridakis2020})",
    "mase": "MASE ({hyndman2006})",
    "crps": "the CRPS in units of the same scale ({gneiting2007})",
}
MODELS = {
    "majority": "majority class",
    "mean": "training mean",
    "tfidf_logistic": "TF-IDF + logistic regression",
    "tfidf_ridge": "TF-IDF + ridge regression",
    "state_logistic": "states + logistic regression",
    "state_ridge": "states + ridge regression",
    "series_logistic": "figures of the series + logistic regression",
    "series_ridge": "figures of the series + ridge regression",
    "rocket": "random convolutions (ROCKET)",
    "nb_svm": "NB-SVM",
    "naive": "last value",
    "naive2": "Naive2",
    "seasonal_naive": "seasonal naive",
    "ses": "exponential smoothing",
    "theta": "Theta",
    "ets": "ETS",
    "arima": "ARIMA",
    "most_frequent_tag": "each word’s most frequent tag",
    "hmm": "hidden Markov model",
    "crf": "CRF on features of words",
    "random_forest": "random forest",
    "last_state": "last state again",
    "markov": "Markov chain",
    "markov_2": "Markov chain of order 2",
    "markov_by_time": "Markov chain by time",
    "hidden_markov": "hidden Markov model",
    "logistic": "logistic regression",
    "boosted_trees": "boosted trees",
    "all_waits": "shares of all waits",
    "waits_after_event": "shares after the same event",
    "recurrent_part": "recurrent part alone",
    "wide_part": "wide part alone",
}


@dataclass(frozen=True)
class Terms:
    """English templates for what a run names."""

    def metric(self, name: str) -> tuple[str, dict[str, str]]:
        """A metric's title and its values; an unknown one is called what the file calls it."""
        if name not in LABELS and name.endswith(OF_LAYER):
            return "accuracy of {layer}", {"layer": name.removesuffix(OF_LAYER)}
        return LABELS.get(name, name), {}

    def meaning(self, metric: str) -> str:
        """What a metric measures, in a few words; nothing for an unknown one."""
        return MEANINGS.get(metric, "")

    def source(self, metric: str) -> str:
        """What the methods section calls a metric that a work defines; nothing for others."""
        return SOURCES.get(metric, "")

    def model(self, name: str) -> str:
        """A model's title."""
        return MODELS.get(name, name)


TERMS = Terms()
