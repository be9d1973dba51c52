"""A guess at the layout of a table and the columns it needs, for the user to confirm or correct.

Where names and values of columns are not sufficient evidence, rows are assumed to be texts, and no
column is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from duree.tables.guess.columns import ColumnGuess, guess_roles

# Layouts: what a row may be.
TEXTS, STATES, SPELLS, EVENTS, TOKENS, SERIES, WIDE = (
    "texts",
    "states",
    "spells",
    "events",
    "tokens",
    "series",
    "wide",
)
# The columns that each layout needs; the first layout with all of them is chosen.
NEEDED = {
    TOKENS: {"text", "id", "target"},
    SPELLS: {"id", "state", "start", "end"},
    EVENTS: {"id", "event", "time"},
    STATES: {"states"},
    WIDE: {"id"},
    SERIES: {"series", "time"},
}
NUMBER = re.compile(r"\s*[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?\s*")
# The last number in a name, as in V12, 1990, week_3.
NUMBERED = re.compile(r"(\d+)\D*$")
# The fewest columns of numbers, and their share of all columns, of a wide table of series.
FEWEST_STEPS, SHARE = 12, 0.8


def _names(*words: str) -> re.Pattern[str]:
    """Names of columns that contain one of the words as a whole word."""
    return re.compile(rf"(^|[^a-z])({'|'.join(words)})([^a-z]|$)", re.IGNORECASE)


TIMES = _names("time", "date", "day", "week", "month", "quarter", "year", "when", "timestamp")
MOMENTS = re.compile(f"{TIMES.pattern}|日期|时间|年|月", re.IGNORECASE)
WHO = _names("id", "pid", "user", "person", "client", "customer", "visitor", "session", "case")
WEIGHTS = re.compile(_names("weight", "weights", "wt", "wgt").pattern + "|权重", re.IGNORECASE)
NAMES = re.compile(_names("id", "pid", "key", "nr", "no").pattern + "|编号", re.IGNORECASE)
HAPPENED = _names("event", "events", "action", "activity", "page", "click", "product", "item")
WORDS = _names("token", "form", "word", "words")
SENTENCES = _names("sentence", "sent", "sentence_id", "sent_id", "sentence id")
TAGS = ("ner", "upos", "pos", "tag", "tags", "label", "xpos", "lemma")


def guess_rows(columns: list[ColumnGuess], *, tokens: bool = False) -> str:
    """The probable layout; ``tokens``: the file is a token file."""
    if tokens:
        return TOKENS
    has_texts = any(column.kind == "text" for column in columns)
    for rows, needed in NEEDED.items():
        if has_texts and rows != SPELLS:
            continue
        if needed <= guess_columns_of(rows, columns).keys():
            return rows
    return TEXTS


def guess_columns_of(
    rows: str, columns: list[ColumnGuess], *, tokens: bool = False
) -> dict[str, str]:
    """The probable columns of a layout, by option of ``duree fit``.

    With ``tokens`` the file is a token file, which defines its words and sentences itself.
    """
    found = GUESSES[rows](columns)
    return {role: name for role, name in found.items() if role == "target" or not tokens}


def further_columns(columns: list[ColumnGuess]) -> dict[str, str]:
    """Columns by which rows may be identified and weighted, by option; for any layout."""
    numbers = [column for column in columns if _is_numbers(column)]
    found = {
        "id": _named([column for column in columns if column.unique], NAMES),
        "weight": _named(numbers, WEIGHTS),
    }
    return {role: column.name for role, column in found.items() if column}


def _tokens(columns: list[ColumnGuess]) -> dict[str, str]:
    found = {"text": _named(columns, WORDS), "id": _named(columns, SENTENCES)}
    called = {column.name.lower(): column for column in reversed(columns)}
    found["target"] = next((called[name] for name in TAGS if name in called), None)
    return {role: column.name for role, column in found.items() if column}


def _events(columns: list[ColumnGuess]) -> dict[str, str]:
    """Person, event and time, by the names of columns."""
    several = [column for column in columns if column.kind in ("classes", "other", "quantity")]
    event = _named([column for column in several if column.kind != "quantity"], HAPPENED)
    found = {
        "id": _named([column for column in several if column is not event], WHO),
        "event": event,
        "time": _moment(columns),
    }
    return {role: column.name for role, column in found.items() if column}


def _series(columns: list[ColumnGuess]) -> dict[str, str]:
    """Numbers with times: one series, or several identified by another column."""
    time = _moment(columns)
    others = [column for column in columns if column is not time]
    numbers = [column for column in others if column.kind == "quantity"]
    kinds = [column for column in others if column.kind in ("classes", "other")]
    if time is None or not numbers:
        return {}
    found = {"series": numbers[0].name, "time": time.name}
    if time.unique:
        return found
    return found | {"id": kinds[0].name} if kinds else {}


def _wide(columns: list[ColumnGuess]) -> dict[str, str]:
    """A name in each row, then columns of numbers with ascending numbers in their names."""
    rest = [column for column in columns[1:] if column.kind != "empty"]
    places = [NUMBERED.search(column.name) for column in rest if _is_numbers(column)]
    counted = [int(place[1]) for place in places if place]
    many = len(counted) >= max(FEWEST_STEPS, SHARE * len(rest))
    if not many or counted != sorted(counted) or not columns[0].unique:
        return {}
    return {"id": columns[0].name, "series": f"{rest[0].name}:{rest[-1].name}"}


def _of_roles(*known: str) -> Callable[[list[ColumnGuess]], dict[str, str]]:
    """What guesses these roles, by the contents of columns."""

    def guess(columns: list[ColumnGuess]) -> dict[str, str]:
        return {role: name for role, name in guess_roles(columns).items() if role in known}

    return guess


GUESSES: dict[str, Callable[[list[ColumnGuess]], dict[str, str]]] = {
    TEXTS: _of_roles("text", "target"),
    STATES: _of_roles("states", "target"),
    SPELLS: _of_roles("id", "state", "start", "end", "target"),
    EVENTS: _events,
    TOKENS: _tokens,
    SERIES: _series,
    WIDE: _wide,
}


def _is_numbers(column: ColumnGuess) -> bool:
    """Whether it holds numbers, including those so few that they could be codes."""
    return column.kind == "quantity" or all(map(NUMBER.fullmatch, column.examples))


def _moment(columns: list[ColumnGuess]) -> ColumnGuess | None:
    dates = [column for column in columns if column.kind == "time"]
    return dates[0] if dates else _named(columns, MOMENTS)


def _named(columns: list[ColumnGuess], names: re.Pattern[str]) -> ColumnGuess | None:
    return next((column for column in columns if names.search(column.name)), None)
