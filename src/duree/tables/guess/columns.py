"""A first guess at what each column of a table is, for the user to confirm or correct."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from duree.tables.checks.shingles import count_characters, count_units
from duree.tables.checks.target import is_quantity
from duree.tables.columns import is_blank
from duree.tables.time.order import holds_dates

# A column with so many words or Chinese characters a cell, in the middle of its cells, is read.
TEXT_UNITS = 4
# Classes of which there are more are seldom asked for; of each there must be some examples.
MOST_CLASSES, ROWS_OF_A_CLASS = 100, 4
# Columns with the same values are time points where there are so many, of so many states at most.
FEWEST_TIMES, MOST_STATES = 6, 30
EXAMPLES, EXAMPLE_LENGTH = 3, 80
TARGET_NAMES = re.compile(
    r"(^|[^a-z])(label|class|target|category|sentiment|tone|stance|polarity|code|y|outcome|rating"
    r"|score|party|genre|author)([^a-z]|$)|标签|类别|情感|评分|作者",
    re.IGNORECASE,
)
SPELL_NAMES = {
    role: re.compile(rf"(^|[^a-z])({names})([^a-z]|$)", re.IGNORECASE)
    for role, names in {
        "start": "start|starts|started|begin|begins|began|from|beginn|début",
        "end": "end|ends|ended|to|until|till|ende|fin",
        "state": "state|status|spell|activity|zustand|état|statut",
        "id": "id|pid|person|persnr|respondent|case|individual|user",
    }.items()
}

KINDS = {
    "empty": "nothing",
    "constant": "the same in every row",
    "text": "texts",
    "time": "dates or times",
    "id": "a different name in each row",
    "classes": "{count} classes",
    "quantity": "numbers",
    "other": "{count} different values",
}


@dataclass(frozen=True)
class ColumnGuess:
    """What a column seems to hold.

    Attributes
    ----------
    name : str
    kind : str
        A key of ``KINDS``.
    count : int
        Different values.
    missing : int
        Cells that hold nothing, or only space.
    examples : list of str
        Some of its values, cut.
    values : frozenset of str
        All of them, where they are few enough to be states.
    unique : bool
        Whether no value stands in two rows.
    """

    name: str
    kind: str
    count: int
    missing: int
    examples: list[str]
    values: frozenset[str] = frozenset()
    unique: bool = False


def guess_columns(frame: pl.DataFrame) -> list[ColumnGuess]:
    """What each column of a table, or of its first rows, seems to hold."""
    return [_guess(column) for column in frame if not column.dtype.is_nested()]


def guess_roles(columns: list[ColumnGuess]) -> dict[str, str]:
    """Which column is most likely the ``text``, which the ``target``; absent where none may be.

    The text is the first of texts; where there is none, ``states`` names the longest stretch of
    columns that hold the same few values, as ``first:last``. Names such as ``from`` and ``to`` tell
    of spells: ``id``, ``state``, ``start`` and ``end``. The target is a column whose name says
    so, or else one of few classes rather than of many, and of these rather than of numbers.
    """
    if spells := _spells(columns):
        columns = [column for column in columns if column.name not in spells.values()]
        targets = [column for column in columns if column.kind in ("classes", "quantity")]
        best = max(targets, key=_likelihood, default=None)
        return spells | ({"target": best.name} if best else {})
    texts = [column for column in columns if column.kind == "text"]
    states = [] if texts else _longest_stretch(columns)
    targets = [column for column in columns if column.kind in ("classes", "quantity")]
    targets = [column for column in targets if column not in states]
    roles = {"text": texts[:1], "target": sorted(targets, key=_likelihood, reverse=True)[:1]}
    found = {role: guessed[0].name for role, guessed in roles.items() if guessed}
    return found | ({"states": f"{states[0].name}:{states[-1].name}"} if states else {})


def _spells(columns: list[ColumnGuess]) -> dict[str, str]:
    """Which columns tell of spells, where the names of all four say so; else nothing."""
    found = {}
    for role, names in SPELL_NAMES.items():
        fitting = [column for column in columns if names.search(column.name)]
        if not fitting:
            return {}
        found[role] = fitting[0].name
    return found if len(set(found.values())) == len(found) else {}


def _longest_stretch(columns: list[ColumnGuess]) -> list[ColumnGuess]:
    """The longest of those in which each column has most of its values in common with the next."""
    stretches: list[list[ColumnGuess]] = [[]]
    for column in columns:
        before = stretches[-1][-1].values if stretches[-1] else column.values
        if not column.values or 2 * len(column.values & before) <= len(column.values | before):
            stretches.append([])
        if column.values:
            stretches[-1].append(column)
    longest = max(stretches, key=len)
    return longest if len(longest) >= FEWEST_TIMES else []


def _likelihood(column: ColumnGuess) -> tuple[bool, bool, int]:
    named = TARGET_NAMES.search(column.name) is not None
    return named, column.kind == "classes", -column.count


def _guess(column: pl.Series) -> ColumnGuess:
    texts = column.cast(pl.String, strict=False)
    blank = is_blank(texts)
    filled = texts.filter(~pl.Series(blank, dtype=pl.Boolean))
    count = filled.n_unique()
    examples = [_cut(text) for text in filled.unique(maintain_order=True).head(EXAMPLES)]
    kind = _kind(column, filled, count)
    few = kind in ("classes", "constant") and count <= MOST_STATES
    values = frozenset(filled.unique()) if few else frozenset()
    unique = count == len(filled) > 1
    return ColumnGuess(column.name, kind, count, int(blank.sum()), examples, values, unique)


def _kind(column: pl.Series, filled: pl.Series, count: int) -> str:
    if count < 2:
        return "constant" if count else "empty"
    if _is_read(filled):
        return "text"
    if holds_dates(column):
        return "time"
    if is_quantity(filled) and not (count == len(filled) and _is_counted(filled)):
        return "quantity"
    if count == len(filled):
        return "id"
    if count <= MOST_CLASSES and len(filled) >= ROWS_OF_A_CLASS * count:
        return "classes"
    return "other"


def _is_read(filled: pl.Series) -> bool:
    """Whether the cells are texts rather than names: several words, or Chinese characters."""
    sample = filled.head(1000)
    units = pl.select(pl.max_horizontal(count_units(sample), count_characters(sample))).to_series()
    return float(units.median() or 0) >= TEXT_UNITS  # type: ignore[arg-type]


def _is_counted(filled: pl.Series) -> bool:
    """Whether numbers are whole, as those that only count the rows are."""
    return filled.str.strip_chars().cast(pl.Int64, strict=False).null_count() == 0


def _cut(text: str) -> str:
    line = " ".join(text[: 4 * EXAMPLE_LENGTH].split())
    return line if len(line) <= EXAMPLE_LENGTH else line[: EXAMPLE_LENGTH - 1] + "…"
