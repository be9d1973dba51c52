"""Which part of a formula cannot be read or computed, in words of our own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from duree.errors import DataError

CLOSING = {"(": ")", "[": "]", "{": "}"}
QUOTES = "'\"`"
# They may stand before a term.
SIGNS = ("+", "-")
_OPERATORS = re.compile(r"\*\*|[-+*/:^~]")
_NUMBER = re.compile(r"\d+(\.\d*)?")

Fault = Literal["read", "compute"]


def faulty_part(
    text: str, sides: tuple[str, ...], fault_of: Callable[[str], Fault | None]
) -> DataError:
    """The error of a formula that cannot be used.

    Parameters
    ----------
    text : str
        The formula as it was given.
    sides : tuple of str
        The outcome and the regressors.
    fault_of : callable
        What is wrong with a term by itself, if anything.
    """
    for side in sides:
        if part := _unclosed(side):
            return DataError(
                "the formula {formula!r} cannot be read: brackets or quotation marks are not "
                "balanced in {part!r}",
                fix="close what is opened",
                formula=text,
                part=part,
            )
    for side in sides:
        if error := _of_side(text, side, fault_of):
            return error
    return _not_understood(text, sides[-1])


def _of_side(text: str, side: str, fault_of: Callable[[str], Fault | None]) -> DataError | None:
    """The first fault among the terms of a side."""
    terms = _terms(side)
    following = [operator for operator, _ in terms[1:]] + [""]
    for (operator, term), after in zip(terms, following, strict=True):
        if not term and after not in SIGNS:
            return _nothing_beside(text, operator or after, side)
        if not term or _NUMBER.fullmatch(term):
            continue
        if term[0] == "(" and _end(term) == len(term) - 1:
            if error := _of_side(text, term[1:-1].strip(), fault_of):
                return error
            continue
        match fault_of(term):
            case "read":
                return _not_understood(text, term)
            case "compute":
                return DataError(
                    "the formula {formula!r} cannot be used: {part!r} cannot be computed from the "
                    "table",
                    fix="check the name of the function and what it is given: functions such as "
                    "np.log take columns of numbers",
                    formula=text,
                    part=term,
                )
    return None


def _nothing_beside(text: str, operator: str, part: str) -> DataError:
    return DataError(
        "the formula {formula!r} cannot be read: nothing stands beside {operator!r} in {part!r}",
        fix="write a term on each side of it, or leave it out",
        formula=text,
        operator=operator,
        part=part,
    )


def _not_understood(text: str, part: str) -> DataError:
    return DataError(
        "the formula {formula!r} cannot be read: {part!r} is not understood",
        fix="join terms by +, : or *; write calculations as I(x / 2), categories as C(column), and "
        "names with spaces or signs between backticks",
        formula=text,
        part=part,
    )


def _terms(side: str) -> list[tuple[str, str]]:
    """The terms of a side, each with the operator before it; those within brackets are one."""
    found, begin, at, operator = [], 0, 0, ""
    while at < len(side):
        if side[at] in CLOSING or side[at] in QUOTES:
            at += _end(side[at:]) + 1
        elif match := _OPERATORS.match(side, at):
            found.append((operator, side[begin:at].strip()))
            operator, begin = match[0], match.end()
            at = begin
        else:
            at += 1
    return [*found, (operator, side[begin:].strip())]


def _end(text: str) -> int:
    """The place that closes the bracket or quotation mark with which a text begins; -1 if none."""
    if text[0] in QUOTES:
        return text.find(text[0], 1)
    open_brackets: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in QUOTES:
            length = text[at + 1 :].find(text[at])
            if length < 0:
                return -1
            at += length + 1
        elif text[at] in CLOSING:
            open_brackets.append(CLOSING[text[at]])
        elif text[at] in CLOSING.values():
            if open_brackets.pop() != text[at]:
                return -1
            if not open_brackets:
                return at
        at += 1
    return -1


def _unclosed(side: str) -> str:
    """The part whose brackets or quotation marks are not balanced; empty if there is none."""
    at = 0
    while at < len(side):
        if side[at] in CLOSING.values():
            return side[: at + 1]
        if side[at] in CLOSING or side[at] in QUOTES:
            end = _end(side[at:])
            if end < 0:
                word = re.search(r"[\w.]*$", side[:at])
                return side[word.start() if word else at :]
            at += end
        at += 1
    return ""
