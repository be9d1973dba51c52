"""Step attributes: other columns of each event, used as inputs at each step and not predicted.

Without step features, a row is its sequence as a text. With them, it is a struct of that text
(``states``) and a list of values for each feature: the time since the previous event and the
attributes. ``sequences_of`` returns the text alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from duree.errors import DataError
from duree.recipe.settings import STATES
from duree.tables.columns import as_text, resolve_column
from duree.tables.finding import Finding, listed
from duree.tables.layouts.persons import GAPS, OURS, without_bad
from duree.tables.source_rows import named_rows
from duree.tables.table import Table

# Numbers with at most FEW different values are grades or codes and are read as categories; of a
# category, the MOST_VALUES most frequent values are distinguished.
FEW, MOST_VALUES = 12, 300
NUMBER, CATEGORY = "number", "category"

AS_NUMBER = (
    "the attribute {column!r} is read as a number, from {low:g} to {high:g}; missing in {missing} "
    "events"
)
AS_CATEGORY = (
    "the attribute {column!r} is read as a category of {count} values: {listed}; missing in "
    "{missing} events"
)
TOO_MANY = (
    "the attribute {column!r} has {count} different values: the {most} most frequent are "
    "distinguished, the others are merged"
)

Kinds = dict[str, str]


def kinds_of(
    table: Table, named: Sequence[str], taken: Mapping[str, str], earlier: Mapping[str, str] | None
) -> Kinds:
    """The kind of each attribute: number or category.

    Parameters
    ----------
    table : Table
        One row per event.
    named : sequence of str
        The columns of the attributes.
    taken : {column: role}
        Columns with other roles.
    earlier : {column: kind}, optional
        Kinds in the training table, which take precedence over the values of this table.

    Raises
    ------
    DataError
        A column is missing, is named twice or has another role.
    """
    columns = [resolve_column(table, name) for name in named]
    for name in columns:
        role = taken.get(name, "name of a column that Durée adds" if name in OURS else None)
        if role is not None:
            raise DataError(
                "the column {column!r} is both the {role} and an attribute",
                fix="leave it out of the attributes",
                column=name,
                role=role,
            )
        if columns.count(name) > 1:
            raise DataError(
                "the attribute {column!r} is named twice", fix="give it once", column=name
            )
    return {name: (earlier or {}).get(name) or _kind(table, name) for name in columns}


def without_infinite(table: Table, kinds: Kinds, *, drop: bool) -> Table:
    """The table without events that have an infinite number.

    Raises
    ------
    DataError
        There are such events and ``drop`` is false, or all events are such.
    """
    for name, kind in kinds.items():
        if kind == NUMBER:
            infinite = _numbers(table, name).is_infinite().fill_null(False).to_numpy()
            table = without_bad(table, infinite, "infinite", drop=drop, column=name)
    return table


def read_attributes(table: Table, kinds: Kinds) -> list[pl.Series]:
    """The values of each attribute: Float64 or String [events], null if missing.

    Raises
    ------
    DataError
        An attribute was a number in training, and a cell is not.
    """
    return [
        _numbers(table, name) if kind == NUMBER else _filled(table, name)
        for name, kind in kinds.items()
    ]


def attribute_findings(columns: Sequence[pl.Series]) -> list[Finding]:
    """Findings: how each attribute is read."""
    found = []
    for column in columns:
        facts: dict[str, object] = {"column": column.name, "missing": column.null_count()}
        known = column.drop_nulls()
        if column.dtype == pl.Float64:
            ends = {"low": known.min() or 0.0, "high": known.max() or 0.0}
            found.append(Finding("attribute", "ok", AS_NUMBER, values=facts | ends))
            continue
        counts = known.alias("value").value_counts(sort=True)
        facts |= {"count": counts.height}
        if counts.height > MOST_VALUES:
            facts |= {"most": MOST_VALUES}
            found.append(Finding("attribute", "note", TOO_MANY, values=facts))
        else:
            facts |= {"listed": listed(counts["value"].to_list(), 12)}
            found.append(Finding("attribute", "ok", AS_CATEGORY, values=facts))
    return found


def with_step_features(table: Table, sequences: pl.Series, names: Sequence[str]) -> pl.Series:
    """The input of each row: its sequence together with its step features.

    Parameters
    ----------
    table : Table
        One row per sequence.
    sequences : polars.Series of String [rows]
    names : sequence of str
        Columns of lists, aligned with the end of the sequence.

    Raises
    ------
    DataError
        There is no such column.
    """
    if not names:
        return sequences
    columns = [table.frame[resolve_column(table, name)].alias(name) for name in names]
    frame = pl.DataFrame([sequences.alias(STATES), *columns])
    if GAPS in names:  # the first event has no previous one
        unknown = pl.concat_list(pl.lit(None, pl.Float64), pl.col(GAPS).list.slice(1))
        frame = frame.with_columns(pl.when(pl.col(GAPS).list.len() > 0).then(unknown).alias(GAPS))
    return frame.to_struct(sequences.name)


def step_feature_names(table: Table, attributes: Iterable[str]) -> list[str]:
    """The columns of step features: the times between events, if known, and the attributes."""
    return [*([GAPS] if GAPS in table.frame.columns else []), *attributes]


def names_of_step_features(rows: pl.Series) -> list[str]:
    """The step features of input rows; empty if the rows are texts."""
    if not isinstance(rows.dtype, pl.Struct) or STATES not in rows.struct.fields:
        return []
    return [name for name in rows.struct.fields if name != STATES]


def sequences_of(rows: pl.Series) -> pl.Series:
    """The sequences without step features, String [rows]; rows without them are unchanged."""
    return rows.struct.field(STATES).alias(rows.name) if names_of_step_features(rows) else rows


def _kind(table: Table, name: str) -> str:
    filled = _filled(table, name).drop_nulls()
    numbers = filled.cast(pl.Float64, strict=False)
    is_number = numbers.null_count() == 0 and numbers.n_unique() > FEW
    return NUMBER if is_number else CATEGORY


def _filled(table: Table, name: str) -> pl.Series:
    """The cells without surrounding white space; empty ones are null."""
    cells = as_text(table, name).str.strip_chars()
    nothing = "NaN" if table.frame[name].dtype.is_float() else ""
    return cells.set(cells.is_in(["", nothing]), None)


def _numbers(table: Table, name: str) -> pl.Series:
    filled = _filled(table, name)
    numbers = filled.cast(pl.Float64, strict=False)
    bad = (numbers.is_null() & filled.is_not_null()).arg_true()
    if len(bad):
        raise DataError(
            "the attribute {column!r} was a number in training, but {count} cells are not: "
            "{cell!r}",
            "first at {rows}",
            "write numbers with a decimal point, and leave missing ones empty",
            column=name,
            count=len(bad),
            cell=filled[int(bad[0])],
            rows=named_rows(table, bad[:1].to_numpy()),
        )
    return numbers
