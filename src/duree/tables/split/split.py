"""Split: which rows are for training, validation and testing, and how they were chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.errors import RunError, sentence
from duree.tables.finding import Finding

Ints = NDArray[np.int64]

TRAIN, VALIDATION, TEST, LEFT_OUT = range(4)
PARTS = ("train", "validation", "test", "left_out")

NEW_RUN = "start a new run"
WHY_LEFT_OUT = {
    "group": "{count} rows were left out: other rows of the same {group!r} are in another set",
    "duplicate": "{count} rows were left out: they are near-duplicates of a row in an earlier set",
    "time": "{count} rows were left out: they have no {time!r}",
}


@dataclass(frozen=True)
class Split:
    """Every row of a table is in exactly one of train, validation, test and left_out.

    Attributes
    ----------
    train, validation, test, left_out : int64
        Row indices, ascending.
    shared : int64
        Test rows with a near-duplicate or a row of their group in train or validation: possible
        only where a test file was given.
    seed : int
    clauses : tuple of str
        How the rows were split, as templates (see ``duree.errors``).
    values : dict
        Values of the templates' placeholders.
    reasons : dict
        Number of rows left out, by the keys of ``WHY_LEFT_OUT``.
    """

    train: Ints
    validation: Ints
    test: Ints
    left_out: Ints
    shared: Ints
    seed: int
    clauses: tuple[str, ...]
    values: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = np.concatenate([getattr(self, name) for name in PARTS])
        if not np.array_equal(np.sort(rows), np.arange(len(rows))):
            raise RunError("split.json does not contain every row exactly once", fix=NEW_RUN)
        if not np.isin(self.shared, self.test).all():
            raise RunError(
                "split.json marks rows as shared that are not in its test set", fix=NEW_RUN
            )

    def require_rows(self, count: int) -> None:
        """Refuse a split of another number of rows; RunError."""
        if sum(self.counts.values()) != count:
            raise RunError(
                "split.json is not a split of the {count} rows of the table",
                fix=NEW_RUN,
                count=count,
            )

    @property
    def counts(self) -> dict[str, int]:
        """Number of rows in each set, and of those left out."""
        return {name: len(getattr(self, name)) for name in PARTS}

    @property
    def method(self) -> str:
        """One sentence on how the rows were split, in the user's language."""
        return self.describe()

    def describe(self, language: str | None = None) -> str:
        """The same in ``language``: ``"en"`` or ``"zh"``."""
        return sentence(self.clauses, self.values, language)

    def findings(self) -> list[Finding]:
        """Findings: rows left out, and test rows that overlap with training."""
        found = [
            Finding("left_out", "warning", WHY_LEFT_OUT[why], values=self.values | {"count": count})
            for why, count in self.reasons.items()
        ]
        if len(self.shared):
            what = (
                "{count} of the {test} test rows have a near-duplicate or a row of their "
                "group in the training or validation set"
            )
            facts: dict[str, object] = {"count": len(self.shared), "test": len(self.test)}
            rows = tuple(int(row) for row in self.shared[:5])
            fix = "results without them are reported as well"
            found.append(Finding("shared_rows", "warning", what, fix, facts, rows))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        rows = {name: getattr(self, name).tolist() for name in (*PARTS, "shared")}
        method = {"clauses": list(self.clauses), "values": self.values, "reasons": self.reasons}
        return {"version": 1, "seed": self.seed, **method, **rows}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Split:
        """The split that ``to_dict`` described.

        Raises
        ------
        RunError
            The description was altered, or written by a newer version of Durée.
        """
        try:
            if state["version"] != 1:
                raise ValueError
            split = cls(
                **{name: np.array(state[name], dtype=np.int64) for name in (*PARTS, "shared")},
                seed=int(state["seed"]),
                clauses=tuple(state["clauses"]),
                values=dict(state["values"]),
                reasons={why: int(state["reasons"][why]) for why in state["reasons"]},
            )
            split.describe("en")
            split.findings()
            return split
        except (AttributeError, LookupError, TypeError, ValueError, OverflowError):
            raise RunError(
                "split.json was altered, or written by a newer version of Durée", fix=NEW_RUN
            ) from None
