"""Drawing a sample for expert coding, and extending it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError
from duree.inference.active import read_active
from duree.inference.codebook import CODEBOOK, read_codebook, write_template
from duree.inference.design import DESIGN, Design, Stratum, read_design
from duree.inference.labels import require_same_population
from duree.inference.new_folder import (
    guessed_text,
    known_labels,
    refuse_others,
    texts_of,
)
from duree.inference.population import (
    Population,
    Units,
    missing_texts,
    read_population,
    units_of,
)
from duree.inference.provenance import Provenance, read_provenance
from duree.inference.random_numbers import permanent_random_numbers
from duree.inference.sheet import SHEET, renamed_columns, write_sheet
from duree.inference.strata import allocate, edges_of, mixed_order, spread_of, strata_of
from duree.storage import make_folder
from duree.tables.columns import resolve_column
from duree.tables.finding import Finding

TRAINED_DRAW = (
    "{count} of {n} drawn rows trained the network that predicted them: estimates from them are "
    "refused"
)
TRAINED_DRAW_FIX = (
    "predict with --folds 5, or without the training rows, and draw the sample from that"
)


def sample(
    population: Path | str,
    n: int,
    folder: Path | str,
    *,
    id: str,
    text: str | None = None,
    by: str | None = None,
    cluster: str | None = None,
    seed: int | None = None,
    name: str | None = None,
) -> list[Finding]:
    """Draw a stratified random sample for expert coding, or extend one that was drawn before.

    Each row has a permanent random number, and the rows with the smallest ones are drawn from each
    stratum: a larger sample contains the smaller one, and coding may stop anywhere.

    Parameters
    ----------
    population : Path
        Table in any known format, such as ``duree predict`` writes.
    n : int
        Number of rows. With ``cluster``, the number that is expected: whole clusters are drawn.
    folder : Path
        New, or that of a sample from the same population with fewer rows, which is extended.
    id : str
        Column with another value in each row.
    text : str, optional
        Column that coders read; guessed if there is only one of texts.
    by : str, optional
        Column of numbers, such as a probability: its fifths are strata, and uncertain ones give
        more rows.
    cluster : str, optional
        Column of clusters, of which all rows are drawn, or none.
    seed : int, optional
        0 for a new sample.
    name : str, optional
        Name of the population, if that of its file says nothing.

    Returns
    -------
    list of Finding
        What was drawn and written, with warnings.

    Raises
    ------
    DataError
        The population is not as it should be, or differs from that of the sample to be extended; or
        the folder holds something else.
    RunError
        The folder cannot be written.

    Source: stratified sampling with compromise between proportional and Neyman allocation: Cochran
    (1977), Sampling Techniques, ch. 5; permanent random numbers: Ohlsson (1995).
    """
    folder = Path(folder)
    drawn_from = read_population(population, id)
    made = read_provenance(Path(population))
    old = read_design(folder) if (folder / DESIGN).exists() else None
    if old is None:
        refuse_others(folder)
        active = read_active(folder)
        text = text or (active.text if active else None) or guessed_text(drawn_from)
    columns = drawn_from.table
    design = Design(
        population=name or drawn_from.name,
        population_sha256=drawn_from.sha256,
        id=drawn_from.id,
        text=resolve_column(columns, text) if text else (old.text if old else None),
        seed=seed if seed is not None else (old.seed if old else 0),
        by=resolve_column(columns, by) if by else None,
        edges=None,
        strata=[],
        cluster=resolve_column(columns, cluster) if cluster else None,
        training_sha256=list(made.training_sha256) if made else [],
        out_of_fold=made.out_of_fold if made else False,
    )
    if old is not None:
        _require_extension(old, design, drawn_from, n, folder)
    design = _drawn(design, old, drawn_from, n)
    findings = _write(folder, design, drawn_from)
    if old is None:
        findings += renamed_columns(folder / SHEET, design.id, design.text)
    if count := count_trained(made, drawn_from, design):  # said before anybody codes
        values: dict[str, object] = {"count": count, "n": len(design.order)}
        findings.append(Finding("trained_rows", "warning", TRAINED_DRAW, TRAINED_DRAW_FIX, values))
    return [*findings, *_summary(design, old, folder)]


def _drawn(design: Design, old: Design | None, population: Population, n: int) -> Design:
    """The design with its strata and the order of coding; what was drawn before comes first."""
    units = units_of(population, design.by, design.cluster)
    edges = None if units.by is None else edges_of(units.by)
    stratum = strata_of(units.by, edges, len(units))
    sizes = np.bincount(stratum)
    wanted = n if design.cluster is None else -(-n * len(units) // len(population))
    counts = allocate(wanted, sizes, spread_of(units.by, stratum), len(population) / len(units))
    before = np.zeros(len(sizes), dtype=np.int64)
    if old is not None:
        before = np.array([one.units_drawn for one in old.strata], dtype=np.int64)
    order = [
        *(old.order if old else []),
        *_added(population, units, stratum, before, counts, design.seed),
    ]
    rows, is_drawn = np.bincount(stratum[units.of_row]), population.ids.is_in(order).to_numpy()
    drawn_rows = np.bincount(stratum[units.of_row[is_drawn]], minlength=len(sizes))
    strata = [
        Stratum(int(rows[h]), int(drawn_rows[h]))
        if design.cluster is None
        else Stratum(int(rows[h]), int(drawn_rows[h]), int(sizes[h]), int(counts[h]))
        for h in range(len(sizes))
    ]
    return replace(design, edges=edges, strata=strata, order=order)


def _added(
    population: Population,
    units: Units,
    stratum: NDArray[np.intp],
    before: NDArray[np.int64],
    counts: NDArray[np.int64],
    seed: int,
) -> list[str]:
    """The ids that are added, in the order of coding: strata mixed, clusters together."""
    numbers = permanent_random_numbers(seed, units.names.to_list())
    waiting = []
    for h in range(len(counts)):
        members = np.flatnonzero(stratum == h)
        members = members[np.argsort(numbers[members], kind="stable")]
        waiting.append(iter(members[before[h] : counts[h]].tolist()))
    chosen = [next(waiting[h]) for h in mixed_order(counts - before)]
    rows = np.argsort(units.of_row, kind="stable")
    starts = np.searchsorted(units.of_row[rows], np.arange(len(units) + 1))
    return [
        population.ids[int(row)] for unit in chosen for row in rows[starts[unit] : starts[unit + 1]]
    ]


def _write(folder: Path, design: Design, population: Population) -> list[Finding]:
    """Write codebook and sheet, and last the design: without it the others count for nothing."""
    make_folder(folder)
    findings = missing_texts(population, design.text) if design.text else [_no_texts()]
    write_template(folder, known_labels(population))
    variables = [one.name for one in read_codebook(folder).variable]
    texts = texts_of(population, design.text, design.order)
    findings += write_sheet(folder / SHEET, design.order, texts, variables)
    design.write(folder)
    return findings


def _summary(design: Design, old: Design | None, folder: Path) -> Iterable[Finding]:
    """What was drawn, by stratum."""
    strata = ", ".join(f"{one.drawn}/{one.rows}" for one in design.strata)
    values = {"folder": str(folder), "n": len(design.order), "strata": strata}
    what = "{folder} has a random sample of {n} rows (drawn/all by stratum: {strata})"
    if old is not None:
        values["added"] = len(design.order) - len(old.order)
        what = (
            "{folder} has {added} more rows, now a random sample of {n} (drawn/all by stratum: "
            "{strata})"
        )
    yield Finding("drawn", "ok", what, "", values)
    yield Finding(
        "next_coding",
        "note",
        "write definitions of the labels in {codebook}",
        "then code in the studio (duree studio), or fill in {sheet}",
        {"codebook": str(folder / CODEBOOK), "sheet": str(folder / SHEET)},
    )


def count_trained(made: Provenance | None, population: Population, design: Design) -> int:
    """How many drawn rows are known to have trained the network that predicted them."""
    if made is None or made.out_of_fold:
        return 0
    trained = made.trained(population.table.frame.filter(population.ids.is_in(design.order)))
    return 0 if trained is None else int(trained.sum())


def _require_extension(
    old: Design, new: Design, population: Population, n: int, folder: Path
) -> None:
    """Refuse anything but a larger sample of the same kind; DataError."""
    require_same_population(old.population, old.population_sha256, population, folder)
    for name, option in (
        ("id", "--id"),
        ("text", "--text"),
        ("by", "--by"),
        ("cluster", "--cluster"),
        ("seed", "--seed"),
    ):
        before, now = getattr(old, name), getattr(new, name)
        if before != now:
            raise DataError(
                "the sample in {folder!r} was drawn with {option} {before}, not {now}",
                fix="give the same options to extend it, or another folder for a new sample",
                folder=str(folder),
                option=option,
                before="-" if before is None else before,
                now="-" if now is None else now,
            )
    held = len(old.order)
    if old.cluster is not None:
        # Whole clusters never give the number exactly: fewer clusters would be a smaller sample.
        clusters = sum(one.units for one in old.strata)
        held = sum(one.units_drawn for one in old.strata) * len(population) // clusters
    if n <= held:
        raise DataError(
            "the sample in {folder!r} has {held} rows already",
            fix="give a larger -n to extend it, or another folder for a new sample",
            folder=str(folder),
            held=len(old.order),
        )


def _no_texts() -> Finding:
    return Finding(
        "no_texts",
        "warning",
        "no column of texts was found: coders see only the ids",
        "name the column that they read with --text",
    )
