"""Target: the facet of what was predicted, with defaults for unknown tasks."""

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
    """The base of facets of the target, used for unknown tasks.

    Attributes
    ----------
    watched : (str, int)
        The metric used for early stopping, and 1 if a higher value is better.
    of_outputs : str
        Description of the dropout before the last layer.
    step_features_in_baselines : str
        Description of the use of step features by baselines.
    weights : str
        Description of the use of case weights.
    baselines : {name: description}
        Baselines for this target in runs of version 0.1.0.
    loss_note : str
        A remark on the validation loss.
    is_right_or_wrong : bool
        Whether predictions are correct or wrong, rather than more or less accurate.
    listed_title, worst_first : str
        The heading of ``listed_figure``, and the name of the order by it.
    of_examples : str
        Description of the shaded examples.
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
        """The column of the target, or a name for the target."""
        name = run.column("target")
        if name is None:
            raise RunError(
                "the run {run!r} has no target among its predictions",
                fix="start a new run",
                run=run.name,
            )
        return name

    def count(self, run: RunData) -> int:
        """The number of evaluated rows, steps or tokens."""
        return run.metrics.rows["test"]

    def classes(self, run: RunData) -> list[str]:
        """The classes; empty if there are none."""
        return []

    def correct(self, run: RunData, rows: pl.DataFrame) -> pl.Series | None:
        """Which predictions are correct; None if they are not either correct or wrong."""
        return None

    def moved(self, run: RunData) -> pl.Series | None:
        """Which predictions are not what is most probable; None if that cannot be."""
        return None

    def headline(self, run: RunData, words: Words) -> str:
        """The title of the page."""
        target, read = label(self.column(run), 60), run.rows.named(run)
        if not read:
            return words("Predicting “{target}”", target=target)
        return words("Predicting “{target}” from “{text}”", target=target, text=label(read, 60))

    def question_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """Sentences on the target and the input."""
        yield say(
            "From {source} “{target}” was predicted.",
            source=run.rows.source(run, say),
            target=label(self.column(run)),
        )

    def network_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """Sentences on the network's architecture."""
        return run.rows.network_sentences(run, say)

    def loss(self, run: RunData, say: Phrases) -> str:
        """The name of the training loss."""
        return say("loss")

    def calibration_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """Sentences on the calibration on the validation set."""
        return ()

    def baseline_sentences(self, run: RunData, described: str, say: Phrases) -> Iterable[str]:
        """Sentences on how the baselines were trained; ``described`` lists them."""
        return baselines.of_same_rows(run, described, say)

    def weight_sentences(self, run: RunData, weight: str, say: Phrases) -> Iterable[str]:
        """Sentences on case weights; ``weight`` is the column."""
        yield say(self.weights, weight=weight)

    def resampling(self, run: RunData) -> evaluation.Resampling:
        """The units that the bootstrap resamples."""
        grouped = run.recipe.data.group is not None
        return evaluation.Resampling.GROUPS if grouped else evaluation.Resampling.ROWS

    def share_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        """Sentences on the intervals of shares."""
        return evaluation.share_sentences(run, self.resampling(run), say)

    def listed_figure(self, run: RunData) -> pl.Expr:
        """The figure that a list of predictions shows for each row: the error."""
        return (pl.col("prediction") - pl.col(self.column(run)).cast(pl.Float64)).abs()

    def answer_shown(self, run: RunData, answer: str, sure: float) -> tuple[str, str]:
        """The prediction of a shaded example, and the addition in brackets."""
        return label(answer), ""
