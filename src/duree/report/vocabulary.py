"""Vocabulary: what the report calls metrics, models and parts, in English and Chinese."""

from __future__ import annotations

from duree.errors import translate
from duree.evaluation.metrics import LABELS

# Figures in units of the target; all others lie on scales of their own, near 0 to 1.
IN_TARGET_UNITS = frozenset({"mae", "rmse"})

MODELS = {
    "majority": "majority class",
    "mean": "training mean",
    "tfidf_logistic": "TF-IDF + logistic regression",
    "tfidf_ridge": "TF-IDF + ridge regression",
    "nb_svm": "NB-SVM",
    "random_forest": "random forest",
    "recurrent_part": "its recurrent part alone",
    "wide_part": "its wide part alone",
}

# What early stopping watched: its name, and 1 where a higher value is better.
WATCHED = {
    "classify": ("accuracy on validation", 1),
    "multilabel": ("share of right labels on validation", 1),
    "regress": ("mean absolute error on validation", -1),
}

PART_NAMES = {
    "train": "training",
    "validation": "validation",
    "test": "test",
    "left_out": "left out",
}

LEVELS = {"error": "error", "warning": "warning", "note": "note", "ok": "ok"}

SECTIONS = {
    "data": "Data",
    "text": "Text",
    "model": "Network",
    "training": "Training",
    "judging": "Judging",
    "": "Run",
}


class Words:
    """Templates told in one language: ``words("{n} rows", n=3)``."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, template: str, **values: object) -> str:
        text = translate(template, self.language)
        return text.format(**values) if values else text

    def metric(self, name: str) -> str:
        """A metric's name; an unknown one is called what the file calls it."""
        return self(LABELS[name]) if name in LABELS else name

    def model(self, name: str, cell: str) -> str:
        """A model's name; ours tells its cell."""
        if name == "network":
            return self("network ({cell})", cell=cell.upper())
        return self(MODELS[name]) if name in MODELS else name

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
