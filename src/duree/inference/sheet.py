"""Sheets: the drawn rows as a CSV file that can be filled in with a program for spreadsheets.

``sheet.csv`` has the columns order, id, text and one for each variable; a coder may save a copy as
``sheet-NAME.csv``. Predictions are never shown: they would draw the coder towards them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from duree.errors import DataError
from duree.inference.codebook import BATCH, ID, ORDER, TEXT, UNNAMED, Codebook, Variable, number_of
from duree.inference.codings import ACTIVE_BATCH, DESIGN_BATCH, Coding
from duree.tables.columns import as_text, find_column
from duree.tables.files.formulas import with_formulas
from duree.tables.files.read import read_tables
from duree.tables.files.write import write_table
from duree.tables.finding import Finding
from duree.tables.table import Table

SHEET, ACTIVE_SHEET = "sheet.csv", "active.csv"
# The coder of labels in sheet.csv itself.
SHEET_CODER = "sheet"


@dataclass(frozen=True)
class Sheet:
    """A sheet as it was read: its rows with the place of each in the order of coding, from 0."""

    path: Path
    table: Table
    places: list[int | None]

    def has(self, name: str) -> bool:
        """Whether there is a column of this name."""
        return find_column(self.table.frame.columns, name) is not None

    def column(self, name: str) -> list[str]:
        """The cells of a column as texts; empty ones where there is no such column."""
        if not self.has(name):
            return [""] * len(self.table)
        return as_text(self.table, name).fill_null("").to_list()


def write_sheet(
    path: Path,
    ids: Sequence[str],
    texts: Mapping[str, str],
    variables: Sequence[str],
    batch: str | None = None,
) -> list[Finding]:
    """Write a sheet, with the rows of an older one and whatever was filled in there.

    Parameters
    ----------
    ids : sequence of str
        In the order of coding.
    texts : {id: text}
        Empty if there are none to show.
    batch : str, optional
        A column ``batch`` says that the rows are no random sample, wherever the file goes.

    Returns
    -------
    list of Finding
        Texts that were altered because a spreadsheet would take them for formulas.
    """
    old = read_sheet(path, ids) if path.exists() else None
    if old is not None and len(variables) == 1 and not old.has(variables[0]) and old.has(UNNAMED):
        variables = [UNNAMED]  # it was named after the sheet had been written
    rows = pl.DataFrame(
        {
            ORDER: [str(place + 1) for place in range(len(ids))],
            ID: list(ids),
            **({TEXT: [texts.get(id, "") for id in ids]} if texts else {}),
            **{name: [None] * len(ids) for name in variables},
            **({BATCH: [batch] * len(ids)} if batch else {}),
        },
        schema_overrides=dict.fromkeys((ORDER, ID, *variables), pl.String),
    )
    if old is not None:
        known = [place is not None for place in old.places]
        later = sorted(set(range(len(ids))) - set(old.places))
        former = old.table.frame.filter(pl.Series(known, dtype=pl.Boolean)).cast(pl.String)
        rows = pl.concat([former, rows[later]], how="diagonal")
    return write_table(rows, path)


def renamed_columns(path: Path, id: str, text: str | None) -> list[Finding]:
    """A note on the user's columns that have other names in a sheet."""
    pairs = [(id, ID), *([(text, TEXT)] if text is not None else [])]
    others = [f"{own!r} → {name!r}" for own, name in pairs if own != name]
    if not others:
        return []
    what = "columns have other names in {sheet}: {columns}"
    fix = "keep these names there: labels are read by them"
    values: dict[str, object] = {"sheet": str(path), "columns": ", ".join(others)}
    return [Finding("renamed_columns", "note", what, fix, values)]


def read_sheet(path: Path, ids: Sequence[str]) -> Sheet:
    """A sheet that may have been filled in, and saved by Excel.

    Raises
    ------
    DataError
        It cannot be read, or an id is not, or twice, among those drawn.
    """
    stamp = path.stat() if path.exists() else None
    if stamp is None:
        return _read(path, tuple(ids), 0, 0)
    return _read(path, tuple(ids), stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, ids: tuple[str, ...], changed: int, size: int) -> Sheet:
    """A sheet; it is read again when the file has changed, not for each label that is given."""
    table = read_tables([path])
    sheet = Sheet(path, table, [])
    if not sheet.has(ID):
        raise DataError(
            "{file} has no column {column!r}",
            fix="keep the columns order and id of the sheet as they were written",
            file=str(path),
            column=ID,
        )
    place_of = {id: place for place, id in enumerate(ids)}
    orders, seen = sheet.column(ORDER), set()
    for row, id in enumerate(sheet.column(ID)):
        place = _place(id, orders[row], ids, place_of)
        if place is None and _is_filled(sheet, row):
            raise DataError(
                "the id {id!r} of {file} was not drawn",
                "row {row}",
                "restore the column id from a copy; a program for spreadsheets may have changed "
                "it: import it as text",
                id=id,
                file=str(path),
                row=row + 1,
            )
        if place is not None and place in seen:
            raise DataError(
                "the id {id!r} stands twice in {file}",
                fix="remove one of the two rows",
                id=id,
                file=str(path),
            )
        seen.add(place)
        sheet.places.append(place)
    return sheet


def sheet_codings(folder: Path, ids: Sequence[str], codebook: Codebook) -> list[Coding]:
    """The labels that were filled in in the sheets of a folder.

    Raises
    ------
    DataError
        As ``read_sheet``; or a label is not in the codebook.
    """
    found: list[Coding] = []
    for path in sorted(folder.glob("sheet*.csv")):
        if path.name == SHEET or path.stem.startswith("sheet-"):
            coder = path.stem.removeprefix("sheet-")
            found += _codings_of(read_sheet(path, ids), ids, coder, DESIGN_BATCH, codebook)
    return found


def active_codings(folder: Path, ids: Sequence[str], codebook: Codebook) -> list[Coding]:
    """The labels that were filled in in ``active.csv``."""
    path = folder / ACTIVE_SHEET
    if not path.exists():
        return []
    return list(_codings_of(read_sheet(path, ids), ids, SHEET_CODER, ACTIVE_BATCH, codebook))


def sheet_texts(path: Path, ids: Sequence[str]) -> dict[str, str]:
    """Text by id, as the sheet shows them; empty without a column of texts."""
    sheet = read_sheet(path, ids)
    if not sheet.has(TEXT):
        return {}
    pairs = zip(sheet.places, sheet.column(TEXT), strict=True)
    return {ids[place]: with_formulas(text) for place, text in pairs if place is not None}


def _codings_of(
    sheet: Sheet, ids: Sequence[str], coder: str, batch: str, codebook: Codebook
) -> Iterator[Coding]:
    for variable in codebook.variable:
        for row, text in enumerate(sheet.column(_column(sheet, codebook, variable))):
            place = sheet.places[row]
            if not text.strip() or place is None:
                continue
            label = variable.canonical(text)
            if label is None:
                raise not_in_codebook(text, variable, str(sheet.path), row + 1)
            yield Coding(ids[place], coder, variable.name, label, "", batch=batch)


def not_in_codebook(text: str, variable: Variable, file: str, row: int) -> DataError:
    """The error for a label that the codebook does not have."""
    if variable.label:
        return DataError(
            "the label {label!r} of {variable!r} is not in the codebook",
            "{file}, row {row}",
            "write one of {known}, or add it to codebook.toml",
            label=text,
            variable=variable.name,
            file=file,
            row=row,
            known=", ".join(map(repr, variable.names)),
        )
    return DataError(
        "the label {label!r} of {variable!r} is no number",
        "{file}, row {row}",
        "write a number, or change the level in codebook.toml",
        label=text,
        variable=variable.name,
        file=file,
        row=row,
    )


def _column(sheet: Sheet, codebook: Codebook, variable: Variable) -> str:
    """The column of a variable; ``label`` for the only one, if it was named later."""
    is_named = sheet.has(variable.name) or len(codebook.variable) > 1
    return variable.name if is_named else UNNAMED


def _is_filled(sheet: Sheet, row: int) -> bool:
    """Whether anything but the text was written in a row."""
    columns = [name for name in sheet.table.frame.columns if name not in (ORDER, ID, TEXT, BATCH)]
    return any((sheet.table.frame[name][row] or "").strip() for name in columns)


def _place(id: str, order: str, ids: Sequence[str], place_of: Mapping[str, int]) -> int | None:
    """The place of a row in the order of coding, also if Excel made 7 of the id 007."""
    for name in (id, id.removeprefix("'")):
        if name in place_of:
            return place_of[name]
    number = number_of(order)
    if number is None or not 1 <= number <= len(ids) or number_of(id) is None:
        return None
    place = int(number) - 1
    return place if number_of(ids[place]) == number_of(id) else None
