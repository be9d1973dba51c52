"""Another table is predicted on a page, with what was found in it, and the file waits there."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.support.letters import letters, recipe_alone
from tests.support.studio import Visitor

from duree.serving.studio.predicted import MOST
from duree.serving.studio.workspace import Workspace
from duree.tables.files.write import write_table
from duree.workflow import fit

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    write_table(letters(200), folder / "letters.csv")
    fit(recipe_alone(folder / "letters.csv", training__epochs=1), folder / "runs" / "tones")
    return folder / "runs"


@pytest.fixture
def visitor(trained: Path, tmp_path: Path) -> Visitor:
    shutil.copytree(trained, tmp_path / "runs")
    return Visitor(tmp_path / "runs")


@pytest.fixture
def fresh() -> pl.DataFrame:
    """New letters: the third is empty, the fourth of unknown words, and one cell a formula."""
    row = pl.int_range(pl.len())
    letter = (
        pl.when(row == 2)
        .then(pl.lit(" "))
        .when(row == 3)
        .then(pl.lit("ni hao shi jie"))
        .otherwise(pl.col("letter"))
    )
    author = pl.when(row == 0).then(pl.lit("=1+1")).otherwise(pl.col("author"))
    return letters(20, seed=9).drop("tone", "warmth").with_columns(letter=letter, author=author)


def predict(visitor: Visitor, frame: pl.DataFrame, name: str = "new letters.csv") -> str:
    """The address of the page of a predicted table."""
    content = frame.write_csv().encode()
    answer = visitor.upload(name, content, "/runs/tones/predict", headers=BROWSER)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_the_page_says_what_was_written_and_found(visitor: Visitor, fresh: pl.DataFrame) -> None:
    page = visitor.get(predict(visitor, fresh))
    assert page.status_code == 200
    assert "new letters-predicted.csv written: 20 rows" in page.text
    assert "rows without &#39;letter&#39;: 1 (row 3)" in page.text
    assert "not in the vocabulary: 1 of 20 (row 4)" in page.text
    assert "“duree predict --raw” leaves them as they are" in page.text
    assert page.text.index('class="level level-warning"') < page.text.index(">ok<")
    assert str(visitor.folder) not in page.text


def test_the_page_shows_the_first_rows_with_the_predictions_first(
    visitor: Visitor, fresh: pl.DataFrame
) -> None:
    page = visitor.get(predict(visitor, fresh)).text
    head, body = page.split("<thead>")[1].split("</thead>")
    names = ["prediction", "probability_bad", "probability_good", "id", "author", "year", "letter"]
    assert [cell.split("<")[0] for cell in head.split('<th scope="col">')[1:]] == names
    assert body.count("<tr>") == 8
    assert fresh["letter"][0][:60] in body


def test_the_page_is_chinese_for_a_chinese_reader(visitor: Visitor, fresh: pl.DataFrame) -> None:
    chinese = {"cookie": visitor.headers["cookie"].replace("=en", "=zh")}
    page = visitor.get(predict(visitor, fresh), headers=chinese).text
    assert "下载预测结果" in page
    assert "20 行" in page
    assert "Download" not in page


def test_the_file_waits_for_its_user_alone_until_it_is_deleted(
    visitor: Visitor, fresh: pl.DataFrame
) -> None:
    address = predict(visitor, fresh)
    answer = visitor.get(f"{address}/file")
    assert "new%20letters-predicted.csv" in answer.headers["content-disposition"]
    read = pl.read_csv(io.BytesIO(answer.content), infer_schema=False)
    assert read["letter"].to_list()[4:] == fresh["letter"].to_list()[4:]
    assert set(read["prediction"]) <= {"good", "bad"}
    assert visitor.get(f"{address}/file").content == answer.content  # as often as it is asked for
    assert address in visitor.get("/runs/tones").text
    assert Workspace(visitor.folder).tables() == []  # the upload itself is not kept
    folder = visitor.folder / "uploads" / address.rpartition("/")[2]
    assert folder.stat().st_mode & 0o077 == 0
    names = ["predicted.csv", "predicted.csv.duree.json", "predicted.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert visitor.post(f"{address}/delete").headers["location"] == "/runs/tones"
    assert not folder.exists()
    assert visitor.get(address).status_code == 404
    assert address not in visitor.get("/runs/tones").text


def test_only_the_latest_files_wait(visitor: Visitor, fresh: pl.DataFrame) -> None:
    addresses = [predict(visitor, fresh.head(6)) for _ in range(MOST + 1)]
    assert visitor.get(addresses[-1]).status_code == 200
    found = [visitor.get(address).status_code for address in addresses]
    assert found.count(200) == MOST
    assert len(list((visitor.folder / "uploads").iterdir())) == MOST


def test_a_table_that_cannot_be_predicted_leaves_nothing(
    visitor: Visitor, fresh: pl.DataFrame
) -> None:
    content = fresh.drop("letter").write_csv().encode()
    answer = visitor.upload("new.csv", content, "/runs/tones/predict", headers=BROWSER)
    assert answer.status_code == 422
    assert "There is no column" in answer.text
    assert list((visitor.folder / "uploads").iterdir()) == []


def test_a_table_of_another_run_and_an_odd_note_are_not_shown(
    visitor: Visitor, fresh: pl.DataFrame
) -> None:
    id = predict(visitor, fresh.head(6)).rpartition("/")[2]
    shutil.copytree(visitor.folder / "tones", visitor.folder / "others")
    assert visitor.get(f"/runs/others/predicted/{id}").status_code == 404
    note = visitor.folder / "uploads" / id / "predicted.json"
    note.write_text("{}", encoding="utf-8")
    assert visitor.get(f"/runs/tones/predicted/{id}/file").status_code == 404
    assert visitor.get("/runs/tones").status_code == 200
