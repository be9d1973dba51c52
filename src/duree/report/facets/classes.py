"""Facets of classes: one per row, or any number of labels; with confusions and mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import polars as pl

from duree.report.facets.target import Target
from duree.report.figures.classes import (
    MOST_IN_MATRIX,
    draw_confusion,
    draw_reliability,
    reliability_models,
)
from duree.report.figures.plan import Plan
from duree.report.methods.decisions import OF_CLASSES, OF_LABELS, Decided, decision_sentences
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count, share
from duree.report.pages.mistakes import (
    Mistake,
    mistaken_classes,
    mistaken_labels,
    probability_of_predicted,
    wrong_rows,
)
from duree.report.pages.section import Page, Section
from duree.report.pages.table_rows import class_rows
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.tables.columns import PROBABILITY

# What the reliability diagram shows.
OF_PREDICTED = (
    "Are the probabilities calibrated? Rows are grouped by the probability of the predicted class; "
    "on the dashed line, 80 % of the rows predicted with a confidence of 80 % are correct. Each "
    "point represents about the same number of rows; bars are 95 % intervals."
)
OF_MOST_PROBABLE = (
    "Are the probabilities calibrated? Rows are grouped by the probability of their most probable "
    "class; on the dashed line, it is the true class of 80 % of the rows where that is 80 %. Each "
    "point represents about the same number of rows; bars are 95 % intervals."
)


@dataclass(frozen=True)
class Classes(Target):
    """One class per row."""

    names: tuple[str, ...]

    watched: ClassVar[tuple[str, int]] = ("validation accuracy", 1)
    is_right_or_wrong: ClassVar[bool] = True
    listed_title: ClassVar[str] = "probability"
    worst_first: ClassVar[str] = "only errors, highest probability first"
    decided: ClassVar[Decided] = OF_CLASSES

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        names = tuple(name[len(PROBABILITY) :] for name in folder.probability_columns)
        return cls(names) if names else None

    def classes(self, run: RunData) -> list[str]:
        return list(self.names)

    def listed_figure(self, run: RunData) -> pl.Expr:
        return probability_of_predicted({name: PROBABILITY + name for name in self.names})

    def correct(self, run: RunData, rows: pl.DataFrame) -> pl.Series | None:
        answers = run.predictions[self.column(run)].cast(pl.String)
        return rows["prediction"].cast(pl.String) == answers

    def moved(self, run: RunData) -> pl.Series | None:
        columns = [PROBABILITY + name for name in self.names]
        best = run.predictions.select(columns).to_numpy().argmax(axis=1)
        names = pl.Series(self.names, dtype=pl.String).gather(best)
        return run.predictions["prediction"].cast(pl.String) != names

    def question_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        yield say(
            "From {source} the class in “{target}” was predicted, one of {k}.",
            source=run.rows.source(run, say),
            target=label(self.column(run)),
            k=len(self.names),
        )

    def loss(self, run: RunData, say: Phrases) -> str:
        return say("cross-entropy")

    def calibration_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        yield say(
            "The scores were then calibrated by temperature scaling on the validation set "
            "({guo2017}), whose rows count as not quite certain ({platt1999})."
        )
        yield from decision_sentences(run, self.decided, say)

    def answer_shown(self, run: RunData, answer: str, sure: float) -> tuple[str, str]:
        return label(answer), f" ({share(sure, run.test_rows)})"

    def sections(self) -> Sequence[Section]:
        return [ClassErrors(), ClassMistakes(self)]

    def figures(self, run: RunData) -> Sequence[Plan]:
        plans = [Plan("confusion", "Confusions of the network", draw_confusion)]
        return plans + reliability_plans(run)

    def mistakes(self, run: RunData, words: Words) -> list[Mistake]:
        """The wrong predictions with the highest probability."""
        return list(mistaken_classes(run))


@dataclass(frozen=True)
class Labels(Classes):
    """Any number of labels per row."""

    separator: str = ";"

    watched: ClassVar[tuple[str, int]] = ("validation share of correct labels", 1)
    decided: ClassVar[Decided] = OF_LABELS

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        separator, found = folder.recipe.data.label_separator, Classes.find(folder)
        return None if separator is None or found is None else cls(found.names, separator)

    def listed_figure(self, run: RunData) -> pl.Expr:
        return pl.max_horizontal(PROBABILITY + name for name in self.names)

    def correct(self, run: RunData, rows: pl.DataFrame) -> pl.Series | None:
        return None

    def moved(self, run: RunData) -> pl.Series | None:
        likely = run.predictions.select(
            pl.concat_str(
                [
                    pl.when(pl.col(PROBABILITY + name) >= 0.5).then(pl.lit(name))
                    for name in self.names
                ],
                separator=self.separator,
                ignore_nulls=True,
            )
        ).to_series()
        return run.predictions["prediction"].cast(pl.String) != likely

    def question_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        yield say(
            "From {source} the labels in “{target}” were predicted: any number of {k} for each "
            "row.",
            source=run.rows.source(run, say),
            target=label(self.column(run)),
            k=len(self.names),
        )

    def loss(self, run: RunData, say: Phrases) -> str:
        return say("binary cross-entropy of each label")

    def figures(self, run: RunData) -> Sequence[Plan]:
        return reliability_plans(run)

    def mistakes(self, run: RunData, words: Words) -> list[Mistake]:
        return list(mistaken_labels(run, list(self.names), self.separator))


def reliability_plans(run: RunData) -> list[Plan]:
    """The reliability diagram, if there are probabilities."""
    title = "Predicted confidence and share correct"
    return [Plan("reliability", title, draw_reliability)] if reliability_models(run) else []


@dataclass(frozen=True)
class ClassErrors(Section):
    """The confusions of classes, and the reliability of probabilities."""

    anchor = "errors"
    title = "Errors of the network"
    template = "class_errors.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        run, words = page.run, page.words.of_answers
        per_class = class_rows(run)
        others = len(run.metrics.per_class.get("network", {})) - len(per_class)
        classes = run.target.classes(run)
        return {
            "t": words,
            "confusion": words(
                "Test rows by true class (down) and predicted class (across), with the share "
                "of the true class. Blue: correct; orange: wrong."
            )
            if len(classes) <= MOST_IN_MATRIX
            else words(
                "The most frequent confusions (true → predicted). The full table of {n} "
                "classes can be computed from predictions.parquet.",
                n=len(classes),
            ),
            "reliability": words(OF_MOST_PROBABLE if run.metrics.decisions else OF_PREDICTED),
            "per_class": per_class,
            "per_class_caption": words.joined(
                words(
                    "Precision, recall and F1 of the network for each class with 95 % "
                    "intervals, most frequent first."
                ),
                words("The other {n} classes are in metrics.json.", n=others) if others else "",
            ),
        }


@dataclass(frozen=True)
class ClassMistakes(Section):
    """The section on the wrong predictions with the highest probability."""

    target: Classes

    anchor = "mistakes"
    title = "Worst errors"
    template = "mistakes.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        run, words = page.run, page.words.of_answers
        wrong = int(wrong_rows(run).sum())
        return {
            "t": words,
            "lead": words(
                "The network was wrong on {n} of {rows} test rows ({part}). These are its most "
                "confident errors: look here for label errors, irony, and cases that no model "
                "can get right.",
                n=count(wrong),
                rows=count(run.answers),
                part=share(wrong / (run.answers or 1), run.answers),
            ),
            "mistakes": self.target.mistakes(run, words),
        }
