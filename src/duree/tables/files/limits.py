"""Rules common to all formats: column names, limits on lengths, and findings on repairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from duree.errors import DataError
from duree.tables.finding import Finding

# In bytes: they bound memory.
CELL_LIMIT = 1_000_000
ROW_LIMIT = 16_000_000
# Rows times columns of a format that can hold far more cells than its file has bytes.
CELLS_LIMIT = 20_000_000


def column_names(cells: list[str], path: Path) -> list[str]:
    """The header's cells, trimmed; DataError if two columns have the same name."""
    names = [cell.strip() for cell in cells]
    if doubled := sorted(name for name, count in Counter(names).items() if count > 1):
        raise DataError(
            "several columns have the same name: {names}",
            "in {file}",
            "give each column a different name",
            names=", ".join(map(repr, doubled)),
            file=str(path),
        )
    refuse_patterns(names, path)
    return names


def refuse_title(names: list[str], path: Path) -> None:
    """Refuse a first row with a single cell above several columns: a title, not their names."""
    if len(names) > 1 and names[0] and not any(names[1:]):
        raise title_above(names[0], path)


def title_above(title: str, path: Path) -> DataError:
    """The error for a title above the column names."""
    return DataError(
        "the first row has only one cell, {title!r}, which seems to be a title above the "
        "column names",
        "in {file}",
        "remove the rows above the column names",
        title=title,
        file=str(path),
    )


def refuse_patterns(names: Iterable[str], path: Path) -> None:
    """Refuse names that polars would take for a pattern of several columns."""
    for name in names:
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise DataError(
                "a column cannot be called {column!r}: the name is a pattern",
                "in {file}",
                "rename the column",
                column=name,
                file=str(path),
            )


def check_row_length(length: int, line: int, path: Path) -> None:
    """Refuse a row that would take too much memory."""
    if length > ROW_LIMIT:
        raise DataError(
            "the row that begins on line {line} is longer than {limit} bytes",
            "in {file}",
            "check whether a line break is missing, or split the table into several with "
            "fewer columns",
            line=line,
            limit=ROW_LIMIT,
            file=str(path),
        )


def encoding_finding(path: Path, encoding: str, given: bool) -> Finding:
    """The encoding in which a text was read, given or detected."""
    values: dict[str, object] = {"file": str(path), "encoding": encoding}
    if given:
        return Finding(
            "encoding", "ok", "{file} was read as {encoding}, as specified", values=values
        )
    if encoding == "utf-8":
        return Finding("encoding", "ok", "{file} is in UTF-8", values=values)
    return Finding(
        "encoding",
        "note",
        "{file} seems to be in {encoding}",
        "if its text looks wrong, choose another encoding with --encoding",
        values,
    )


def nul_finding(count: int, path: Path) -> Finding:
    """The finding that NUL characters were removed."""
    return Finding(
        "nul_bytes",
        "warning",
        "NUL characters removed from {file}: {count}",
        "check whether the file is damaged, or was truncated by the program that wrote it",
        {"count": count, "file": str(path)},
    )


def blank_lines(count: int, path: Path) -> Finding:
    """The finding that empty lines were skipped."""
    return Finding(
        "blank_lines",
        "note",
        "empty lines of {file} skipped: {count}",
        values={"count": count, "file": str(path)},
    )
