"""Case weights: a row of weight 2 counts as two rows do, in all training and evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from tests.support.letters import SMALL
from tests.support.life_courses import life_courses
from tests.support.spells import SPELLS, spells

from duree.baselines import label_baselines, regression_baselines
from duree.baselines.targets import CaseWeights
from duree.errors import DataError
from duree.evaluation.calibration import fit_temperature
from duree.evaluation.evaluate import evaluate_models
from duree.evaluation.metrics import CLASSIFICATION, MULTILABEL, REGRESSION
from duree.pipeline.by_layout import read_dataset
from duree.pipeline.dataset import check_files
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.report.load import load_run
from duree.report.methods.write import write_methods
from duree.tables.describe.states import describe_states
from duree.tables.files.write import write_table
from duree.tasks.classify import Classify
from duree.tasks.multilabel import Multilabel
from duree.tasks.regress import Regress
from duree.workflow import evaluate, fit

ROWS = 60


def answers(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Predictions [rows, outputs] and targets of each kind of question."""
    if kind == "numbers":
        return rng.normal(size=(ROWS, 1)), rng.normal(size=ROWS)
    if kind == "labels":
        return rng.random((ROWS, 3)), rng.integers(0, 2, (ROWS, 3))
    return rng.dirichlet(np.ones(3), ROWS), rng.integers(0, 3, ROWS)


METRICS = {"classes": CLASSIFICATION, "labels": MULTILABEL, "numbers": REGRESSION}
TASKS = {
    "classes": Classify(("a", "b", "c")),
    "labels": Multilabel(("a", "b", "c"), ";"),
    "numbers": Regress(0.3, 2.0),
}


@pytest.mark.parametrize("kind", METRICS)
def test_a_weight_of_two_is_a_row_twice_in_every_figure(kind: str) -> None:
    rng = np.random.default_rng(0)
    predictions, targets = answers(kind, rng)
    weights = rng.integers(1, 4, ROWS)
    twice = np.repeat(np.arange(ROWS), weights)
    found = METRICS[kind].values(predictions, targets, weights.astype(float))
    expected = METRICS[kind].values(predictions[twice], targets[twice])
    # Bins of the calibration error hold equal numbers of rows, unweighted.
    for name in found.keys() - {"calibration_error"}:
        assert found[name] == pytest.approx(expected[name]), name


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("balance", ["none", "balanced"])
def test_a_weight_of_two_is_a_row_twice_in_the_loss(kind: str, balance: str) -> None:
    rng = np.random.default_rng(1)
    _, targets = answers(kind, rng)
    weights = rng.integers(1, 4, ROWS)
    twice = np.repeat(np.arange(ROWS), weights)
    recipe = Recipe().replace({"training.class_weights": balance})
    task = TASKS[kind]
    loss = task.criterion(targets, recipe)
    scores = torch.from_numpy(rng.normal(size=(ROWS, task.outputs)).astype(np.float32))
    scores.requires_grad_()
    counts = torch.from_numpy((weights / weights.mean()).astype(np.float32))
    given = loss(scores, torch.from_numpy(targets), counts)
    expected = loss(scores[twice], torch.from_numpy(targets[twice]))
    if kind == "classes" and balance == "balanced":
        # The mean is by the rows' classes: it is reached with other weights of rows in each.
        known = torch.tensor(len(targets) / (3 * np.bincount(targets)), dtype=torch.float32)
        scale = known[targets[twice]].sum() / len(twice) / (known[targets].sum() / len(targets))
        expected = expected * scale
    assert given.item() == pytest.approx(expected.item(), rel=1e-5)
    slopes = [torch.autograd.grad(each, scores, retain_graph=True)[0] for each in (given, expected)]
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-7)
    alike = loss(scores, torch.from_numpy(targets), torch.ones(ROWS))
    assert alike.item() == pytest.approx(loss(scores, torch.from_numpy(targets)).item(), rel=1e-5)


@pytest.mark.parametrize("kind", TASKS)
def test_a_weight_of_two_is_a_row_twice_in_what_is_calibrated_on_validation_rows(kind: str) -> None:
    rng = np.random.default_rng(2)
    _, targets = answers(kind, rng)
    scores = rng.normal(size=(ROWS, TASKS[kind].outputs)).astype(np.float32)
    weights = rng.integers(1, 4, ROWS)
    twice = np.repeat(np.arange(ROWS), weights)
    task = TASKS[kind]
    assert task.progress(scores, targets, weights) == pytest.approx(
        task.progress(scores[twice], targets[twice])
    )
    ones = np.ones(ROWS, dtype=np.float32)
    assert task.calibrate(scores, targets, ones) == task.calibrate(scores, targets)
    if kind == "classes":
        found = fit_temperature(scores, targets, weights)
        assert found == pytest.approx(fit_temperature(scores[twice], targets[twice]), rel=1e-4)


def test_intervals_under_equal_weights_are_those_without() -> None:
    rng = np.random.default_rng(3)
    rows = 400
    targets = rng.integers(0, 2, rows)
    sure = np.clip(0.5 + 0.3 * (targets - 0.5) + rng.normal(0, 0.2, rows), 0.01, 0.99)
    models = {"network": np.stack([1 - sure, sure], 1), "other": rng.dirichlet((1, 1), rows)}
    plain, weighed = (
        evaluate_models(models, targets, CLASSIFICATION, weights=weights, seed=1)
        for weights in (None, np.ones(rows))
    )
    for metric, figure in plain.models["network"].items():
        for end, value in figure.items():
            assert weighed.models["network"][metric][end] == pytest.approx(value, abs=0.004)


def test_intervals_cover_what_weights_stand_for() -> None:
    """In 200 surveys that sample one half eight times as often, weights correct it: 95 % cover."""
    rng = np.random.default_rng(4)
    covered = 0
    for survey in range(200):
        rare = rng.random(300) < 1 / 9
        right = rng.random(300) < np.where(rare, 0.5, 0.9)  # both halves are as large: truth 0.7
        targets = rng.integers(0, 2, 300)
        predicted = np.where(right, targets, 1 - targets)
        found = evaluate_models(
            {"network": np.stack([1.0 - predicted, predicted], 1)},
            targets,
            CLASSIFICATION,
            weights=np.where(rare, 8.0, 1.0),
            resamples=200,
            seed=survey,
        ).models["network"]["accuracy"]
        covered += found["low"] <= 0.7 <= found["high"]
    assert covered >= 182  # of 200 at 95 %, fewer are seen once in 200 tries


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("numeric", [False, True])
def test_a_weight_of_two_is_a_row_twice_for_a_baseline(place: int, numeric: bool) -> None:
    rng = np.random.default_rng(5)
    texts = [" › ".join(rng.choice(["a", "b", "c"], 6)) for _ in range(120)]
    counts = np.array([text.count("a") for text in texts])
    noisy = counts + rng.normal(0, 1, 120)
    targets = noisy if numeric else (noisy > 2).astype(np.int64)
    weights = rng.integers(1, 4, 120)
    recipe = Recipe.build({"data": {"states": ["x:y"]}}).replace({"evaluation.forest_trees": 20})
    make = regression_baselines if numeric else label_baselines
    one, other = (
        make(recipe, lambda text: text.split(" › "), states=True)[place] for _ in range(2)
    )
    twice = np.repeat(np.arange(90), weights[:90])
    held = np.repeat(np.arange(90, 120), weights[90:])
    parts = CaseWeights(weights[:90] * 1.0, weights[90:] * 1.0)
    one.fit(texts[:90], targets[:90], texts[90:], targets[90:], parts)
    other.fit(
        [texts[row] for row in twice], targets[twice], [texts[row] for row in held], targets[held]
    )
    # A forest draws other rows; features are scaled by the rows' spread, each row once.
    apart = np.abs(one.predict(texts) - other.predict(texts)).mean()
    assert apart < (1e-9, 0.02, 0.15 if not numeric else 0.5)[place]
    alike = make(recipe, lambda text: text.split(" › "), states=True)[place]
    alike.fit(texts[:90], targets[:90], texts[90:], targets[90:])
    assert not np.array_equal(alike.predict(texts), one.predict(texts))


def test_a_weight_of_two_is_a_row_twice_in_the_pictures() -> None:
    rng = np.random.default_rng(6)
    cells = rng.choice(["x", "y", None], (30, 5)).tolist()
    kinds = pl.Series(rng.choice(["p", "q"], 30))
    weights = rng.integers(1, 4, 30)
    twice = np.repeat(np.arange(30), weights)
    times = list("abcde")
    found = describe_states(pl.Series(cells), times, kinds, 0, weights * 1.0)
    rows = pl.Series([cells[row] for row in twice])
    expected = describe_states(rows, times, kinds.gather(twice))
    assert found.states == expected.states
    for name in ("distribution", "entropy", "transitions"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name))
    assert found.mean_time == pytest.approx(expected.mean_time)
    for kind in ("p", "q"):
        np.testing.assert_allclose(found.by_class[kind], expected.by_class[kind])


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng, frame = np.random.default_rng(7), life_courses(300)
    other = np.where(frame["pay"] == "good", "poor", "good")
    pay = pl.Series("pay", np.where(rng.random(300) < 0.2, other, frame["pay"]))
    frame = frame.with_columns(pay, pl.Series("w", rng.gamma(2, 2, 300)))
    path = tmp_path_factory.mktemp("weights") / "lives.csv"
    write_table(frame, path)
    return path


def recipe(table: Path, **data: object) -> Recipe:
    settings = {"files": [str(table)], "states": ["m01:m24"], "target": "pay", "id": "id"}
    return Recipe.build({"data": settings | {"weight": "w"} | data}).replace(
        SMALL | {"training.epochs": 3, "evaluation.baselines": False}
    )


@pytest.fixture(scope="module")
def run(table: Path) -> Run:
    return fit(recipe(table), table.parent / "run")


def test_weights_are_one_on_average_over_the_training_rows(table: Path) -> None:
    dataset = read_dataset(recipe(table))
    assert dataset.weights is not None
    assert dataset.weights[dataset.split.train].mean() == pytest.approx(1)
    given = pl.read_csv(table)["w"].to_numpy()
    np.testing.assert_allclose(dataset.weights / dataset.weights[0], given / given[0])


def test_a_run_trains_and_evaluates_with_its_weights(run: Run, table: Path) -> None:
    found = pl.read_parquet(run.folder / "predictions.parquet")
    right = (found["prediction"] == found["pay"]).to_numpy()
    weights = found["w"].cast(pl.Float64).to_numpy()
    figure = run.read_json("metrics.json")["models"]["network"]["accuracy"]
    assert figure["value"] == pytest.approx(np.average(right, weights=weights))
    assert figure["low"] <= figure["value"] <= figure["high"]
    tested = pl.read_csv(table, infer_schema=False).join(found.select("id"), on="id")
    write_table(tested, table.parent / "tested.csv")
    again = evaluate(run.folder, table.parent / "tested.csv")["log_loss"]["value"]
    stored = run.read_json("metrics.json")["models"]["network"]["log_loss"]["value"]
    assert again == pytest.approx(stored, rel=1e-5)
    without = fit(recipe(table, weight=None), table.parent / "without")
    other = pl.read_parquet(without.folder / "predictions.parquet")
    assert found["id"].to_list() == other["id"].to_list()
    assert (found["probability_good"] - other["probability_good"]).abs().max() > 1e-6
    facts, others = run.read_json("states.json"), without.read_json("states.json")
    assert facts["distribution"] != others["distribution"]


def test_the_report_names_the_weights(run: Run) -> None:
    page = (run.folder / "report.html").read_text("utf-8")
    assert "weighted by “w”" in page
    assert "Each row is weighted by “w”" in page
    chinese = write_methods(load_run(run.folder), "zh")
    assert "每行按“w”加权" in str(chinese.paragraphs)


@pytest.mark.parametrize("bad", ["-1", "0", "", "heavy", "inf"])
def test_an_invalid_weight_stops_the_run(table: Path, tmp_path: Path, bad: str) -> None:
    frame = pl.read_csv(table, infer_schema=False)
    cells = frame["w"].to_list()
    cells[4] = bad
    write_table(frame.with_columns(pl.Series("w", cells)), tmp_path / "bad.csv")
    with pytest.raises(DataError) as error:
        read_dataset(recipe(tmp_path / "bad.csv"))
    assert error.value.message("en").startswith(
        "weights in 'w' that are missing or not positive: 1 (row 5 ...)"
    )
    _, findings = check_files(recipe(tmp_path / "bad.csv").data)
    assert "error" in {found.level for found in findings if found.check == "bad_weights"}


def test_the_checks_report_the_effective_sample_size(table: Path) -> None:
    _, findings = check_files(recipe(table).data)
    finding = next(found for found in findings if found.check == "weights")
    weights = pl.read_csv(table)["w"].to_numpy()
    assert finding.values["alike"] == round(weights.sum() ** 2 / (weights**2).sum())
    assert "effective sample size" in finding.message("en")


def test_weights_of_persons_come_with_their_spells(tmp_path: Path) -> None:
    frame = spells(life_courses(80)).with_columns(pl.col("wage").alias("w"))
    write_table(frame, tmp_path / "spells.csv")
    data = SPELLS | {"states": [], "weight": "w", "files": [str(tmp_path / "spells.csv")]}
    dataset = read_dataset(recipe(tmp_path / "spells.csv", **data))
    assert dataset.weights is not None
    assert len(dataset.weights) == 80


def test_mvad_is_evaluated_with_its_weights(data_folder: Path, tmp_path: Path) -> None:
    data = {"files": [str(data_folder / "mvad" / "mvad.csv")], "states": ["Jul.93:Jun.99"]}
    chosen = recipe(Path(), **data, target="gcse5eq", weight="weight")
    chosen = chosen.replace({"evaluation.baselines": True})
    found = fit(chosen, tmp_path / "run")
    rows = pl.read_parquet(found.folder / "predictions.parquet")
    right = (rows["prediction"] == rows["gcse5eq"]).to_numpy()
    weights = rows["weight"].cast(pl.Float64).to_numpy()
    value = found.read_json("metrics.json")["models"]["network"]["accuracy"]["value"]
    assert value == pytest.approx(np.average(right, weights=weights))
    assert value != pytest.approx(right.mean())
    methods = {one["method"] for one in found.read_json("metrics.json")["comparisons"]}
    assert methods == {"paired bootstrap", "paired permutation"}
