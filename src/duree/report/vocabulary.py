"""Vocabulary: what the report calls metrics, models and parts, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from duree.errors import translate
from duree.evaluation.metrics import LABELS, OF_LAYER

# Figures in units of the target; all others lie on scales of their own, near 0 to 1.
IN_TARGET_UNITS = frozenset({"mae", "rmse"})

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
    "recurrent_part": "its recurrent part alone",
    "wide_part": "its wide part alone",
}

# What early stopping watched: its name, and 1 where a higher value is better.
WATCHED = {
    "classify": ("accuracy on validation", 1),
    "multilabel": ("share of right labels on validation", 1),
    "regress": ("mean absolute error on validation", -1),
    "next": ("bits per step on validation", -1),
    "forecast": ("OWA on validation", -1),
    "label": ("right tags, or entity F1, on validation", 1),
}

PART_NAMES = {
    "train": "training",
    "validation": "validation",
    "test": "test",
    "left_out": "left out",
}


SECTIONS = {
    "data": "Data",
    "text": "Text",
    "forecast": "Forecast",
    "model": "Network",
    "training": "Training",
    "evaluation": "Evaluation",
    "": "Run",
}


# A life course has states where a text has words: the same sentences, with other nouns.
STATES_FOR_WORDS = (
    ("test row", "test sequence"),
    ("test rows", "test sequences"),
    ("} 行测试数据", "} 条测试序列"),
    ("测试行", "测试序列"),
    ("word", "state"),
    ("words", "states"),
    ("text", "sequence"),
    ("texts", "sequences"),
    ("词", "状态"),
    ("文本", "序列"),
)
OF_STATES = dict(STATES_FOR_WORDS)
# Series of numbers have steps.
NUMBERS_FOR_WORDS = (
    ("test row", "test series"),
    ("test rows", "test series"),
    ("} 行测试数据", "} 条测试序列"),
    ("测试行", "测试序列"),
    ("word", "step"),
    ("words", "steps"),
    ("text", "series"),
    ("texts", "series"),
    ("errors in the labels, irony, and what", "errors in the labels or the numbers, and what"),
    ("标注错误、反讽", "标注或数值中的错误"),
    ("词", "步"),
    ("文本", "序列"),
)
OF_NUMBERS = dict(NUMBERS_FOR_WORDS)
# And where they are forecast, each forecast is judged.
FORECASTS_FOR_ROWS = (
    ("test row", "test forecast"),
    ("test rows", "test forecasts"),
    ("} 行测试数据", "} 个测试预报"),
    ("测试行", "测试预报"),
)
OF_FORECASTS = dict(FORECASTS_FOR_ROWS)
# Where a model answers at each step, it is steps that are right or wrong, and states that are said.
STEPS_FOR_ROWS = (
    ("test row", "test step"),
    ("test rows", "test steps"),
    ("} 行测试数据", "} 步测试数据"),
    ("测试行", "测试步"),
    ("rows that got their true class", "steps whose state was foretold"),
    ("判为真实类别的行", "状态被预测到的步"),
    ("majority class", "most frequent state"),
    ("多数类", "最常见的状态"),
    ("errors in the labels, irony, and what", "errors in the table, and what"),
    ("标注错误、反讽", "表格中的错误"),
    ("row", "step"),
    ("rows", "steps"),
    ("class", "state"),
    ("classes", "states"),
    ("行", "步"),
    ("类别", "状态"),
)
OF_STEPS = dict(STEPS_FOR_ROWS)


# Where each word gets a tag, figures rest on words, and what is parted and drawn is sentences. The
# groups are the sentences too, where the table has no others.
TOKENS_FOR_ROWS = (
    ("rows that got their true class", "tokens that got their right tag"),
    ("判为真实类别的行", "标签正确的词"),
    ("各行", "各句"),
    ("test row", "test token"),
    ("test rows", "test tokens"),
    ("row", "sentence"),
    ("rows", "sentences"),
    ("group", "sentence"),
    ("groups", "sentences"),
    ("text", "sentence"),
    ("texts", "sentences"),
    ("} 行测试数据", "} 个测试词"),
    ("行测试数据", "个测试词"),
    ("测试行", "测试词"),
    ("} 行", "} 句"),
    ("整组", "整句"),
    ("文本", "句子"),
)
OF_TOKENS = dict(TOKENS_FOR_ROWS)


class Words:
    """Templates told in one language: ``words("{n} rows", n=3)``.

    Parameters
    ----------
    language : {"en", "zh"}
    states : bool
        Whether the rows are sequences of states, and not texts.
    steps : bool
        Whether each step of a row has an answer.
    tokens : bool
        Whether the rows are sentences, and each of their words gets a tag.
    numbers : bool
        Whether the rows are series of numbers.
    forecasts : bool
        Whether the rows are forecasts of series.

    Attributes
    ----------
    of_answers : Words
        The same for what is said of single answers.
    """

    def __init__(
        self,
        language: str,
        states: bool = False,
        steps: bool = False,
        tokens: bool = False,
        numbers: bool = False,
        forecasts: bool = False,
    ) -> None:
        self.language = language
        of_sequences = OF_STATES if states else OF_NUMBERS if numbers else {}
        self.nouns = OF_TOKENS if tokens else OF_FORECASTS if forecasts else of_sequences
        self.of_answers = self
        if steps:
            self.of_answers = Words(language, states)
            self.of_answers.nouns = self.nouns | OF_STEPS

    def __call__(self, template: str, **values: object) -> str:
        text = self.swapped(translate(template, self.language))
        return text.format(**values) if values else text

    def swapped(self, text: str) -> str:
        """A sentence about rows of texts, said of what these rows are."""
        return _swap(text, self.nouns) if self.nouns else text

    def metric(self, name: str) -> str:
        """A metric's name; an unknown one is called what the file calls it."""
        if name not in LABELS and name.endswith(OF_LAYER):
            return self("accuracy of {layer}", layer=name.removesuffix(OF_LAYER))
        return self(LABELS[name]) if name in LABELS else name

    def meaning(self, metric: str) -> str:
        """What a metric tells, in a few words; nothing for an unknown one."""
        return self.of_answers(MEANINGS[metric]) if metric in MEANINGS else ""

    def model(self, name: str, cell: str) -> str:
        """A model's name; ours tells its cell."""
        if name == "network":
            return self("network ({cell})", cell=cell.upper())
        return self.of_answers(MODELS[name]) if name in MODELS else name

    def named(self, sentence: str, models: Iterable[str], cell: str) -> str:
        """A sentence with the models' names in place of what programs call them."""
        known = {name: self.model(name, cell) for name in models if name != "network"}
        # A Chinese sign may stand right beside a name.
        text = re.sub("[A-Za-z0-9_]+", lambda name: known.get(name[0], name[0]), sentence)
        return re.sub("(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff：，。；])", "", text)

    def part(self, name: str) -> str:
        """The name of a part of the rows."""
        return self(PART_NAMES[name])

    def listed(self, items: list[str]) -> str:
        """Items in a row: commas, and a word before the last."""
        if len(items) < 2:
            return "".join(items)
        if self.language != "zh":
            return f"{', '.join(items[:-1])} and {items[-1]}"
        # Chinese sets a space between its own signs and Latin ones.
        before, after = (" " if sign.isascii() else "" for sign in (items[-2][-1], items[-1][0]))
        return f"{'、'.join(items[:-1])}{before}和{after}{items[-1]}"


def _swap(text: str, nouns: Mapping[str, str]) -> str:
    """The text with other nouns; what stands in braces is a name, and stays."""
    known = (rf"\b{noun}\b" if noun.isascii() else noun for noun in nouns)

    def other(noun: re.Match[str]) -> str:
        text = nouns[noun.group().lower()]
        return text.capitalize() if noun.group()[0].isupper() else text

    return re.sub(rf"(?:{'|'.join(known)})(?![^{{]*\}})", other, text, flags=re.IGNORECASE)
