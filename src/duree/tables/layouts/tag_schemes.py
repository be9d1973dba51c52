"""Schemes of entity tags: which one a column follows, and where it does not.

Source: Ramshaw & Marcus 1995 and Tjong Kim Sang & Veenstra 1999 (IOB1, IOB2, IOE1, IOE2); Ratinov &
Roth 2009 (BILOU).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.results.entity_tags import are_suffixed, mark_entities, split_tag
from duree.tables.finding import Finding, listed
from duree.tables.source_rows import Tokens

# Maximum number of rows that a finding lists.
SHOWN = 5
# Letters for the beginning, the inside, the end and the whole of an entity, by scheme.
LETTERS = {"BILOU": "BILU", "BMES": "BMES", "BMEWO": "BMEW", "BIOES": "BIES"}
# Schemes in which an entity need not begin with B.
WITHOUT_BEGIN = ("IO", "IOE", "IOB1")
# Tags that seem to mark entities, but in no known way.
LIKE_ENTITIES = re.compile(r"[BIMELSUW][_:/.|+][A-Za-z].*|[A-Za-z].*[_:/.|+][BIMELSUW]")


class Step(NamedTuple):
    """A tag that marks an entity, and the tag before it in the sentence."""

    letter: str
    kind: str
    before: str
    kind_before: str

    @property
    def goes_on(self) -> bool:
        """Whether an entity of this kind can continue."""
        return self.before in ("B", "I", "M") and self.kind == self.kind_before

    @property
    def adjoins(self) -> bool:
        """Whether the tag before is in an entity of the same kind."""
        return self.before != "O" and self.kind == self.kind_before


def check_scheme(column: pl.Series, lengths: NDArray[Any]) -> list[Finding]:
    """Findings: the scheme of the tags of entities, and tags that break it.

    ``lengths`` are those of the sentences. There are none if the tags do not mark entities.
    """
    tags = column.unique().to_list()
    if not mark_entities(tags):
        return _unknown(column.name, tags)
    steps = _steps(column, lengths)
    if not steps:
        return []
    scheme = _scheme(steps)
    name = scheme + (" (PER-B)" if are_suffixed(tags) else "")
    form: dict[str, object] = {"column": column.name, "scheme": name}
    found = [Finding("scheme", "ok", "{column!r} marks entities by {scheme}", values=form)]
    broken = [
        place
        for place, step in steps.items()
        if scheme not in WITHOUT_BEGIN and step.letter in "IMEL" and not step.goes_on
    ]
    if not broken:
        return found
    what = (
        "tags of {column!r} that break the BIO scheme (I- without B- before it): {count}, the "
        "first at {rows}"
    )
    fix = "they are read as conlleval does: as the beginning of an entity"
    facts: dict[str, object] = {"column": column.name, "count": len(broken)}
    facts["rows"] = Tokens(broken[:1])
    ends = np.cumsum(lengths, dtype=np.int64)
    sentences = np.unique(np.searchsorted(ends, broken, side="right"))
    rows = tuple(int(row) for row in sentences[:SHOWN])
    return [*found, Finding("broken_scheme", "warning", what, fix, facts, rows)]


def _scheme(steps: dict[int, Step]) -> str:
    """The name of the scheme that the letters follow."""
    letters = {step.letter for step in steps.values()}
    if letters <= {"I"}:
        return "IO"
    if letters <= {"I", "E"}:
        return "IOE"
    if letters <= {"B", "I"}:
        # In IOB1 only an entity right after another of its kind begins with B.
        is_first = all(step.adjoins for step in steps.values() if step.letter == "B")
        return "IOB1" if is_first and "I" in letters else "IOB2"
    return next((name for name, known in LETTERS.items() if letters <= set(known)), "BIOES")


def _steps(column: pl.Series, lengths: NDArray[Any]) -> dict[int, Step]:
    """The tags that mark entities, by token."""
    first = np.zeros(len(column) + 1, dtype=bool)
    first[0] = True
    first[np.cumsum(lengths, dtype=np.int64)] = True
    suffixed = are_suffixed(column.unique().to_list())
    before, kind_before = "O", ""
    found = {}
    for place, (tag, begins) in enumerate(zip(column.to_list(), first.tolist(), strict=False)):
        letter, kind = split_tag(tag, suffixed=suffixed)
        if begins:
            before, kind_before = "O", ""
        if letter != "O":
            found[place] = Step(letter, kind, before, kind_before)
        before, kind_before = letter, kind
    return found


def _unknown(column: str, tags: list[str]) -> list[Finding]:
    """A warning if tags seem to mark entities in a way that is not known."""
    odd = sorted(tag for tag in tags if LIKE_ENTITIES.fullmatch(tag))
    if "O" not in tags or len(odd) < len(tags) - 1:
        return []
    what = "tags of {column!r} look like those of entities, but are in no known form: {listed}"
    fix = "write them as B-PER, I-PER or PER-B: otherwise words are counted, and not entities"
    facts: dict[str, object] = {"column": column, "listed": listed(odd)}
    return [Finding("unknown_scheme", "warning", what, fix, facts)]
