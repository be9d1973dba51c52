"""The studio shows what the library knows, does what the library does, and trusts no text."""

from __future__ import annotations

import io
import shutil
import time
import zipfile
from pathlib import Path

import polars as pl
import pytest
from tests.support.letters import letters
from tests.support.studio import Visitor

from duree.pipeline.progress import standing
from duree.pipeline.run import Run
from duree.serving.studio.workspace import Workspace

CHOSEN = {"part": "whole", "baselines": "true", "text": "letter", "target": "tone"}
ALONE = {name: value for name, value in CHOSEN.items() if name != "baselines"}


def csv(frame: pl.DataFrame) -> bytes:
    return frame.write_csv().encode()


@pytest.fixture(scope="module")
def table() -> bytes:
    return csv(letters(200))


def test_the_first_page_lists_runs_of_the_command_line_with_their_figures(reader: Visitor) -> None:
    page = reader.get("/").text
    for name in ("tones", "tones gru", "warmths"):
        assert f">{name}</a>" in page
    assert page.count(">finished<") == 3
    assert "MAE" in page or "mean absolute error" in page


def test_a_table_is_shown_with_what_its_columns_seem_to_be(visitor: Visitor, table: bytes) -> None:
    page = visitor.get(visitor.table("letters.csv", table)).text
    assert "letters.csv" in page
    assert '<option value="letter" selected>letter – texts</option>' in page
    assert '<option value="tone" selected>tone – 2 classes</option>' in page
    assert "a different name in each row" in page
    assert letters(200)["letter"][0][:60] in page


def test_the_checks_name_the_offending_rows(visitor: Visitor) -> None:
    frame = letters(200).with_row_index("n")
    gap = pl.when(pl.col("n") == 41).then(pl.lit("  ")).otherwise(pl.col("letter"))
    address = visitor.table("gaps.csv", csv(frame.with_columns(gap.alias("letter"))))
    checks = visitor.get(f"{address}/checks", params=CHOSEN).text
    assert "missing or blank texts" in checks
    assert "row 42" in checks
    assert "(empty)" in checks


def test_the_checks_are_shown_in_chinese_too(visitor: Visitor, table: bytes) -> None:
    address = visitor.table("letters.csv", table)
    chinese = {"cookie": visitor.headers["cookie"].replace("=en", "=zh")}
    assert "行" in visitor.get(f"{address}/checks", params=CHOSEN, headers=chinese).text
    assert "前几行" in visitor.get(address, headers=chinese).text


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "</textarea>", "\u202eevil", "&#60;"]
)
def test_texts_columns_and_answers_of_others_are_only_ever_text(
    visitor: Visitor, text: str
) -> None:
    frame = (
        letters(200)
        .rename({"tone": text})
        .with_columns(pl.lit(text + " word").alias("letter") + pl.col("letter"))
    )
    address = visitor.table("evil.csv", csv(frame))
    chosen = CHOSEN | {"target": text}
    pages = visitor.get(address).text + visitor.get(f"{address}/checks", params=chosen).text
    pages += visitor.get(f"{address}/checks", params=chosen | {"group": text + "?"}).text
    assert "<script>alert" not in pages
    assert "\u202e" not in pages
    assert "&#60;" not in pages.replace("&amp;#60;", "")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"target": ""}, "no target column was named"),
        ({"text": "verse"}, "there is no column"),
        ({"name": "../evil"}, "a run cannot be called"),
        ({"name": "a/b"}, "a run cannot be called"),
        ({"name": "uploads"}, "a run cannot be called"),
        ({"name": ".hidden"}, "a run cannot be called"),
        ({"name": "x" * 70}, "a run cannot be called"),
        ({"seeds": "many"}, "the recipe has a fault"),
        ({"max_minutes": "-1"}, "the recipe has a fault"),
        ({"test": "no-such-table"}, "there is no such table"),
        ({"cell": "transformer"}, "the recipe has a fault"),
    ],
)
def test_an_impossible_choice_is_reported_next_to_the_choices_and_nothing_is_started(
    visitor: Visitor, table: bytes, changed: dict[str, str], message: str
) -> None:
    address = visitor.table("letters.csv", table)
    answer = visitor.post(f"{address}/runs", data=CHOSEN | changed)
    assert answer.status_code == 422
    assert message in answer.text.lower()
    assert str(visitor.folder) not in answer.text
    assert Workspace(visitor.folder).runs() == []


def test_a_table_that_cannot_be_used_is_reported_with_the_field_names_of_the_page(
    visitor: Visitor,
) -> None:
    frame = letters(200).with_columns(
        pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("")).otherwise(pl.col("tone")).alias("tone")
    )
    address = visitor.table("gaps.csv", csv(frame))
    answer = visitor.post(f"{address}/runs", data=CHOSEN)
    assert answer.status_code == 422
    assert "Leave out rows that cannot be used" in answer.text
    assert "--drop-bad" not in answer.text
    assert Workspace(visitor.folder).runs() == []


def test_a_zip_bomb_spreadsheet_is_refused(visitor: Visitor) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 200_000_000)
    page = visitor.get(visitor.table("bomb.xlsx", bomb.getvalue()))
    assert page.status_code == 200
    assert 'role="alert"' in page.text


def wait(visitor: Visitor, run: Run, text: str) -> str:
    end = time.monotonic() + 300
    while time.monotonic() < end:
        page = visitor.get(f"/runs/{run.folder.name}").text
        if text in page:
            return page
        time.sleep(0.1)
    raise AssertionError(standing(run))


def test_training_started_in_the_studio_is_an_ordinary_run(visitor: Visitor, table: bytes) -> None:
    address = visitor.table("letters.csv", table)
    given = CHOSEN | {"name": "from the page", "max_minutes": "0.02", "cell": "gru", "id": "id"}
    answer = visitor.post(f"{address}/runs", data=given)
    assert answer.headers["location"] == "/runs/from%20the%20page"
    run = Run(visitor.folder / "from the page")
    assert (run.recipe.model.cell, run.recipe.data.id) == ("gru", "id")
    assert "Stop, continue later" in visitor.get("/runs/from the page").text
    assert visitor.post(f"{address}/runs", data=given).status_code == 422  # the name is taken
    wait(visitor, run, "Read the report")
    assert run.has("report.html")
    assert (run.folder / "log.txt").read_text().count("train begins") == 1
    report = visitor.get("/runs/from the page/report.html").text
    assert "letters.csv" in report
    assert "table.csv" not in report


def test_a_run_that_failed_says_why(visitor: Visitor, table: bytes) -> None:
    address = visitor.table("letters.csv", table)
    visitor.post(f"{address}/runs", data=ALONE | {"name": "lost", "max_minutes": "0.02"})
    run = Run(visitor.folder / "lost")
    Workspace(visitor.folder).tables()[0].path.unlink()
    page = wait(visitor, run, 'role="alert"')
    assert "There is no file" in page
    assert str(visitor.folder) not in page
    assert "Continue" in page


def test_the_page_of_a_run_says_why_its_training_ended(reader: Visitor) -> None:
    assert "all 2 epochs done" in reader.get("/runs/tones").text


def test_the_report_is_shown_in_either_language(reader: Visitor) -> None:
    assert "Durée report" in reader.get("/runs/tones/report.html").text
    chinese = {"cookie": reader.headers["cookie"].replace("=en", "=zh")}
    assert "Durée 报告" in reader.get("/runs/tones/report.html", headers=chinese).text


def test_test_rows_are_listed_searched_and_explained(reader: Visitor, shelf: Path) -> None:
    found = pl.read_parquet(shelf / "tones" / "predictions.parquet")
    page = reader.get("/runs/tones/rows").text
    assert f"{found.height} rows" in page
    word = found["letter"][0].split()[0]
    having = found.filter(pl.col("letter").str.contains(word, literal=True)).height
    assert f"{having} rows" in reader.get("/runs/tones/rows", params={"contains": word}).text
    wrong = found.filter(pl.col("tone") != pl.col("prediction")).height
    assert f"{wrong} rows" in reader.get("/runs/tones/rows", params={"wrong": "true"}).text
    row = reader.get("/runs/tones/rows/1.html").text
    assert "Predicted: " + found["prediction"][0] in row
    assert ">Gates<" in row


def test_rows_of_a_number_come_with_the_largest_error_first(reader: Visitor, shelf: Path) -> None:
    found = pl.read_parquet(shelf / "warmths" / "predictions.parquet")
    errors = (found["prediction"] - found["warmth"].cast(pl.Float64)).abs()
    page = reader.get("/runs/warmths/rows", params={"wrong": "true"}).text
    row = found["source_row"][int(errors.arg_max() or 0)]
    assert f"explain row {row}" in page.partition("</tr>")[2].partition("</tr>")[0]


@pytest.mark.parametrize(
    "path",
    [
        "rows/0.html",
        "rows/9999.html",
        "rows/x",
        "rows?number=0",
        f"rows?number={'9' * 20}",
        "files/x.txt",
        "figures/x.svg",
    ],
)
def test_what_a_run_does_not_have_is_reported(reader: Visitor, path: str) -> None:
    answer = reader.get(f"/runs/tones/{path}")
    assert answer.status_code in (404, 422)
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/runs/../tones",
        "/runs/%2e%2e",
        "/runs/uploads",
        "/runs/tones/files/..%2frecipe.toml",
        "/runs/tones/figures/..%2f..%2ftones%2frecipe.toml",
        "/static/..%2fapp.py",
        "/tables/..",
        "/tables/%2e%2e%2fx",
    ],
)
def test_no_address_leads_out_of_its_folder(reader: Visitor, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code in (200, 404, 422)
    assert "[data]" not in answer.text


def test_a_link_among_the_runs_is_not_followed(visitor: Visitor, shelf: Path) -> None:
    visitor.get("/")
    (visitor.folder / "linked").symlink_to(shelf / "tones")
    assert "linked" not in visitor.get("/").text
    assert visitor.get("/runs/linked").status_code == 409


LINKED = {
    "predictions.parquet": "files/predictions.csv",
    "metrics.json": "files/metrics.json",
    "figures/models.svg": "files/figures.zip",
    "model/weights.safetensors": "files/model.zip",
    "figures/models.pdf": "figures/models.pdf",
}


@pytest.mark.parametrize("name", LINKED)
def test_a_download_follows_no_link_out_of_the_run(
    visitor: Visitor, shelf: Path, tmp_path: Path, name: str
) -> None:
    folder = shutil.copytree(shelf / "tones", visitor.folder / "tones")
    shutil.move(folder / name, tmp_path / "private")
    (folder / name).symlink_to(tmp_path / "private")
    answer = visitor.get(f"/runs/tones/{LINKED[name]}")
    assert answer.status_code == 409
    assert "is a link or not a regular file" in answer.text


def test_a_folder_of_figures_that_is_a_link_is_not_packed(visitor: Visitor, shelf: Path) -> None:
    folder = shutil.copytree(shelf / "tones", visitor.folder / "tones")
    shutil.rmtree(folder / "figures")
    (folder / "figures").symlink_to(shelf / "tones" / "figures")
    for path in ("files/figures.zip", "figures/models.svg"):
        assert visitor.get(f"/runs/tones/{path}").status_code == 409


def test_a_finished_run_is_not_ended_by_hand(reader: Visitor, shelf: Path) -> None:
    assert reader.post("/runs/tones/enough").headers["location"] == "/runs/tones"
    assert not (shelf / "tones" / "enough.json").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("progress.json", b'{"step": [1], "steps": "many", "error": "none"}'),
        ("progress.json", b"[]"),
        ("metrics.json", b'{"models": []}'),
        ("report.html", b""),
    ],
)
def test_a_run_with_an_odd_file_does_not_close_the_studio(
    visitor: Visitor, shelf: Path, name: str, content: bytes
) -> None:
    folder = visitor.folder / "tones"
    folder.mkdir(parents=True)
    shutil.copy(shelf / "tones" / "recipe.toml", folder)
    (folder / name).write_bytes(content)
    assert visitor.get("/").status_code == 200
    assert visitor.get("/runs/tones").status_code in (200, 409)


def test_a_sentence_is_predicted_with_its_words_shaded(reader: Visitor) -> None:
    page = reader.post("/runs/tones/try", data={"text": "a glad <b>spring</b> & all"}).text
    assert "Predicted: good" in page
    assert '<span class="for' in page
    assert "<b>spring" not in page
    page = reader.post("/runs/warmths/try", data={"text": "a glad spring"}).text
    assert "95 % prediction interval" in page
    assert "Blue words raise the predicted number" in page


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_sentence_gets_no_prediction(reader: Visitor, text: str) -> None:
    answer = reader.post("/runs/tones/try", data={"text": text})
    assert answer.status_code == 422
    assert "o text was given; write or paste one" in answer.text


def test_all_results_can_be_downloaded(reader: Visitor, shelf: Path) -> None:
    def taken(name: str) -> bytes:
        answer = reader.get(f"/runs/tones/files/{name}")
        assert answer.status_code == 200
        assert f"tones-{name}" in answer.headers["content-disposition"]
        return answer.content

    predictions = pl.read_parquet(shelf / "tones" / "predictions.parquet")
    read = pl.read_csv(taken("predictions.csv"), infer_schema=False)
    assert read.columns == predictions.columns
    assert read["prediction"].to_list() == predictions["prediction"].to_list()
    for archive, inside in (
        ("model.zip", "weights.safetensors"),
        ("figures.zip", "models.pdf"),
        ("onnx.zip", "model.onnx"),
    ):
        assert inside in zipfile.ZipFile(io.BytesIO(taken(archive))).namelist()
    for name in ("recipe.toml", "metrics.json", "report.html", "predictions.parquet"):
        assert taken(name) == (shelf / "tones" / name).read_bytes()
    assert reader.get("/runs/tones/figures/models.svg").status_code == 200


def test_report_and_figures_come_in_the_language_of_the_page(reader: Visitor) -> None:
    chinese = {"cookie": f"{reader.headers['cookie'].partition(';')[0]}; duree-language=zh"}

    def taken(path: str) -> bytes:
        answer = reader.get(f"/runs/tones/{path}", headers=chinese)
        assert answer.status_code == 200
        return answer.content

    assert "Durée 报告" in taken("files/report.html").decode()
    figures = zipfile.ZipFile(io.BytesIO(taken("files/figures.zip")))
    assert "神经网络" in figures.read("models.svg").decode()
    assert "神经网络" in taken("figures/models.svg").decode()
    assert "神经网络" not in reader.get("/runs/tones/figures/models.svg").text


def test_a_program_gets_another_table_back_and_nothing_is_kept(
    reader: Visitor,
) -> None:
    fresh = letters(20, seed=9).drop("tone").with_columns(pl.lit("=1+1").alias("author"))
    answer = reader.upload("new.csv", csv(fresh), "/runs/tones/predict")
    assert answer.status_code == 200
    read = pl.read_csv(answer.content, infer_schema=False)
    assert read["letter"].to_list() == fresh["letter"].to_list()
    assert set(read["prediction"]) <= {"good", "bad"}
    assert set(read["author"]) == {"'=1+1"}  # a spreadsheet would run it
    lacking = reader.upload("new.csv", csv(fresh.drop("letter")), "/runs/tones/predict")
    assert lacking.status_code == 422
    assert "There is no column" in lacking.text
    assert Workspace(reader.folder).tables() == []


def test_runs_are_compared_row_by_row_where_their_rows_are_the_same(reader: Visitor) -> None:
    page = reader.get("/compare", params={"run": ["tones", "tones gru", "warmths"]}).text
    assert "paired on the same 60 test rows" in page
    assert "Their test rows or tasks differ" in page
    assert "model.cell" in page
    assert reader.get("/compare", params={"run": ["tones"]}).status_code == 422


def test_an_unfinished_run_can_be_resumed(visitor: Visitor, table: bytes) -> None:
    address = visitor.table("letters.csv", table)
    visitor.post(f"{address}/runs", data=ALONE | {"name": "one"})
    run = Run(visitor.folder / "one")
    end = time.monotonic() + 300
    while standing(run).done <= 5:
        assert time.monotonic() < end
        time.sleep(0.05)
    visitor.post("/runs/one/stop")
    assert "the same result as an uninterrupted run" in wait(visitor, run, "Continue")
    assert visitor.get("/runs/one/report.html").status_code == 409
    another = Visitor(visitor.folder)  # the studio was started anew meanwhile
    assert "stopped" in another.get("/").text
    another.post("/runs/one/enough")
    another.post("/runs/one/resume")
    wait(another, run, "Read the report")


def test_progress_is_sent_as_it_comes_and_ends_with_the_run(visitor: Visitor, table: bytes) -> None:
    address = visitor.table("letters.csv", table)
    visitor.post(f"{address}/runs", data=ALONE | {"name": "one", "max_minutes": "0.05"})
    events = visitor.get("/runs/one/progress").text
    assert events.startswith("event: progress\ndata: ")
    assert events.endswith("event: over\ndata: \n\n")
    assert "rows per second" in events
    assert events.count("event: progress") > 3
