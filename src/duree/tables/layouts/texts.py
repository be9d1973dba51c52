"""Texts: one per row, in one column."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.recipe.settings import DataSettings
from duree.tables.checks.duplicates import Duplicates, find_duplicates
from duree.tables.checks.shift import check_shift
from duree.tables.columns import as_text, resolve_column
from duree.tables.finding import Finding
from duree.tables.layouts.layout import Layout
from duree.tables.table import Table


class Texts(Layout):
    """Texts such as reviews, speeches or letters."""

    name: ClassVar[str] = "texts"
    takes_vectors: ClassVar[bool] = True

    @classmethod
    def claims(cls, data: DataSettings) -> bool:
        return True

    def plain(self, table: Table) -> pl.Series:
        return as_text(table, resolve_column(table, str(self.data.text))).fill_null("")

    def check_split(
        self, sequences: pl.Series, seen: NDArray[np.int64], test: NDArray[np.int64]
    ) -> list[Finding]:
        return check_shift(sequences, seen, test)

    def duplicates(self, sequences: pl.Series) -> Duplicates | None:
        return find_duplicates(sequences)
