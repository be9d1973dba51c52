"""Drawing a sample for expert coding, and extending it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError
from duree.inference.active import ACTIVE, Active, most_uncertain, read_active
from duree.inference.codebook import CODEBOOK, read_codebook, write_template
from duree.inference.design import DESIGN, Design, Stratum, read_design
from duree.inference.labels import require_same_population
from duree.inference.population import (
    Population,
    Units,
    missing_texts,
    read_population,
    units_of,
)
from duree.inference.random_numbers import permanent_random_numbers
from duree.inference.sheet import ACTIVE_SHEET, SHEET, write_sheet
from duree.inference.strata import allocate, edges_of, mixed_order, spread_of, strata_of
from duree.storage import cannot_write
from duree.tables.columns import as_text, own_and_added, resolve_column
from duree.tables.finding import Finding
from duree.tables.guess.columns import guess_columns

# Columns in which ``duree predict`` writes the probability of each class.
PROBABILITY = "probability_"
GUESSED = 1000  # rows by which the column of texts is guessed


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
    old = read_design(folder) if (folder / DESIGN).exists() else None
    if old is None:
        _refuse_others(folder)
        text = text or _former_text(folder) or _guessed_text(drawn_from)
    columns = drawn_from.table
    design = Design(
        population=drawn_from.name,
        population_sha256=drawn_from.sha256,
        id=drawn_from.id,
        text=resolve_column(columns, text) if text else (old.text if old else None),
        seed=seed if seed is not None else (old.seed if old else 0),
        by=resolve_column(columns, by) if by else None,
        edges=None,
        strata=[],
        cluster=resolve_column(columns, cluster) if cluster else None,
    )
    if old is not None:
        _require_extension(old, design, drawn_from, n, folder)
    design = _drawn(design, old, drawn_from, n)
    findings = _write(folder, design, drawn_from)
    return [*findings, *_summary(design, old, folder)]


def pick_uncertain(
    population: Path | str, n: int, folder: Path | str, *, id: str, by: str, text: str | None = None
) -> list[Finding]:
    """Pick the rows whose probability is nearest to one half, to train a better network.

    They are kept apart from the random sample, and never enter an estimate. A second call picks
    further rows.

    Parameters
    ----------
    population, n, folder, id, text
        As for ``sample``.
    by : str
        Column of probabilities.

    Raises
    ------
    DataError, RunError
        As for ``sample``; or ``by`` holds no probabilities.
    """
    folder = Path(folder)
    drawn_from = read_population(population, id)
    old, design = read_active(folder), None
    if (folder / DESIGN).exists():
        design = read_design(folder)
        require_same_population(design.population, design.population_sha256, drawn_from, folder)
    if old is not None:
        require_same_population(old.population, old.population_sha256, drawn_from, folder)
    elif design is None:
        _refuse_others(folder)
    text = text or (old.text if old else None) or (design.text if design else None)
    text = text or _guessed_text(drawn_from)
    probability = units_of(drawn_from, by, None).by
    assert probability is not None
    known = [*(old.order if old else []), *(design.order if design else [])]
    taken = drawn_from.ids.is_in(known).arg_true().to_list()
    picked = most_uncertain(probability.copy(), n, by, taken)
    order = [*(old.order if old else []), *drawn_from.ids[picked].to_list()]
    active = Active(
        drawn_from.name,
        drawn_from.sha256,
        drawn_from.id,
        resolve_column(drawn_from.table, text) if text else None,
        resolve_column(drawn_from.table, by),
        order,
    )
    _make(folder)
    write_template(folder, _known_labels(drawn_from))
    variables = [one.name for one in read_codebook(folder).variable]
    texts = _texts(drawn_from, active.text, order)
    findings = write_sheet(folder / ACTIVE_SHEET, order, texts, variables)
    active.write(folder)
    return [
        *findings,
        Finding(
            "picked",
            "ok",
            "{folder} has {n} more rows for training, the most uncertain by {column!r}: {all} in "
            "all; they enter no estimate",
            "",
            {"folder": str(folder), "n": n, "column": active.by, "all": len(order)},
        ),
    ]


def _drawn(design: Design, old: Design | None, population: Population, n: int) -> Design:
    """The design with its strata and the order of coding; what was drawn before comes first."""
    units = units_of(population, design.by, design.cluster)
    edges = None if units.by is None else edges_of(units.by)
    stratum = strata_of(units.by, edges, len(units))
    sizes = np.bincount(stratum)
    wanted = n if design.cluster is None else -(-n * len(units) // len(population))
    counts = allocate(wanted, sizes, spread_of(units.by, stratum))
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
    numbers = permanent_random_numbers(seed, units.names)
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
    _make(folder)
    findings = missing_texts(population, design.text) if design.text else [_no_texts()]
    write_template(folder, _known_labels(population))
    variables = [one.name for one in read_codebook(folder).variable]
    texts = _texts(population, design.text, design.order)
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


def _refuse_others(folder: Path) -> None:
    """Refuse a folder with codings whose design is missing, or that is a file; DataError."""
    if folder.exists() and not folder.is_dir():
        raise DataError(
            "{folder!r} is a file, not a folder",
            fix="name a new folder for the sample",
            folder=str(folder),
        )
    found = [*folder.glob("codings-*.jsonl"), *folder.glob("sheet*.csv")]
    if found and not (folder / ACTIVE).exists():
        raise DataError(
            "{folder!r} holds codings without a design: {file}",
            fix="restore its design.json, or name a new folder",
            folder=str(folder),
            file=found[0].name,
        )


def _former_text(folder: Path) -> str | None:
    """The column of texts of earlier active batches in the folder."""
    active = read_active(folder)
    return active.text if active else None


def _guessed_text(population: Population) -> str | None:
    """The only column of texts; None if there is none.

    Raises
    ------
    DataError
        There are several.
    """
    own, _ = own_and_added(population.table.frame.columns)
    frame = population.table.frame.select(own)
    texts = [guess.name for guess in guess_columns(frame.head(GUESSED)) if guess.kind == "text"]
    if len(texts) > 1:
        raise DataError(
            "several columns of {file} hold texts: {columns}",
            fix="say which one coders read: --text {first}",
            file=population.name,
            columns=", ".join(map(repr, texts)),
            first=texts[0],
        )
    return texts[0] if texts else None


def _no_texts() -> Finding:
    return Finding(
        "no_texts",
        "warning",
        "no column of texts was found: coders see only the ids",
        "name the column that they read with --text",
    )


def _texts(population: Population, text: str | None, order: list[str]) -> dict[str, str]:
    """Text by id, of the rows in the sample."""
    if text is None:
        return {}
    drawn = population.ids.is_in(order)
    texts = as_text(population.table, text).filter(drawn).fill_null("").to_list()
    return dict(zip(population.ids.filter(drawn).to_list(), texts, strict=True))


def _known_labels(population: Population) -> list[str]:
    """The classes of whose probabilities the population has columns."""
    _, added = own_and_added(population.table.frame.columns)
    return [name.removeprefix(PROBABILITY) for name in added if name.startswith(PROBABILITY)]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
