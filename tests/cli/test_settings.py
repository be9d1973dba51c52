"""``duree settings``: every setting with its type, default and description."""

from __future__ import annotations

import pytest
from tests.support.commands import call

from duree.cli.help import display_width
from duree.recipe.recipe import setting_names


@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_settings_are_listed_by_section_within_80_columns(
    language: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DUREE_LANG", language)
    monkeypatch.setenv("COLUMNS", "80")
    assert call("settings") == 0
    lines = capfd.readouterr().out.splitlines()
    names = [
        line.split(" = ")[0].strip() for line in lines if line.startswith("  ") and " = " in line
    ]
    assert names == setting_names()
    assert max(map(display_width, lines)) <= 80
    assert ("[model] Network" if language == "en" else "[model] 神经网络") in lines


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        (
            "model.hidden_size",
            "  model.hidden_size = 64\n    whole number, at least 1\n"
            "    Size of the hidden state, per direction.\n",
            "  model.hidden_size = 64\n    整数，不小于 1\n    隐状态的维数（每个方向）。\n",
        ),
        ("cell", "one of: gru, lstm, rnn", "可选：gru, lstm, rnn"),
        ("learning_rate", "= 0.002\n    number, greater than 0\n", "= 0.002\n    数值，大于 0\n"),
        ("states", "data.states = []\n    list\n", "data.states = []\n    列表\n"),
        ("judging.baselines", "evaluation.baselines = true\n    true or false", "true 或 false"),
        ("seed", "  seed = 0\n", "  seed = 0\n"),
        ("forecast", "forecast.horizon = none", "forecast.horizon = none"),
    ],
)
def test_one_setting_is_described_in_both_languages(
    name: str,
    english: str,
    chinese: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for language, expected in (("en", english), ("zh", chinese)):
        monkeypatch.setenv("DUREE_LANG", language)
        assert call("settings", name) == 0
        assert expected in capfd.readouterr().out


def test_a_short_name_of_two_settings_shows_both(capfd: pytest.CaptureFixture[str]) -> None:
    assert call("settings", "text") == 0
    out = capfd.readouterr().out
    assert "data.text = none" in out
    assert "text.segmenter = auto" in out


def test_an_unknown_setting_is_answered_with_the_nearest_names(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call("settings", "hiden_size") == 2
    err = capfd.readouterr().err
    assert err.startswith("error: 'hiden_size' is not a setting; did you mean: model.hidden_size")
    monkeypatch.setenv("DUREE_LANG", "zh")
    assert call("settings", "zzz") == 2
    assert "没有名为 'zzz' 的设置；duree settings 列出全部设置" in capfd.readouterr().err
