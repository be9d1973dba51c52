"""Labels in a table: a column of labels for some rows of a population, which an id names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from duree.errors import DataError, Phrase
from duree.inference.codebook import BATCH, UNNAMED, number_of
from duree.inference.codings import ACTIVE_BATCH
from duree.inference.labelled_sample import complete, found, no_probability
from duree.inference.variables import refuse_typos
from duree.tables.files.read import read_tables
from duree.tables.finding import Finding, listed
from duree.tables.source_rows import locating, named_rows
from duree.tables.table import Table


def with_labels(
    population: pl.DataFrame,
    file: Path,
    id_column: str | None,
    variables: Sequence[str],
    columns: Sequence[str],
    sample_prob: str | None = None,
    predictions: Sequence[str] = (),
) -> tuple[pl.DataFrame, list[Finding]]:
    """The population with columns of a table of labels: null in rows that it does not name.

    A note says if its column ``label`` was taken.

    Parameters
    ----------
    id_column : str or None
        Column of ids in both tables; if None, the only column that both have.
    variables : sequence of str
        Predicted variables; the column of a single one may be called ``label``.
    columns : sequence of str
        What else to take from the table of labels if it is there: probabilities, clusters.
    sample_prob : str, optional
        Which of these has the probabilities of being labelled.
    predictions : sequence of str
        The columns of predictions, one for each variable.

    Raises
    ------
    DataError
        A column is missing, ids are doubled or unknown, rows were picked for training, a
        probability is not in (0, 1], or some labels are neither 0 nor 1 among many that are.
    """
    table = read_tables([file])
    labels, notes = _with_decimal_points(table.frame, [*variables, UNNAMED, *columns], file)
    _refuse_active(labels, file)
    if len(variables) == 1 and variables[0] not in labels.columns and UNNAMED in labels.columns:
        notes.append(_taken_for(labels[UNNAMED], variables[0], file))
        labels = labels.rename({UNNAMED: variables[0]})
    for name in variables:
        found(labels, name)
    with locating(table):
        for name, prediction in zip(variables, predictions, strict=False):
            rows = labels[name].is_not_null().arg_true().to_numpy().astype(np.int64)
            refuse_typos(labels[name], prediction, rows, str(file))
    taken = [*variables, *(name for name in columns if name in labels.columns)]
    name = id_column or _common(population, labels, taken, file)
    theirs = _ids(labels, name, str(file))
    ours = _ids(population, name, "the population")
    unknown = theirs.filter(~theirs.is_in(ours.implode()))
    if len(unknown):
        raise DataError(
            "{count} ids of the labels are not in the population: {ids}",
            "in {file}",
            "give the table from which these rows were drawn",
            count=len(unknown),
            ids=listed(unknown.to_list()),
            file=str(file),
        )
    if sample_prob in taken:
        _require_probabilities(table, labels, variables, sample_prob, theirs)
    right = labels.select(taken).with_columns(theirs.alias(name))
    left = population.drop(taken, strict=False).with_columns(ours.alias(name))
    joined = left.join(right, on=name, how="left", maintain_order="left")
    return joined.with_columns(population[name]), notes


def _taken_for(labels: pl.Series, name: str, file: Path) -> Finding:
    """A note that a column without a name was taken; DataError if it holds other labels."""
    texts = labels.cast(pl.String).drop_nulls()
    known = sorted(set(texts.to_list()))
    if name not in known and texts.cast(pl.Float64, strict=False).null_count() == len(texts):
        raise DataError(
            "{file} has neither a column nor a label {name!r}: the labels of its column {column!r} "
            "are {labels}",
            fix="give one of these labels or the column's name to the predicted variable",
            file=str(file),
            name=name,
            column=UNNAMED,
            labels=listed(known),
        )
    return Finding(
        "unnamed_variable",
        "note",
        "{name!r} was taken from the column {column!r} of {file}",
        values={"name": name, "column": UNNAMED, "file": file.name},
    )


def _with_decimal_points(
    labels: pl.DataFrame, names: Sequence[str], file: Path
) -> tuple[pl.DataFrame, list[Finding]]:
    """The columns of these names as numbers where all their cells are, with decimal commas."""
    notes = []
    for name in dict.fromkeys(names):
        if name not in labels.columns or labels[name].dtype != pl.String:
            continue
        texts = labels[name].str.strip_chars().replace("", None)
        known = texts.drop_nulls()
        numbers = [number_of(text) for text in known]
        if not known.str.contains(",", literal=True).any() or None in numbers:
            continue
        by_text = dict(zip(known, numbers, strict=True))
        labels = labels.with_columns(
            texts.replace_strict(by_text, default=None, return_dtype=pl.Float64).alias(name)
        )
        written = known.filter(known.str.contains(",", literal=True))[0]
        notes.append(
            Finding(
                "decimal_comma",
                "note",
                "numbers with a decimal comma were read in column {column!r} of {file}: {text} is "
                "{number:g}",
                values={
                    "column": name,
                    "file": file.name,
                    "text": written,
                    "number": by_text[written],
                },
            )
        )
    return labels, notes


def _require_probabilities(
    table: Table, labels: pl.DataFrame, variables: Sequence[str], name: str, ids: pl.Series
) -> None:
    """Refuse labelled rows whose probability is missing or not in (0, 1]; DataError."""
    values = labels[name].cast(pl.Float64, strict=False)
    good = ((values > 0) & (values <= 1)).fill_null(value=False)
    labelled = labels.select(pl.all_horizontal(pl.col(variables).is_not_null())).to_series()
    bad = (labelled & ~good).arg_true()
    if len(bad):
        at = int(bad[0])
        row = Phrase("{row} (id {id!r})", row=named_rows(table, [at]), id=ids[at])
        raise no_probability(labels[name][at], name, row, table.sources[0].path)


def _common(population: pl.DataFrame, labels: pl.DataFrame, taken: list[str], file: Path) -> str:
    """The column that names rows in both tables."""
    shared = [name for name in labels.columns if name in population.columns and name not in taken]
    if len(shared) == 1:
        return shared[0]
    raise DataError(
        "it is not clear which row of the population each label belongs to: {count} columns are in "
        "both tables",
        "in {file}",
        "name the column of ids with --id",
        count=len(shared),
        file=str(file),
    )


def _ids(frame: pl.DataFrame, name: str, table: str) -> pl.Series:
    """The ids as texts, all different."""
    ids = complete(frame, name).cast(pl.String)
    doubled = ids.filter(ids.is_duplicated()).unique(maintain_order=True)
    if len(doubled):
        raise DataError(
            "column {column!r} names {count} rows more than once: {ids}",
            "in {table}",
            "give each row an id of its own, or leave out the copies",
            column=name,
            count=len(doubled),
            ids=listed(doubled.to_list()),
            table=table,
        )
    return ids


def _refuse_active(labels: pl.DataFrame, file: Path) -> None:
    """Refuse rows that were picked because they are uncertain: they are no random sample."""
    if BATCH not in labels.columns:
        return
    picked = int((labels[BATCH].cast(pl.String).str.starts_with(ACTIVE_BATCH)).sum())
    if picked:
        raise DataError(
            "{count} labelled rows were picked for training (batch {batch!r}), not drawn at random",
            "in {file}",
            "leave them out: they would bias the estimate, whatever their number",
            count=picked,
            batch=ACTIVE_BATCH,
            file=str(file),
        )
