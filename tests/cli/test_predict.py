"""What predict writes, what it says of it, and what it refuses before any work is done."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.cli.test_commands import FAST
from tests.support.commands import call
from xlsxwriter import Workbook

from duree.pipeline.model import TrainedModel
from duree.sequences.ragged import Ragged

LABELS = ["up", "down"] * 20
TEXTS = [f"day {n} was {word}" for n, word in enumerate(["fine", "grim"] * 20)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predict")
    table = folder / "table.csv"
    pl.DataFrame({"text": TEXTS, "label": LABELS}).write_csv(table)
    out = folder / "run"
    assert call("fit", table, "--text=text", "--target=label", f"--out={out}", *FAST) == 0
    return out


def test_predict_says_what_it_wrote_and_what_is_doubtful_or_altered(
    run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    new, out = tmp_path / "new.csv", tmp_path / "out.csv"
    new.write_text('id,text\n1,\n2,"  "\n3,@day was fine\n4,fine\n')
    assert call("predict", run, new, "-o", out) == 0
    printed = capfd.readouterr()
    assert printed.out == ""
    said = printed.err.strip().splitlines()
    assert said[0] == f"{out} written: 4 rows"
    assert said[1].startswith("rows without 'text': 2 (row 1, 2); their predictions")
    assert said[2].endswith("apostrophe before them: 1; --raw leaves them as they are")
    assert call("predict", run, new, "-o", out, "--raw") == 0
    said = capfd.readouterr().err.strip().splitlines()
    assert said[0] == f"{out} replaced: 4 rows"
    assert len(said) == 2
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["new.csv", "new.xlsx"])
def test_predict_says_what_reading_left_out_or_found_out(
    run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    new, out = tmp_path / name, tmp_path / "out.csv"
    if name == "new.csv":
        new.write_bytes("sep=;\r\ntext;place\r\nfi\0ne;Köln\r\ngrim;Łódź\r\n".encode("utf-16"))
        expected = [
            "if its text looks wrong, save it in UTF-8",
            "names the separator ';'",
            "NUL",
        ]
    else:
        second = pl.DataFrame({"code": [0], "meaning": ["grim"]})
        with Workbook(str(new)) as book:
            pl.DataFrame({"text": ["fine"]}).write_excel(book, worksheet="data")
            second.write_excel(book, worksheet="codes")
        expected = ["codes"]
    assert call("predict", run, new, "-o", out) == 0
    said = capfd.readouterr().err
    assert f"{out} written: {2 if name == 'new.csv' else 1} rows\n" in said
    for part in expected:
        assert part in said


def test_predict_never_writes_over_its_input(
    run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table, link = tmp_path / "new.csv", tmp_path / "link.csv"
    table.write_text("text\nfine\n")
    link.symlink_to(table)
    for output in (table, link):
        assert call("predict", run, table, "-o", output) == 2
        assert "is the table that is read, and would be overwritten" in capfd.readouterr().err
    parquet = tmp_path / "new.parquet"
    pl.DataFrame({"text": ["fine"]}).write_parquet(parquet)
    assert call("explain", run, parquet, "--all", "-o", parquet) == 2
    assert call("embed", run, parquet, "-o", parquet) == 2
    assert table.read_text() == "text\nfine\n"
    assert pl.read_parquet(parquet).columns == ["text"]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".xlsx"])
def test_columns_that_a_format_cannot_hold_are_refused_before_predicting(
    run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], suffix: str
) -> None:
    pl.DataFrame({"text": ["fine"], "raw": [b"a"]}).write_parquet(tmp_path / "new.parquet")
    assert call("predict", run, tmp_path / "new.parquet", "-o", tmp_path / f"out{suffix}") == 2
    assert "write .parquet" in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["new.parquet"]


def test_a_mark_at_the_beginning_of_the_input_is_one_of_the_output(
    run: Path, tmp_path: Path
) -> None:
    (tmp_path / "new.csv").write_bytes(b"\xef\xbb\xbftext\nfine\n")
    assert call("predict", run, tmp_path / "new.csv", "-o", tmp_path / "out.csv") == 0
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbftext,")


@pytest.mark.parametrize("name", ["prediction", "probability_up"])
def test_a_column_with_the_name_of_a_prediction_is_refused_before_training(
    run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    frame = pl.DataFrame({"text": TEXTS, "label": LABELS, name: ["x"] * 40})
    frame.write_csv(tmp_path / "table.csv")
    words = (tmp_path / "table.csv", "--text=text", "--target=label")
    assert call("fit", *words, f"--out={tmp_path / 'new'}", *FAST) == 2
    error = capfd.readouterr().err
    assert f"the table already has a column {name!r}" in error
    assert "epoch" not in error
    assert not (tmp_path / "new").exists()
    assert call("predict", run, tmp_path / "table.csv", "-o", tmp_path / "out.csv") == 2
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_rows_of_words_that_training_never_saw_are_counted_with_their_numbers(
    run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new.csv"
    new.write_text(
        "text\nday 7 was fine\nकल बारिश होगी\nfine was das hier bloß soll\nday fine da\n"
    )
    assert call("predict", run, new, "-o", tmp_path / "out.csv") == 0
    said = capfd.readouterr().err.strip().splitlines()
    assert said[1] == (
        "rows more than half of whose words or states are not in the vocabulary: 2 of 4 "
        "(row 2, 3); their predictions mean little: check that language and columns are those of "
        "training"
    )
    assert pl.read_csv(tmp_path / "out.csv").columns[:2] == ["text", "prediction"]
    new.write_text("text,label\nday 7 was fine,up\nकल बारिश होगी,down\n")
    assert call("evaluate", run, new) == 0
    assert "are not in the vocabulary: 1 of 2 (row 2)" in capfd.readouterr().err


def test_an_explained_row_says_that_it_is_empty_or_mostly_unseen(
    run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    new, page = tmp_path / "new.csv", tmp_path / "row.html"
    new.write_text('text\nday 7 was fine\nकल बारिश होगी\n" "\n')
    notes = {2: "100 % of its words are not in the vocabulary:", 3: "This row is empty:"}
    for row, said in {1: "", 2: "(row 2)", 3: "rows without 'text': 1 (row 3)"}.items():
        assert call("explain", run, new, "--row", row, "-o", page) == 0
        assert said in capfd.readouterr().err
        shown = page.read_text(encoding="utf-8").replace("\u202f", " ")
        assert {note for note in notes.values() if note in shown} == {notes.get(row)} - {None}


@pytest.mark.parametrize("name", ["prediction", "probability_up"])
def test_a_column_with_the_name_of_a_prediction_is_refused_before_a_piece_is_predicted(
    run: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    def only_the_first(model: TrainedModel, rows: pl.Series) -> Ragged:
        assert len(rows) == 1
        return model.encoder.encode(rows)

    monkeypatch.setattr(TrainedModel, "encode", only_the_first)
    pl.DataFrame({"text": TEXTS, name: ["x"] * 40}).write_csv(tmp_path / "table.csv")
    assert call("predict", run, tmp_path / "table.csv", "-o", tmp_path / "out.csv") == 2
    assert f"the table already has a column {name!r}" in capfd.readouterr().err
