"""Spells and events go the way of states side by side: the same sequences, the same network."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pytest
from tests.support.life_courses import life_courses
from tests.support.spells import EVENTS, SPELLS, recipe, spells

from duree.errors import DataError
from duree.pipeline.by_layout import read_dataset
from duree.pipeline.dataset import check_files
from duree.pipeline.run import Run
from duree.recipe.flags import recipe_from_flags
from duree.recipe.recipe import Recipe
from duree.report.load import load_run
from duree.report.methods.write import write_methods
from duree.serving.service import create_service
from duree.tables.files.write import write_table
from duree.tasks import resolve
from duree.workflow import evaluate, explain_row, fit, predict


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lives")
    write_table(life_courses(300), folder / "wide.csv")
    write_table(spells(life_courses(300)), folder / "spells.csv")
    events = spells(life_courses(300)).select("id", "status", pl.col("from").alias("at"), "pay")
    write_table(events, folder / "events.csv")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return fit(recipe(folder / "spells.csv", SPELLS), folder / "run")


@pytest.fixture(scope="module")
def clicks(folder: Path) -> Run:
    return fit(recipe(folder / "events.csv", EVENTS), folder / "clicks")


def test_a_table_of_spells_gives_the_network_that_the_wide_table_gives(
    folder: Path, run: Run
) -> None:
    wide = fit(recipe(folder / "wide.csv", {"states": ["m01:m24"]}), folder / "wide")
    for file in ("split.json", "history.jsonl"):
        texts = ((one.folder / file).read_text(encoding="utf-8") for one in (run, wide))
        one, other = (text.split('"rows_per_second"')[0] for text in texts)
        assert one == other, file
    figures = [one.read_json("metrics.json")["models"] for one in (run, wide)]
    for name in figures[0]:
        assert figures[0][name]["accuracy"] == figures[1][name]["accuracy"]
    pictures = [one.read_json("states.json") for one in (run, wide)]
    for name in pictures[0].keys() - {"times"}:
        assert pictures[0][name] == pictures[1][name], name
    assert pictures[0]["times"] == [str(time) for time in range(1, 25)]


def test_predictions_have_a_row_for_each_person(folder: Path, run: Run) -> None:
    predict(run.folder, folder / "spells.csv", folder / "predicted.csv")
    found = pl.read_csv(folder / "predicted.csv")
    added = ["prediction", "probability_good", "probability_poor"]
    assert found.columns == ["id", "pay", "wage", *added]
    assert found["id"].to_list() == life_courses(300)["id"].to_list()
    predictions = pl.read_parquet(run.folder / "predictions.parquet")
    again = predictions.join(found, on="id", suffix="_again")
    np.testing.assert_allclose(
        again["probability_good"], again["probability_good_again"], rtol=1e-5
    )
    evaluated = evaluate(run.folder, folder / "spells.csv")
    assert evaluated["accuracy"]["value"] > 0.5


def test_new_spells_need_no_answer(folder: Path, run: Run) -> None:
    new = (
        spells(life_courses(9, seed=4))
        .drop("pay")
        .with_columns(pl.int_range(pl.len()).alias("wage"))
    )
    write_table(new, folder / "new.csv")
    predict(run.folder, folder / "new.csv", folder / "new.parquet")
    assert pl.read_parquet(folder / "new.parquet").columns[:2] == ["id", "prediction"]


def test_a_life_course_is_explained_and_the_report_describes_spells(folder: Path, run: Run) -> None:
    page = explain_row(run.folder, folder / "spells.csv", 2)
    assert "training" in page.read_text(encoding="utf-8")
    report = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "the spells of “status” of each case in order of time" in report
    assert "id, status, from, to" in report
    chinese = write_methods(load_run(run.folder), "zh")
    assert "各个体按时间排列的“status”持续段" in str(chinese.paragraphs)


def test_the_service_takes_a_sequence_as_text(run: Run) -> None:
    app = create_service([run.folder])
    row = {"states": "school › school › training › work"}

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
        ):
            return await client.post("/predict", json={"rows": [row]})

    answer = asyncio.run(ask()).json()["predictions"][0]
    assert set(answer["probability"]) == {"good", "poor"}


def test_events_are_learned_from_too(folder: Path, clicks: Run) -> None:
    facts = clicks.read_json("states.json")
    assert facts["rows"] == 300
    assert facts["times"] == [str(place + 1) for place in range(len(facts["times"]))]
    predict(clicks.folder, folder / "events.csv", folder / "clicked.csv")
    found = pl.read_csv(folder / "clicked.csv")
    assert found.columns[:3] == ["id", "pay", "prediction"]
    page = (clicks.folder / "report.html").read_text(encoding="utf-8")
    assert "the events of “status” of each case in order of time" in page
    assert "300 sequences of up to" in page


def test_people_of_the_test_file_are_no_others_of_the_same_name(folder: Path) -> None:
    write_table(spells(life_courses(60, seed=1)), folder / "test.csv")
    data = SPELLS | {"test_file": str(folder / "test.csv")}
    table, findings = check_files(recipe(folder / "spells.csv", data).data)
    assert len(table) == 360
    assert [finding.check for finding in findings].count("spells") == 2


def test_a_state_that_only_the_test_rows_have_is_reported(folder: Path) -> None:
    strange = spells(life_courses(60, seed=1)).with_columns(
        pl.when(pl.col("from") == 1).then(pl.lit("abroad")).otherwise("status").alias("status")
    )
    write_table(strange, folder / "strange.csv")
    data = SPELLS | {"test_file": str(folder / "strange.csv")}
    _, findings = check_files(recipe(folder / "spells.csv", data).data)
    unseen = next(finding for finding in findings if finding.check == "unseen_states")
    assert unseen.message("en").startswith(
        "states in the test rows that do not occur in training: 'abroad'"
    )
    dataset = read_dataset(recipe(folder / "spells.csv", data))
    assert "unseen_states" in {finding.check for finding in dataset.findings}


def test_the_flags_name_spells_and_events() -> None:
    flags = {"state": "status", "start": "from", "end": "to", "id": "person"}
    chosen = resolve(recipe_from_flags(None, ("lives.csv",), flags, ()))
    assert (chosen.text.segmenter, chosen.data.text) == ("states", "states")
    chosen = recipe_from_flags(None, ("log.csv",), {"event": ("action",), "id": "user"}, ())
    assert chosen.data.event == ("action",)
    assert Recipe.build({"data": chosen.data.model_dump()}).data == chosen.data


def test_a_missing_column_is_reported(folder: Path) -> None:
    with pytest.raises(DataError, match="there is no column 'until'"):
        check_files(recipe(folder / "spells.csv", SPELLS | {"end": "until"}).data)
