"""Finding: one result of reading or checking a table, reported to the user."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from duree.errors import Phrase, sentence

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
    where : Phrase or None
        These rows as the user's files count them; see ``duree.tables.source_rows``.
    """

    check: str
    level: Level
    what: str
    fix: str = ""
    values: dict[str, object] = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    where: Phrase | None = None

    def message(self, language: str | None = None) -> str:
        """The finding as one sentence, in ``language`` (None: the user's)."""
        return sentence((self.what, self.fix), self.values, language)


def listed(names: Sequence[str], most: int = 5) -> str:
    """The names in quotes, at most ``most`` of them."""
    return ", ".join(map(repr, names[:most])) + (", ..." if len(names) > most else "")


def shifted(findings: Iterable[Finding], by: int) -> list[Finding]:
    """The findings on rows that follow ``by`` others in a longer table."""
    return [replace(one, rows=tuple(row + by for row in one.rows)) for one in findings]


def without_rows(findings: Iterable[Finding], taken: NDArray[np.bool_]) -> list[Finding]:
    """The findings on a table of which only the rows that are ``taken`` remain."""
    places = np.cumsum(taken) - 1
    return [
        replace(one, rows=tuple(int(places[row]) for row in one.rows if taken[row]))
        for one in findings
    ]
