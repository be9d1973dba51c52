"""A guess at the type of each column of a table, for the user to confirm or correct."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from duree.tables.checks.shingles import count_characters, count_units
from duree.tables.checks.target import is_quantity
from duree.tables.columns import is_blank
from duree.tables.time.order import holds_dates

# Median words or Chinese characters per cell from which a column is text.
TEXT_UNITS = 4
# The most classes of a likely target, and the fewest rows of each on average.
MOST_CLASSES, ROWS_OF_A_CLASS = 100, 4
# The fewest columns, and the most different values, of a sequence of states.
FEWEST_TIMES, MOST_STATES = 6, 30
EXAMPLES, EXAMPLE_LENGTH = 3, 80
# Names that only a target has, then those that it often has.
TARGET_NAMES = tuple(
    re.compile(rf"(^|[^a-z])({latin})([^a-z]|$)|{chinese}", re.IGNORECASE)
    for latin, chinese in (
        (
            "label|class|target|sentiment|tone|stance|polarity|y|outcome|verdict",
            "标签|类别|情感|情绪|结果",
        ),
        ("category|code|rating|score|party|genre|author|result|grade|stars", "评分|等级|作者"),
    )
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
    """The probable content of a column.

    Attributes
    ----------
    name : str
    kind : str
        A key of ``KINDS``.
    count : int
        Number of different values.
    missing : int
        Number of missing or blank cells.
    examples : list of str
        Some of its values, shortened.
    values : frozenset of str
        All values, if they are few enough to be states.
    unique : bool
        Whether no value occurs twice.
    """

    name: str
    kind: str
    count: int
    missing: int
    examples: list[str]
    values: frozenset[str] = frozenset()
    unique: bool = False


def guess_columns(frame: pl.DataFrame) -> list[ColumnGuess]:
    """The probable content of each column of a table, or of its first rows."""
    return [_guess(column) for column in frame if not column.dtype.is_nested()]


def guess_roles(columns: list[ColumnGuess]) -> dict[str, str]:
    """The most likely columns for ``text`` and ``target``; absent if there are none.

    The text is the first column of texts; without one, ``states`` is the longest run of columns
    with the same few values, as ``first:last``. Names such as ``from`` and ``to`` indicate spells:
    ``id``, ``state``, ``start`` and ``end``. The target is the one among the others that
    ``guess_target`` finds.
    """
    if spells := _spells(columns):
        rest = [column for column in columns if column.name not in spells.values()]
        return spells | _as_target(rest)
    texts = [column for column in columns if column.kind == "text"]
    if texts:
        return {"text": texts[0].name} | _as_target(columns)
    states = _longest_run(columns)
    found = {"states": f"{states[0].name}:{states[-1].name}"} if states else {}
    return found | _as_target([column for column in columns if column not in states])


def guess_target(columns: list[ColumnGuess]) -> str | None:
    """The column that is evidently the target; None where several could be.

    It is the only one with a typical name, or the only one with classes or numbers at all.
    """
    possible = possible_targets(columns)
    named = ([one for one in possible if names.search(one.name)] for names in TARGET_NAMES)
    evident = next(filter(None, named), possible)
    return evident[0].name if len(evident) == 1 else None


def possible_targets(columns: list[ColumnGuess]) -> list[ColumnGuess]:
    """The columns with classes or numbers."""
    return [column for column in columns if column.kind in ("classes", "quantity")]


def _as_target(columns: list[ColumnGuess]) -> dict[str, str]:
    target = guess_target(columns)
    return {"target": target} if target else {}


def _spells(columns: list[ColumnGuess]) -> dict[str, str]:
    """The columns of spells, if the names of all four indicate them; otherwise none."""
    found = {}
    for role, names in SPELL_NAMES.items():
        fitting = [column for column in columns if names.search(column.name)]
        if not fitting:
            return {}
        found[role] = fitting[0].name
    return found if len(set(found.values())) == len(found) else {}


def _longest_run(columns: list[ColumnGuess]) -> list[ColumnGuess]:
    """The longest run of columns of which each follows the one before."""
    runs: list[list[ColumnGuess]] = [[]]
    for column in columns:
        before = runs[-1][-1] if runs[-1] else column
        if not column.values or not _follows(before, column):
            runs.append([])
        if column.values:
            runs[-1].append(column)
    longest = max(runs, key=len)
    return longest if len(longest) >= FEWEST_TIMES else []


def _follows(before: ColumnGuess, column: ColumnGuess) -> bool:
    """Whether two columns share most of their values, or one all of its with a like name."""
    shared, total = before.values & column.values, before.values | column.values
    alike = _stem(before.name) == _stem(column.name)
    return 2 * len(shared) > len(total) or (alike and shared in (before.values, column.values))


def _stem(name: str) -> str:
    """``m_`` of ``m_12``."""
    return re.sub(r"\d+", "", name)


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
    if _is_text(filled):
        return "text"
    if holds_dates(column):
        return "time"
    if is_quantity(filled) and not (count == len(filled) and _are_integers(filled)):
        return "quantity"
    if count == len(filled):
        return "id"
    if count <= MOST_CLASSES and len(filled) >= ROWS_OF_A_CLASS * count:
        return "classes"
    return "other"


def _is_text(filled: pl.Series) -> bool:
    """Whether the cells are texts, not names: several words or Chinese characters."""
    sample = filled.head(1000)
    units = pl.select(pl.max_horizontal(count_units(sample), count_characters(sample))).to_series()
    return float(units.median() or 0) >= TEXT_UNITS  # type: ignore[arg-type]


def _are_integers(filled: pl.Series) -> bool:
    """Whether numbers are integers, as row numbers are."""
    return filled.str.strip_chars().cast(pl.Int64, strict=False).null_count() == 0


def _cut(text: str) -> str:
    line = " ".join(text[: 4 * EXAMPLE_LENGTH].split())
    return line if len(line) <= EXAMPLE_LENGTH else line[: EXAMPLE_LENGTH - 1] + "…"
