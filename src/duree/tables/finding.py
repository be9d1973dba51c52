"""Finding: one thing that reading or checking a table brought to light, told to the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from duree.errors import translate

Level = Literal["ok", "note", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One sentence about the data, with the rows it speaks of.

    Attributes
    ----------
    check : str
        Stable name of the check, such as ``"near_duplicates"``.
    level : {"ok", "note", "warning", "error"}
        ``note``: good to know; ``warning``: may spoil a result; ``error``: stops a run.
    what, fix : str
        Templates in English (see ``duree.errors``): what was found, what to do about it.
    values : dict
        What the templates name.
    rows : tuple of int
        Examples: row indices in the table, counted from 0 (files are told in lines or rows from 1).
    """

    check: str
    level: Level
    what: str
    fix: str = ""
    values: dict[str, object] = field(default_factory=dict)
    rows: tuple[int, ...] = ()

    def message(self, language: str | None = None) -> str:
        """The whole finding in one line, in ``language`` (None: the user's)."""
        parts = [translate(part, language) for part in (self.what, self.fix) if part]
        return "; ".join(part.format(**self.values) for part in parts)


def listed(names: Sequence[str], most: int = 5) -> str:
    """The names in quotes, no more than ``most`` of them."""
    return ", ".join(map(repr, names[:most])) + (", ..." if len(names) > most else "")
