"""Reference: what can be set, with types, defaults and descriptions, from the settings' models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from duree.errors import RecipeError, translate
from duree.recipe.recipe import Recipe, name_of_today, nearest_names
from duree.recipe.settings import Section

# Types, and bounds of numbers.
ONE_OF = "one of: {choices}"
TYPES = {bool: "true or false", int: "whole number", float: "number", str: "text"}
LIST, PAIRS = "list", "pairs VALUE=NAME"
BOUNDS = {
    "gt": "greater than {bound:g}",
    "ge": "at least {bound:g}",
    "lt": "less than {bound:g}",
    "le": "at most {bound:g}",
}


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes
    ----------
    section, name : str
        ``"model"`` and ``"model.cell"``; the section of ``seed`` is empty.
    field : FieldInfo
        Its type, default and description.
    """

    section: str
    name: str
    field: FieldInfo

    @property
    def default(self) -> str:
        """The default as it is written after ``=``."""
        value = self.field.default
        if value is None:
            return "none"
        if isinstance(value, float):
            return repr(value)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def kind(self, language: str | None = None) -> str:
        """The type, with choices or bounds."""
        separator = "，" if language == "zh" else ", "
        return separator.join(self._kind(language))

    def _kind(self, language: str | None) -> Iterator[str]:
        annotation = _without_none(self.field.annotation)
        if get_origin(annotation) is Literal:
            yield translate(ONE_OF, language).format(choices=", ".join(get_args(annotation)))
        elif get_origin(annotation) is tuple:
            yield translate(LIST, language)
        elif get_origin(annotation) is dict:
            yield translate(PAIRS, language)
        else:
            yield translate(TYPES[annotation], language)
        for rule in self.field.metadata:
            for sign, template in BOUNDS.items():
                if (bound := getattr(rule, sign, None)) is not None:
                    yield translate(template, language).format(bound=bound)


def all_settings() -> list[Setting]:
    """All settings, by section in the order of the recipe."""
    return list(_settings("", Recipe)) + [
        setting
        for name, field in Recipe.model_fields.items()
        if (section := _as_section(field))
        for setting in _settings(name, section)
    ]


def find_settings(name: str) -> list[Setting]:
    """The settings of this name, dotted or short, or of this section.

    Raises
    ------
    RecipeError
        There is none: its message has the nearest names.
    """
    known, name = all_settings(), name_of_today(name)
    for found in (
        [one for one in known if one.name == name],
        [one for one in known if one.section and name in (one.section, one.name.partition(".")[2])],
    ):
        if found:
            return found
    near = nearest_names(name, [one.name for one in known])
    raise RecipeError(
        "{name!r} is not a setting",
        fix="did you mean: {known}" if near else "duree settings lists them all",
        name=name,
        known=", ".join(near),
    )


def _settings(section: str, model: type[Section]) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        if _as_section(field) is None:
            yield Setting(section, f"{section}.{name}" if section else name, field)


def _as_section(field: FieldInfo) -> type[Section] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _without_none(annotation: Any) -> Any:
    """The type of a value that may also be missing."""
    if get_origin(annotation) in (Literal, tuple, dict):
        return annotation
    return next((kind for kind in get_args(annotation) if kind is not type(None)), annotation)
