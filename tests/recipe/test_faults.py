"""What is wrong with a recipe is told in the user's language, all faults at once."""

from __future__ import annotations

from typing import Any

import pytest

from duree.errors import RecipeError
from duree.recipe.faults import REASONS
from duree.recipe.flags import parse_setting
from duree.recipe.recipe import Recipe
from duree.tasks import resolve


def fault(settings: dict[str, Any]) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        resolve(Recipe.build(settings))
    return caught.value


# Type of pydantic's error, settings, and the fault in English and Chinese.
FAULTS = [
    ("greater_than", {"training": {"learning_rate": 0}}, "must be greater than 0", "必须大于 0"),
    ("greater_than_equal", {"model": {"memory": 1}}, "must be at least 2", "不得小于 2"),
    ("less_than", {"data": {"test_share": 1.0}}, "must be less than 1", "必须小于 1"),
    ("int_type", {"seed": []}, "must be a whole number", "必须是整数"),
    ("int_parsing", {"seed": "x"}, "must be a whole number", "必须是整数"),
    ("int_from_float", {"seed": 1.5}, "must be a whole number", "必须是整数"),
    ("float_type", {"training": {"clip_norm": []}}, "must be a number", "必须是数值"),
    ("float_parsing", {"training": {"clip_norm": "x"}}, "must be a number", "必须是数值"),
    ("bool_type", {"model": {"wide": []}}, "must be true or false", "必须是 true 或 false"),
    ("bool_parsing", {"model": {"wide": "x"}}, "must be true or false", "必须是 true 或 false"),
    ("string_type", {"data": {"text": 3}}, "must be text", "必须是文本"),
    ("tuple_type", {"data": {"states": 3}}, "must be a list", "必须是列表"),
    (
        "dict_type",
        {"data": {"class_names": 3}},
        "must be pairs of a value and its name: VALUE=NAME",
        "必须是取值与名称的对应",
    ),
    ("literal_error", {"model": {"cell": "x"}}, "choose one of: gru, lstm, rnn", "可选的值：gru"),
    ("model_type", {"model": 3}, "must be a section of settings", "必须是一组设置"),
]


@pytest.mark.parametrize(("kind", "settings", "english", "chinese"), FAULTS)
def test_a_value_that_cannot_be_is_told_with_its_setting(
    kind: str, settings: dict[str, Any], english: str, chinese: str
) -> None:
    assert kind in REASONS
    error = fault(settings)
    assert f": {english}; correct the setting" in error.message("en")
    assert chinese in error.message("zh")
    assert str(next(iter(settings))) in error.message("zh")


def test_every_reason_has_an_example() -> None:
    # A section may also be refused as an object with attributes, which no recipe holds.
    assert {kind for kind, *_ in FAULTS} == REASONS.keys() - {"model_attributes_type"}


@pytest.mark.parametrize(
    ("settings", "english", "chinese"),
    [
        ({"sed": 1}, "sed is not a setting (did you mean seed?)", "您指的是 seed 吗？"),
        ({"qqqq": 1}, "qqqq is not a setting;", "没有名为 qqqq 的设置；"),
        ({"task": "clasify"}, "did you mean classify?", "您指的是 classify 吗？"),
        (
            {"data": {"covariate": ["a"], "target": "y"}},
            "data.covariate goes with states or events",
            "data.covariate 用于状态或事件",
        ),
        (
            {"data": {"states": ["a:b"], "event": ["e"], "id": "i"}},
            "data.states, data.event cannot all be given: choose one",
            "data.states, data.event 不能同时给出",
        ),
    ],
)
def test_names_and_rules_are_told_in_both_languages(
    settings: dict[str, Any], english: str, chinese: str
) -> None:
    error = fault(settings)
    assert english in error.message("en")
    assert chinese in error.message("zh")


def test_all_faults_are_told_together_and_braces_are_only_signs() -> None:
    error = fault({"seed": "{x}", "model": {"layer_dropout": 0.5}})
    assert error.message("zh").startswith(
        "配置有误：seed 的值 '{x}' 无效：必须是整数；layer_dropout 要求 num_layers 不小于 2；"
    )


def test_a_misspelt_setting_of_the_command_line_names_the_nearest() -> None:
    with pytest.raises(RecipeError) as caught:
        parse_setting("training.epocs=3")
    assert caught.value.message("zh") == (
        "没有名为 'training.epocs' 的设置；您指的是 training.epochs 吗？"
    )
