"""The order of columns that hold one time point each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import groupby

from duree.tables.finding import Finding, listed

NUMBER = re.compile(r"\d+")


def check_order(columns: list[str], named: Sequence[str]) -> list[Finding]:
    """A warning if columns are in the order of text, as in t1, t10, t2; none if all were ``named``.

    The names must be the same but for one number.
    """
    natural = _natural(columns)
    if columns != sorted(columns) or natural == columns or len(named) == len(columns):
        return []
    what = "the time points are in the order of the table, {listed}, and not of their numbers"
    fix = "if their numbers are meant, name the columns in that order: {order}"
    facts: dict[str, object] = {"listed": listed(columns), "order": _patterns(columns, natural)}
    return [Finding("column_order", "warning", what, fix, facts)]


def _natural(columns: list[str]) -> list[str]:
    """The columns by their numbers; unchanged if they differ by more than one number."""
    if len({NUMBER.sub("", column) for column in columns}) != 1:
        return columns
    numbers = [[int(digits) for digits in NUMBER.findall(column)] for column in columns]
    if sum(len(set(place)) > 1 for place in zip(*numbers, strict=True)) != 1:
        return columns
    return [column for _, column in sorted(zip(numbers, columns, strict=True))]


def _patterns(columns: list[str], natural: list[str]) -> str:
    """Patterns for the columns in their natural order (t?, t??), or else their names."""
    patterns = [NUMBER.sub(lambda digits: "?" * len(digits[0]), name) for name in natural]
    chosen = [pattern for pattern, _ in groupby(patterns)]
    found = [name for pattern in chosen for name in columns if fnmatchcase(name, pattern)]
    return listed(chosen if found == natural else natural, 20)
