"""Covariates go with life courses into every task, and come along wherever the network goes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pytest
from tests.support.letters import SMALL
from tests.support.life_courses import TIMES, life_courses

from duree.errors import RecipeError
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.serving.export import export
from duree.serving.service import create_service
from duree.tables.files.write import write_table
from duree.tables.layouts.covariates import prepend_covariates_to_row
from duree.tables.layouts.state_strings import join_row
from duree.tasks import resolve
from duree.workflow import explain_row, fit, predict


def known(rows: int, seed: int = 0) -> pl.DataFrame:
    """Life courses whose outcome depends on a covariate, and not on the states."""
    rng = np.random.default_rng(seed + 100)
    sex, luck = rng.choice(["f", "m"], rows), rng.random(rows)
    right = np.where(luck < 0.95, sex == "f", sex == "m")
    return life_courses(rows, seed).with_columns(
        pl.Series("sex", sex),
        pl.Series("luck", np.where(right, "good", "poor")),
        pl.Series("joy", 3.0 * (sex == "f") + rng.normal(size=rows)),
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "lives.csv"
    write_table(known(300), path)
    return path


def recipe(table: Path, target: str, **others: object) -> Recipe:
    data = {"files": [str(table)], "states": ["m01:m24"], "covariate": ["sex"], "id": "id"}
    chosen = Recipe.build({"data": data | {"target": target}})
    return chosen.replace(SMALL | {"training.epochs": 8, "training.learning_rate": 0.02} | others)


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(recipe(table, "luck"), tmp_path_factory.mktemp("runs") / "luck")


def test_the_network_and_its_baselines_know_the_covariates(run: Run) -> None:
    models = run.read_json("metrics.json")["models"]
    for name in ("network", "state_logistic", "random_forest"):
        assert models[name]["accuracy"]["value"] > 0.8, name


def test_a_regression_uses_it_too(table: Path, tmp_path: Path) -> None:
    found = fit(recipe(table, "joy"), tmp_path / "run").read_json("metrics.json")["models"]
    for name in ("network", "state_ridge"):
        assert found[name]["mae"]["value"] < found["mean"]["mae"]["value"]


def test_predict_and_the_service_give_the_same_predictions(run: Run, tmp_path: Path) -> None:
    new = known(12, seed=4).drop("luck", "joy", "pay", "wage")
    write_table(new, tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "out.csv")
    wanted = pl.read_csv(tmp_path / "out.csv")
    app = create_service([run.folder])

    async def ask(path: str, body: dict[str, object]) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
        ):
            return await client.post(path, json=body)

    rows = new.drop("id").to_dicts()
    predictions = asyncio.run(ask("/predict", {"rows": rows})).json()["predictions"]
    np.testing.assert_allclose(
        [one["probability"]["good"] for one in predictions], wanted["probability_good"], atol=1e-6
    )
    explained = asyncio.run(ask("/explain", {"row": rows[0]})).json()
    assert explained["words"][0]["unit"] == f"sex={rows[0]['sex']}"
    del rows[0]["sex"]
    refused = asyncio.run(ask("/predict", {"rows": rows}))
    assert refused.status_code == 422
    assert "no column 'sex'" in refused.json()["detail"]


def test_its_attribution_is_shown_next_to_that_of_each_state(run: Run, table: Path) -> None:
    page = explain_row(run.folder, table, 3)
    explained = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    row = known(300).row(2, named=True)
    course = [row[time] for time in TIMES if row[time]]
    assert explained["units"] == [f"sex={row['sex']}", *course]


def test_exported_tables_name_the_columns_that_are_states(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    export(run.folder, tmp_path / "model.onnx")
    tables = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert tables["states"] == TIMES
    assert tables["covariates"] == {"sex": "sex="}
    row = known(300).row(5, named=True)
    joined = tables["separator"].join(
        [f"{head}{row[name]}" for name, head in tables["covariates"].items()]
        + [row[time] for time in tables["states"] if row[time]]
    )
    states = join_row([row[time] for time in TIMES])
    assert joined == prepend_covariates_to_row(["sex"], [row["sex"]], states)
    assert all(unit in tables["units"] for unit in joined.split(tables["separator"]))


def test_a_text_has_no_covariates() -> None:
    data = {"text": "letter", "target": "tone", "covariate": ["sex"]}
    with pytest.raises(RecipeError, match="goes with states or events"):
        resolve(Recipe.build({"data": data}))
