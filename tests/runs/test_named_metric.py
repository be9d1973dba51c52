"""A metric that the user names leads: training, decisions, verdict and baselines follow it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import sklearn.metrics as sk
from tests.support.commands import call
from tests.support.letters import recipe, recipe_alone
from tests.support.rare_tones import TONES, rare_tones
from tests.support.service import Client

from duree.cli.console import Console
from duree.errors import RecipeError
from duree.estimators.load import load
from duree.pipeline.compare import compare_runs
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.report.pages.report import write_report
from duree.serving.export import export
from duree.serving.service import create_service
from duree.tasks import resolve
from duree.tasks.classify import Classify
from duree.workflow import evaluate, fit, predict

SETTINGS = {"training__epochs": 3, "data__validation_share": 0.3}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tones") / "tones.csv"
    rare_tones(900).write_csv(path)
    return path


@pytest.fixture(scope="module")
def usual(table: Path) -> Run:
    return fit(recipe_alone(table, **SETTINGS), table.parent / "usual")


@pytest.fixture(scope="module")
def run(table: Path) -> Run:
    chosen = recipe(table, evaluation__metric="macro_f1", **SETTINGS)
    return fit(chosen, table.parent / "macro_f1")


@pytest.fixture(scope="module")
def labels(table: Path) -> Run:
    chosen = {"data__target": "topics", "data__label_separator": ";"}
    chosen |= {"evaluation__metric": "macro_f1"}
    return fit(recipe(table, **SETTINGS, **chosen), table.parent / "labels")


def metrics_of(run: Run) -> Any:
    return run.read_json("metrics.json")


def predictions(run: Run) -> pl.DataFrame:
    return pl.read_parquet(run.folder / "predictions.parquet")


def decided(frame: pl.DataFrame, offsets: dict[str, float]) -> list[str]:
    probabilities = frame.select(f"probability_{name}" for name in offsets).to_numpy()
    scores = np.log(np.maximum(probabilities, 1e-12)) + list(offsets.values())
    places = scores.argmax(axis=1)
    return [list(offsets)[place] for place in places]


def test_the_named_metric_comes_first_everywhere(run):
    found = metrics_of(run)
    assert found["primary_metric"] == "macro_f1"
    assert found["metric_names"][0] == "macro_f1"
    assert found["watched"] == {"title": "macro-F1 on validation", "better": 1}
    assert "macro-F1" in found["verdict"]
    tests = [c["method"] for c in found["comparisons"] if c["metric"] == "macro_f1"]
    assert set(tests) == {"paired bootstrap", "paired permutation"}


def test_every_model_decides_by_its_own_offsets_and_probabilities_are_what_they_were(run):
    found = metrics_of(run)["decisions"]
    assert set(found) == {
        *("network", "recurrent_part", "wide_part", "majority", "tfidf_logistic"),
        *("nb_svm", "linear_svm", "random_forest"),
    }
    assert any(found["network"].values())
    assert any(found["tfidf_logistic"].values())
    assert not any(found["majority"].values())
    frame = predictions(run)
    assert frame["prediction"].to_list() == decided(frame, found["network"])
    assert (frame["prediction"] != pl.Series(decided(frame, dict.fromkeys(TONES, 0.0)))).any()
    baselines = pl.read_parquet(run.folder / "baselines.parquet")
    for name, offsets in found.items():
        if name != "network":
            own = baselines.filter(pl.col("model") == name).sort("row")
            assert own["prediction"].to_list() == decided(own, offsets), name


def test_figures_are_those_of_the_decisions_and_of_the_probabilities(run):
    frame, found = predictions(run), metrics_of(run)["models"]["network"]
    probabilities = frame.select(f"probability_{name}" for name in TONES).to_numpy()
    assert found["macro_f1"]["value"] == pytest.approx(
        sk.f1_score(frame["tone"], frame["prediction"], average="macro")
    )
    assert found["accuracy"]["value"] == pytest.approx(
        sk.accuracy_score(frame["tone"], frame["prediction"])
    )
    assert found["log_loss"]["value"] == pytest.approx(sk.log_loss(frame["tone"], probabilities))


def test_rare_classes_gain_by_the_decision(run, usual):
    named, before = (metrics_of(one)["models"]["network"]["macro_f1"] for one in (run, usual))
    assert named["value"] > before["value"] + 0.05


def test_without_a_named_metric_nothing_is_decided_or_stored(usual):
    found = metrics_of(usual)
    assert found["primary_metric"] == "accuracy"
    assert "decisions" not in found
    model = json.loads((usual.folder / "model" / "model.json").read_text(encoding="utf-8"))
    assert set(model["task"]) == {"name", "classes", "temperature"}
    assert "part_offsets" not in model


def test_new_rows_are_decided_alike_by_predict_evaluate_service_and_load(run, table, tmp_path):
    new = table.parent / "new.csv"
    rare_tones(60, seed=9).write_csv(new)
    predict(run.folder, new, tmp_path / "out.parquet")
    frame = pl.read_parquet(tmp_path / "out.parquet")
    offsets = metrics_of(run)["decisions"]["network"]
    assert frame["prediction"].to_list() == decided(frame, offsets)
    figures = evaluate(run.folder, new)
    assert next(iter(figures)) == "macro_f1"
    f1 = sk.f1_score(frame["tone"], frame["prediction"], average="macro")
    assert figures["macro_f1"]["value"] == pytest.approx(f1)
    client = Client(create_service([run.folder]))
    answers = client.predict([{"letter": text} for text in frame["letter"]]).json()["predictions"]
    assert [answer["prediction"] for answer in answers] == frame["prediction"].to_list()
    assert load(run.folder).predict(frame["letter"].to_list()).tolist() == (
        frame["prediction"].to_list()
    )


def test_networks_of_folds_decide_for_the_same_metric(run, table, tmp_path):
    predict(run.folder, table, tmp_path / "out.parquet", folds=2)
    frame = pl.read_parquet(tmp_path / "out.parquet")
    for fold in (1, 2):
        model = TrainedModel.load(run.folder / "folds" / "2" / str(fold) / "model")
        assert model.task.decision is not None
        rows = frame.filter(pl.col("fold") == fold)
        offsets = model.task.decision.by_name(model.task.classes)
        assert rows["prediction"].to_list() == decided(rows, offsets)


def test_an_exported_network_is_described_with_its_decision(run, usual, tmp_path):
    pytest.importorskip("onnxruntime")
    _, tables, card = export(run.folder, tmp_path / "tones.onnx")
    found = json.loads(tables.read_text(encoding="utf-8"))["decision"]
    assert found == {"offsets": metrics_of(run)["decisions"]["network"]}
    assert "largest log-probability plus offset" in card.read_text(encoding="utf-8")
    _, tables, card = export(usual.folder, tmp_path / "usual.onnx")
    assert "decision" not in json.loads(tables.read_text(encoding="utf-8"))
    assert "offset" not in card.read_text(encoding="utf-8")


def test_runs_for_different_metrics_are_compared_by_what_they_predict(run, usual):
    found = compare_runs(run, usual)
    assert found is not None
    values = [metrics_of(one)["models"]["network"]["macro_f1"]["value"] for one in (run, usual)]
    assert {one.metric for one in found} == {"macro_f1"}
    assert found[0].difference == pytest.approx(values[0] - values[1])
    back = compare_runs(usual, run)
    assert back is not None
    accuracies = [metrics_of(one)["models"]["network"]["accuracy"]["value"] for one in (usual, run)]
    assert {one.metric for one in back} == {"accuracy"}
    assert back[0].difference == pytest.approx(accuracies[0] - accuracies[1])


def test_labels_are_given_from_thresholds_of_their_own(labels):
    found, frame = metrics_of(labels), predictions(labels)
    assert found["primary_metric"] == "macro_f1"
    thresholds = found["decisions"]["network"]
    assert thresholds["war"] < 0.5
    expected = [
        ";".join(name for name in thresholds if row[f"probability_{name}"] >= thresholds[name])
        for row in frame.iter_rows(named=True)
    ]
    assert frame["prediction"].to_list() == expected
    truth = [";".join(sorted(cell.split("; "))) if cell else "" for cell in frame["topics"]]
    right = np.mean([one == other for one, other in zip(truth, expected, strict=True)])
    assert set(found["decisions"]) > {"network", "wide_part", "nb_svm", "random_forest"}
    assert found["models"]["network"]["subset_accuracy"]["value"] == pytest.approx(right)


@pytest.mark.parametrize(("metric", "better"), [("rmse", -1), ("spearman", 1)])
def test_numbers_are_compared_by_the_named_metric(table, tmp_path, metric, better):
    chosen = recipe(table, data__target="warmth", evaluation__metric=metric)
    run = fit(chosen, tmp_path / metric)
    found = metrics_of(run)
    assert found["primary_metric"] == metric
    assert found["watched"]["better"] == better
    assert "decisions" not in found
    assert TrainedModel.of_run(run).task.metrics.primary == metric


def test_a_metric_of_probabilities_leads_without_any_decision(table, tmp_path):
    run = fit(recipe_alone(table, evaluation__metric="log_loss"), tmp_path / "log_loss")
    found = metrics_of(run)
    assert found["primary_metric"] == "log_loss"
    assert "decisions" not in found
    history = (run.folder / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(json.loads(epoch)["metric"] < 0 for epoch in history)
    frame = predictions(run)
    assert frame["prediction"].to_list() == decided(frame, dict.fromkeys(TONES, 0.0))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_says_that_the_class_predicted_is_decided(run, language):
    page = write_report(run.folder, language).read_text(encoding="utf-8")
    offsets = metrics_of(run)["decisions"]["network"]
    for name, offset in offsets.items():
        assert f"{name} {offset:.2f}" in page
    assert {"en": "it decides for macro-F1", "zh": "按指定的指标（宏平均 F1）作决定"}[
        language
    ] in page
    assert "Lipton" in page


def test_the_terminal_says_that_the_class_predicted_is_decided(run, capsys):
    Console().finish(run)
    assert "does not predict what is most probable" in capsys.readouterr().out


def test_stored_offsets_must_be_one_for_each_class():
    state = {"classes": ["a", "b"], "temperature": 1.0, "metric": "macro_f1", "offsets": [0, 1, 2]}
    with pytest.raises(ValueError, match="2 numbers are needed"):
        Classify.from_dict(state)
    with pytest.raises(ValueError, match="'r2' is unknown"):
        Classify.from_dict(state | {"metric": "r2"})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--target", "tone", "--metric", "macrof1"), "did you mean --metric macro_f1?"),
        (("--target", "tone", "--metric", "r2"), "accuracy, macro_f1, log_loss, brier, auc"),
        (("--target", "tone", "--metric", "calibration_error"), "has no metric"),
        (("--target", "warmth", "--metric", "accuracy"), "mae, rmse, r2, spearman"),
    ],
)
def test_an_unknown_metric_is_refused_with_the_known_ones(
    table, tmp_path, capsys, monkeypatch, words, told
):
    monkeypatch.chdir(tmp_path)
    assert call("fit", table, "--text", "letter", *words) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error
    assert list(tmp_path.glob("runs/*")) == []


@pytest.mark.parametrize(
    ("task", "data"),
    [
        ("label", {"text": "word", "target": "tag", "id": "sentence"}),
        ("next", {"states": ("a", "b")}),
        ("forecast", {"series": ("value",), "time": "year"}),
    ],
)
def test_tasks_with_one_primary_metric_refuse_another(task, data):
    chosen = {"task": task, "data": data, "forecast": {"horizon": 2}}
    asked = Recipe.build(chosen | {"evaluation": {"metric": "accuracy"}})
    with pytest.raises(RecipeError, match="always has the same primary metric"):
        resolve(asked)
