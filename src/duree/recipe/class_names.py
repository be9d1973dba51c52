"""Names of classes by the values that stand for them, from a table of settings or from pairs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from duree.recipe.faults import Contradiction


class ClassNames(dict[str, str]):
    """The name of each value; hashable, as recipes are."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def names_by_value(given: object) -> object:
    """Names by value, from a mapping or from texts such as ``"0=negative, 1=positive"``.

    Raises
    ------
    Contradiction
        A value has no name, two names, or the name of another value.
    """
    if isinstance(given, Mapping):
        pairs = [(str(value), name) for value, name in given.items()]
        if not all(isinstance(name, str) for _, name in pairs):
            return given  # pydantic says which is no text
    else:
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list | tuple) or not all(isinstance(one, str) for one in texts):
            return given
        parts = [part for text in texts for part in re.split("[,，\n]", text) if part.strip()]
        pairs = [_pair(part) for part in parts]
    return _without_conflict([(value.strip(), name.strip()) for value, name in pairs])


def _pair(text: str) -> tuple[str, str]:
    """A value and its name, around the first equals sign."""
    value, _, name = text.replace("＝", "=").partition("=")
    return value, name


def _without_conflict(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The pairs as a mapping."""
    names: dict[str, str] = {}
    owners: dict[str, str] = {}
    for value, name in pairs:
        if not value or not name:
            raise Contradiction(
                "data.class_names needs a value and its name in {pair!r}: write VALUE=NAME",
                pair=value or name,
            )
        if value in names:
            raise Contradiction("data.class_names gives {value!r} two names", value=value)
        if name in owners:
            raise Contradiction(
                "data.class_names gives {first!r} and {second!r} the same name {name!r}: classes "
                "are not merged; give each its own",
                first=owners[name],
                second=value,
                name=name,
            )
        names[value], owners[name] = name, value
    return names
