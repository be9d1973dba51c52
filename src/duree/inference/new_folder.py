"""What a new coding folder is made from: its place, the column of texts, and known labels."""

from __future__ import annotations

from pathlib import Path

from duree.errors import DataError
from duree.inference.active import ACTIVE
from duree.inference.population import Population
from duree.tables.columns import PROBABILITY, as_text, own_and_added
from duree.tables.guess.columns import guess_columns

GUESSED = 1000  # rows by which the column of texts is guessed


def refuse_others(folder: Path) -> None:
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


def guessed_text(population: Population) -> str | None:
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


def texts_of(population: Population, text: str | None, order: list[str]) -> dict[str, str]:
    """Text by id, of the rows in the sample."""
    if text is None:
        return {}
    drawn = population.ids.is_in(order)
    texts = as_text(population.table, text).filter(drawn).fill_null("").to_list()
    return dict(zip(population.ids.filter(drawn).to_list(), texts, strict=True))


def known_labels(population: Population) -> list[str]:
    """The classes of whose probabilities the population has columns."""
    _, added = own_and_added(population.table.frame.columns)
    return [name.removeprefix(PROBABILITY) for name in added if name.startswith(PROBABILITY)]
