"""Names of classes are read from a table of settings, from pairs, and from the command line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from duree.errors import RecipeError
from duree.recipe.flags import recipe_from_flags
from duree.recipe.recipe import Recipe
from duree.tasks import resolve

NAMES = {"0": "差评", "1": "好评"}


@pytest.mark.parametrize(
    "given",
    [
        NAMES,
        {0: "差评", 1: "好评"},
        "0=差评,1=好评",
        " 0 ＝ 差评，1 = 好评 ",
        ["0=差评", "1=好评"],
        ["0=差评,1=好评"],
    ],
)
def test_names_are_a_table_or_pairs(given: object) -> None:
    found = Recipe.build({"data": {"target": "tone", "class_names": given}}).data
    assert found.class_names == NAMES
    assert hash(found) == hash(found.model_copy())


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("data.class_names=0=差评,1=好评", NAMES),
        ('class_names={0 = "bad, very", 1 = "good"}', {"0": "bad, very", "1": "good"}),
        ('class_names={"a=b" = "c"}', {"a=b": "c"}),
        ("class_names={}", {}),
    ],
)
def test_names_are_set_on_the_command_line(setting: str, names: dict[str, str]) -> None:
    recipe = recipe_from_flags(None, (), {"target": "tone"}, (setting,))
    assert recipe.data.class_names == names


def test_a_recipe_is_written_and_read_back_with_its_names(tmp_path: Path) -> None:
    names = NAMES | {'"quoted"': "a\\b"}
    recipe = Recipe.build({"data": {"target": "tone", "class_names": names}})
    path = tmp_path / "recipe.toml"
    path.write_text(recipe.to_toml(), encoding="utf-8")
    assert tomllib.loads(recipe.to_toml())["data"]["class_names"] == names
    assert Recipe.read(path).data == recipe.decided().data


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("0", "needs a value and its name in '0'"),
        ("0=", "needs a value and its name in '0'"),
        ({"0": " "}, "needs a value and its name in '0'"),
        ("0=bad,0=poor", "gives '0' two names"),
        ({"0": "bad", "1": " bad "}, "gives '0' and '1' the same name 'bad'"),
        ({"0": 1}, "must be text"),
        (7, "must be pairs of a value and its name"),
    ],
)
def test_what_cannot_be_names_is_refused(given: object, message: str) -> None:
    with pytest.raises(RecipeError) as refused:
        Recipe.build({"data": {"target": "tone", "class_names": given}})
    assert message in refused.value.message("en")
    assert refused.value.message("zh") != refused.value.message("en")


def test_names_without_a_target_or_without_classes_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"goes with data\.target"):
        Recipe.build({"data": {"class_names": NAMES}})
    for task in ("regress", "label"):
        flags = {"text": "letter", "target": "tone", "task": task, "class_names": ("0=bad",)}
        with pytest.raises(RecipeError, match=f"task = {task} predicts none"):
            resolve(recipe_from_flags(None, (), flags, ()))
