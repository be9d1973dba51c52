"""The space of settings that tuning searches: choices or a range for each name."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from duree.errors import RecipeError
from duree.recipe.recipe import Recipe, nearest, setting_names

Scalar = str | int | float | bool


class Range(BaseModel):
    """Numbers from ``low`` to ``high``: whole ones if both are; ``log``: by their logarithm."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _ends_are_in_order(self) -> Range:
        if self.low >= self.high or (self.log and self.low <= 0):
            raise ValueError("low must be below high, and above 0 where log is true")
        return self


Space = Mapping[str, tuple[Scalar, ...] | Range]

# What is tuned of every network.
TUNED = (
    *("training.learning_rate", "model.cell", "model.hidden_size"),
    *("model.input_dropout", "model.output_dropout"),
)


def _half_to_double(value: int) -> tuple[Scalar, ...]:
    return tuple(sorted({max(1, value // 2), value, 2 * value}))


# What is tried for each setting, around its default.
AROUND: dict[str, Callable[[Any], tuple[Scalar, ...] | Range]] = {
    "model.cell": lambda value: ("gru", "lstm"),
    "model.hidden_size": _half_to_double,
    "model.embedding_size": _half_to_double,
    "model.pooling": lambda value: ("max", "mean", "attention", "last"),
    "model.word_dropout": lambda value: Range(low=0.0, high=0.4),
    "model.input_dropout": lambda value: Range(low=0.0, high=0.6),
    "model.output_dropout": lambda value: Range(low=0.0, high=0.7),
    "training.learning_rate": lambda value: Range(low=value / 4, high=4 * value, log=True),
    "training.batch_size": _half_to_double,
}


def default_space(recipe: Recipe, names: Iterable[str]) -> Space:
    """What is tried for these settings, around those of the recipe."""
    return {name: AROUND[name](value_of(recipe, name)) for name in names}


def value_of(recipe: Recipe, name: str) -> Any:
    """The value of a setting by its dotted name."""
    section, _, inner = name.partition(".")
    found = getattr(recipe, section)
    return getattr(found, inner) if inner else found


def read_space(path: Path | str, recipe: Recipe) -> Space:
    """Read a TOML file with a list of values, or ``{low, high, log}``, for each setting.

    Raises
    ------
    RecipeError
        The file cannot be read, names an unknown setting, or has values that the recipe cannot
        take.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(
            "the space {path!r} cannot be read: {reason}",
            fix="check the path and the line",
            path=str(path),
            reason=str(error),
        ) from None
    space = {name: _values(name, found) for name, found in _flat(content)}
    if not space:
        raise RecipeError(
            "the space {path!r} names no setting",
            fix="write, for example: model.hidden_size = [32, 64, 128]",
            path=str(path),
        )
    for name, values in space.items():
        ends = (values.low, values.high) if isinstance(values, Range) else values
        for value in ends:
            recipe.replace({name: value})  # raises if it cannot be
    return space


def _flat(content: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """The settings of all sections by their dotted names."""
    for name, found in content.items():
        if isinstance(found, Mapping) and name not in setting_names():
            yield from ((f"{name}.{inner}", value) for inner, value in found.items())
        else:
            yield name, found


def _values(name: str, found: Any) -> tuple[Scalar, ...] | Range:
    if name not in setting_names() or name.startswith("data.") or name in ("task", "seed"):
        near = nearest(name, setting_names())
        raise RecipeError(
            "{name!r} is not a setting that can be tuned",
            fix="did you mean {near}?"
            if near and near != name
            else "choose a setting of the network or its training; duree settings lists them",
            name=name,
            near=near,
        )
    try:
        if isinstance(found, Mapping):
            return Range.model_validate(found)
        if isinstance(found, list) and len(found) > 1:
            return tuple(found)
    except ValidationError:
        pass
    raise RecipeError(
        "the values of {name} are neither a list of two or more nor a range",
        fix="write [32, 64] or {{low = 0.001, high = 0.01, log = true}}",
        name=name,
    )
