"""Life courses are handled like texts: the same commands, files, metrics and services."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pytest
from tests.support.life_courses import TIMES, life_courses, recipe

from duree.baselines.state_features import StateFeatures
from duree.errors import DataError, RecipeError
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.recipe.flags import recipe_from_flags
from duree.recipe.recipe import Recipe
from duree.report.pages.report import write_report
from duree.serving.service import create_service
from duree.tables.files.write import write_table
from duree.tasks import resolve
from duree.workflow import evaluate, explain_row, fit, predict, resume


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "lives.csv"
    write_table(life_courses(400), path)
    return path


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    chosen = recipe(table, training__learning_rate=0.02, model__hidden_size=16)
    return fit(chosen, tmp_path_factory.mktemp("runs") / "lives")


def test_order_is_learned_that_times_and_spells_do_not_show(run: Run) -> None:
    models = run.read_json("metrics.json")["models"]
    assert {"majority", "state_logistic", "random_forest"} < set(models)
    assert models["network"]["accuracy"]["value"] > 0.95
    assert models["state_logistic"]["accuracy"]["value"] < 0.75


def test_a_number_is_predicted_from_states_too(table: Path, tmp_path: Path) -> None:
    found = fit(recipe(table, data__target="wage", training__epochs=2), tmp_path / "run")
    assert {"mean", "state_ridge", "random_forest"} < set(found.read_json("metrics.json")["models"])


def test_identical_life_courses_are_not_taken_for_duplicates(run: Run) -> None:
    checks = {check["check"] for check in run.read_json("checks.json")}
    assert "states" in checks
    assert not {name for name in checks if "duplicate" in name}


def test_predictions_keep_the_table_as_it_was(run: Run, table: Path, tmp_path: Path) -> None:
    output = tmp_path / "predicted.parquet"
    predict(run.folder, table, output)
    found, given = pl.read_parquet(output), pl.read_csv(table, infer_schema=False)
    assert found.columns == [*given.columns, "prediction", "probability_good", "probability_poor"]
    predictions = pl.read_parquet(run.folder / "predictions.parquet")
    again = found.join(predictions, on="id", suffix="_kept")
    np.testing.assert_allclose(again["probability_good"], again["probability_good_kept"], atol=1e-6)
    assert evaluate(run.folder, table)["accuracy"]["value"] > 0.95


def test_a_state_that_training_never_saw_is_read_as_unknown(run: Run, tmp_path: Path) -> None:
    strange = life_courses(20, seed=3).with_columns(pl.lit("retired").alias("m03"))
    write_table(strange, tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "predicted.csv")
    assert pl.read_csv(tmp_path / "predicted.csv").height == 20


def test_a_time_point_that_is_missing_is_reported(run: Run, tmp_path: Path) -> None:
    write_table(life_courses(20).drop("m07"), tmp_path / "new.csv")
    with pytest.raises(DataError, match="there is no column 'm07'"):
        predict(run.folder, tmp_path / "new.csv", tmp_path / "predicted.csv")


def test_the_report_names_the_columns_that_were_read(run: Run) -> None:
    page = write_report(run.folder, "en").read_text(encoding="utf-8")
    assert "<h1>Predicting “pay” from “m01:m24”</h1>" in page


def test_the_report_describes_states_and_not_words(run: Run) -> None:
    for language, present, absent in (
        ("en", "the sequences of states in the columns m01:m24", r"\b([Ww]ords?|[Tt]exts?)\b"),
        ("zh", "中的状态序列", "词|文本"),
    ):
        page = write_report(run.folder, language).read_text(encoding="utf-8")
        assert present in page
        assert "state_logistic" not in page
        # The recipe's own settings go by their names, and so do the elements of the pictures.
        told_apart = page[: page.index('id="choices"')] + page[page.index('id="methods"') :]
        others = r'<ul class="(?:references|checks)".*?</ul>|<(pre|style).*?</\1>|<[^>]*>'
        plain = re.sub(others, " ", told_apart, flags=re.DOTALL)
        if language == "en":  # the methods stand there in both languages
            plain = re.sub(r"[\u4e00-\u9fff]+", "", plain)
        found = [plain[at.start() - 60 : at.end() + 40] for at in re.finditer(absent, plain)]
        assert not found, found


def test_a_life_course_is_explained_state_by_state(run: Run, table: Path) -> None:
    page = explain_row(run.folder, table, 2)
    explained = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    course = [state for state in life_courses(400).row(1)[:24] if state]
    assert explained["units"] == course
    places = explained["shading"]["places"]
    assert [explained["text"][begin:end] for begin, end in places] == course


def test_the_service_takes_a_column_for_each_time_point(run: Run) -> None:
    app = create_service([run.folder])
    row = dict(zip(TIMES, life_courses(5).row(0)[:24], strict=True))

    async def ask(rows: list[dict]) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
        ):
            return await client.post("/predict", json={"rows": rows})

    answer = asyncio.run(ask([row])).json()["predictions"][0]
    model = TrainedModel.of_run(run)
    sequence = pl.Series([" › ".join(state for state in row.values() if state)])
    wanted = model.predictions(model.encode(sequence))[0]
    np.testing.assert_allclose(list(answer["probability"].values()), wanted, atol=1e-6)
    del row["m05"]
    refused = asyncio.run(ask([row]))
    assert refused.status_code == 422
    assert "no column 'm05'" in refused.json()["detail"]


def test_a_stopped_run_can_be_resumed(table: Path, tmp_path: Path) -> None:
    begun = Run.create(tmp_path / "run", resolve(recipe(table, training__epochs=2)))
    assert resume(begun.folder).has("report.html")
    assert Recipe.read(begun.folder / "recipe.toml") == begun.recipe


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data": {"states": ["a:b"], "text": "letter"}}, "choose one"),
        ({"data": {"states": ["a:b"]}, "text": {"segmenter": "words"}}, "only with them"),
        ({"text": {"segmenter": "states"}}, "only with them"),
        ({"model": {"memory": 100, "cell": "rnn"}}, "gru or lstm"),
    ],
)
def test_texts_and_states_are_not_read_at_once(settings: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        resolve(Recipe.build(settings))


def test_the_flag_names_columns_ranges_and_patterns() -> None:
    chosen = resolve(recipe_from_flags(None, ("lives.csv",), {"states": ("m01:m12", "n*")}, ()))
    assert chosen.data.states == ("m01:m12", "n*")
    assert (chosen.text.segmenter, chosen.text.lowercase) == ("states", False)


def test_features_are_times_spells_and_the_first_and_last_states() -> None:
    features = StateFeatures(lambda text: text.split())
    counted, held_out = features.fit(["a a b a", "b"], ["c"])
    kinds = ("time", "spells", "longest", "first", "last", "last but one", "last but two")
    found = dict(zip(kinds, counted.toarray()[0].reshape(7, 3).tolist(), strict=True))
    assert found == {
        "time": [3, 1, 0],
        "spells": [2, 1, 0],
        "longest": [2, 1, 0],
        "first": [1, 0, 0],
        "last": [1, 0, 0],
        "last but one": [0, 1, 0],
        "last but two": [1, 0, 0],
    }
    assert held_out.toarray()[0].reshape(7, 3)[:, 2].tolist() == [1, 1, 1, 1, 1, 0, 0]
    assert features.count(["never seen", ""]).nnz == 0
