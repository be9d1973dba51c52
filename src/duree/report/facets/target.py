"""Target: what was predicted; every hook here has the answer of a run of an unknown task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Self

import polars as pl

from duree.errors import RunError
from duree.report.facets.facet import Facet
from duree.report.methods import baselines, evaluation
from duree.report.methods.phrases import Phrases
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.nouns import Nouns


class Target(Facet):
    """What was predicted.

    Attributes
    ----------
    watched : (str, int)
        What early stopping watched on validation, and 1 where a higher value is better.
    of_outputs : str
        What dropout hides before the last layer.
    step_features_in_baselines : str
        What baselines see of the features of steps.
    weights : str
        What the weight of a row counts for.
    baselines : {name: description}
        Of baselines for this target, in runs of version 0.1.0.
    loss_note : str
        What must be known of the loss on validation.
    is_right_or_wrong : bool
        Whether a prediction that is not the true answer is wrong, and not near it or far from it.
    listed_title, worst_first : str
        What ``listed_figure`` is, and what the list shows where it is sorted by it.
    of_examples : str
        What the shaded examples are.
    """

    watched: ClassVar[tuple[str, int]] = ("validation metric", 1)
    of_outputs: ClassVar[str] = "{share:g} % of the pooled state"
    step_features_in_baselines: ClassVar[str] = (
        "Of the step features they used the share of each class and, for numeric features, the "
        "mean class and the last class."
    )
    weights: ClassVar[str] = (
        "Each row is weighted by “{weight}” (mean 1 over the training rows) in the loss, the "
        "baselines and all metrics."
    )
    baselines: ClassVar[Mapping[str, str]] = {}
    loss_note: ClassVar[str] = ""
    is_right_or_wrong: ClassVar[bool] = False
    listed_title: ClassVar[str] = "error"
    worst_first: ClassVar[str] = "largest errors first"
    of_examples: ClassVar[str] = (
        "Test rows that the network predicted correctly with the highest confidence. Blue "
        "words support the prediction, orange underlined words count against it (integrated "
        "gradients on the log-odds); darker means stronger."
    )

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        return cls()

    def nouns(self, of_rows: Nouns) -> Nouns:
        """The nouns of the rows, and of single predictions."""
        return of_rows

    def column(self, run: RunData) -> str:
        """The target's column, or what is called so."""
        name = run.column("target")
        if name is None:
            raise RunError(
                "the run {run!r} has no target among its predictions",
                fix="start a new run",
                run=run.name,
            )
        return name

    def count(self, run: RunData) -> int:
        """How many rows, or steps, or tokens the figures rest on."""
        return run.metrics.rows["test"]

    def classes(self, run: RunData) -> list[str]:
        """The classes; none where there are none."""
        return []

    def correct(self, run: RunData, rows: pl.DataFrame) -> pl.Series | None:
        """Which rows of predictions are correct; None where they are not correct or wrong."""
        return None

    def headline(self, run: RunData, words: Words) -> str:
        """The page's title."""
        named = words("Predicting “{target}”", target=label(self.column(run), 60))
        read = run.rows.named(run)
        source = words("from “{text}”", text=label(read, 60)) if read else ""
        return words.joined(named, source)

    def question_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """What was predicted, from what."""
        yield say(
            "From {source} “{target}” was predicted.",
            source=run.rows.source(run, say),
            target=label(self.column(run)),
        )

    def network_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """What the network is made of."""
        return run.rows.network_sentences(run, say)

    def loss(self, run: RunData, say: Phrases) -> str:
        """What training lowers."""
        return say("loss")

    def calibration_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """What was fitted on validation after training."""
        return ()

    def baseline_sentences(self, run: RunData, described: str, say: Phrases) -> Iterable[str]:
        """How the baselines were trained; ``described`` lists them."""
        return baselines.of_same_rows(run, described, say)

    def weight_sentences(self, run: RunData, weight: str, say: Phrases) -> Iterable[str]:
        """What rows count by; ``weight`` is the column."""
        yield say(self.weights, weight=weight)

    def resampling(self, run: RunData) -> evaluation.Resampling:
        """What the bootstrap draws."""
        grouped = run.recipe.data.group is not None
        return evaluation.Resampling.GROUPS if grouped else evaluation.Resampling.ROWS

    def share_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """How the intervals of shares were made."""
        return evaluation.share_sentences(run, self.resampling(run), say)

    def listed_figure(self, run: RunData) -> pl.Expr:
        """The figure that a list of predictions shows of each row: how far it was missed."""
        return (pl.col("prediction") - pl.col(self.column(run)).cast(pl.Float64)).abs()

    def answer_shown(self, run: RunData, answer: str, sure: float) -> tuple[str, str]:
        """What was predicted for a shaded example, and what follows in brackets."""
        return label(answer), ""
