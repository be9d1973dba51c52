"""Layout: what a row of a table is, and how the table becomes one with a row for each sequence.

Each file beside this one that holds a layout describes one kind of rows; ``duree.tables.layouts``
lists them. Nothing outside asks which layout it has: it asks the layout.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.recipe.faults import Contradiction
from duree.recipe.recipe import Defaults, Recipe
from duree.recipe.settings import DataSettings
from duree.results.nouns import TEXTS, Nouns
from duree.tables.checks.check_table import check_table
from duree.tables.checks.duplicates import Duplicates
from duree.tables.columns import ROLES, is_blank, resolve_column
from duree.tables.finding import Finding
from duree.tables.layouts.covariates import check_covariates, prepend_covariates
from duree.tables.layouts.step_attributes import with_step_features
from duree.tables.table import Table

# Of a person's rows each of these must say the same.
OF_PERSONS = ("target", "group", "time", "weight")


@dataclass(frozen=True)
class Checked:
    """What a layout is asked to look over, besides the table itself.

    Attributes
    ----------
    data : DataSettings
        With each column called exactly as the table calls it.
    target : polars.Series [rows]
        As the task reads it.
    numeric : bool
        Whether the target is a quantity.
    test_rows : bool [rows] or None
        Rows of a given test file.
    duplicates : Duplicates or None
    """

    data: DataSettings
    target: pl.Series
    numeric: bool
    test_rows: NDArray[np.bool_] | None
    duplicates: Duplicates | None


@dataclass(frozen=True)
class Layout(ABC):
    """One kind of rows.

    Attributes
    ----------
    data : DataSettings
        Names the columns.
    reading : mapping
        Plain JSON data: how the training table was read, so that others are read alike; empty until
        ``lay_out`` has read one.
    """

    data: DataSettings
    reading: Mapping[str, Any] = field(default_factory=dict)

    name: ClassVar[str]
    # What the recipe has where the user leaves it open.
    defaults: ClassVar[Defaults] = {}
    # Whether its sequences are of states, before which covariates may stand; whether they are
    # forecast.
    takes_covariates: ClassVar[bool] = False
    is_forecast: ClassVar[bool] = False
    # Whether baselines learn from training rows, and not from each row's own past.
    fits_on_rows: ClassVar[bool] = True
    # What pages call the rows and their units.
    nouns: ClassVar[Nouns] = TEXTS
    # Where test rows come from if no file of them is given; an English template.
    test_rows: ClassVar[str] = "split off at random"
    # Whether predictions are written into a file of the format of the one that was read.
    keeps_format: ClassVar[bool] = False
    # What is counted where each row has one answer.
    counted: ClassVar[str] = "rows"
    # Columns that ``lay_out`` adds, and that are no columns of the user's.
    made: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def claims(cls, data: DataSettings) -> bool:
        """Whether these settings name columns of such rows."""

    @classmethod
    def fill(cls, recipe: Recipe) -> Recipe:
        """The recipe with the layout's defaults where the user has set nothing."""
        return recipe.with_defaults(cls.defaults)

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        """Refuse settings that do not go with such rows.

        Raises
        ------
        Contradiction
            With the reason.
        """
        if recipe.data.covariate and not cls.takes_covariates:
            raise Contradiction("data.covariate goes with states or events, not with texts")
        if (recipe.text.segmenter == "states") is not cls.takes_covariates:
            raise Contradiction(
                "text.segmenter = states goes with states or events, and only with them"
            )
        if recipe.forecast.horizon and not cls.is_forecast:
            raise Contradiction("forecast.horizon goes with task = forecast: set it")

    @classmethod
    def named_in_vain(cls, recipe: Recipe, read: type[Layout]) -> Contradiction | None:
        """Why columns of such rows cannot be named where ``read`` is read; None: they may be."""
        return None

    @property
    def is_long(self) -> bool:
        """Whether a sequence stands in several rows of the table, which must be read whole."""
        return False

    @property
    def covariates(self) -> list[str]:
        """Columns of what is known of a sequence throughout."""
        return list(self.reading.get("covariates", ()))

    @property
    def inputs(self) -> list[str]:
        """The columns that the network reads, covariates last."""
        return [str(self.data.text), *self.covariates]

    @property
    def asked_columns(self) -> list[str]:
        """The columns that a new table needs, as the user named them."""
        return [str(self.data.text)]

    @property
    def added(self) -> list[str]:
        """Columns that ``lay_out`` adds, which are left out where predictions are written."""
        return []

    @property
    def step_columns(self) -> list[str]:
        """Columns of single steps, which say nothing of a sequence as a whole."""
        return []

    def lay_out(self, table: Table, *, with_answers: bool = True) -> tuple[Table, Self]:
        """The table with a row for each sequence, and the layout that knows how it was read.

        Parameters
        ----------
        table : Table
        with_answers : bool
            Whether the answers are needed too: of several rows of a person, all must agree.

        Raises
        ------
        DataError
            A column is missing, or its cells cannot be read as what they are said to be.
        """
        return table, self

    @property
    def settings(self) -> DataSettings:
        """The settings of a table that is laid out."""
        return self.data

    def named(self, table: Table) -> DataSettings:
        """The settings with each column called exactly as the laid-out table calls it."""
        names = {role: getattr(self.settings, role) for role in ROLES}
        return self.settings.model_copy(
            update={role: resolve_column(table, name) for role, name in names.items() if name}
        )

    def with_covariates(self, table: Table) -> Self:
        """The same layout, which knows what the table calls the covariates."""
        covariates = [resolve_column(table, name) for name in self.data.covariate]
        check_covariates(table, covariates, self._no_covariates())
        if not covariates:
            return self
        return replace(self, reading={**self.reading, "covariates": covariates})

    def without_missing(
        self, table: Table, column: str, data: DataSettings
    ) -> tuple[Table, NDArray[np.bool_] | None]:
        """The rows that have an answer, and which they are; None: all.

        Raises
        ------
        DataError
            Some have none, and are not to be left out.
        """
        missing = is_blank(table.frame[column])
        if data.label_separator is not None or not missing.any():
            return table, None
        rows = np.flatnonzero(missing)
        facts: dict[str, Any] = {
            "column": column,
            "count": len(rows),
            "rows": ", ".join(str(row + 1) for row in rows[:5]),
        }
        if not data.drop_bad:
            raise DataError(
                "{count} rows have no {column!r}",
                "first at row {rows}",
                "fill them in, or leave them out with --drop-bad",
                **facts,
            )
        finding = Finding(
            "missing_target",
            "warning",
            "{count} rows without {column!r} were left out: row {rows} ...",
            values=facts,
            rows=tuple(int(row) for row in rows[:5]),
        )
        filled = table.frame.filter(~missing)
        return replace(table, frame=filled, findings=(*table.findings, finding)), ~missing

    @abstractmethod
    def plain(self, table: Table) -> pl.Series:
        """Each row's sequence alone."""

    def step_features(self, table: Table) -> list[str]:
        """The columns that say something of each step, besides the sequence."""
        return []

    def sequences(self, table: Table, step_features: list[str] | None = None) -> pl.Series:
        """What the network reads of each row: its covariates, its sequence, its step features.

        Raises
        ------
        DataError
            A column that the network was trained on is missing.
        """
        names = self.step_features(table) if step_features is None else step_features
        named = {name: resolve_column(table, name) for name in self.covariates}
        return with_step_features(table, prepend_covariates(table, named, self.plain(table)), names)

    def time_points(self, table: Table) -> tuple[list[str], pl.Series] | None:
        """The states of a table that is laid out, for pictures; None where there are none.

        Returns
        -------
        list of str
            What the time points are called.
        polars.Series of List(String) [rows]
            A state at each time point; null where one is missing, or the sequence has ended.
        """
        return None

    def join_row(self, cells: Sequence[str | None]) -> str:
        """What ``plain`` makes of one row of a new table, whose ``inputs`` these are."""
        return cells[0] or ""

    def example_row(self, units: Sequence[str]) -> dict[str, Any]:
        """A row as the service takes it; ``units`` are those that the network knows."""
        return dict.fromkeys(self.inputs, "No rain, no rainbow.")

    def row_of_text(self, text: str, given: Mapping[str, str]) -> dict[str, str | None]:
        """A row of a new table that a person has written by hand.

        Parameters
        ----------
        text : str
            The sequence.
        given : {name: value}
            The covariates.

        Raises
        ------
        DataError
            It cannot be read as a sequence of this layout.
        """
        return {str(self.data.text): text}

    @classmethod
    def typed_input(cls, recipe: Recipe) -> str:
        """What a person may type to try a network: "text", "states", "sentence", "series"; ""."""
        return "text"

    def portable(self) -> dict[str, Any]:
        """What another program needs to know to read rows as the network does, as JSON data."""
        return {}

    def duplicates(self, sequences: pl.Series) -> Duplicates | None:
        """Rows that are nearly the same; None where rows that are alike are no copies."""
        return None

    def check(self, table: Table, given: Checked) -> list[Finding]:
        """Everything that is doubtful about a table that is laid out."""
        return check_table(
            table,
            given.data,
            test_rows=given.test_rows,
            duplicates=given.duplicates,
            numeric=given.numeric,
            made=self.made,
        )

    def look_over(self, table: Table, test_rows: NDArray[np.bool_] | None) -> list[Finding]:
        """The same where nothing is asked of the table; for ``duree check``."""
        return check_table(table, self.settings, test_rows=test_rows, made=self.made)

    def check_split(
        self, sequences: pl.Series, seen: NDArray[np.int64], test: NDArray[np.int64]
    ) -> list[Finding]:
        """What the test rows hold that the network cannot know."""
        return []

    def describe(
        self,
        table: Table,
        sequences: pl.Series,
        classes: pl.Series | None,
        seed: int,
        weights: NDArray[np.float64] | None,
    ) -> dict[str, Any]:
        """What the report shows of the sequences: {file of the run folder: plain JSON data}."""
        return {}

    def _no_covariates(self) -> dict[str, str]:
        """What cannot be a covariate, by its role: the answer, whose it is, the steps."""
        roles = ("target", "id", "state", "start", "end")
        names = {role: getattr(self.data, role) for role in roles}
        others = {name: role for role, name in names.items() if name}
        return others | dict.fromkeys(self.data.event, "event")

    def _answers(self, table: Table, with_answers: bool, *without: str) -> dict[str, str]:
        """The columns of which a person must have one value, by their role."""
        roles = {role: getattr(self.data, role) for role in OF_PERSONS if with_answers}
        roles |= {f"covariate {name}": name for name in self.data.covariate}
        return {
            role: name
            for role, name in roles.items()
            if name in table.frame.columns and role not in without
        }
