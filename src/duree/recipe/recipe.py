"""Recipe: every choice of one run, checked, and written as TOML that repeats it.

A recipe has five sections, in the order in which the workflow uses them: ``data``, ``text``,
``model``, ``training`` and ``evaluation``. Each setting states its own meaning, and ``to_toml``
prints that meaning above the value, so that the file is its own manual.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from duree.errors import DataError, RecipeError
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
    """Every choice of one run.

    Raises
    ------
    RecipeError
        From ``build`` and ``read``: an unknown setting (with the nearest known one), a value out
        of range, or two that contradict each other; all faults are told together.
    """

    task: str | None = Field(
        None,
        description="What is predicted: classify, regress, multilabel, next, forecast, label, ...; "
        "none: found out from the target.",
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
        """``judging`` is what version 0.1.0 called ``evaluation``."""
        if not isinstance(settings, Mapping) or "judging" not in settings:
            return settings
        section = _section(settings, "judging") | _section(settings, "evaluation")
        others = {name: value for name, value in settings.items() if name != "judging"}
        return {**others, "evaluation": section}

    @classmethod
    def build(cls, settings: Mapping[str, Any]) -> Recipe:
        """Check plain nested settings and make a Recipe of them."""
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            raise FaultyRecipe([*map(_fault, error.errors())]) from None

    @classmethod
    def read(cls, path: Path | str, overrides: Mapping[str, Any] | None = None) -> Recipe:
        """Read a TOML recipe; ``overrides`` (dotted name to value) win over the file."""
        try:
            settings = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RecipeError(
                "there is no recipe {path!r}", fix="check the path", path=str(path)
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise RecipeError(
                "{path!r} is not a readable recipe: {reason}",
                fix="correct the line, or start from the recipe.toml of a run folder",
                path=str(path),
                reason=str(error),
            ) from None
        return cls.build(overlay(settings, overrides or {}))

    def replace(self, overrides: Mapping[str, Any]) -> Recipe:
        """A new recipe in which ``overrides`` (dotted name to value) hold."""
        return Recipe.build(overlay(self.model_dump(exclude_unset=True), overrides))

    def with_defaults(self, defaults: Defaults) -> Recipe:
        """A new recipe in which these hold wherever the user has set nothing."""
        left_open = {
            f"{section}.{name}": value
            for section, values in defaults.items()
            for name, value in values.items()
            if name not in getattr(self, section).model_fields_set
        }
        return self.replace(left_open)

    def decided(self) -> Recipe:
        """The same recipe, every setting of which counts as set: nothing is left open."""
        return Recipe.build(self.model_dump())

    def to_toml(self) -> str:
        """The whole recipe, defaults included, with the meaning of each setting above it."""
        lines = ["# A Durée recipe: `duree fit --recipe THIS_FILE` repeats the run.", ""]
        lines += _toml_lines(self)
        for name, section in _sections(self):
            lines += ["", f"# {(type(section).__doc__ or '').strip()}", f"[{name}]"]
            lines += _toml_lines(section)
        return "\n".join(lines) + "\n"


def setting_names() -> list[str]:
    """Every setting as a dotted name: ``seed``, ``model.hidden_size``, ..."""
    top = [name for name, field in Recipe.model_fields.items() if not _is_section(field)]
    return top + [
        f"{name}.{inner}"
        for name, field in Recipe.model_fields.items()
        if _is_section(field)
        for inner in field.annotation.model_fields  # type: ignore[union-attr]
    ]


def name_of_today(name: str) -> str:
    """A setting's name, also where version 0.1.0 called its section ``judging``."""
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
    """One fault, with the nearest setting where a name is unknown."""
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
    short = {full.rpartition(".")[2]: full for full in known} | {full: full for full in known}
    found = get_close_matches(name, short, n=1, cutoff=0.5) or get_close_matches(
        name.rpartition(".")[2], short, n=1, cutoff=0.5
    )
    return short[found[0]] if found else None


def _section(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A section as plain settings, whatever it was given as."""
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
        # TOML has no null: a setting that is none is left to its default, which is none.
        lines.append(f"# {name} = none" if value is None else f"{name} = {_toml_value(value)}")
    return lines


def _toml_value(value: object) -> str:
    if isinstance(value, float) and not isinstance(value, bool):
        return repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def require_column(recipe: Recipe, name: str) -> str:
    """The column named by ``data.<name>``; DataError where the recipe leaves it out."""
    column = getattr(recipe.data, name)
    if column is None:
        raise DataError("no {name} column was named", fix="add --{name} COLUMN", name=name)
    return str(column)
