"""What is said of columns that a command does not name."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.commands import call

REVIEWS = "id,review,label\n" + "".join(
    f"{n},the play number {n} was {word} indeed,{word}\n"
    for n in range(10)
    for word in ("good", "bad")
)
STATES = "id,male,catholic,t1,t2,t3,t4,t5,t6\n" + "".join(
    f"{n},{n % 2},{n % 3 % 2},{','.join('EU'[(n + t) % 2] for t in range(6))}\n" for n in range(20)
)
SERIES = "year,strikes\n" + "".join(f"{1900 + n},{n}.5\n" for n in range(30))
CONLL = "The DET\ndog NOUN\n\nA DET\ncat NOUN\n"


@pytest.mark.parametrize(
    ("name", "content", "words", "english", "chinese"),
    [
        (
            "reviews.csv",
            REVIEWS,
            (),
            "reviews.csv has the columns 'id', 'review', 'label'; "
            "texts seem to be in 'review': add --text review --target label",
            "文本似乎在 'review' 列：请加上 --text review --target label",
        ),
        (
            "reviews.csv",
            REVIEWS,
            ("--target=label",),
            "texts seem to be in 'review': add --text review\n",
            "请加上 --text review\n",
        ),
        (
            "reviews.csv",
            REVIEWS,
            ("--text=review",),
            "the target may be 'label': add --target label",
            "要预测的可能是 'label' 列：请加上 --target label",
        ),
        (
            "lives.csv",
            STATES,
            (),
            "with a column of states per time point: add --states t1:t6 --target COLUMN",
            "各行似乎是生命历程",
        ),
        (
            "lives.csv",
            STATES,
            ("--states=t1:t6",),
            "'male', 'catholic', 't1', 't2', 't3', 't4', 't5', 't6'; "
            "add --target COLUMN, or --task next, which needs none",
            "或加上 --task next，该任务不需要目标列",
        ),
        (
            "strikes.csv",
            SERIES,
            (),
            "add --series strikes --time year --horizon N",
            "时间序列中的一个时间点",
        ),
        (
            "tags.conll",
            CONLL,
            (),
            "rows seem to be tagged words: add --target tag --task label",
            "带标注的词",
        ),
        (
            "bare.csv",
            "a,b\n1,x\n2,y\n",
            (),
            "bare.csv has the columns 'a', 'b'; name it by one of the options",
            "请用相应的选项指定",
        ),
    ],
)
def test_a_missing_column_is_answered_with_those_of_the_table_and_a_proposal(
    name: str,
    content: str,
    words: tuple[str, ...],
    english: str,
    chinese: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    for language, expected in (("en", english), ("zh", chinese)):
        monkeypatch.setenv("DUREE_LANG", language)
        assert call("fit", tmp_path / name, *words, f"--out={tmp_path / 'run'}") == 2
        assert expected in capfd.readouterr().err
        assert not (tmp_path / "run").exists()


def test_what_is_proposed_is_accepted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "strikes.csv").write_text(SERIES, encoding="utf-8")
    assert call("check", tmp_path / "strikes.csv", "--series=strikes", "--time=year") == 0


def test_a_command_without_a_table_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    assert call("fit", "--text=a") == 2
    assert "no table was given; name its file: duree fit TABLE" in capfd.readouterr().err
