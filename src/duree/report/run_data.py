"""RunData: what a finished run folder holds, as the report reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from duree.recipe.recipe import Recipe
from duree.report.safe_text import label
from duree.report.terms import Terms
from duree.report.vocabulary import Words
from duree.results.metrics_file import Metrics, is_part
from duree.results.run_files import Bin, Check, DataFacts, Epoch, SplitData

if TYPE_CHECKING:  # facets describe and draw what stands here
    from duree.report.facets.extra import Extra
    from duree.report.facets.rows import Rows
    from duree.report.facets.target import Target


@dataclass(frozen=True, kw_only=True)
class RunData:
    """A finished run: what every run has, then what its rows, its target and its extras bring.

    Attributes
    ----------
    name : str
        The run folder's own name.
    recipe : Recipe
    metrics : Metrics
    checks : list of Check
    split : SplitData
    data : DataFacts
    history : list of Epoch
    predictions : polars.DataFrame [test rows]
        Input columns, then ``prediction`` and, for classes, one ``probability_<class>`` each.
    baselines : polars.DataFrame or None
        ``row`` (place among the test rows), ``model`` and ``prediction``.
    calibration : dict
        ``{model: bins}``; empty where there are no classes.
    rows : Rows
        What a row is, and how the report describes it.
    target : Target
        What was predicted, and how the report shows it.
    extras : tuple of Extra
        What else was found in the folder.
    """

    name: str
    recipe: Recipe
    metrics: Metrics
    checks: list[Check]
    split: SplitData
    data: DataFacts
    history: list[Epoch]
    predictions: pl.DataFrame
    baselines: pl.DataFrame | None
    calibration: dict[str, list[Bin]]
    rows: Rows
    target: Target
    extras: tuple[Extra, ...] = ()

    @property
    def facets(self) -> tuple[Rows | Target | Extra, ...]:
        """Its rows, its target and its extras."""
        return (self.rows, self.target, *self.extras)

    @property
    def terms(self) -> Terms:
        """What its metrics and models are called."""
        return Terms(self.metrics.metrics, self.metrics.baselines)

    def words(self, language: str) -> Words:
        """What its pages say, in a language."""
        return Words(language, self.target.nouns(self.rows.nouns), self.terms)

    @property
    def classes(self) -> list[str]:
        """The classes; none where there are none."""
        return self.target.classes(self)

    @property
    def answers(self) -> int:
        """How many rows of predictions there are."""
        return len(self.predictions)

    @property
    def test_rows(self) -> int:
        """How many rows, or steps, or tokens the figures rest on."""
        return self.target.count(self)

    @property
    def best_epoch(self) -> Epoch | None:
        """The epoch whose weights were saved: best figure, then lowest validation loss."""
        return max(self.history, key=lambda e: (e.metric, -e.validation_loss), default=None)

    def ranked(self, metric: str) -> list[str]:
        """Models that have this figure, the best first; then the network's parts."""
        return self.metrics.ranked(metric)

    @property
    def strongest_baseline(self) -> str | None:
        """The baseline that did best by the primary metric."""
        return self.metrics.strongest_baseline

    @staticmethod
    def is_part(model: str) -> bool:
        """Whether the model is a part of the network that was evaluated by itself too."""
        return is_part(model)

    def column(self, role: str) -> str | None:
        """The column that plays ``role`` (``text``, ``target``, ``id``), where it is there."""
        wanted: str | None = getattr(self.recipe.data, role)
        if wanted is None or wanted in self.predictions.columns:
            return wanted
        alike = [c for c in self.predictions.columns if c.strip().casefold() == wanted.casefold()]
        return alike[0] if alike else None

    def row_name(self, row: int) -> str:
        """What a test row is called in the table, after its column; empty without a name."""
        column = self.column("id")
        return f"{label(column)} {label(str(self.predictions[column][row]))}" if column else ""

    def target_column(self) -> str:
        """The target's column.

        Raises
        ------
        RunError
            The predictions do not hold it.
        """
        return self.target.column(self)
