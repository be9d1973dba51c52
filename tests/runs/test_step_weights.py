"""Case weights where each step has an answer: a person of weight 2 counts as two do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.support.next_states import SMALL, life_courses, recipe
from torch import Tensor

from duree.errors import RecipeError
from duree.evaluation.evaluate import evaluate_models
from duree.evaluation.long_range import foreseen
from duree.evaluation.next_metrics import NEXT_IN_TERMS, terms
from duree.network.batches import Examples, batch_of
from duree.network.next_model import log_loss_of_steps
from duree.pipeline.by_layout import read_dataset
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.report.load import load_run
from duree.report.methods.write import write_methods
from duree.sequences.ragged import Ragged, offsets_of
from duree.tables.files.write import write_table
from duree.tasks import resolve
from duree.tasks.distillation import distilled_loss
from duree.tasks.next import Next
from duree.workflow import evaluate, fit, predict

STATES = 4
TASK = Next(("a", "b", "c"), 20)
QUICK = {"training.epochs": 4, "evaluation.baselines": False}
weighed = st.lists(
    st.tuples(st.integers(1, 6), st.integers(1, 3)), min_size=2, max_size=8
)  # steps, weight


class Answers:
    """Rows with random scores, targets and weights; and the same rows repeated by weight."""

    def __init__(self, rows: list[tuple[int, int]], seed: int) -> None:
        rng = np.random.default_rng(seed)
        lengths, self.weights = (np.array(column) for column in zip(*rows, strict=True))
        self.scores = Ragged(
            rng.normal(size=(lengths.sum(), STATES)).astype(np.float32), offsets_of(lengths)
        )
        targets = rng.integers(0, STATES, (lengths.sum(), 2)).astype(np.int32)
        self.targets = Ragged(targets, self.scores.offsets)
        self.twice = np.repeat(np.arange(len(rows)), self.weights)

    def each(self) -> Iterator[tuple[Ragged, Ragged, tuple[np.ndarray, ...]]]:
        yield self.scores, self.targets, (self.weights.astype(np.float32),)
        yield self.scores.take(self.twice), self.targets.take(self.twice), ()


@given(weighed, st.integers(0, 99))
def test_a_weight_of_two_is_a_row_twice_in_what_is_calibrated_on_validation_rows(
    rows: list[tuple[int, int]], seed: int
) -> None:
    answers = Answers(rows, seed)
    found = [TASK.progress(s.values, t, *w) for s, t, w in answers.each()]
    assert found[0] == pytest.approx(found[1])
    temperatures = [TASK.calibrate(s.values, t, *w).temperature for s, t, w in answers.each()]
    assert temperatures[0] == pytest.approx(temperatures[1], rel=1e-3)
    ones = np.ones(len(rows), dtype=np.float32)
    plain = answers.scores.values, answers.targets
    assert TASK.progress(*plain, ones) == pytest.approx(TASK.progress(*plain))
    assert TASK.calibrate(*plain, ones) == TASK.calibrate(*plain)


@given(weighed, st.integers(0, 99), st.booleans())
def test_a_weight_of_two_is_a_row_twice_in_the_loss(
    rows: list[tuple[int, int]], seed: int, distilled: bool
) -> None:
    answers = Answers(rows, seed)
    steps = len(answers.targets.values)
    soft_targets = torch.rand(steps, STATES, generator=torch.Generator().manual_seed(seed))
    loss = distilled_loss(soft_targets) if distilled else log_loss_of_steps

    def total(scores: Ragged, targets: Ragged, weights: tuple[np.ndarray, ...]) -> Tensor:
        examples = Examples(scores, targets, weights[0] if weights else None)
        batch = batch_of(examples, np.arange(len(examples)))
        # The mean is over steps, unweighted.
        return loss(batch.inputs, *batch.answers) * len(targets.values)

    places = np.arange(steps, dtype=np.int32)[:, None]
    answers.targets = Ragged(np.hstack([answers.targets.values, places]), answers.scores.offsets)
    one, other = (total(*each) for each in answers.each())
    assert one.item() == pytest.approx(other.item(), rel=1e-4)
    plain = answers.scores, answers.targets
    ones = np.ones(len(rows), dtype=np.float32)
    assert total(*plain, (ones,)).item() == pytest.approx(total(*plain, ()).item(), rel=1e-5)


@given(weighed, st.integers(0, 99))
def test_a_weight_of_two_is_a_row_twice_in_every_figure(
    rows: list[tuple[int, int]], seed: int
) -> None:
    answers = Answers(rows, seed)
    found = []
    for scores, targets, weights in answers.each():
        shares = np.exp(scores.values.astype(np.float64))
        shares /= shares.sum(axis=1, keepdims=True)
        examples = Examples(scores, targets)
        counts = examples.each(weights[0].astype(np.float64)) if weights else None
        scored = terms(shares, targets.values)
        found.append(NEXT_IN_TERMS.values(scored, targets.values, counts))
    assert found[0] == pytest.approx(found[1])


def test_intervals_by_person_under_equal_weights_are_those_without() -> None:
    rng = np.random.default_rng(0)
    persons = np.repeat(np.arange(60), 8)
    targets = rng.integers(0, 3, (480, 2))
    models = {name: terms(rng.dirichlet(np.ones(3), 480), targets) for name in ("network", "other")}
    plain, weighed = (
        evaluate_models(models, targets, NEXT_IN_TERMS, groups=persons, weights=weights, seed=1)
        for weights in (None, np.ones(480))
    )
    for metric, figure in plain.models["network"].items():
        for end, value in figure.items():
            assert weighed.models["network"][metric][end] == pytest.approx(value, abs=1e-9)


def test_the_interval_of_a_person_who_stands_for_many_is_wide() -> None:
    rng = np.random.default_rng(1)
    persons = np.repeat(np.arange(100), 5)
    targets = rng.integers(0, 3, (500, 2))
    models = {"network": terms(rng.dirichlet(np.ones(3), 500), targets)}
    widths = []
    for heavy in (1.0, 50.0):
        weights = np.where(persons < 3, heavy, 1.0)
        found = evaluate_models(models, targets, NEXT_IN_TERMS, groups=persons, weights=weights)
        bits = found.models["network"]["bits"]
        widths.append(bits["high"] - bits["low"])
    assert widths[1] > 2 * widths[0]


def test_far_ahead_a_weight_of_two_is_a_row_twice_but_no_surer() -> None:
    truth, weights = np.array([0, 1, 1, 2]), np.array([1.0, 2.0, 1.0, 3.0])
    shares = np.eye(3)[[0, 1, 0, 0]]
    found = foreseen({"network": shares}, truth, weights)["network"]
    assert found["value"] == pytest.approx(3 / 7)
    twice = np.repeat(np.arange(4), weights.astype(int))
    repeated = foreseen({"network": shares[twice]}, truth[twice])["network"]
    assert found["high"] - found["low"] > repeated["high"] - repeated["low"]
    assert foreseen({"network": shares}, truth) == foreseen({"network": shares}, truth, np.ones(4))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng, frame = np.random.default_rng(7), life_courses(120)
    path = tmp_path_factory.mktemp("weights") / "lives.csv"
    counts = pl.Series("w", rng.gamma(2, 2, 120).round(3) + 0.01)
    write_table(frame.with_columns(counts, pl.lit(1).alias("one")), path)
    return path


def weighted(table: Path, column: str | None, **settings: Any) -> Recipe:
    return recipe(table).replace(SMALL | QUICK | {"data.weight": column} | settings)


@pytest.fixture(scope="module")
def run(table: Path) -> Run:
    return fit(weighted(table, "w", **{"evaluation.baselines": True}), table.parent / "run")


def test_a_run_trains_and_evaluates_with_its_weights(run: Run, table: Path) -> None:
    predictions = pl.read_parquet(run.folder / "predictions.parquet")
    right = (predictions["prediction"] == predictions["states"]).to_numpy()
    weights = predictions["w"].cast(pl.Float64).to_numpy()
    figures = run.read_json("metrics.json")["models"]["network"]
    assert figures["accuracy"]["value"] == pytest.approx(np.average(right, weights=weights))
    assert figures["accuracy"]["value"] != pytest.approx(right.mean(), abs=1e-6)
    names = [name for name in predictions.columns if name.startswith("probability_")]
    places = {name.removeprefix("probability_"): place for place, name in enumerate(names)}
    shares = predictions.select(names).to_numpy()
    of_truth = shares[
        np.arange(len(predictions)), [places[state] for state in predictions["states"]]
    ]
    bits = np.average(-np.log2(of_truth), weights=weights)
    assert figures["bits"]["value"] == pytest.approx(bits)
    tested = pl.read_csv(table, infer_schema=False).join(predictions.select("id").unique(), on="id")
    write_table(tested, table.parent / "tested.csv")
    again = evaluate(run.folder, table.parent / "tested.csv")
    assert again["bits"]["value"] == pytest.approx(bits, rel=1e-5)
    predict(run.folder, table.parent / "tested.csv", table.parent / "predicted.csv")
    assert "prediction" in pl.read_csv(table.parent / "predicted.csv").columns


def test_weights_change_the_predictions_of_every_model_but_the_hidden_markov_one(
    run: Run, table: Path
) -> None:
    other = fit(weighted(table, None, **{"evaluation.baselines": True}), table.parent / "without")
    one, two = (pl.read_parquet(each.folder / "baselines.parquet") for each in (run, other))
    names = [name for name in one.columns if name.startswith("probability_")]
    for model in one["model"].unique():
        apart = np.abs(
            one.filter(pl.col("model") == model).select(names).to_numpy()
            - two.filter(pl.col("model") == model).select(names).to_numpy()
        ).max()
        assert (apart == 0) == (model == "hidden_markov"), model
    assert run.read_json("simulation.json") != other.read_json("simulation.json")


def test_weights_of_one_are_none(table: Path) -> None:
    with_ones, without = (
        pl.read_parquet(fit(weighted(table, column), table.parent / f"{column}").folder / PREDICTED)
        for column in ("one", None)
    )
    names = [name for name in without.columns if name.startswith("probability_")]
    assert with_ones["id"].to_list() == without["id"].to_list()
    apart = with_ones.select(names).to_numpy() - without.select(names).to_numpy()
    # Losses are added up in another order.
    assert np.abs(apart).max() < 1e-3


PREDICTED = "predictions.parquet"


def test_the_report_names_the_weights(run: Run) -> None:
    texts = {
        language: str(write_methods(load_run(run.folder), language).paragraphs)
        for language in ("en", "zh")
    }
    assert "Each sequence is weighted by “w”" in texts["en"]
    assert "每条序列在其每一步都按“w”加权" in texts["zh"]
    hidden = "hidden_markov" in run.read_json("metrics.json")["models"]
    assert ("(hmmlearn) was fitted without weights" in texts["en"]) == hidden
    notes = run.read_json("metrics.json")["notes"]
    assert any("hmmlearn takes no weights" in note for note in notes) == hidden
    page = (run.folder / "report.html").read_text("utf-8")
    assert "hidden_markov" not in page


@pytest.mark.parametrize("kind", ["event", "state"])
def test_of_spells_and_events_a_person_has_one_weight(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = [
        {
            "id": f"P{person}",
            kind: str(rng.choice(["a", "b", "c"])),
            "day": day,
            "w": person % 3 + 1,
        }
        for person in range(60)
        for day in range(int(rng.integers(3, 9)))
    ]
    frame = pl.DataFrame(rows)
    write_table(frame, tmp_path / "log.csv")
    data: dict[str, Any] = {"files": [str(tmp_path / "log.csv")], "id": "id", "weight": "w"}
    data |= {"event": ["event"], "time": "day"} if kind == "event" else {"state": kind}
    data |= {} if kind == "event" else {"start": "day"}
    chosen = Recipe.build({"task": "next", "data": data}).replace(SMALL | QUICK)
    dataset = read_dataset(chosen)
    assert dataset.weights is not None
    assert len(dataset.weights) == 60
    assert dataset.weights[dataset.split.train].mean() == pytest.approx(1)
    made = fit(chosen, tmp_path / "run")
    predictions = pl.read_parquet(made.folder / PREDICTED)
    right = (predictions["prediction"] == predictions["states"]).to_numpy()
    weights = predictions["w"].cast(pl.Float64).to_numpy()
    value = made.read_json("metrics.json")["models"]["network"]["accuracy"]["value"]
    assert value == pytest.approx(np.average(right, weights=weights))
    found = evaluate(made.folder, tmp_path / "log.csv")["accuracy"]
    assert found["low"] <= found["value"] <= found["high"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"task": "label", "data": {"text": "w", "target": "t", "id": "i", "weight": "x"}},
            "data.weight has no meaning where each word gets a tag",
        ),
        (
            {
                "task": "forecast",
                "data": {"series": ["y"], "time": "t", "weight": "x"},
                "forecast": {"horizon": 3},
            },
            "takes no data.group and no data.weight",
        ),
    ],
)
def test_forecasts_and_tags_take_no_weights(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        resolve(Recipe.build(settings))
