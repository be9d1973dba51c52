"""What was filled into a form: the recipe, or the field that an error is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from duree.errors import DureeError
from duree.recipe.flags import recipe_from_flags
from duree.recipe.recipe import Recipe
from duree.serving.studio.class_names import typed_names
from duree.serving.studio.forms import Form, FormError

# Fields that name several columns, separated by commas.
MULTIPLE = frozenset({"states", "event", "series", "attribute", "covariate", "past", "known"})


def recipe_of(form: Form, path: str, test: str | None, chosen: Mapping[str, str]) -> Recipe:
    """The recipe of a filled form; empty fields keep their defaults.

    Raises
    ------
    RecipeError
        A value is not allowed.
    """
    names = {field.name for field in (*form.visible(chosen), *form.folded(chosen))} - {"test"}
    flags: dict[str, Any] = {name: chosen[name] for name in names if name in chosen}
    for field in (*form.first, *form.more):
        if field.name in MULTIPLE & flags.keys():
            given = flags[field.name]
            parts = [given] if field.kind == "column" else re.split(r"\s*,\s*", given)
            flags[field.name] = tuple(filter(None, parts))
    task = form.chosen_task(chosen)
    flags |= {"test": test, "task": task.name if task else None}
    flags["class_names"] = typed_names(chosen) if form.names_classes(chosen) else {}
    flags["drop_bad"] = chosen.get("drop_bad")
    if "part" in chosen:  # the whole form was sent: an unchecked box is missing from it
        flags["baselines"] = "baselines" in chosen
    return recipe_from_flags(None, (path,), flags, ())


def at_field(error: DureeError, form: Form, chosen: Mapping[str, str]) -> FormError:
    """An error, at the field that it is about if it says which."""
    facts = error.values
    names = [name for name, given in chosen.items() if given == facts.get("column")]
    names += re.findall(r"\b[a-z]+\.([a-z_]+)\b", str(facts))
    names += [option.replace("-", "_") for option in re.findall(r"--([a-z-]+)", error.fix)]
    fields = {field.name for field in (*form.visible(chosen), *form.folded(chosen))}
    return FormError(error, next((name for name in names if name in fields), ""))
