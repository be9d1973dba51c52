"""Pairs: one text per row and, in another column, the text that it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.recipe.faults import Contradiction
from duree.recipe.recipe import Recipe
from duree.recipe.settings import DataSettings
from duree.tables.checks.check_table import check_table
from duree.tables.checks.duplicates import Duplicates
from duree.tables.checks.pairs import check_known
from duree.tables.columns import resolve_column
from duree.tables.finding import Finding
from duree.tables.layouts.layout import Checked
from duree.tables.layouts.texts import Texts
from duree.tables.layouts.typed_input import TypedInput
from duree.tables.table import Table


class Pairs(Texts):
    """Words and their modern spelling, sentences and their translation.

    Covariates are tags or categories that stand before the source, as many as there are.
    """

    name: ClassVar[str] = "pairs"
    takes_vectors: ClassVar[bool] = False
    takes_covariates: ClassVar[bool] = True

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        if recipe.text.segmenter == "states":
            raise Contradiction(
                "text.segmenter = states goes with states or events, and only with them"
            )
        if recipe.text.numbers != "keep":
            raise Contradiction(
                "text.numbers = {numbers} is not for pairs of texts: their numbers can be copied",
                numbers=recipe.text.numbers,
            )

    def with_covariates(self, table: Table) -> Self:
        # Bundles of tags have more values than categories may have.
        covariates = [resolve_column(table, name) for name in self.data.covariate]
        return replace(self, reading={**self.reading, "covariates": covariates})

    def row_of_text(self, text: str, given: Mapping[str, str]) -> dict[str, str | None]:
        return {**super().row_of_text(text, given), **given}

    def example_row(self, units: Sequence[str]) -> dict[str, Any]:
        return dict.fromkeys(self.inputs, "vnd")

    @classmethod
    def typed_input(cls, recipe: Recipe) -> TypedInput | None:
        return TypedInput(
            "Try your own text",
            "Write or paste a text like those in the table",
            "Your text",
            covariates=recipe.data.covariate,
        )

    def check(self, table: Table, given: Checked) -> list[Finding]:
        return self._check_pairs(table, given.data, given.test_rows)

    def look_over(self, table: Table, test_rows: NDArray[np.bool_] | None) -> list[Finding]:
        return self._check_pairs(table, self.settings, test_rows)

    def check_split(
        self, sequences: pl.Series, seen: NDArray[np.int64], test: NDArray[np.int64]
    ) -> list[Finding]:
        return [check_known(sequences, seen, test)]

    def duplicates(self, sequences: pl.Series) -> Duplicates | None:
        """None: the same word may become another in another place, and so occurs again."""
        return None

    def _check_pairs(
        self, table: Table, data: DataSettings, test_rows: NDArray[np.bool_] | None
    ) -> list[Finding]:
        sources = self.with_covariates(table).sequences(table)
        return check_table(table, data, test_rows=test_rows, numeric=False, sources=sources)
