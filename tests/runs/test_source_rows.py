"""Every shown row can be found again in the user's file."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import polars as pl
import pytest
from tests.support.letters import letters
from tests.support.letters import recipe_alone as recipe

from duree.pipeline.dataset import read_rows
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.report.vocabulary import Words
from duree.serving.studio.test_rows import finished, list_rows, row_page
from duree.tasks import resolve
from duree.workflow import explain_row, fit

FILES = ("early.csv", "late.csv")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files of letters; the first has a malformed row and one without a tone."""
    folder = tmp_path_factory.mktemp("data")
    frame = letters(160).select("letter", "tone")
    frame[:80].write_csv(folder / FILES[0])
    frame[80:].write_csv(folder / FILES[1])
    lines = (folder / FILES[0]).read_text().splitlines()
    lines.insert(3, "one,cell,too many")
    lines.insert(9, "a letter without a tone,")
    (folder / FILES[0]).write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    files = tuple(str(folder / name) for name in FILES)
    asked = recipe(folder, data__files=files, data__drop_bad=True, training__epochs=1)
    return fit(asked, tmp_path_factory.mktemp("runs") / "run")


def line(folder: Path, file: str, row: int) -> str:
    return (folder / file).read_text().splitlines()[row]


def test_predictions_name_the_row_of_the_file_that_each_is(run: Run, folder: Path) -> None:
    found = pl.read_parquet(run.folder / "predictions.parquet")
    assert found.columns[-2:] == ["source_row", "source_file"]
    assert set(found["source_file"]) == set(FILES)
    assert found["source_row"].max() > 70
    for row in found.iter_rows(named=True):
        given = line(folder, row["source_file"], row["source_row"])
        assert given == f"{row['letter']},{row['tone']}"


def test_the_report_and_the_studio_name_the_rows_of_the_file(run: Run, folder: Path) -> None:
    page = unescape((run.folder / "report.html").read_text(encoding="utf-8"))
    shown = re.findall(r'<span class="row">row (\d+) of (\w+\.csv)</span>.*?<b', page, re.DOTALL)
    assert len(shown) > 3
    listed, _ = list_rows(finished(run), "", False, 1, Words("en"))
    for one in listed[:5]:
        row, file = re.fullmatch(r"row (\d+) of (\S+)", one.source).groups()  # type: ignore[union-attr]
        assert line(folder, file, int(row)) == f"{one.text},{one.true}"
        explained = row_page(run, one.place, Words("en"))
        assert f"<span>row {row} of {file}</span>" in explained
        assert f"<span>true <b>{one.true}</b></span>" in explained
        assert f"explanation of row {row}<" in explained


def test_an_explained_row_of_a_table_shows_its_true_label(run: Run, folder: Path) -> None:
    table = folder / FILES[1]
    page = explain_row(run.folder, table, 7, folder / "seven.html")
    tone = line(folder, FILES[1], 7).rpartition(",")[2]
    assert f"true <b>{tone}</b>" in page.read_text(encoding="utf-8")
    found = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert (found["source_row"], found["true"]) == (7, tone)
    pl.read_csv(table).drop("tone").write_csv(folder / "unknown.csv")
    page = explain_row(run.folder, folder / "unknown.csv", 7, folder / "unknown.html")
    assert json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))["true"] is None


def test_a_column_of_the_same_name_stays_the_users(folder: Path, tmp_path: Path) -> None:
    table = letters(80).with_columns(source_row=pl.lit("mine"))
    table.write_csv(tmp_path / "letters.csv")
    asked = recipe(tmp_path / "letters.csv", training__epochs=1, evaluation__bootstrap=100)
    run = fit(asked, tmp_path / "run")
    found = finished(run).predictions
    assert set(found["source_row"]) == {"mine"}
    numbers = [finished(run).source(place)[0] for place in range(len(found))]
    assert [f"{number - 1:03}" for number in numbers if number] == found["id"].to_list()


def test_sequences_of_several_rows_have_the_row_of_their_first(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "who": [f"p{row // 3}" for row in range(180)],
            "what": ["a", "b", "c", "b", "a", "c"] * 30,
            "when": list(range(180)),
            "kind": [("x", "y")[row // 3 % 2] for row in range(180)],
        }
    )
    frame.write_csv(tmp_path / "events.csv")
    data = {"files": (str(tmp_path / "events.csv"),), "event": ("what",), "id": "who"}
    asked = Recipe.build({"data": {**data, "time": "when", "target": "kind"}})
    table = read_rows(resolve(asked)).table
    assert table.origins is not None
    assert table.origins["row"].to_list() == [1 + 3 * int(who[1:]) for who in table.frame["who"]]
