"""Finding: one result of reading or checking a table, reported to the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from duree.errors import sentence

Level = Literal["ok", "note", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One sentence about the data, with the rows concerned.

    Attributes
    ----------
    check : str
        Stable name of the check, such as ``"near_duplicates"``.
    level : {"ok", "note", "warning", "error"}
        ``note``: information; ``warning``: may invalidate a result; ``error``: stops a run.
    what, fix : str
        Templates in English (see ``duree.errors``): what was found, what to do about it.
    values : dict
        Values of the templates' placeholders.
    rows : tuple of int
        Examples: row indices in the table, from 0 (messages give lines or rows from 1).
    """

    check: str
    level: Level
    what: str
    fix: str = ""
    values: dict[str, object] = field(default_factory=dict)
    rows: tuple[int, ...] = ()

    def message(self, language: str | None = None) -> str:
        """The finding as one sentence, in ``language`` (None: the user's)."""
        return sentence((self.what, self.fix), self.values, language)


def listed(names: Sequence[str], most: int = 5) -> str:
    """The names in quotes, at most ``most`` of them."""
    return ", ".join(map(repr, names[:most])) + (", ..." if len(names) > most else "")
