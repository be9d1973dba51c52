"""RunData: the data of a finished run, for the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from duree.recipe.recipe import Recipe
from duree.report.numbers import count
from duree.report.safe_text import label
from duree.report.terms import Terms
from duree.report.vocabulary import Words
from duree.results.metrics_file import Metrics, is_part
from duree.results.run_files import Bin, Check, DataFacts, Ending, Epoch, SplitData

if TYPE_CHECKING:  # facets import this module
    from duree.report.facets.extra import Extra
    from duree.report.facets.rows import Rows
    from duree.report.facets.target import Target


@dataclass(frozen=True, kw_only=True)
class RunData:
    """A finished run: the data that every run has, then its facets.

    Attributes
    ----------
    name : str
        The name of the run folder.
    recipe : Recipe
    metrics : Metrics
    checks : list of Check
    split : SplitData
    data : DataFacts
    history : list of Epoch
    predictions : polars.DataFrame [test rows]
        Input columns, then ``prediction`` and, for classes, one ``probability_<class>`` each.
    baselines : polars.DataFrame or None
        ``row`` (index among the test rows), ``model`` and ``prediction``.
    calibration : dict
        ``{model: bins}``; empty without classes.
    rows : Rows
        The type of rows, and their description in the report.
    target : Target
        The type of target, and its description in the report.
    extras : tuple of Extra
        Further results in the folder.
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
        """The names of its metrics and models."""
        return Terms(self.metrics.metrics, self.metrics.baselines)

    def words(self, language: str) -> Words:
        """The texts of its pages in a language."""
        return Words(language, self.target.nouns(self.rows.nouns), self.terms)

    @property
    def classes(self) -> list[str]:
        """The classes; empty if there are none."""
        return self.target.classes(self)

    @property
    def answers(self) -> int:
        """The number of rows of predictions."""
        return len(self.predictions)

    @property
    def test_rows(self) -> int:
        """The number of evaluated rows, steps or tokens."""
        return self.target.count(self)

    @property
    def watched(self) -> tuple[str, int]:
        """The metric of early stopping, and 1 if a higher value is better, else -1."""
        named = self.metrics.watched if self.recipe.evaluation.metric else None
        return (named.title, named.better) if named else self.target.watched

    @property
    def best_epoch(self) -> Epoch | None:
        """The epoch whose weights were saved: best metric, then lowest validation loss."""
        return max(self.history, key=lambda e: (e.metric, -e.validation_loss), default=None)

    @property
    def ending(self) -> Ending | None:
        """Why training ended; None if version 0.1.0 trained it, which did not record that."""
        return self.history[-1].ended if self.history else None

    def ranked(self, metric: str) -> list[str]:
        """The models that have this metric, the best first; then the network's parts."""
        return self.metrics.ranked(metric)

    @property
    def strongest_baseline(self) -> str | None:
        """The best baseline in the primary metric."""
        return self.metrics.strongest_baseline

    @staticmethod
    def is_part(model: str) -> bool:
        """Whether the model is a part of the network that was also evaluated alone."""
        return is_part(model)

    def column(self, role: str) -> str | None:
        """The column with a role (``text``, ``target``, ``id``); None if it is not there."""
        wanted: str | None = getattr(self.recipe.data, role)
        if wanted is None or wanted in self.predictions.columns:
            return wanted
        alike = [c for c in self.predictions.columns if c.strip().casefold() == wanted.casefold()]
        return alike[0] if alike else None

    def row_title(self, row: int, words: Words) -> str:
        """A test row's id, if there is a column of ids, and its row in the file."""
        column = self.column("id")
        if column is None:
            return self.source_title(row, words)
        named = f"{label(column)} {label(str(self.predictions[column][row]))}"
        return f"{named} · {self.source_title(row, words)}" if self.data.source_row else named

    def source_title(self, row: int, words: Words) -> str:
        """A test row's number in its file; in runs of version 0.1.0 that among the test rows."""
        place, file = self.source(row)
        if place is None:
            return words("test row {n}", n=count(row + 1))
        if not file:
            return words("row {n}", n=count(place))
        return words("row {n} of {file}", n=count(place), file=label(file, 40))

    def source(self, row: int) -> tuple[int | None, str]:
        """A test row's number in its file, from 1, and that file; empty if there is only one."""
        number, file = (
            self._cell(name, row) for name in (self.data.source_row, self.data.source_file)
        )
        return number, file or ""

    def _cell(self, column: str | None, row: int) -> Any:
        return self.predictions[column][row] if column in self.predictions.columns else None

    def target_column(self) -> str:
        """The target's column.

        Raises
        ------
        RunError
            The predictions do not have this column.
        """
        return self.target.column(self)
