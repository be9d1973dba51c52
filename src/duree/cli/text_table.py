"""Tables on the terminal, with columns as wide as they are displayed."""

from __future__ import annotations

from collections.abc import Sequence

from duree.cli.help import display_width


def print_table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print rows of cells to stdout; the columns ``right`` are flush right."""
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            padded(cell, width, column in right)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def padded(text: str, width: int, right: bool = False) -> str:
    """A text with blanks up to a width in terminal columns."""
    blanks = " " * (width - display_width(text))
    return blanks + text if right else text + blanks
