"""The names of states: how many there are, which look like codes, and which look alike."""

from __future__ import annotations

import re

import polars as pl

from duree.tables.finding import Finding, listed

MANY_STATES = 60
# Codes for missing and void states, as in TraMineR, R, SPSS and Stata.
LIKE_MISSING = re.compile(
    r"\*+|%|\?+|\.|-+|#?n/?a|<na>|nan|null|none|nil|missing|void|-[1-9]|-?(77|88|99|777|888|999|9999)",
    re.IGNORECASE,
)
NUMERIC = re.compile(r"-?\d+")


def check_names(states: pl.Series) -> list[Finding]:
    """Findings on the states in a column, String without missing ones."""
    counts = states.value_counts(sort=True, name="cells")
    names = counts[states.name].to_list()
    return [
        *_check_number(len(names)),
        *_check_codes(names, counts["cells"].to_list()),
        *_check_alike(names),
    ]


def _check_number(count: int) -> list[Finding]:
    """A warning if there are more than ``MANY_STATES`` different states."""
    if count <= MANY_STATES:
        return []
    what, fix = (
        "{count} different states are unusually many",
        "check that these columns hold states",
    )
    return [Finding("many_states", "warning", what, fix, {"count": count})]


def _check_codes(names: list[str], cells: list[int]) -> list[Finding]:
    """A note on states that look like codes for missing values."""
    found = [name for name in names if LIKE_MISSING.fullmatch(name)]
    # Where numbers from 1 to 99 are states, so is 99; it stands out only beside few others.
    largest = max((int(n) for n in names if NUMERIC.fullmatch(n) and n not in found), default=0)
    found = [name for name in found if not NUMERIC.fullmatch(name) or _is_apart(int(name), largest)]
    if not found or len(found) == len(names):
        return []
    what = "states that look like codes for missing or void ones: {listed}, in {count} cells"
    fix = "if they are such codes, name them: --missing-codes '{codes}'"
    facts: dict[str, object] = {
        "listed": listed(found),
        "count": sum(cells[names.index(name)] for name in found),
        "codes": ",".join(found),
    }
    return [Finding("missing_codes", "note", what, fix, facts)]


def _is_apart(code: int, largest: int) -> bool:
    return code < 0 or code > 2 * largest + 9


def _check_alike(names: list[str]) -> list[Finding]:
    """A warning on states that differ only by case, spaces or leading zeros."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(_plain(name), []).append(name)
    found = [sorted(same) for same in alike.values() if len(same) > 1]
    if not found:
        return []
    what = "states that differ only by case, spaces or leading zeros: {listed}; they are different"
    fix = "write each state in one way"
    shown = "; ".join(listed(same) for same in found[:5])
    return [Finding("similar_states", "warning", what, fix, {"listed": shown})]


def _plain(name: str) -> str:
    return re.sub(r"^0+(?=\d)", "", "".join(name.casefold().split()))
