"""Typologies: types of sequences from a network's vectors, compared with optimal matching."""

from __future__ import annotations

from itertools import combinations, groupby
from math import isqrt
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from duree.errors import DataError
from duree.explain.clustering import (
    SAMPLE,
    Partition,
    match_types,
    part_distances,
    part_vectors,
)
from duree.explain.model import text_encoder
from duree.explain.optimal_matching import constant_costs, distances, transition_costs
from duree.pipeline.embed import embed, summing_network
from duree.pipeline.explain_row import words_for
from duree.pipeline.model import TrainedModel
from duree.pipeline.predict import read_like
from duree.pipeline.run import Run
from duree.recipe.settings import STATES
from duree.report.pages.typology import render_typology
from duree.results.run_files import StateFacts
from duree.results.typology import Kind, Sorting, TypeFacts, Typology
from duree.storage import write_file
from duree.tables.columns import find_column, require_free
from duree.tables.describe.states import describe_states, describe_types
from duree.tables.files.write import require_writable, write_table
from duree.tables.layouts.persons import Persons
from duree.tables.layouts.state_strings import ARROW
from duree.tables.layouts.step_attributes import names_of_step_features, sequences_of
from duree.tables.table import Table

Ints = NDArray[np.int64]

# Maximum number of cells of all matchings (a core computes about 10^9 per second), and the minimum
# number of sequences of a sample.
MOST_CELLS, FEWEST = 10**10, 50
# The columns with the type of each row by vectors, and by matching, which not all tables have.
TYPES = ("type", "type_matching")
# Maximum number of spells shown of a type's central sequence.
SPELLS_SHOWN = 12


def embed_rows(
    folder: Path | str, data: Path | str, output: Path | str, kinds: int | None = None
) -> Path | None:
    """Write the vector and the type of each sequence of a table, and a page on the types.

    The file has the run's id column (or ``row``, from 1), ``v1``, ``v2``, ..., float32, and
    ``type``, from 1; for states also ``type_matching``, from optimal matching: null if that was
    computed on a sample without the row.

    Parameters
    ----------
    folder, data
        A run folder, and a table with the run's columns.
    output : Path
        Any format of tables; the page has the same name with the suffix ``.html``.
    kinds : int, optional
        Number of types; chosen by silhouettes if not given.

    Returns
    -------
    Path or None
        The page; None if there are fewer than three different sequences, and so no types.

    Raises
    ------
    DataError
        The table lacks a column, or has fewer different sequences than ``kinds``; the suffix of
        the file is unknown.
    RunError
        The run's network has no vector for whole sequences.
    """
    run, output = Run(folder), Path(output)
    require_writable(output, Path(data))
    model = TrainedModel.of_run(run)
    size = summing_network(model).head.in_features  # raises if there is no such network
    if model.encoder.explained_by is None:
        text_encoder(model)  # raises, since its input has no units
    table = read_like(run, data, model)
    texts = model.texts(table)
    named = find_column(table.frame.columns, run.recipe.data.id)
    first = (
        table.frame[named] if named is not None else pl.Series("row", np.arange(1, len(texts) + 1))
    )
    require_free([first.name], [*(f"v{place}" for place in range(1, size + 1)), *TYPES])
    vectors = embed(model, model.encode(texts))
    frame = pl.DataFrame(
        [first, *(pl.Series(f"v{place}", of) for place, of in enumerate(vectors.T, start=1))]
    )
    persons = _distinct(texts) if model.encoder.units_encoder else _alike(texts, first)
    if kinds is not None and kinds > len(persons):
        raise DataError(
            "{kinds} types were asked for, and only {count} sequences differ",
            fix="ask for fewer",
            kinds=kinds,
            count=len(persons),
        )
    if len(persons) < 3:
        write_table(frame, output)
        return None
    found, types = _typology(run, model, table, persons, vectors, kinds, Path(data).name)
    for name, of_rows in types.items():
        known = pl.Series(of_rows + 1).set(pl.Series(of_rows < 0), None)
        frame = frame.with_columns(known.alias(name))
    write_table(frame, output)
    page = output.with_suffix(".html")
    write_file(page, render_typology(found, words_for(model)).encode())
    return page


def _distinct(texts: pl.Series) -> Persons:
    """The different sequences; they also differ if only their step features do."""
    if not names_of_step_features(texts):
        return Persons.of(texts)
    codes = Persons.of(texts.struct.json_encode()).codes
    first = np.unique(codes, return_index=True)[1]
    return Persons(sequences_of(texts).gather(first), codes)


def _alike(series: pl.Series, names: pl.Series) -> Persons:
    """The different numeric series, each with the name of its first occurrence."""
    _, first, codes = np.unique(series.hash().to_numpy(), return_index=True, return_inverse=True)
    return Persons(names.cast(pl.String).gather(first), codes.astype(np.int64))


def _typology(
    run: Run,
    model: TrainedModel,
    table: Table,
    persons: Persons,
    vectors: NDArray[np.float32],
    kinds: int | None,
    name: str,
) -> tuple[Typology, dict[str, Ints]]:
    """The content of the page, and the types of all rows by column name."""
    codes, seed = persons.codes, run.recipe.seed
    first = np.full(len(persons), 0)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    counts = np.bincount(codes).astype(np.float64)
    own = part_vectors(vectors[first], counts, kinds, seed)
    partitions: dict[str, tuple[Partition, Ints, Ints]] = {
        "network": (own, np.arange(len(persons)), np.arange(len(codes)))
    }
    matched = (
        _matched_rows(persons, seed)
        if model.layout.time_points(table)
        else np.zeros(0, dtype=np.int64)
    )
    if len(matched):
        partitions |= _match(persons, matched, len(own), len(model.layout.covariates))
    types = {way: np.full(len(codes), -1) for way in partitions}
    for way, (partition, objects, rows) in partitions.items():
        of_objects = np.full(len(persons), -1)
        of_objects[objects] = partition.types
        types[way][rows] = of_objects[codes[rows]]
    for way in partitions:
        rows = partitions[way][2]
        types[way][rows] = match_types(types[way][rows], types["network"][rows])
    facts, shapes = _shapes(run, model, table, types, seed)
    sortings = [
        _sorting(way, *partitions[way], types[way], persons, shapes.get(way, []))
        for way in partitions
    ]
    agreements = {}
    for one, other in combinations(partitions, 2):
        both = (types[one] >= 0) & (types[other] >= 0)
        agreements[one, other] = float(adjusted_rand_score(types[one][both], types[other][both]))
    shared = np.zeros((len(own), len(own)), dtype=np.int64)
    if "matching" in types:
        both = types["matching"] >= 0
        np.add.at(shared, (types["network"][both], types["matching"][both]), 1)
    sequence = Typology(
        run=run.folder.resolve().name,
        target="" if model.columns["target"] == STATES else model.columns["target"],
        data=name,
        rows=len(codes),
        distinct=len(persons),
        size=vectors.shape[1],
        given=kinds is not None,
        seen=min(SAMPLE, len(persons)),
        matched=len(partitions["matching"][1]) if "matching" in partitions else None,
        sortings=sortings,
        agreements=agreements,
        shared=shared.tolist(),
        facts=facts,
    )
    ways = zip(TYPES, ("network", "matching"), strict=True)
    return sequence, {column: types[way] for column, way in ways if way in types}


def _matched_rows(persons: Persons, seed: int) -> Ints:
    """The rows to match within ``MOST_CELLS``: all, a sample, or none if it would be too small."""
    longest = int(persons.names.str.count_matches(ARROW, literal=True).max() or 0) + 1  # type: ignore[arg-type]
    most = min(SAMPLE, isqrt(2 * MOST_CELLS) // longest)
    if len(persons) <= most:
        return np.arange(len(persons.codes))
    if most < FEWEST:
        return np.zeros(0, dtype=np.int64)
    order = np.random.default_rng(seed).permutation(len(persons.codes))
    _, begins = np.unique(persons.codes[order], return_index=True)
    return np.sort(order[: np.sort(begins)[most]])


def _match(
    persons: Persons, rows: Ints, kinds: int, before: int
) -> dict[str, tuple[Partition, Ints, Ints]]:
    """Optimal matching by both kinds of costs: the partition, its sequences, and their rows.

    The first ``before`` units of each sequence are covariates, which are not matched.
    """
    objects, counts = np.unique(persons.codes[rows], return_counts=True)
    sequence = persons.names.gather(objects).str.split(ARROW).list.slice(before)
    names = sequence.explode().unique().sort()
    numbers = {state: number for number, state in enumerate(names)}
    sequences = [
        np.array([numbers[state] for state in states if state], dtype=np.int64)
        for states in sequence
    ]
    weights = counts.astype(np.float64)
    costs = {
        "matching": constant_costs(len(names)),
        "rates": transition_costs(sequences, len(names), counts),
    }
    found = {}
    for way, of_states in costs.items():
        partition = part_distances(distances(sequences, of_states), weights, kinds)
        found[way] = partition, objects, rows
    return found


def _sorting(
    way: str,
    partition: Partition,
    objects: Ints,
    rows: Ints,
    types: Ints,
    persons: Persons,
    shapes: list[TypeFacts],
) -> Sorting:
    each = np.full(len(persons), np.nan)
    each[objects] = partition.silhouettes
    number_of = np.full(len(persons), -1)
    number_of[persons.codes[rows]] = types[rows]
    hearts = {int(number_of[heart]): int(heart) for heart in objects[partition.medoids]}
    kinds = [
        Kind(
            int((types == number).sum()),
            float(np.nanmean(each[persons.codes[types == number]])),
            _heart(persons.names[heart]),
        )
        for number, heart in sorted(hearts.items())
    ]
    return Sorting(way, len(rows), kinds, partition.widths, shapes)


def _heart(sequence: str) -> str:
    """A sequence as spells: ``school 24 › work 48``; texts are unchanged."""
    if ARROW not in sequence:
        return sequence
    spells = [(state, len(list(stay))) for state, stay in groupby(sequence.split(ARROW))]
    shown = ARROW.join(
        f"{state} {steps}" if steps > 1 else state for state, steps in spells[:SPELLS_SHOWN]
    )
    return shown + (f"{ARROW}…" if len(spells) > SPELLS_SHOWN else "")


def _shapes(
    run: Run, model: TrainedModel, table: Table, types: dict[str, Ints], seed: int
) -> tuple[StateFacts | None, dict[str, list[TypeFacts]]]:
    """The data for figures of each typology; none for texts."""
    if (found := model.layout.time_points(table)) is None:
        return None, {}
    times, states = found
    shapes = {
        way: describe_types(states, times, of_rows, seed)
        for way, of_rows in types.items()
        if way != "rates"
    }
    return describe_states(states, times, seed=seed), shapes
