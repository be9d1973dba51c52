"""Attributes of events are read at each step, and never predicted."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import numpy as np
import onnxruntime
import polars as pl
import pytest
from tests.support.commands import call

from duree.errors import DataError, RecipeError
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.pipeline.typology import embed_rows
from duree.recipe.flags import recipe_from_flags
from duree.recipe.recipe import Recipe
from duree.report.load import load_run
from duree.report.methods.write import write_methods
from duree.report.pages.report import render_report
from duree.sequences.ragged import Ragged
from duree.serving.export import export
from duree.serving.service import create_service
from duree.tables.files.read import read_tables
from duree.tables.layouts.registry import gather_rows
from duree.tables.layouts.step_attributes import sequences_of
from duree.workflow import evaluate, explain_row, fit, predict

EVENTS = 12
SMALL = ("hidden_size=24", "embedding_size=16", "evaluation.bootstrap=100", "forest_trees=20")


def log(persons: int, seed: int = 0) -> pl.DataFrame:
    """The next event depends on the amount of the last one; the class on the rhythm."""
    rng = np.random.default_rng(seed)
    shape = persons, EVENTS
    amounts = np.round(rng.lognormal(3, 1, shape), 2)
    kinds, classes = rng.integers(3, size=shape), rng.integers(2, size=persons)
    follows = rng.random(shape) < 0.8
    for step in range(1, EVENTS):
        after = np.digitize(amounts[:, step - 1], [13.0, 31.0])
        kinds[:, step] = np.where(follows[:, step], after, kinds[:, step])
    gaps = rng.exponential(3.0, shape)
    turns = np.sort(gaps, axis=1)
    turns = np.stack([turns[:, : EVENTS // 2], turns[:, EVENTS // 2 :]], axis=2).reshape(shape)
    gaps = np.where(classes[:, None] == 1, turns, gaps)
    places = np.where(rng.random(shape) < 0.1, "", np.array(["shop", "web"])[kinds % 2])
    return pl.DataFrame(
        {
            "user": np.repeat([f"u{person}" for person in range(persons)], EVENTS),
            "action": np.array(["look", "ask", "buy"])[kinds].ravel(),
            "when": np.round(np.cumsum(gaps, axis=1), 3).ravel(),
            "amount": amounts.ravel(),
            "place": places.ravel(),
            "class": np.repeat(np.array(["A", "B"])[classes], EVENTS),
        }
    )


def recipe(file: Path, *settings: str, **flags: object) -> Recipe:
    named = {"id": "user", "event": ("action",), **flags}
    return recipe_from_flags(None, (str(file),), named, (*SMALL, *settings))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("logs") / "log.csv"
    log(240).write_csv(path)
    return path


@pytest.fixture(scope="module")
def run(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The next event, with all attributes."""
    read = {"task": "next", "time": "when", "attribute": ("amount", "place"), "epochs": 15}
    return fit(recipe(file, **read), tmp_path_factory.mktemp("runs") / "next")


@pytest.fixture(scope="module")
def rhythm(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The class, which depends on the rhythm alone."""
    read = {"target": "class", "time": "when", "epochs": 40}
    return fit(recipe(file, **read), tmp_path_factory.mktemp("runs") / "class")


def figures(run: Run) -> dict:
    return run.read_json("metrics.json")["models"]


def test_an_outcome_that_depends_on_an_attribute_is_predicted_with_it_and_not_without(
    run: Run, file: Path, tmp_path: Path
) -> None:
    read = {"task": "next", "time": "when", "epochs": 3, "baselines": False}
    without = figures(fit(recipe(file, **read), tmp_path / "without"))["network"]["bits"]
    found = figures(run)
    assert found["network"]["bits"]["high"] < without["low"] - 0.2
    # The boosted trees use it too, and so does the comparison with them.
    assert found["boosted_trees"]["bits"]["high"] < found["markov"]["bits"]["low"] - 0.2


def test_a_class_that_depends_on_the_rhythm_is_predicted_from_the_times_alone(
    rhythm: Run, file: Path, tmp_path: Path
) -> None:
    read = {"target": "class", "epochs": 3, "baselines": False}
    without = figures(fit(recipe(file, **read), tmp_path / "without"))["network"]["accuracy"]
    found = figures(rhythm)
    assert found["network"]["accuracy"]["low"] > without["high"]
    assert found["wide_part"]["accuracy"]["value"] < 0.8


def encoded(run: Run, frame: pl.DataFrame, tmp_path: Path) -> tuple[TrainedModel, Ragged]:
    path = tmp_path / "other.csv"
    frame.write_csv(path)
    model = TrainedModel.of_run(run)
    table, _ = gather_rows(read_tables([path]), run.recipe.data, model.extra, with_answers=False)
    return model, model.encode(model.texts(table))


def test_no_attribute_of_an_event_reaches_its_own_prediction(run: Run, tmp_path: Path) -> None:
    frame = log(5, seed=9)
    model, sequences = encoded(run, frame, tmp_path)
    predicted = model.predictions(sequences).reshape(5, EVENTS, -1)
    last = pl.int_range(pl.len()) % EVENTS == EVENTS - 1
    poisoned = frame.with_columns(
        pl.when(last).then(1e6).otherwise("amount").alias("amount"),
        pl.when(last).then(pl.lit("moon")).otherwise("place").alias("place"),
        pl.when(last).then(pl.col("when") + 1e5).otherwise("when").alias("when"),
    )
    again = model.predictions(encoded(run, poisoned, tmp_path)[1]).reshape(5, EVENTS, -1)
    # The prediction after step t is about step t + 1.
    np.testing.assert_array_equal(predicted[:, :-1], again[:, :-1])
    assert np.abs(predicted[:, -1] - again[:, -1]).max() > 0.05


def test_the_order_of_the_rows_makes_no_difference(run: Run, tmp_path: Path) -> None:
    frame = log(6, seed=4)
    _, sequences = encoded(run, frame, tmp_path)
    mixed = frame.sample(fraction=1, shuffle=True, seed=2)
    persons = mixed["user"].unique(maintain_order=True)
    _, other = encoded(run, mixed, tmp_path)
    for place, name in enumerate(persons):
        np.testing.assert_array_equal(other[place], sequences[int(name[1:])])


def test_predictions_and_evaluation_read_attributes_of_new_files(
    run: Run, file: Path, tmp_path: Path
) -> None:
    predict(run.folder, file, tmp_path / "next.csv")
    found = pl.read_csv(tmp_path / "next.csv")
    assert found.columns[:4] == ["user", "class", "prediction", "probability_look"]
    assert "expected_gap" in found.columns
    log(60, seed=5).write_csv(tmp_path / "new.csv")
    assert evaluate(run.folder, tmp_path / "new.csv")["bits"]["value"] < 1.3
    log(60, seed=5).drop("place").write_csv(tmp_path / "new.csv")
    with pytest.raises(DataError, match="there is no column 'place'"):
        predict(run.folder, tmp_path / "new.csv", tmp_path / "out.csv")
    log(9).with_columns(amount=pl.lit("much")).write_csv(tmp_path / "new.csv")
    with pytest.raises(DataError, match="'amount' was a number in training, but 108 cells are not"):
        predict(run.folder, tmp_path / "new.csv", tmp_path / "out.csv")


def test_predictions_of_each_step_have_no_list_columns(run: Run) -> None:
    table = pl.read_parquet(run.folder / "predictions.parquet")
    assert not [name for name, kind in table.schema.items() if kind.is_nested()]
    assert "gap" in table.columns


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"attribute": ("amonut",)}, "no column 'amonut'.*did you mean 'amount'"),
        ({"attribute": ("action",)}, "'action' is both the event and an attribute"),
        ({"attribute": ("user",)}, "'user' is both the id and an attribute"),
        ({"attribute": ("when",)}, "'when' is both the time and an attribute"),
        ({"attribute": ("class",)}, "'class' is both the target and an attribute"),
        ({"attribute": ("place",), "group": "place"}, "'place' is both the group and an attribute"),
        ({"attribute": ("place", "place")}, "'place' is named twice"),
    ],
)
def test_a_column_that_cannot_be_an_attribute_is_refused(
    file: Path, tmp_path: Path, flags: dict, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        fit(recipe(file, target="class", time="when", **flags), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_attributes_are_those_of_events(file: Path) -> None:
    with pytest.raises(RecipeError, match=r"data\.attribute goes with data\.event"):
        recipe_from_flags(None, (str(file),), {"text": "action", "attribute": ("amount",)}, ())


def test_a_test_file_without_the_attribute_is_refused(file: Path, tmp_path: Path) -> None:
    log(20, seed=3).drop("amount").write_csv(tmp_path / "test.csv")
    read = {"task": "next", "attribute": ("amount",), "test": str(tmp_path / "test.csv")}
    with pytest.raises(DataError, match=r"no column 'amount'.*test\.csv"):
        fit(recipe(file, **read), tmp_path / "run")


def test_an_attribute_that_reveals_the_target_is_caught(tmp_path: Path) -> None:
    last = pl.int_range(pl.len()) % EVENTS == EVENTS - 1
    outcome = pl.when(last).then("class").otherwise(pl.lit("open"))
    log(120).with_columns(outcome=outcome).write_csv(tmp_path / "log.csv")
    read = {"target": "class", "attribute": ("outcome", "place"), "epochs": 1, "baselines": False}
    run = fit(recipe(tmp_path / "log.csv", **read), tmp_path / "run")
    checks = [one for one in run.read_json("checks.json") if one["check"] == "leaking_column"]
    assert [one["values"]["column"] for one in checks] == ["outcome"]


def test_the_report_says_in_both_languages_what_was_read_and_how(run: Run, rhythm: Run) -> None:
    data = load_run(run.folder)
    methods = "\n".join(text for _, text in write_methods(data, "en").paragraphs)
    assert "the time since the previous event, in 33 classes, “amount”, in 33 classes" in methods
    assert "and “place”, in 4 classes" in methods
    assert (
        "The tree models and logistic regression used the features of the last two events."
        in methods
    )
    assert any(work.key == "gorishniy2022" for work in write_methods(data, "en").cited)
    page = render_report(data, data.words("zh"))
    assert "属性 &#39;amount&#39; 按数字读取" in page or "属性 'amount' 按数字读取" in page
    chinese = "\n".join(text for _, text in write_methods(load_run(rhythm.folder), "zh").paragraphs)
    assert "距上一事件的时间（分为 33 类）" in chinese


def test_a_life_course_is_explained_with_its_times(rhythm: Run, file: Path, tmp_path: Path) -> None:
    page = explain_row(rhythm.folder, file, 3, tmp_path / "row.html")
    found = json.loads((tmp_path / "row.json").read_text(encoding="utf-8"))
    assert len(found["units"]) == EVENTS
    given = found["attributions"]["integrated_gradients"]
    assert sum(given) == pytest.approx(found["score"] - found["start"], rel=0.02, abs=0.02)
    assert "look" in page.read_text(encoding="utf-8")
    every = tmp_path / "every.parquet"
    assert call("explain", str(rhythm.folder), str(file), "--all", "-o", str(every)) == 0
    assert len(pl.read_parquet(every)) == 240 * EVENTS


def test_the_exported_graph_says_the_same_of_times_too(
    rhythm: Run, file: Path, tmp_path: Path
) -> None:
    graph, *_ = export(rhythm.folder, tmp_path / "model.onnx")
    model = TrainedModel.of_run(rhythm)
    table, _ = gather_rows(read_tables([file]), rhythm.recipe.data, model.extra)
    sequences = model.encode(model.texts(table))
    values = sequences.values.reshape(240, EVENTS, 2).astype(np.int64)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    given = {"values": values, "lengths": sequences.lengths}
    (found,) = session.run(["predictions"], given)
    np.testing.assert_allclose(found, model.predictions(sequences), atol=1e-4)


def test_a_typology_distinguishes_sequences_by_their_rhythm_too(
    rhythm: Run, tmp_path: Path
) -> None:
    frame = log(30, seed=8).with_columns(action=pl.lit("look"))
    frame.write_csv(tmp_path / "log.csv")
    embed_rows(rhythm.folder, tmp_path / "log.csv", tmp_path / "types.csv")
    found = pl.read_csv(tmp_path / "types.csv")
    assert found["type"].n_unique() > 1
    assert found.select("v1", "v2", "v3").n_unique() == 30


def asked(run: Run, rows: list[dict], path: str = "/predict") -> httpx.Response:
    async def ask() -> httpx.Response:
        app = create_service([run.folder])
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://t") as client,
        ):
            body = {"row": rows[0]} if path == "/explain" else {"rows": rows}
            return await client.post(path, json=body)

    return asyncio.run(ask())


def test_the_service_takes_step_attributes_as_lists(run: Run, file: Path) -> None:
    model = TrainedModel.of_run(run)
    table, _ = gather_rows(read_tables([file]), run.recipe.data, model.extra)
    texts = model.texts(table)
    row = {"states": sequences_of(texts)[0]}
    row |= {name: texts.struct.field(name)[0].to_list() for name in model.step_features}
    answer = asked(run, [row, row | {"gaps": None}])
    assert answer.status_code == 200, answer.text
    first, untimed = (one["probability"] for one in answer.json()["predictions"])
    sequences = model.encode(texts[:1])
    assert list(first.values()) == pytest.approx(model.predictions(sequences)[-1], abs=1e-5)
    assert first != untimed
    for change, why in (
        ({"amount": [1.0]}, "with a value for each of 12"),
        ({"amount": ["much"] * EVENTS}, "'amount' holds 'much': give numbers"),
        ({"amount": [10**400] * EVENTS}, "'amount' holds 1000"),
        ({"states": ["look"] * EVENTS}, "'states' is a list"),
    ):
        refused = asked(run, [row | change])
        assert refused.status_code == 422
        assert why in refused.text
    del row["amount"]
    assert "no column 'amount'" in asked(run, [row]).text


def test_the_service_answers_without_times(rhythm: Run) -> None:
    assert asked(rhythm, [{"states": "look › ask"}]).status_code == 200
    explained = asked(rhythm, [{"states": "look › ask", "gaps": [None, 2.5]}], "/explain")
    assert [word["unit"] for word in explained.json()["words"]] == ["look", "ask"]
