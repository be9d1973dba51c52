"""A first guess at what each row of a table is, and which columns it is read by, for the user to
confirm or correct.

Nothing is guessed that the table does not show: where names and values say too little, rows are
taken for texts, and nothing is chosen.
"""

from __future__ import annotations

import re

from duree.tables.guess.columns import ColumnGuess, guess_roles

# What a row may be.
TEXTS, STATES, SPELLS, EVENTS, TOKENS, SERIES, WIDE = (
    "texts",
    "states",
    "spells",
    "events",
    "tokens",
    "series",
    "wide",
)
# Rows are of a kind, the first that fits, where these of its columns are found.
NEEDED = {
    TOKENS: {"text", "id", "target"},
    SPELLS: {"id", "state", "start", "end"},
    EVENTS: {"id", "event", "time"},
    STATES: {"states"},
    WIDE: {"id"},
    SERIES: {"series", "time"},
}
NUMBER = re.compile(r"\s*[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?\s*")
# The last number of a name, as in V12, 1990, week_3.
NUMBERED = re.compile(r"(\d+)\D*$")
# So many columns of numbers beside a name are the steps of a series.
FEWEST_STEPS, SHARE = 12, 0.8


def _names(*words: str) -> re.Pattern[str]:
    """Names of columns in which one of the words stands by itself."""
    return re.compile(rf"(^|[^a-z])({'|'.join(words)})([^a-z]|$)", re.IGNORECASE)


TIMES = _names("time", "date", "day", "week", "month", "quarter", "year", "when", "timestamp")
MOMENTS = re.compile(f"{TIMES.pattern}|日期|时间|年|月", re.IGNORECASE)
WHO = _names("id", "pid", "user", "person", "client", "customer", "visitor", "session", "case")
HAPPENED = _names("event", "events", "action", "activity", "page", "click", "product", "item")
WORDS = _names("token", "form", "word", "words")
SENTENCES = _names("sentence", "sent", "sentence_id", "sent_id", "sentence id")
TAGS = ("ner", "upos", "pos", "tag", "tags", "label", "xpos", "lemma")


def guess_rows(columns: list[ColumnGuess], *, tokens: bool = False) -> str:
    """What each row seems to be; ``tokens``: the file is of a kind that holds nothing else."""
    if tokens:
        return TOKENS
    has_texts = any(column.kind == "text" for column in columns)
    for rows, needed in NEEDED.items():
        if has_texts and rows != SPELLS:
            continue
        if needed <= guess_columns_of(rows, columns).keys():
            return rows
    return TEXTS


def guess_columns_of(rows: str, columns: list[ColumnGuess]) -> dict[str, str]:
    """Which columns are likely read where rows are of this kind, by option of ``duree fit``."""
    if rows == TOKENS:
        return _tokens(columns)
    if rows == EVENTS:
        return _events(columns)
    if rows == SERIES:
        return _series(columns)
    if rows == WIDE:
        return _wide(columns)
    roles = guess_roles(columns)
    of_kind = {
        TEXTS: ("text", "target"),
        STATES: ("states", "target"),
        SPELLS: ("id", "state", "start", "end", "target"),
    }
    return {role: name for role, name in roles.items() if role in of_kind[rows]}


def _tokens(columns: list[ColumnGuess]) -> dict[str, str]:
    found = {"text": _named(columns, WORDS), "id": _named(columns, SENTENCES)}
    called = {column.name.lower(): column for column in reversed(columns)}
    found["target"] = next((called[name] for name in TAGS if name in called), None)
    return {role: column.name for role, column in found.items() if column}


def _events(columns: list[ColumnGuess]) -> dict[str, str]:
    """Who did what, when: names of columns alone can say so."""
    several = [column for column in columns if column.kind in ("classes", "other", "quantity")]
    event = _named([column for column in several if column.kind != "quantity"], HAPPENED)
    found = {
        "id": _named([column for column in several if column is not event], WHO),
        "event": event,
        "time": _moment(columns),
    }
    return {role: column.name for role, column in found.items() if column}


def _series(columns: list[ColumnGuess]) -> dict[str, str]:
    """Numbers that stand beside times: of one series, or of those that another column names."""
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
    """A name for each row, then numbers alone, in columns that are counted."""
    rest = [column for column in columns[1:] if column.kind != "empty"]
    places = [NUMBERED.search(column.name) for column in rest if _is_numbers(column)]
    counted = [int(place[1]) for place in places if place]
    many = len(counted) >= max(FEWEST_STEPS, SHARE * len(rest))
    if not many or counted != sorted(counted) or not columns[0].unique:
        return {}
    return {"id": columns[0].name, "series": f"{rest[0].name}:{rest[-1].name}"}


def _is_numbers(column: ColumnGuess) -> bool:
    """Whether it holds numbers, be they so few that they could be names."""
    return column.kind == "quantity" or all(map(NUMBER.fullmatch, column.examples))


def _moment(columns: list[ColumnGuess]) -> ColumnGuess | None:
    dates = [column for column in columns if column.kind == "time"]
    return dates[0] if dates else _named(columns, MOMENTS)


def _named(columns: list[ColumnGuess], names: re.Pattern[str]) -> ColumnGuess | None:
    return next((column for column in columns if names.search(column.name)), None)
