"""Help pages and usage errors in the user's language."""

from __future__ import annotations

import unicodedata

import click
import pytest
from tests.cli.test_commands import call

from duree.cli.commands import cli
from duree.cli.help import HEADINGS, HELP, METAVARS, USAGE, display_width, wrap
from duree.cli.option_groups import OPTION_GROUPS
from duree.errors import chinese_templates

COMMANDS = [cli, *cli.commands.values()]
NAMES = ["", *cli.commands]


def test_every_help_text_is_in_the_catalogue() -> None:
    texts = {USAGE, HELP, *HEADINGS.values(), *METAVARS}
    texts |= {group.heading for group in OPTION_GROUPS}
    for command in COMMANDS:
        texts |= {command.help, command.epilog} - {None}
        texts |= {option.help for option in command.params if isinstance(option, click.Option)}
    assert texts - chinese_templates().keys() == set()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", NAMES)
def test_help_fits_80_columns(
    name: str,
    language: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DUREE_LANG", language)
    monkeypatch.setenv("COLUMNS", "80")
    assert call(*filter(None, [name]), "--help") == 0
    out = capfd.readouterr().out
    assert max(map(display_width, out.splitlines())) <= 80
    assert ("用法：duree" in out) is (language == "zh")


@pytest.mark.parametrize(
    ("language", "heading", "next_heading"),
    [("en", "Events, one per row:", "Time series"), ("zh", "事件，每行一个：", "时间序列，用于")],
)
def test_fit_lists_its_options_by_kind_of_table(
    language: str,
    heading: str,
    next_heading: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DUREE_LANG", language)
    assert call("fit", "--help") == 0
    events = capfd.readouterr().out.partition(heading)[2].partition(next_heading)[0]
    assert "duree fit TABLE --id COL --event COL --time COL --target COL\n" in events
    assert [line.split()[0] for line in events.splitlines() if line.startswith("  --")] == [
        "--event",
        "--attribute",
    ]


@pytest.mark.parametrize("name", ["fit", "check"])
def test_every_option_is_listed_once(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    call(name, "--help")
    lines = capfd.readouterr().out.splitlines()
    listed = [line.split()[0].rstrip(",") for line in lines if line.startswith("  -")]
    known = {flag for one in cli.commands[name].params for flag in one.opts if flag[0] == "-"}
    assert sorted(listed) == sorted(known | {"-h"})


@pytest.mark.parametrize("name", ["fit", "check"])
def test_examples_hold_no_option_that_the_command_lacks(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    call(name, "--help")
    out = capfd.readouterr().out
    assert f"  duree {name} TABLE --series COL --time COL --horizon N\n" in out
    assert f"  duree {name} TABLE --text WORD --id SENTENCE --target TAG --task label\n" in out
    known = {flag for one in cli.commands[name].params for flag in one.opts}
    examples = [line.split() for line in out.splitlines() if line.startswith("  duree ")]
    assert {word for words in examples for word in words if word.startswith("--")} <= known


def test_lines_are_broken_between_words_and_before_no_closing_sign() -> None:
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("预测新数据，保留所有列。", 10) == ["预测新数", "据，保留所", "有列。"]
    assert wrap("", 10) == []


@pytest.mark.parametrize(
    ("words", "english", "chinese"),
    [
        (("frobnicate",), "there is no command 'frobnicate'", "没有命令 'frobnicate'"),
        (("fitt",), "did you mean: fit; see: duree --help", "您指的是：fit；参见"),
        (
            ("fit", "--txt=a"),
            "there is no option '--txt'; did you mean: --text",
            "没有选项 '--txt'",
        ),
        (("predict", "run", "data"), "the option --output is missing", "缺少选项 --output"),
        (("check",), "the argument DATA is missing", "缺少参数 DATA"),
        (("fit", "--text"), "the option --text needs a value", "选项 --text 需要一个值"),
        (("fit", "--drop-bad=1"), "the option --drop-bad takes no value", "--drop-bad 不带值"),
        (("fit", "--cell=cnn"), "choose one of: gru, lstm, rnn", "可选的值：gru, lstm, rnn"),
        (("fit", "--seed=x"), "--seed cannot be 'x'; give a whole number", "请给出整数"),
        (("fit", "--max-minutes=x"), "give a number", "请给出数值"),
        (("serve", "run", "--port=0"), "a whole number from 1 to 65535", "1 至 65535 之间的整数"),
        (("embed", "a", "b", "-o", "c", "--clusters=1"), "of at least 2", "不小于 2 的整数"),
        (("resume", "a", "b", "c"), "unexpected arguments: b c", "多余的参数：b c"),
        (("explain", "a", "b"), "exactly one of --row and --all is needed", "--row 和 --all"),
    ],
)
def test_a_wrong_command_line_is_described_in_both_languages(
    words: tuple[str, ...],
    english: str,
    chinese: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for language, expected in (("en", "error: "), ("zh", "错误：")):
        monkeypatch.setenv("DUREE_LANG", language)
        assert call(*words) == 2
        err = capfd.readouterr().err
        assert err.startswith(expected)
        assert err.count("\n") == 1
        assert (english if language == "en" else chinese) in err


def test_without_a_command_the_help_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert call() in (0, 2)
    out, err = capfd.readouterr()
    assert "Usage: duree" in out + err
    assert "error" not in err.splitlines()[0]


def test_a_chinese_character_takes_two_columns() -> None:
    assert unicodedata.east_asian_width("列") == "W"
    assert display_width("列 COL。") == 8
