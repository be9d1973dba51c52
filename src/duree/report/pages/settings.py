"""Choices: the settings of a run with their defaults and descriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic_core import PydanticUndefined

from duree.recipe.recipe import Recipe
from duree.recipe.settings import Section
from duree.report.safe_text import label
from duree.report.vocabulary import SECTIONS, Words

PATHS = ("data.files", "data.test_file", "data.validation_file", "data.vectors")


@dataclass(frozen=True)
class Choice:
    """One setting; ``name`` is dotted, as for ``--set``."""

    name: str
    value: str
    default: str
    changed: bool
    meaning: str


def list_choices(
    recipe: Recipe, words: Words, names: Mapping[str, str]
) -> list[tuple[str, list[Choice]]]:
    """The settings of each section under its title, in the recipe's order.

    ``names`` are the names of files by their paths.
    """
    # Their meanings are those of the reference, whatever the rows of this run are called.
    words = Words(words.language)
    sections: list[tuple[str, Section]] = [("", recipe)]
    sections += [
        (name, value)
        for name in type(recipe).model_fields
        if isinstance(value := getattr(recipe, name), Section)
    ]
    return [
        (words(SECTIONS[name]), list(_choices(name, part, words, names))) for name, part in sections
    ]


def _choices(
    section: str, settings: Section, words: Words, names: Mapping[str, str]
) -> Iterator[Choice]:
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, Section):
            continue
        full = f"{section}.{name}" if section else name
        default = None if field.default is PydanticUndefined else field.default
        yield Choice(
            full,
            _shown(full, value, words, names),
            _shown(full, default, words, names),
            value != default,
            words(field.description or ""),
        )


def _shown(name: str, value: object, words: Words, names: Mapping[str, str]) -> str:
    if value is None or value in ((), {}):
        return words("none")
    if isinstance(value, bool):
        return words("yes") if value else words("no")
    if isinstance(value, dict):
        return ", ".join(label(f"{one} = {other}") for one, other in value.items())
    if isinstance(value, tuple) or name in PATHS:
        items = value if isinstance(value, tuple) else (value,)
        return ", ".join(label(_file_name(names.get(str(item)) or str(item))) for item in items)
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _file_name(path: str) -> str:
    """The name of the file without its folder, which may contain the user's name."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]
