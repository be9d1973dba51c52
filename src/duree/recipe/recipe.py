"""Recipe: all settings of a run, validated, and written as TOML with which it can be repeated.

Sections are in the order in which the workflow uses them: ``data``, ``text``, ``forecast``,
``model``, ``training`` and ``evaluation``. Each setting has a description, which ``to_toml`` writes
above the value.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from duree.errors import RecipeError
from duree.recipe.faults import Fault, FaultyRecipe, fault_of_rule, fault_of_value
from duree.recipe.settings import (
    DataSettings,
    EvaluationSettings,
    ForecastSettings,
    ModelSettings,
    Section,
    TextSettings,
    TrainingSettings,
)

# Settings of some sections: {section: {name: value}}.
Defaults = Mapping[str, Mapping[str, Any]]


class Recipe(Section):
    """All settings of a run.

    Raises
    ------
    RecipeError
        From ``build`` and ``read``: an unknown setting (with the nearest known one), a value out
        of range, or contradictory settings; one error lists all faults.
    """

    task: str | None = Field(
        None,
        description="What is predicted: classify, regress, multilabel, next, forecast, label, "
        "language, ...; none: found out from the target.",
    )
    seed: int = Field(0, ge=0, description="The same recipe and seed give the same result.")
    data: DataSettings = DataSettings()
    text: TextSettings = TextSettings()
    forecast: ForecastSettings = ForecastSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    @model_validator(mode="before")
    @classmethod
    def _section_of_version_0_1(cls, settings: Any) -> Any:
        """Accept ``judging``, the name of ``evaluation`` in version 0.1.0."""
        if not isinstance(settings, Mapping) or "judging" not in settings:
            return settings
        section = _section(settings, "judging") | _section(settings, "evaluation")
        others = {name: value for name, value in settings.items() if name != "judging"}
        return {**others, "evaluation": section}

    @classmethod
    def build(cls, settings: Mapping[str, Any]) -> Recipe:
        """The recipe from plain nested settings, validated."""
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            raise FaultyRecipe([*map(_fault, error.errors())]) from None

    @classmethod
    def read(cls, path: Path | str, overrides: Mapping[str, Any] | None = None) -> Recipe:
        """Read a TOML recipe; ``overrides`` (dotted name to value) replace its values."""
        try:
            settings = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RecipeError(
                "there is no recipe {path!r}", fix="check the path", path=str(path)
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
            raise RecipeError(
                "{path!r} is not a readable recipe: {reason}",
                fix="correct the line, or start from the recipe.toml of a run folder",
                path=str(path),
                reason=str(error),
            ) from None
        return cls.build(overlay(settings, overrides or {}))

    def replace(self, overrides: Mapping[str, Any]) -> Recipe:
        """A new recipe with ``overrides`` (dotted name to value)."""
        return Recipe.build(overlay(self.model_dump(exclude_unset=True), overrides))

    def with_defaults(self, defaults: Defaults) -> Recipe:
        """A new recipe with these defaults for settings that the user leaves open."""
        left_open = {
            f"{section}.{name}": value
            for section, values in defaults.items()
            for name, value in values.items()
            if name not in getattr(self, section).model_fields_set
        }
        return self.replace(left_open)

    def decided(self, open_settings: Collection[str] = ()) -> Recipe:
        """The same recipe with every setting marked as set.

        ``open_settings`` are dotted names of settings that stay open, unless they are set.
        """
        settings = self.model_dump()
        for name in open_settings:
            section, _, inner = name.partition(".")
            if inner not in getattr(self, section).model_fields_set:
                del settings[section][inner]
        return Recipe.build(settings)

    def to_toml(self) -> str:
        """The recipe as TOML, including defaults, with a description above each setting."""
        lines = ["# A Durée recipe: `duree fit --recipe THIS_FILE` repeats the run.", ""]
        lines += _toml_lines(self)
        for name, section in _sections(self):
            lines += ["", f"# {(type(section).__doc__ or '').strip()}", f"[{name}]"]
            lines += _toml_lines(section)
        return "\n".join(lines) + "\n"


def setting_names() -> list[str]:
    """The dotted names of all settings: ``seed``, ``model.hidden_size``, ..."""
    top = [name for name, field in Recipe.model_fields.items() if not _is_section(field)]
    return top + [
        f"{name}.{inner}"
        for name, field in Recipe.model_fields.items()
        if _is_section(field)
        for inner in field.annotation.model_fields  # type: ignore[union-attr]
    ]


def name_of_today(name: str) -> str:
    """The current name of a setting, also if it has the section ``judging`` of version 0.1.0."""
    return re.sub(r"^judging\.", "evaluation.", name)


def overlay(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = {k: dict(v) if isinstance(v, Mapping) else v for k, v in settings.items()}
    for name, value in overrides.items():
        section, dot, inner = name_of_today(name).partition(".")
        if dot:
            merged.setdefault(section, {})[inner] = value
        else:
            merged[section] = value
    return merged


def _fault(fault: ErrorDetails) -> Fault:
    """One fault, with the nearest setting if a name is unknown."""
    if fault["type"] == "value_error":
        return fault_of_rule(fault["ctx"]["error"])
    if fault["type"] != "extra_forbidden":
        return fault_of_value(fault)
    name = ".".join(str(part) for part in fault["loc"])
    if near := nearest(name, setting_names()):
        return Fault("{name} is not a setting (did you mean {near}?)", {"name": name, "near": near})
    return Fault("{name} is not a setting", {"name": name})


def nearest(name: str, known: list[str]) -> str | None:
    """The known name that is most like another; None if none is."""
    return next(iter(nearest_names(name, known, most=1)), None)


def nearest_names(name: str, known: list[str], most: int = 3) -> list[str]:
    """The known names that are most like another, the nearest first."""
    short = {full.rpartition(".")[2]: full for full in known} | {full: full for full in known}
    found = get_close_matches(name, short, n=most, cutoff=0.5) or get_close_matches(
        name.rpartition(".")[2], short, n=most, cutoff=0.5
    )
    return list(dict.fromkeys(short[one] for one in found))


def _section(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A section as a dict, also if it was given as a ``Section``."""
    section = settings.get(name) or {}
    return section.model_dump() if isinstance(section, Section) else dict(section)


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, Section)


def _sections(recipe: Recipe) -> Iterator[tuple[str, Section]]:
    for name in Recipe.model_fields:
        if isinstance(section := getattr(recipe, name), Section):
            yield name, section


def _toml_lines(section: Section) -> list[str]:
    lines = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            continue
        if field.description:
            lines.append(f"# {field.description}")
        # TOML has no null: settings that are None are commented out, since None is their default.
        # Those that are open are decided when the table is read.
        if name not in section.model_fields_set:
            lines.append(f"# {name} = open")
        else:
            lines.append(f"# {name} = none" if value is None else f"{name} = {_toml_value(value)}")
    return lines


def _toml_value(value: object) -> str:
    if isinstance(value, float) and not isinstance(value, bool):
        return repr(value)
    if isinstance(value, dict):
        pairs = (f"{_toml_value(key)} = {_toml_value(inner)}" for key, inner in value.items())
        return f"{{{', '.join(pairs)}}}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
