"""Registry: the layouts by name, and the layout for given settings. New layouts are added here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from duree.recipe.settings import DataSettings
from duree.tables.layouts.documents import Documents
from duree.tables.layouts.events import Events
from duree.tables.layouts.forecast_origins import ForecastOrigins
from duree.tables.layouts.layout import Layout
from duree.tables.layouts.numeric_series import NumericSeries
from duree.tables.layouts.pairs import Pairs
from duree.tables.layouts.sentences import Tokens
from duree.tables.layouts.spells import Spells
from duree.tables.layouts.states import States
from duree.tables.layouts.texts import Texts
from duree.tables.table import Table

# In order of precedence: layouts with settings of their own come first.
ALL = (States, Spells, Events, Tokens, NumericSeries, ForecastOrigins, Texts, Pairs, Documents)
LAYOUTS: dict[str, type[Layout]] = {layout.name: layout for layout in ALL}


def layout_of(data: DataSettings, among: Iterable[type[Layout]] = ALL) -> type[Layout]:
    """The layout whose columns the settings name, among the given ones."""
    possible = [layout for layout in ALL if layout in set(among)]
    return next((layout for layout in possible if layout.claims(data)), possible[-1])


def gather_rows(
    table: Table,
    data: DataSettings,
    reading: Mapping[str, Any] | None = None,
    *,
    with_answers: bool = True,
) -> tuple[Table, dict[str, Any]]:
    """A table with one row per sequence, and how it was read, as plain JSON data.

    ``reading`` is how the training table was read; see ``Layout``.
    """
    layout = layout_of(data)(data, reading or {})
    laid_out, layout = layout.lay_out(table, with_answers=with_answers)
    return laid_out, dict(layout.reading)
