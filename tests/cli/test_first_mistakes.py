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
            ("check", "nowhere.csv"),
            "nowhere.csv; check the path",
            "nowhere.csv；请检查路径",
        ),
        (
            ("fit", "reviews.csv", "--text=Review", "--target=label"),
            "reviews.csv; did you mean 'review'?",
            "reviews.csv 中没有名为 'Review' 的列；您指的是 'review' 吗？",
        ),
        (
            ("fit", "reviews.csv", "--text=review", "--target=label", "--task=regress"),
            "reviews.csv, row 1: 'good', 2: 'bad'",
            "reviews.csv，行号与内容如 1: 'good', 2: 'bad'",
        ),
        (
            ("fit", "reviews.csv", "--text=review", "--target=label", "--horizon=3"),
            "forecast.horizon is for forecasts of series: leave --horizon out, or give --series",
            "请去掉 --horizon，或给出 --series",
        ),
        (("check", "photo.csv"), "photo.csv is really a picture; give the table", "其实是图片"),
        (("check", "thesis.csv"), "thesis.csv is really a PDF document", "其实是 PDF 文档"),
        (("check", "bare"), "one subfolder per class; it is empty; give the files", "；它是空的；"),
        (
            ("fit", "counts.csv", "--series=strikes", "--horizon=3"),
            "each row was read as a series: where each is one time, add --time COLUMN",
            "每一行都读作一条序列：如果每行是一个时间点，请加上 --time 列名",
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
    Path("counts.csv").write_text("year,strikes\n1900,4\n1901,7\n1902,5\n")
    Path("photo.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    Path("thesis.csv").write_bytes(b"%PDF-1.7\n" + bytes(range(256)))
    Path("bare").mkdir()
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
