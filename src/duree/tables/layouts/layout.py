"""Layout: the meaning of a table's rows, and its conversion to one row per sequence.

Each layout has its own file in this package; ``duree.tables.layouts.registry`` lists them. Code
outside the package does not check which layout it has, but calls its methods.
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
from duree.results.run_files import Record
from duree.tables.checks.check_table import check_table
from duree.tables.checks.duplicates import Duplicates
from duree.tables.checks.missing_targets import with_targets
from duree.tables.columns import ROLES, find_column, resolve_column
from duree.tables.finding import Finding
from duree.tables.layouts.covariates import check_covariates, prepend_covariates
from duree.tables.layouts.state_strings import Cells
from duree.tables.layouts.step_attributes import with_step_features
from duree.tables.layouts.typed_input import TypedInput
from duree.tables.table import Table

# Roles whose columns must be constant within a person.
OF_PERSONS = ("target", "group", "time", "weight")


@dataclass(frozen=True)
class Checked:
    """The arguments of ``Layout.check`` besides the table.

    Attributes
    ----------
    data : DataSettings
        With exact column names.
    target : polars.Series [rows]
        As read by the task.
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
    """The base of all layouts.

    Attributes
    ----------
    data : DataSettings
        The names of the columns.
    reading : mapping
        How the training table was read, as plain JSON data, so that other tables are read
        in the same way; empty before ``lay_out``.
    """

    data: DataSettings
    reading: Mapping[str, Any] = field(default_factory=dict)

    name: ClassVar[str]
    # Defaults for settings that the user leaves open.
    defaults: ClassVar[Defaults] = {}
    # Whether sequences consist of words, for which a file may have vectors.
    takes_vectors: ClassVar[bool] = False
    # Whether sequences consist of states and may have covariates; whether they are forecast.
    takes_covariates: ClassVar[bool] = False
    is_forecast: ClassVar[bool] = False
    # Whether rows are documents, which are their own targets; a .txt file is then one.
    are_documents: ClassVar[bool] = False
    # Whether baselines are fitted on training rows, not on the past of each row.
    fits_on_rows: ClassVar[bool] = True
    # The nouns for rows and units in reports.
    nouns: ClassVar[Nouns] = TEXTS
    # The source of test rows without a test file; an English template.
    test_rows: ClassVar[str] = "split off at random"
    # What a table for prediction must hold, and what is returned; an English template.
    new_table: ClassVar[str] = (
        "must contain “{columns}”; returned as CSV with all columns and the predictions"
    )
    # The noun for what metrics count if each row has one prediction.
    counted: ClassVar[str] = "rows"
    # Columns that ``lay_out`` adds.
    made: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def claims(cls, data: DataSettings) -> bool:
        """Whether the settings name columns of this layout."""

    @classmethod
    def fill(cls, recipe: Recipe) -> Recipe:
        """The recipe with the layout's defaults for settings that the user leaves open."""
        return recipe.with_defaults(cls.defaults)

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        """Refuse settings that are incompatible with this layout.

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
            raise Contradiction(
                "forecast.horizon is for forecasts of series: leave --horizon out, or give --series"
            )

    @classmethod
    def named_in_vain(cls, recipe: Recipe, read: type[Layout]) -> Contradiction | None:
        """Why columns of this layout cannot be named if ``read`` is used; None if they may be."""
        return None

    @property
    def is_long(self) -> bool:
        """Whether a sequence has several rows, so that the table must be read as a whole."""
        return False

    @property
    def covariates(self) -> list[str]:
        """The columns of covariates."""
        return list(self.reading.get("covariates", ()))

    @classmethod
    def header(cls, data: DataSettings) -> list[str]:
        """Columns by which the first line of a text file is known to be that of a table."""
        roles = (*ROLES, "state", "start", "end")
        return [name for role in roles if (name := getattr(data, role)) not in (None, *cls.made)]

    @property
    def cells(self) -> Cells:
        """How cells are read as states and covariates."""
        # Runs of version 0.1.0 have a reading without it.
        return Cells(self.data.missing_codes, self.reading.get("whole_numbers", not self.reading))

    @property
    def inputs(self) -> list[str]:
        """The input columns of the network, covariates last."""
        return [str(self.data.text), *self.covariates]

    @property
    def asked_columns(self) -> list[str]:
        """The columns that a new table must have, as the user named them."""
        return [str(self.data.text)]

    @property
    def input_name(self) -> str:
        """The input of the network, as the user named it."""
        return self.data.text or ""

    @property
    def identifying_columns(self) -> list[str]:
        """The columns by which a person recognises a row, as the user named them."""
        data = self.data
        named = (data.id, data.group, data.time, data.target, data.text)
        return list(dict.fromkeys(name for name in named if name))

    @classmethod
    def predicted_suffix(cls, suffix: str) -> str:
        """The format of the predictions for a file, by the suffix of its name."""
        return ".csv"

    @property
    def added(self) -> list[str]:
        """Columns that ``lay_out`` adds and that are left out of written predictions."""
        return []

    @property
    def step_columns(self) -> list[str]:
        """Columns that hold one step each, rather than a property of the sequence."""
        return []

    def lay_out(self, table: Table, *, with_answers: bool = True) -> tuple[Table, Self]:
        """The table with one row per sequence, and the layout with ``reading`` set.

        Parameters
        ----------
        table : Table
        with_answers : bool
            Whether targets are needed: they must then be constant within each person.

        Raises
        ------
        DataError
            A column is missing, or its cells cannot be read.
        """
        return table, self

    def parts(self, table: Table) -> NDArray[np.int64]:
        """The set of each row as ``lay_out`` divides them: by default 0, and drawn later."""
        return np.zeros(len(table), dtype=np.int64)

    @property
    def settings(self) -> DataSettings:
        """The settings that apply to the laid-out table."""
        return self.data

    def named(self, table: Table) -> DataSettings:
        """The settings with the exact column names of the laid-out table."""
        names = {role: getattr(self.settings, role) for role in ROLES}
        return self.settings.model_copy(
            update={role: resolve_column(table, name) for role, name in names.items() if name}
        )

    def with_covariates(self, table: Table) -> Self:
        """The same layout with the exact names of the covariates in ``reading``."""
        covariates = [resolve_column(table, name) for name in self.data.covariate]
        check_covariates(table, covariates, self._no_covariates())
        if not covariates:
            return self
        return replace(self, reading={**self.reading, "covariates": covariates})

    def without_missing(
        self, table: Table, column: str, data: DataSettings
    ) -> tuple[Table, NDArray[np.bool_] | None]:
        """The rows with a target, and a mask of these rows (None: all).

        Raises
        ------
        DataError
            Some rows have no target, and ``drop_bad`` is false.
        """
        if data.label_separator is not None:
            return table, None
        return with_targets(table, column, drop_bad=data.drop_bad)

    @abstractmethod
    def plain(self, table: Table) -> pl.Series:
        """The sequence of each row, without covariates or step features."""

    def step_features(self, table: Table) -> list[str]:
        """The columns of step features."""
        return []

    def sequences(self, table: Table, step_features: list[str] | None = None) -> pl.Series:
        """The input of each row: its covariates, sequence and step features.

        Raises
        ------
        DataError
            A column that the network was trained on is missing.
        """
        names = self.step_features(table) if step_features is None else step_features
        named = {name: resolve_column(table, name) for name in self.covariates}
        sequences = prepend_covariates(table, named, self.plain(table), self.cells)
        return with_step_features(table, sequences, names)

    def time_points(self, table: Table) -> tuple[list[str], pl.Series] | None:
        """The states of a laid-out table by time point, for figures; None if there are none.

        Returns
        -------
        list of str
            The names of the time points.
        polars.Series of List(String) [rows]
            The states at all time points; null if missing or after the end of the sequence.
        """
        return None

    def join_row(self, cells: Sequence[str | None]) -> str:
        """``plain`` for one row of a new table, given its ``inputs``."""
        return cells[0] or ""

    def example_row(self, units: Sequence[str]) -> dict[str, Any]:
        """An example row for the service; ``units`` is the network's vocabulary."""
        return dict.fromkeys(self.inputs, "No rain, no rainbow.")

    def row_of_text(self, text: str, given: Mapping[str, str]) -> dict[str, str | None]:
        """A row of a new table from user input.

        Parameters
        ----------
        text : str
            The sequence.
        given : {name: value}
            The covariates.

        Raises
        ------
        DataError
            The text is not a sequence of this layout.
        """
        if not text.strip():
            raise DataError("no text was given", fix="write or paste one")
        return {str(self.data.text): text}

    def typed_units(self, text: str) -> list[str]:
        """The units of typed input that must occur in training; words of texts need not."""
        return []

    @classmethod
    def typed_input(cls, recipe: Recipe) -> TypedInput | None:
        """What can be typed to try a network; None where a table is needed."""
        return TypedInput(
            "Try your own text", "Write or paste a text like those in the table", "Your text"
        )

    def portable(self) -> dict[str, Any]:
        """JSON data that other programs need to convert rows to inputs."""
        return {}

    def duplicates(self, sequences: pl.Series) -> Duplicates | None:
        """Near-duplicates; None if similar rows of this layout are not copies."""
        return None

    def check(self, table: Table, given: Checked) -> list[Finding]:
        """The findings on a laid-out table."""
        return check_table(
            table,
            given.data,
            test_rows=given.test_rows,
            duplicates=given.duplicates,
            numeric=given.numeric,
            made=self.made,
        )

    def look_over(self, table: Table, test_rows: NDArray[np.bool_] | None) -> list[Finding]:
        """The findings on a laid-out table without a task, for ``duree check``."""
        return check_table(table, self.settings, test_rows=test_rows, made=self.made)

    def check_split(
        self, sequences: pl.Series, seen: NDArray[np.int64], test: NDArray[np.int64]
    ) -> list[Finding]:
        """Findings on test rows that differ from those of training."""
        return []

    def describe(
        self,
        table: Table,
        sequences: pl.Series,
        classes: pl.Series | None,
        seed: int,
        weights: NDArray[np.float64] | None,
    ) -> dict[str, Record]:
        """Data on the sequences for the report: {file of the run folder: record}."""
        return {}

    def _no_covariates(self) -> dict[str, str]:
        """Columns that cannot be covariates, with their roles."""
        roles = ("target", "id", "state", "start", "end")
        names = {role: getattr(self.data, role) for role in roles}
        others = {name: role for role, name in names.items() if name}
        return others | dict.fromkeys(self.data.event, "event")

    def _answers(self, table: Table, with_answers: bool, *without: str) -> dict[str, str]:
        """The columns that must be constant within a person, by role."""
        roles = {role: getattr(self.data, role) for role in OF_PERSONS if with_answers}
        roles |= {f"covariate {name}": name for name in self.data.covariate}
        return {
            role: found
            for role, name in roles.items()
            if (found := find_column(table.frame.columns, name)) and role not in without
        }
