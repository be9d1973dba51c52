"""From the command line to a recipe: flags, and settings as KEY=VALUE."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from duree.errors import RecipeError
from duree.recipe.recipe import Recipe, name_of_today, nearest, overlay, setting_names


def parse_setting(assignment: str) -> tuple[str, Any]:
    """Turn ``"model.hidden_size=128"`` (or ``"hidden_size=128"``) into a dotted name and a value.

    Raises
    ------
    RecipeError
        No ``=``, an unknown name, or a short name that two sections share.
    """
    name, equals, text = assignment.partition("=")
    name = name_of_today(name.strip())
    if not equals:
        raise RecipeError(
            "{assignment!r} sets nothing", fix="write NAME=VALUE", assignment=assignment
        )
    known = setting_names()
    if name not in known:
        matches = [full for full in known if full.rpartition(".")[2] == name]
        if len(matches) != 1:
            near = nearest(name, known)
            raise RecipeError(
                "{name!r} is not a setting",
                fix="did you mean {near}?" if near else "duree settings lists them all",
                name=name,
                near=near,
            )
        name = matches[0]
    return name, _parse_value(text.strip())


def _parse_value(text: str) -> Any:
    """The text as a TOML value if it is valid, otherwise as a string; ``none`` is None."""
    if text == "none":
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def recipe_from_flags(
    start: str | None,
    data: tuple[str, ...],
    flags: Mapping[str, Any],
    settings: tuple[str, ...],
) -> Recipe:
    """A recipe from the file ``start`` (or the defaults), flags and ``KEY=VALUE`` settings.

    Flags take precedence over the file, and settings over flags. Paths are made absolute, so that a
    run can be resumed from any folder.
    """
    places = {
        "test": "data.test_file",
        "validation": "data.validation_file",
        "cell": "model.cell",
        "horizon": "forecast.horizon",
        "past": "forecast.past",
        "known": "forecast.known",
        "epochs": "training.epochs",
        "max_minutes": "training.max_minutes",
        "metric": "evaluation.metric",
        "seeds": "evaluation.seeds",
        "baselines": "evaluation.baselines",
        "task": "task",
        "seed": "seed",
    }
    given = {
        places.get(name, f"data.{name}"): value
        for name, value in flags.items()
        if value is not None and value != ()
    }
    if data:
        given["data.files"] = tuple(str(Path(path).absolute()) for path in data)
    for file in ("data.test_file", "data.validation_file", "data.vectors"):
        if file in given:
            given[file] = str(Path(given[file]).absolute())
    given |= dict(parse_setting(assignment) for assignment in settings)
    return Recipe.read(start, given) if start else Recipe.build(overlay({}, given))
