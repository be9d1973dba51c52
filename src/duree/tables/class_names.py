"""Names of the classes in place of the values of the target column (``data.class_names``)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import polars as pl

from duree.errors import DataError
from duree.recipe.settings import DataSettings
from duree.tables.checks.target import clean_labels
from duree.tables.columns import as_text, find_column, listed, resolve_column
from duree.tables.finding import Finding
from duree.tables.table import Table


def with_class_names(table: Table, data: DataSettings) -> Table:
    """The table with names in place of the values of its target; values without a name are kept.

    Raises
    ------
    DataError
        A name is also a value of another class.
    """
    column = find_column(table.frame.columns, data.target)
    if not data.class_names or column is None or _holds_lists(table, column):
        return table
    cells, findings = clean_labels(as_text(table, column))
    labels = _labels(cells, data.label_separator)
    _refuse_merged({label for cell in labels.values() for label in cell}, data.class_names, column)
    named = {
        cell: (data.label_separator or "").join(data.class_names.get(one, one) for one in each)
        for cell, each in labels.items()
    }
    cells = cells.replace_strict(named, return_dtype=pl.String) if named else cells
    # What is wrong with values cannot be seen in names; cells of labels are not checked as wholes.
    seen = clean_labels(cells)[1] if data.label_separator is None else findings
    hidden = [found for found in findings if found not in seen]
    shown = ", ".join(f"{value} = {name}" for value, name in data.class_names.items())
    facts: dict[str, object] = {"column": column, "names": shown}
    what = "the values of {column!r} are replaced by names: {names}"
    return replace(
        table,
        frame=table.frame.with_columns(cells.alias(column)),
        findings=(*table.findings, Finding("class_names", "ok", what, values=facts), *hidden),
    )


def require_named_values(table: Table, data: DataSettings) -> None:
    """Require that a table to train on has all values that are given names.

    Raises
    ------
    DataError
        It lacks one or the whole column, its cells are lists, or a name holds the separator of
        labels.
    """
    if not data.class_names or data.target is None:
        return
    column, separator = resolve_column(table, data.target), data.label_separator
    if _holds_lists(table, column):
        raise DataError(
            "--class-names names the class of each row, but {column!r} has several values in each",
            fix="leave it out",
            column=column,
        )
    labels = _labels(clean_labels(as_text(table, column))[0], separator)
    values = sorted({label for cell in labels.values() for label in cell} - {""})
    if missing := [value for value in data.class_names if value not in values]:
        raise DataError(
            "--class-names gives names to {missing}, which {column!r} does not hold",
            fix="its values are {values}",
            missing=listed(missing),
            column=column,
            values=listed(values),
        )
    holding = [name for name in data.class_names.values() if separator and separator in name]
    if holding:
        raise DataError(
            "the name {name!r} holds the separator of labels {separator!r}",
            fix="choose another name in --class-names",
            name=holding[0],
            separator=separator,
        )


def _holds_lists(table: Table, column: str) -> bool:
    """Whether a row has several values of the target, such as tags."""
    return isinstance(table.frame.schema[column], pl.List)


def _labels(cells: pl.Series, separator: str | None) -> dict[str, list[str]]:
    """The labels of each different cell: the cell itself without a separator."""
    different = cells.drop_nulls().unique(maintain_order=True).to_list()
    if separator is None:
        return {cell: [cell] for cell in different}
    return {
        cell: [label for part in cell.split(separator) if (label := part.strip())]
        for cell in different
    }


def _refuse_merged(values: Collection[str], names: Mapping[str, str], column: str) -> None:
    """Refuse a name that is also the value of another class in the same table."""
    kept = set(values) - names.keys()
    if merged := [value for value, name in names.items() if value in values and name in kept]:
        raise DataError(
            "--class-names gives {value!r} the name {name!r}, but {column!r} holds {name!r} as "
            "well: classes are not merged",
            fix="choose another name, or write the values of the same class the same way",
            value=merged[0],
            name=names[merged[0]],
            column=column,
        )
