"""What holds for every format: names of columns, limits of texts, and what is told of repairs."""

from __future__ import annotations

from pathlib import Path

from duree.errors import DataError
from duree.tables.finding import Finding

# In bytes; they keep memory bounded.
CELL_LIMIT = 1_000_000
ROW_LIMIT = 16_000_000


def column_names(cells: list[str], path: Path) -> list[str]:
    """The header's cells, trimmed; DataError where two columns have the same name."""
    names = [cell.strip() for cell in cells]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            "several columns have the same name: {names}",
            "in {file}",
            "give each column a name of its own",
            names=", ".join(map(repr, doubled)),
            file=str(path),
        )
    return names


def check_row_length(length: int, line: int, path: Path) -> None:
    """Refuse a row that is longer than can be held with ease."""
    if length > ROW_LIMIT:
        raise DataError(
            "the row that begins in line {line} is longer than {limit} bytes",
            "in {file}",
            "look whether its line end is missing, or part the file into tables of fewer columns",
            line=line,
            limit=ROW_LIMIT,
            file=str(path),
        )


def encoding_finding(path: Path, encoding: str, given: bool) -> Finding:
    """Tells in which encoding a text was read, and whether it was given or found out."""
    values: dict[str, object] = {"file": str(path), "encoding": encoding}
    if given:
        return Finding("encoding", "ok", "{file} was read as {encoding}, as told", values=values)
    if encoding == "utf-8":
        return Finding("encoding", "ok", "{file} is in UTF-8", values=values)
    return Finding(
        "encoding",
        "note",
        "{file} was found to be in {encoding}",
        "if its texts look wrong, choose another with --encoding",
        values,
    )


def nul_finding(count: int, path: Path) -> Finding:
    """Tells that NUL characters were taken out of the texts."""
    return Finding(
        "nul_bytes",
        "warning",
        "NUL characters taken out of {file}: {count}",
        "look whether the file is damaged or was cut by the program that wrote it",
        {"count": count, "file": str(path)},
    )


def blank_lines(count: int, path: Path) -> Finding:
    """Tells that empty lines were skipped."""
    return Finding(
        "blank_lines",
        "note",
        "empty lines of {file} skipped: {count}",
        values={"count": count, "file": str(path)},
    )
