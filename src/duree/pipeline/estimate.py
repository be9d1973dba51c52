"""``duree estimate``: from a file of predictions and a labelled sample to files of results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import polars.selectors as cs

from duree.errors import DataError
from duree.inference.estimation import Estimate, estimate
from duree.inference.folder import read_folder
from duree.inference.labels import Labels, NotCodedError, design_of, labels_of
from duree.inference.labels_table import with_labels
from duree.inference.model_matrix import columns_of, parse_formula
from duree.inference.population import as_population
from duree.inference.provenance import Provenance, provenance_file, read_provenance
from duree.inference.refusals import as_check
from duree.inference.sample import TRAINED_DRAW, TRAINED_DRAW_FIX, count_trained
from duree.inference.variables import require_own_class
from duree.pipeline.estimate_files import require_folder, write_estimate
from duree.results.estimates import Model
from duree.tables.files.read import read_tables
from duree.tables.finding import Finding
from duree.tables.source_rows import named_rows
from duree.tables.table import Table

# Columns that the coding folder adds.
PROBABILITY, STRATUM = "coding.sample_prob", "coding.stratum"
# Of larger populations, so many rows are looked up among those that trained the network.
LOOKED_UP = 50_000


@dataclass(frozen=True)
class Question:
    """What is asked; the options of ``duree.inference.estimate``.

    Attributes
    ----------
    formula : str
    predicted_var, prediction : tuple of str
    model : {"lm", "logit", "poisson"}
    cluster, sample_prob : str or None
    equal_prob, population : bool
    id : str or None
        Column of ids, for labels in a table of their own.
    seed : int
    """

    formula: str
    predicted_var: tuple[str, ...]
    prediction: tuple[str, ...]
    model: Model = "lm"
    cluster: str | None = None
    sample_prob: str | None = None
    equal_prob: bool = False
    population: bool = False
    id: str | None = None
    seed: int = 0


def estimate_file(
    question: Question, population: Path, labels: Path | None, output: Path
) -> tuple[Estimate, list[Finding]]:
    """Estimate from a file of predictions, and write the results into a folder.

    Parameters
    ----------
    question : Question
    population : Path
        What ``duree predict`` wrote, or any table with predictions.
    labels : Path or None
        The folder of ``duree sample``, or a table of labels; None if they are in the population.
    output : Path
        The folder, made if it does not exist.

    Returns
    -------
    Estimate, list of Finding
        What was found, and which files in the folder were replaced.

    Raises
    ------
    DataError
        As ``duree.inference.estimate``; labelled rows trained the network; the labels do not fit
        the population; the output is a file.
    RunError
        The results cannot be written.
    """
    require_folder(output)
    table, provenance = read_tables([population]), read_provenance(population)
    frame, notes = table.frame, list[Finding]()
    stratum, coded = None, labels is not None and labels.is_dir()
    if labels is not None:
        notes += _not_used(frame, question.predicted_var, population, labels)
    if labels is not None and coded:
        frame, found = _with_coding(table, population, labels, question, provenance)
        notes += found.findings
        question, stratum = _as_drawn(question, found)
    elif labels is not None:
        extra = [name for name in (question.sample_prob, question.cluster) if name is not None]
        frame, taken = with_labels(
            frame,
            labels,
            question.id,
            question.predicted_var,
            extra,
            question.sample_prob,
            question.prediction,
        )
        notes += taken
    else:
        _require_own_labels(frame, question.predicted_var, population)
    frame = with_numbers(frame, question)
    on_training = _refuse_trained(table, frame, question.predicted_var, population, provenance)
    result = estimate(
        question.formula,
        frame,
        predicted_var=question.predicted_var,
        prediction=question.prediction,
        sample_prob=question.sample_prob,
        stratum=stratum,
        cluster=question.cluster,
        equal_prob=question.equal_prob,
        model=question.model,
        population=question.population,
        seed=question.seed,
    )
    record = result.record.model_copy(
        update={
            "design": "coding" if coded else result.record.design,
            "data": population.name,
            "data_sha256": table.sources[0].sha256,
            "out_of_fold": None if provenance is None else provenance.out_of_fold,
            "notes": [
                *map(as_check, on_training),
                *result.record.notes,
                *map(as_check, notes),
            ],
        }
    )
    result = replace(result, record=record)
    return result, write_estimate(result, frame, question.sample_prob, output)


def _not_used(
    frame: pl.DataFrame, variables: Sequence[str], population: Path, labels: Path
) -> list[Finding]:
    """A caution for each column of the population that labels from elsewhere replace."""
    return [
        Finding(
            "replaced_column",
            "warning",
            "column {column!r} of {file} was not used: its labels were taken from {labels}",
            "if that column holds the labels, leave out --labels",
            {"column": name, "file": population.name, "labels": str(labels)},
        )
        for name in variables
        if name in frame.columns and frame[name].null_count() < len(frame)
    ]


def _with_coding(
    table: Table,
    population: Path,
    folder: Path,
    question: Question,
    provenance: Provenance | None,
) -> tuple[pl.DataFrame, Labels]:
    """The population with the labels of a coding folder, and how its rows were drawn."""
    coding, variables = read_folder(folder), question.predicted_var
    codebook = coding.codebook
    for name, prediction in zip(variables, question.prediction, strict=False):
        # A variable that was never named is not two predicted ones.
        asked = codebook.find(name) if len(variables) == 1 else codebook.named(name)
        require_own_class(name, prediction, asked.names)
    design = design_of(coding)
    drawn_from = as_population(table, population, design.id)
    try:
        found = [labels_of(coding, drawn_from, name) for name in variables]
    except NotCodedError:
        # Said first: whatever is coded later would be in vain.
        if count := count_trained(provenance, drawn_from, design):
            where, n = "in {file}", len(design.order)
            raise DataError(
                TRAINED_DRAW, where, TRAINED_DRAW_FIX, count=count, n=n, file=str(population)
            ) from None
        raise
    # Coding goes through one order: what has all labels is what has those that are rarest.
    probability = np.min([one.sample_prob for one in found], axis=0)
    columns = [
        pl.Series(name, one.values.tolist(), strict=False)
        for name, one in zip(variables, found, strict=True)
    ]
    columns += [pl.Series(PROBABILITY, probability), pl.Series(STRATUM, found[0].stratum)]
    return table.frame.with_columns(columns), found[0]


def _as_drawn(question: Question, labels: Labels) -> tuple[Question, str]:
    """The question with the design of the sample, and the column of strata."""
    if question.sample_prob is not None or question.equal_prob:
        raise DataError(
            "the folder of the sample says how its rows were drawn",
            fix="leave out --sample-prob and --equal-prob",
        )
    cluster = question.cluster or labels.cluster
    return replace(question, sample_prob=PROBABILITY, cluster=cluster), STRATUM


def _require_own_labels(frame: pl.DataFrame, variables: Sequence[str], file: Path) -> None:
    """Refuse a population without labels, if none are given elsewhere; DataError."""
    for name in variables:
        if name not in frame.columns:
            raise DataError(
                "{file} has no column {column!r} with labels",
                fix="give the folder of duree sample or a table of labels with --labels",
                file=str(file),
                column=name,
            )


def with_numbers(frame: pl.DataFrame, question: Question) -> pl.DataFrame:
    """The table with numbers instead of texts where all cells of a used column are numbers."""
    formula = parse_formula(question.formula)
    used = {*columns_of(formula, frame.columns), *formula.fixed_effects, *question.prediction}
    used |= {question.sample_prob} if question.sample_prob else set()
    return frame.with_columns(
        _numbers(frame[name])
        for name in frame.columns
        if name in used and frame[name].dtype == pl.String
    )


def _numbers(column: pl.Series) -> pl.Series:
    """Whole numbers or numbers, if all cells are; otherwise the texts, empty ones null."""
    texts = column.str.strip_chars()
    texts = texts.set(texts == "", None)
    for kind in (pl.Int64, pl.Float64):
        numbers = texts.cast(kind, strict=False)
        if numbers.null_count() == texts.null_count():
            return numbers
    return texts


def _refuse_trained(
    table: Table,
    frame: pl.DataFrame,
    variables: Sequence[str],
    population: Path,
    provenance: Provenance | None,
) -> list[Finding]:
    """Refuse labelled rows that trained the network; a caution if others did, or none is known."""
    if provenance is None:
        return [_unknown_training(population)]
    if provenance.out_of_fold:
        return []
    given = frame.select(variables).with_columns(cs.float().fill_nan(None))
    labelled = given.select(pl.all_horizontal(pl.all().is_not_null())).to_series().arg_true()
    trained = provenance.trained(table.frame[labelled])
    if trained is None:
        return [_unknown_training(population)]
    both = labelled.to_numpy()[trained]
    if len(both):
        raise DataError(
            "{count} labelled rows trained the network that predicted them: {rows}",
            "in {file}",
            "predict them by networks that they did not train: duree predict RUN DATA --folds 5 "
            "-o FILE",
            count=len(both),
            rows=named_rows(table, both),
            file=str(population),
        )
    return _other_trained_rows(table.frame, provenance)


def _other_trained_rows(frame: pl.DataFrame, provenance: Provenance) -> list[Finding]:
    """A caution if rows that are not labelled trained the network."""
    what = (
        "rows of the population that trained the network, none of them labelled: {count} of {rows}"
    )
    if len(frame) > LOOKED_UP:  # all of a million rows would take seconds
        frame = frame.sample(LOOKED_UP, seed=0)
        what = (
            "rows of the population that trained the network, none of them labelled: {count} of "
            "{rows} that were looked up"
        )
    trained = provenance.trained(frame)
    if trained is None or not trained.any():
        return []
    fix = "if they could not be drawn, leave them out, or predict with --folds"
    return [
        Finding(
            "trained_rows", "warning", what, fix, {"count": int(trained.sum()), "rows": len(frame)}
        )
    ]


def _unknown_training(population: Path) -> Finding:
    """A caution where nothing says whether labelled rows trained the network."""
    record = provenance_file(population)
    what = "whether labelled rows trained the network is unknown: {record} is missing"
    fix = (
        "make sure that none did, or the estimates are wrong; if {file} is a copy, copy {record} "
        "too"
    )
    if record.exists():
        what = "whether labelled rows trained the network is unknown: {record} does not say"
        fix = (
            "make sure that none did, or the estimates are wrong; runs trained by this version "
            "record it"
        )
    values: dict[str, object] = {"record": record.name, "file": population.name}
    return Finding("unknown_training", "warning", what, fix, values)
