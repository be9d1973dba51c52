"""Names of classes in the form: a field for each value of the chosen target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from duree.tables.checks.target import as_quantity, clean_labels
from duree.tables.guess.columns import ColumnGuess

TITLE = "Names of the classes"
# The most values of a target that get a field each.
MOST_NAMED = 20


def values_of(columns: Iterable[ColumnGuess], target: str | None) -> list[str]:
    """The values of the target, in order; none if they are no classes, or too many."""
    found = next((column.values for column in columns if column.name == target), frozenset())
    values = clean_labels(pl.Series(sorted(found), dtype=pl.String))[0].unique()
    if not 2 <= len(values) <= MOST_NAMED:
        return []
    return values.sort().to_list() if not are_codes(values) else _by_number(values)


def are_codes(values: Iterable[str]) -> bool:
    """Whether all values are numbers, which say little to a reader."""
    return not as_quantity(pl.Series(list(values), dtype=pl.String)).has_nulls()


def field_of(target: str, value: str) -> str:
    """The name of the field for a value: another target has other fields."""
    return f"class_names {target} {value}"


def typed_names(chosen: Mapping[str, str]) -> dict[str, str]:
    """The names that were typed for the values of the chosen target."""
    start = field_of(chosen.get("target", ""), "")
    return {
        field.removeprefix(start): name for field, name in chosen.items() if field.startswith(start)
    }


def _by_number(values: pl.Series) -> list[str]:
    return values.gather(as_quantity(values).arg_sort()).to_list()
