"""Picking the most uncertain rows: see ``duree.inference.active``."""

from __future__ import annotations

from pathlib import Path

from duree.inference.active import Active, most_uncertain, read_active
from duree.inference.codebook import read_codebook, write_template
from duree.inference.codings import ACTIVE_BATCH
from duree.inference.design import DESIGN, read_design
from duree.inference.labels import require_same_population
from duree.inference.new_folder import (
    guessed_text,
    known_labels,
    refuse_others,
    texts_of,
)
from duree.inference.population import read_population, units_of
from duree.inference.sheet import ACTIVE_SHEET, renamed_columns, write_sheet
from duree.storage import make_folder
from duree.tables.columns import resolve_column
from duree.tables.finding import Finding


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
        refuse_others(folder)
    text = text or (old.text if old else None) or (design.text if design else None)
    text = text or guessed_text(drawn_from)
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
    make_folder(folder)
    write_template(folder, known_labels(drawn_from))
    variables = [one.name for one in read_codebook(folder).variable]
    texts = texts_of(drawn_from, active.text, order)
    findings = write_sheet(folder / ACTIVE_SHEET, order, texts, variables, ACTIVE_BATCH)
    active.write(folder)
    return [
        *findings,
        *renamed_columns(folder / ACTIVE_SHEET, active.id, active.text),
        Finding(
            "picked",
            "ok",
            "{folder} has {n} more rows for training, the most uncertain by {column!r}: {all} in "
            "all; they enter no estimate",
            "",
            {"folder": str(folder), "n": n, "column": active.by, "all": len(order)},
        ),
    ]
