"""What holds for every format: names of columns, limits of texts, and what is told of repairs."""

from __future__ import annotations

from pathlib import Path

from duree.errors import DataError
from duree.tables.finding import Finding

CELL_LIMIT = 1_000_000  # bytes of one text; keeps memory bounded


def column_names(cells: list[str], path: Path) -> list[str]:
    """The header's cells, trimmed; DataError where two columns have the same name."""
    names = [cell.strip() for cell in cells]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            "several columns have the same name: {names}",
            "{file}",
            "give each column a name of its own",
            names=", ".join(map(repr, doubled)),
            file=str(path),
        )
    return names


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
