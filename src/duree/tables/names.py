"""What column names must be in any format, and texts without NUL."""

from __future__ import annotations

from pathlib import Path

from duree.errors import DataError


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
