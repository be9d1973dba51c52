"""What a new user gets wrong first is answered with what to do, in both languages."""

from __future__ import annotations

import socket
from pathlib import Path

import polars as pl
import pytest
from tests.support.commands import call

from duree.errors import DataError
from duree.tables.files.write import write_table


@pytest.mark.parametrize(
    ("words", "english", "chinese"),
    [
        (
            ("train", "reviews.csv"),
            "there is no command 'train'; the commands are: demo, fit, resume",
            "没有命令 'train'；可用的命令：demo, fit, resume",
        ),
        (
            ("fit", "reviews.csv", "-text", "review"),
            "there is no option '-text'; did you mean: --text",
            "没有选项 '-text'；您指的是：--text",
        ),
        (("fit", "reviews.csv", "-q"), "there is no option '-q'; see", "没有选项 '-q'；参见"),
        (
            ("fit", "reviews.csv", "--text=review", "--target=review"),
            "'review' is named both as input and as target; name another column with --target",
            "'review' 既被指定为输入列，又被指定为目标列；请用 --target 指定另一列",
        ),
        (
            ("fit", "reviews.csv", "--text=review", "--target=label", "--out=reviews.csv"),
            "'reviews.csv' exists already; choose another --out: a run gets",
            "'reviews.csv' 已经存在；请另选 --out：每次运行使用单独的文件夹",
        ),
        (
            ("report", "nowhere"),
            "there is no run in 'nowhere'; give the folder that `duree fit` made",
            "'nowhere' 中没有运行",
        ),
        (
            ("explain", "run", "reviews.csv"),
            "exactly one of --row and --all is needed; add --row 1 for the first row",
            "请加上 --row 1（解释第一行）",
        ),
        (
            ("demo", "--rows=-5"),
            "--rows cannot be '-5'; give a whole number of at least 60",
            "--rows 不能是 '-5'；请给出不小于 60 的整数",
        ),
        (
            ("studio", "reviews.csv", "--no-browser", "--port={port}"),
            "'reviews.csv' is a file, not a folder of runs; name the folder",
            "'reviews.csv' 是文件，不是存放运行的文件夹",
        ),
        (
            ("studio", "reviews.csv/runs", "--no-browser", "--port={port}"),
            "'reviews.csv/runs' is a file, not a folder of runs",
            "请给出存放运行的文件夹，或一个新文件夹",
        ),
    ],
)
def test_a_first_mistake_is_answered_with_what_to_do(
    words: tuple[str, ...],
    english: str,
    chinese: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reviews.csv").write_text("review,label\n" + "good play,good\nbad play,bad\n" * 10)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for language, expected in (("en", english), ("zh", chinese)):
        monkeypatch.setenv("DUREE_LANG", language)
        assert call(*(word.format(port=port) for word in words)) == 2
        out, err = capfd.readouterr()
        assert expected in err
        assert out == ""


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "another program uses it; choose another port"), ("zh", "该端口已被其他程序占用")],
)
def test_a_port_in_use_is_named_without_the_words_of_the_system(
    language: str,
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DUREE_LANG", language)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert call("studio", tmp_path, "--no-browser", "--port", port) == 2
    err = capfd.readouterr().err
    assert expected in err
    assert "Address already in use" not in err


def test_the_name_of_a_table_without_a_suffix_is_not_called_a_format() -> None:
    with pytest.raises(DataError, match="needs a suffix that says its format; in out; use one"):
        write_table(pl.DataFrame({"a": [1]}), Path("out"))
