"""Excel workbooks (.xlsx): the first sheet, read after a check that the file is safe to open."""

from __future__ import annotations

import logging
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError, ExtraError
from duree.tables.files.excel_size import check_sheet_size
from duree.tables.files.limits import blank_lines, column_names, refuse_title
from duree.tables.finding import Finding
from duree.tables.table import Content

UNPACKED_LIMIT = 500_000_000  # bytes
RATIO_LIMIT = 100  # unpacked to packed
_CHUNK = 1 << 20
# Exceptions from damaged archives or XML.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    ElementTree.ParseError,
    expat.ExpatError,
    EOFError,
    KeyError,
    RuntimeError,
    StopIteration,
    ValueError,
)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read_excel(path: Path) -> Content:
    """Read the first sheet; a column with cells of several types becomes text.

    Raises
    ------
    DataError
        The file unpacks to too much or is damaged, a formula has no saved result, or column names
        are not unique.
    ExtraError
        Without the package fastexcel.
    """
    try:
        import fastexcel
    except ImportError:
        raise ExtraError("fastexcel", "formats", "reading Excel files") from None
    # Empty columns need no warning.
    logging.getLogger("fastexcel").setLevel(logging.ERROR)
    errors, is_hidden = _check_workbook(path)
    try:
        book = fastexcel.read_excel(path)
        names = pl.DataFrame(book.load_sheet(0, header_row=None, n_rows=1, dtypes="string"))
        guessed = pl.DataFrame(book.load_sheet(0, schema_sample_rows=None))
        as_shown = pl.DataFrame(book.load_sheet(0, dtypes="string"))
    except fastexcel.FastExcelError as error:
        raise _damaged(path, str(error).splitlines()[0]) from None
    columns = {
        str(i): _typed(guessed.to_series(i), as_shown.to_series(i)) for i in range(guessed.width)
    }
    frame = _named(pl.DataFrame(columns), names, path)
    frame, rows, findings = _without_empty_rows(frame, path)
    findings += _sheet_findings(path, book.sheet_names, errors, is_hidden)
    return Content(frame, tuple(findings), rows=rows)


def _typed(guessed: pl.Series, shown: pl.Series) -> pl.Series:
    """The column in the type guessed for it if every cell has that type, otherwise as text."""
    text = pl.select(pl.when(shown != "").then(shown)).to_series()
    if guessed.dtype == pl.String or guessed.null_count() != text.null_count():
        return text
    # A date in a column of numbers would be read as a number: the days since 1900.
    is_number = text.cast(pl.Float64, strict=False).null_count() == text.null_count()
    return guessed if is_number or not guessed.dtype.is_numeric() else text


def _named(frame: pl.DataFrame, names: pl.DataFrame, path: Path) -> pl.DataFrame:
    """The frame with the header's names; columns with neither name nor cells are dropped."""
    header = [cell or "" for cell in names.row(0)] if names.height else []
    header += [""] * (frame.width - len(header))
    used = [
        i for i, name in enumerate(header) if name or frame.to_series(i).null_count() < frame.height
    ]
    refuse_title([header[i] for i in used], path)
    given = column_names([header[i] for i in used], path)
    chosen = frame.select(pl.nth(used))
    return chosen.rename(dict(zip(chosen.columns, given, strict=True)))


def _without_empty_rows(
    frame: pl.DataFrame, path: Path
) -> tuple[pl.DataFrame, NDArray[np.int64] | None, list[Finding]]:
    """The rows with a cell, their numbers if others were left out, and a finding on those."""
    filled = (
        frame.select(~pl.all_horizontal(pl.all().is_null())).to_series() if frame.width else None
    )
    if filled is None or filled.all():
        return frame, None, []
    rows = np.flatnonzero(filled.to_numpy()) + 1
    return frame.filter(filled), rows, [blank_lines(frame.height - len(rows), path)]


def _sheet_findings(
    path: Path, sheets: list[str], errors: int, is_hidden: bool
) -> Iterator[Finding]:
    if len(sheets) > 1:
        yield Finding(
            "sheets",
            "warning" if is_hidden else "note",
            "the first sheet of {file} was read, which is hidden: {sheet!r}; not read: {others}"
            if is_hidden
            else "the first sheet of {file} was read: {sheet!r}; not read: {others}",
            "to read another sheet, save it as a separate file",
            {"file": str(path), "sheet": sheets[0], "others": ", ".join(map(repr, sheets[1:]))},
        )
    if errors:
        yield Finding(
            "spreadsheet_errors",
            "warning",
            "cells of {file} with an error such as #N/A or #DIV/0!, read as missing: {count}",
            "correct their formulas and save the file again",
            {"count": errors, "file": str(path)},
        )


def _check_workbook(path: Path) -> tuple[int, bool]:
    """Refuse zip bombs, damaged files and formulas without results.

    Returns
    -------
    int
        The number of cells in error.
    bool
        Whether the first sheet is hidden.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive, path)
            sheet, is_hidden = _first_sheet(archive)
            check_sheet_size(archive, sheet, path)
            if not _has_formulas(archive, sheet):
                return 0, is_hidden
            return _check_formulas(archive, sheet, path), is_hidden
    except DataError:  # a ValueError too
        raise
    except _DAMAGE as error:
        raise _damaged(path, str(error) or type(error).__name__) from None


def _check_size(archive: zipfile.ZipFile, path: Path) -> None:
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if unpacked > UNPACKED_LIMIT or unpacked > RATIO_LIMIT * max(packed, 1):
        raise DataError(
            "{file} unpacks to {unpacked} bytes, {ratio} times its size: it may be a zip bomb",
            fix="if you trust it, save the sheet as .csv and read that (the limits are "
            "{limit} bytes and {most} times the file's size)",
            file=str(path),
            unpacked=unpacked,
            ratio=unpacked // max(packed, 1),
            limit=UNPACKED_LIMIT,
            most=RATIO_LIMIT,
        )


def _first_sheet(archive: zipfile.ZipFile) -> tuple[str, bool]:
    """The name of the first sheet in the archive, and whether it is hidden."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    first = next(element for element in book.iter() if _tag(element) == "sheet")
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    target = targets[first.get(_RELATION)]
    name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return name, first.get("state", "visible") != "visible"


def _has_formulas(archive: zipfile.ZipFile, sheet: str) -> bool:
    """Read every entry to its end, which verifies size and checksum; look for formulas."""
    found = False
    for entry in archive.infolist():
        with archive.open(entry) as stream:
            before = b""
            while chunk := stream.read(_CHUNK):
                found |= entry.filename == sheet and _marks_formula(before + chunk)
                before = chunk[-10:]
    return found


def _marks_formula(text: bytes) -> bool:
    return any(mark in text for mark in (b"<f>", b"<f ", b"<f/", b":f>", b":f ", b't="e"'))


def _check_formulas(archive: zipfile.ZipFile, sheet: str, path: Path) -> int:
    errors = 0
    with archive.open(sheet) as stream:
        for _, element in ElementTree.iterparse(stream):
            if _tag(element) == "c":
                errors += element.get("t") == "e"
                if _never_computed(element):
                    raise DataError(
                        "the formula in cell {cell} has no saved result",
                        "in {file}",
                        "open the file in your spreadsheet program and save it",
                        cell=element.get("r", "?"),
                        file=str(path),
                    )
            elif _tag(element) == "row":
                element.clear()
    return errors


def _never_computed(cell: ElementTree.Element) -> bool:
    """Whether a cell has a formula but no value (an empty text is a value)."""
    children = {_tag(child): child.text for child in cell}
    return "f" in children and not children.get("v") and cell.get("t") != "str"


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _damaged(path: Path, reason: str) -> DataError:
    return DataError(
        "{file} is not a readable Excel workbook: {reason}",
        fix="save it in your spreadsheet program as .xlsx without a password, or as .csv",
        file=str(path),
        reason=reason,
    )
