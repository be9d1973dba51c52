"""Metrics: what each is called, what it measures, and which values are better.

A metric is a plain value. Tasks list the metrics that they use (``duree.evaluation.metrics``), and
``metrics.json`` stores their words beside the figures, so that a report needs no table of names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

# The name of the accuracy of a further layer of tags: the name of the layer, then this.
OF_LAYER = "_accuracy"


@dataclass(frozen=True)
class Metric:
    """A figure by which models are evaluated.

    Title, definition and source are English templates, translated through the catalogue.

    Attributes
    ----------
    name : str
        In ``metrics.json``.
    title : str
        In tables and sentences.
    definition : str
        What it measures, in a few words, for a reader who meets it for the first time.
    better : {"higher", "lower"} or float
        Which values are better; a number: those nearer to it.
    source : str
        What the methods section calls it, with the keys of the works that define it in braces;
        empty where nothing needs to be cited.
    bounded : bool
        Whether it lies between 0 and 1 and can reach both.
    share : bool
        Whether it is a share of the rows, and so has the interval of one (Wilson 1927).
    in_target_units : bool
        Whether it is in units of the target.
    values : {str: str}
        Values of the places in the title and the definition.
    """

    name: str
    title: str
    definition: str = ""
    better: Literal["higher", "lower"] | float = "higher"
    source: str = ""
    bounded: bool = False
    share: bool = False
    in_target_units: bool = False
    values: Mapping[str, str] = field(default_factory=dict)

    def gain(self, difference: float) -> float:
        """A difference of two values: positive where the first is better, if not for a target."""
        return -difference if self.better == "lower" else difference

    def worth(self, value: float) -> float:
        """A number that is the higher, the better the value is."""
        if isinstance(self.better, str):
            return self.gain(value)
        return -abs(value - self.better)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return asdict(self)


def _share(name: str, title: str, definition: str, better: float | None = None) -> Metric:
    metric = Metric(name, title, definition, bounded=True, share=True)
    return metric if better is None else replace(metric, better=better)


ACCURACY = _share("accuracy", "accuracy", "share of rows whose class was predicted correctly")
MACRO_F1 = Metric(
    "macro_f1",
    "macro-F1",
    "harmonic mean of precision and recall, averaged over classes with equal weight",
    bounded=True,
)
MICRO_F1 = Metric(
    "micro_f1",
    "micro-F1",
    "harmonic mean of precision and recall over all labels of all rows",
    bounded=True,
)
SUBSET_ACCURACY = _share(
    "subset_accuracy", "subset accuracy", "share of rows whose labels were all predicted correctly"
)
LOG_LOSS = Metric(
    "log_loss",
    "log-loss",
    "mean negative log-probability of the true answer; 0 is perfect",
    better="lower",
)
BRIER = Metric(
    "brier",
    "Brier score",
    "mean squared difference between probabilities and outcomes; 0 is perfect",
    better="lower",
    source="the Brier score ({brier1950})",
)
AUC = Metric(
    "auc",
    "AUC",
    "probability that a row of a class is ranked above a row of another; 0.5 is chance",
    source="the area under the ROC curve ({hanley1982})",
    bounded=True,
)
AVERAGE_PRECISION = Metric("average_precision", "average precision", bounded=True)
CALIBRATION_ERROR = Metric(
    "calibration_error",
    "calibration error",
    "mean gap between predicted confidence and observed share of correct rows",
    better="lower",
    source="the expected calibration error over 15 bins ({naeini2015})",
    bounded=True,
)

MAE = Metric(
    "mae",
    "MAE",
    "mean absolute error, in units of the target",
    better="lower",
    in_target_units=True,
)
RMSE = Metric(
    "rmse",
    "RMSE",
    "root mean squared error, in units of the target; large errors weigh more",
    better="lower",
    in_target_units=True,
)
R2 = Metric("r2", "R²", "share of the target’s variance explained; 0 is no better than the mean")
SPEARMAN = Metric(
    "spearman",
    "Spearman’s ρ",
    "rank correlation of predictions and true values; 1 is perfect, 0 is chance",
    source="Spearman’s rank correlation ({spearman1904})",
)

BITS = Metric(
    "bits",
    "bits per step",
    "mean surprisal of each next step (minus the base-2 logarithm of its probability); 0 is "
    "perfect",
    better="lower",
)
PERPLEXITY = Metric(
    "perplexity",
    "perplexity",
    "inverse of the geometric mean of the probabilities of all units: among how many equally "
    "probable ones each had to be found",
    better="lower",
)
BITS_PER_CHARACTER = Metric(
    "bits_per_character",
    "bits per character",
    "surprisal of the texts (minus the base-2 logarithm of their probability) per character",
    better="lower",
)
STEP_ACCURACY = replace(ACCURACY, definition="share of steps whose state was predicted correctly")
CHANGE_ACCURACY = Metric(
    "change_accuracy",
    "accuracy on changes",
    "share of steps with a change of state whose new state was predicted correctly",
    bounded=True,
)
CHANGE_BITS = Metric(
    "change_bits",
    "bits per change",
    "mean surprisal of the steps with a change of state; 0 is perfect",
    better="lower",
)
TOP3_ACCURACY = Metric(
    "top3_accuracy",
    "accuracy among three",
    "share of steps whose true state is among the three most probable",
    bounded=True,
)
MRR = Metric(
    "mrr",
    "mean reciprocal rank",
    "mean of 1 / rank of the true state, by probability",
    bounded=True,
)

ENTITY_F1 = Metric(
    "entity_f1",
    "entity F1",
    "harmonic mean of precision and recall over entities, counted as conlleval does",
    bounded=True,
)
ENTITY_PRECISION = Metric(
    "entity_precision",
    "entity precision",
    "share of predicted entities that are correct from first word to last",
    bounded=True,
)
ENTITY_RECALL = Metric(
    "entity_recall",
    "entity recall",
    "share of true entities that were found from first word to last",
    bounded=True,
)
TAG_ACCURACY = replace(ACCURACY, definition="share of tokens whose tag was predicted correctly")
UNSEEN_ACCURACY = Metric(
    "unseen_accuracy",
    "accuracy on unseen words",
    "share of correct tags among words that do not occur in training",
    bounded=True,
)

EXACT = _share("exact", "exact match", "share of rows whose target was predicted without an error")
EXACT_KNOWN = Metric(
    "exact_known",
    "exact match, known",
    "exact match among rows whose source also occurs among training and validation rows",
    bounded=True,
)
EXACT_UNKNOWN = Metric(
    "exact_unknown",
    "exact match, unknown",
    "exact match among rows whose source does not occur among training and validation rows",
    bounded=True,
)
CER = Metric(
    "cer",
    "CER",
    "character error rate: edits that turn the predictions into the targets (substitutions, "
    "insertions and deletions), divided by the characters of the targets; 0 is perfect",
    better="lower",
    source="the character error rate, by edit distance ({levenshtein1966})",
)
SYMBOL_ERROR_RATE = replace(
    CER,
    title="symbol error rate",
    definition="edits that turn the predictions into the targets (substitutions, insertions and "
    "deletions), divided by the symbols of the targets; 0 is perfect",
    source="the symbol error rate, by edit distance ({levenshtein1966})",
)
WER = Metric(
    "wer",
    "WER",
    "word error rate: edits of words that turn the predictions into the targets, divided by the "
    "words of the targets; 0 is perfect",
    better="lower",
    source="the word error rate, by edit distance ({levenshtein1966})",
)
# Where a row is a word, the word error rate is the share of rows that are wrong.
WRONG_ROWS = replace(
    _share("wer", "WER", "word error rate: share of rows whose target was not predicted exactly"),
    better="lower",
)
CHRF = Metric(
    "chrf",
    "chrF",
    "F-score of the character n-grams (1 to 6) of the predictions, with recall counting twice as "
    "much as precision; 100 is perfect",
    source="chrF2 ({popovic2015})",
)
BLEU = Metric(
    "bleu",
    "BLEU",
    "precision of the word n-grams (1 to 4) of the predictions, with a penalty for short ones, as "
    "sacreBLEU computes it (tok:{tokeniser}, case:mixed, smooth:exp); 100 is perfect",
    source="BLEU ({papineni2002}) with the settings of sacreBLEU ({post2018})",
)

OWA = Metric(
    "owa",
    "OWA",
    "mean of sMAPE and MASE, each divided by that of Naive2; below 1 is better than Naive2",
    better="lower",
    source="OWA and sMAPE as the M4 competition defines them ({makridakis2020})",
)
SMAPE = Metric(
    "smape",
    "sMAPE",
    "mean absolute error in per cent of the mean of forecast and actual value (0 to 200)",
    better="lower",
)
MASE = Metric(
    "mase",
    "MASE",
    "mean absolute error, in units of the mean absolute change within the series",
    better="lower",
    source="MASE ({hyndman2006})",
)
CRPS = Metric(
    "crps",
    "CRPS",
    "distance of the predicted distribution from the actual value, in the same units",
    better="lower",
    source="the CRPS in units of the same scale ({gneiting2007})",
)
PINBALL = Metric(
    "pinball", "pinball loss", "mean loss of the quantiles, in the same units", better="lower"
)
COVERAGE_80 = _share(
    "coverage_80",
    "coverage of the 80 % band",
    "share of actual values inside the 80 % band; 0.8 is ideal",
    0.8,
)
COVERAGE_95 = _share(
    "coverage_95",
    "coverage of the 95 % band",
    "share of actual values inside the 95 % band; 0.95 is ideal",
    0.95,
)


def layer_accuracy(layer: str) -> Metric:
    """The share of correct tags in a further layer of tags."""
    return Metric(f"{layer}{OF_LAYER}", "accuracy of {layer}", values={"layer": layer})


# The metrics of version 0.1.0, whose runs store names alone.
KNOWN: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        *(ENTITY_F1, ENTITY_PRECISION, ENTITY_RECALL, ACCURACY, UNSEEN_ACCURACY),
        *(MACRO_F1, MICRO_F1, SUBSET_ACCURACY),
        *(BITS, CHANGE_ACCURACY, CHANGE_BITS, TOP3_ACCURACY, MRR),
        *(LOG_LOSS, BRIER, AUC, CALIBRATION_ERROR, MAE, RMSE, R2, SPEARMAN),
        *(OWA, SMAPE, MASE, CRPS, PINBALL, COVERAGE_80, COVERAGE_95),
    )
}


def known_metric(name: str) -> Metric:
    """The metric of this name, from a run of version 0.1.0; called by its name, if unknown."""
    if name in KNOWN:
        return KNOWN[name]
    if name.endswith(OF_LAYER):
        return layer_accuracy(name.removesuffix(OF_LAYER))
    return Metric(name, name)
