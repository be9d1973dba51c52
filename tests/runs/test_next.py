"""The next state: a network learns rules of life courses that Markov chains cannot represent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pytest
from tests.support.next_states import ROUNDS, TIMES, life_courses, recipe

import duree
from duree.baselines import boosted, hidden_markov
from duree.errors import DataError, DureeError, RecipeError, RunError
from duree.evaluation.next_metrics import NEXT
from duree.pipeline.compare import compare_runs
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.pipeline.typology import embed_rows
from duree.recipe.recipe import Recipe
from duree.serving.export import export
from duree.serving.service import create_service
from duree.tables.files.write import write_table
from duree.workflow import evaluate, explain_all, explain_row, fit, predict, resume


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "lives.csv"
    write_table(life_courses(240), path)
    return path


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(recipe(table), tmp_path_factory.mktemp("runs") / "next")


def test_dependence_on_duration_and_on_covariates_is_learned(run: Run) -> None:
    models = run.read_json("metrics.json")["models"]
    chains = {"last_state", "majority", "markov", "markov_2", "markov_by_time", "hidden_markov"}
    assert set(models) == {"network", "logistic", "random_forest", "boosted_trees", *chains}
    for name in chains:
        assert models["network"]["bits"]["high"] < models[name]["bits"]["low"], name
    assert models["network"]["change_accuracy"]["value"] > 0.6
    # No chain of order 1 can know when a state ends.
    assert models["markov"]["change_accuracy"]["value"] < 0.1
    assert run.read_json("metrics.json")["claim"] is not None


def test_figures_are_those_of_the_predictions_of_each_step(run: Run, table: Path) -> None:
    metrics = run.read_json("metrics.json")
    predictions = pl.read_parquet(run.folder / "predictions.parquet")
    given = pl.read_csv(table)
    tested = given[run.read_json("split.json")["test"]]
    assert (
        predictions["id"].to_list() == np.repeat(tested["id"].to_numpy(), len(TIMES) - 1).tolist()
    )
    assert predictions["step"].to_list() == [*range(2, 17)] * len(tested)
    grid = tested.select(TIMES).to_numpy()
    assert predictions["states"].to_list() == grid[:, 1:].ravel().tolist()
    assert predictions["before"].to_list() == grid[:, :-1].ravel().tolist()
    states = ["b", "a", "c", "(unseen)"]
    assert [f"probability_{state}" for state in sorted(states)] == sorted(
        name for name in predictions.columns if name.startswith("probability_")
    )
    shares = predictions.select(f"probability_{state}" for state in states).to_numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    targets = np.array(
        [
            [states.index(predictions[name][row]) for name in ("states", "before")]
            for row in range(len(predictions))
        ]
    )
    found = NEXT.values(shares, targets)
    assert found["bits"] == pytest.approx(metrics["models"]["network"]["bits"]["value"])
    assert found["accuracy"] == pytest.approx(metrics["models"]["network"]["accuracy"]["value"])
    assert [states[best] for best in shares.argmax(axis=1)] == predictions["prediction"].to_list()
    assert metrics["counted"] == "steps"
    baselines = pl.read_parquet(run.folder / "baselines.parquet")
    assert baselines.height == predictions.height * (len(metrics["models"]) - 1)


def test_long_range_figures_use_the_names_of_time_points(run: Run) -> None:
    further = run.read_json("simulation.json")
    assert (further["rows"], further["times"], further["last"]) == (48, 16, "t16")
    assert [(one["steps"], one["ahead"], one["seen"]) for one in further["origins"]] == [
        (5, 11, "t05"),
        (8, 8, "t08"),
        (11, 5, "t11"),
        (13, 3, "t13"),
    ]
    for origin in further["origins"]:
        assert set(origin["models"]) == {"network", "last_state", "majority"}
        for figure in origin["models"].values():
            assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
    nearest = further["origins"][-1]["models"]
    assert nearest["network"]["value"] > nearest["last_state"]["value"]


def test_predict_gives_each_row_the_state_after_its_last(
    run: Run, table: Path, tmp_path: Path
) -> None:
    tested = pl.read_csv(table)[run.read_json("split.json")["test"]]
    cut = tested.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in TIMES[9:])
    write_table(cut, tmp_path / "cut.csv")
    predict(run.folder, tmp_path / "cut.csv", tmp_path / "out.parquet")
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert found.columns[: cut.width] == cut.columns
    predictions = pl.read_parquet(run.folder / "predictions.parquet").filter(pl.col("step") == 10)
    assert found["prediction"].to_list() == predictions["prediction"].to_list()
    np.testing.assert_allclose(found["probability_a"], predictions["probability_a"], atol=1e-6)


def test_after_the_last_time_point_of_training_it_still_knows_what_follows(
    run: Run, table: Path, tmp_path: Path
) -> None:
    """No network has read the last time point: it counts as the one before."""
    predict(run.folder, table, tmp_path / "out.parquet")
    found = pl.read_parquet(tmp_path / "out.parquet")
    went_on = right = 0
    for row in found.iter_rows(named=True):
        course = [row[name] for name in TIMES]
        lasted = next(n for n in range(1, 17) if course[-n - 1] != course[-1])
        round_of = ROUNDS[row["trained"]]
        after = round_of[(round_of.index(course[-1]) + (lasted == 4)) % 3]
        went_on += 1
        right += after == row["prediction"]
    assert right / went_on > 0.85


def test_evaluate_gives_the_same_figures_on_the_same_rows(
    run: Run, table: Path, tmp_path: Path
) -> None:
    tested = pl.read_csv(table)[run.read_json("split.json")["test"]]
    write_table(tested, tmp_path / "tested.csv")
    found = evaluate(run.folder, tmp_path / "tested.csv")
    wanted = run.read_json("metrics.json")["models"]["network"]
    assert found["bits"]["value"] == pytest.approx(wanted["bits"]["value"], abs=1e-6)
    assert found["bits"]["low"] == pytest.approx(wanted["bits"]["low"], abs=0.02)


class Interrupting:
    """Interrupts training at the start of the epoch after so many."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def training(self, seed: int, watched: str) -> Interrupting:
        return self

    def epoch(self, record: dict[str, object]) -> None:
        self.left -= 1

    def step(self, *arguments: object) -> None:
        if not self.left:
            raise KeyboardInterrupt

    def start(self, *arguments: object) -> None: ...

    def message(self, message: str) -> None: ...

    def should_stop(self) -> bool:
        return False

    def end(self) -> None: ...


def test_a_stopped_run_ends_with_the_very_same_weights(table: Path, tmp_path: Path) -> None:
    chosen = recipe(table, training__epochs=4, evaluation__baselines=False)
    whole = fit(chosen, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(chosen, tmp_path / "stopped", Interrupting(2))
    assert not (tmp_path / "stopped" / "model").exists()
    resumed = resume(tmp_path / "stopped")
    weights = [TrainedModel.of_run(one).network.state_dict() for one in (whole, resumed)]
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[0])
    frames = [pl.read_parquet(one.folder / "predictions.parquet") for one in (whole, resumed)]
    assert frames[0].equals(frames[1])


def test_several_seeds_without_baselines(table: Path, tmp_path: Path) -> None:
    chosen = recipe(table, training__epochs=2, evaluation__baselines=False, evaluation__seeds=2)
    found = fit(chosen, tmp_path / "run")
    metrics = found.read_json("metrics.json")
    assert set(metrics["models"]) == {"network"}
    assert len(metrics["seeds"]["values"]["bits"]) == 2
    assert found.has("report.html")


def long_form(wide: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same life courses with a row for each spell, and with a row for each event."""
    rows = []
    for life in wide.iter_rows(named=True):
        course = [life[name] for name in TIMES]
        cuts = [at for at in range(1, 16) if course[at] != course[at - 1]]
        for begin, end in zip([0, *cuts], [*cuts, 16], strict=True):
            rows.append((life["id"], course[begin], begin + 1, end, life["trained"]))
    names = ["id", "status", "from", "to", "trained"]
    spells = pl.DataFrame(rows, schema=names, orient="row")
    return spells, spells.select(
        "id", "trained", pl.col("status").alias("did"), pl.col("from").alias("at")
    )


def test_spells_are_the_same_question_and_events_one_without_time_points(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only Markov chains are compared: the slow baselines try fewer settings.
    monkeypatch.setattr(hidden_markov, "HIDDEN", hidden_markov.HIDDEN[:1])
    monkeypatch.setattr(boosted, "ROUNDS", boosted.ROUNDS[:2])
    spells, events = long_form(life_courses(240))
    write_table(spells, tmp_path / "spells.csv")
    write_table(events, tmp_path / "events.csv")
    own = {"training__epochs": 12, "data__states": ()}
    of_spells = fit(
        recipe(
            table,
            **own,
            data__files=(str(tmp_path / "spells.csv"),),
            data__state="status",
            data__start="from",
            data__end="to",
        ),
        tmp_path / "of_spells",
    )
    figures = of_spells.read_json("metrics.json")["models"]
    assert figures["network"]["bits"]["value"] < figures["markov"]["bits"]["value"]
    assert figures["markov"]["bits"]["value"] == pytest.approx(
        run.read_json("metrics.json")["models"]["markov"]["bits"]["value"], abs=0.05
    )
    assert of_spells.read_json("simulation.json")["times"] == 16
    of_events = fit(
        recipe(
            table,
            **own,
            data__files=(str(tmp_path / "events.csv"),),
            data__event=("did",),
            data__time="at",
        ),
        tmp_path / "of_events",
    )
    metrics = of_events.read_json("metrics.json")
    # The previous event and the covariate determine the next event.
    assert metrics["models"]["network"]["accuracy"]["value"] > 0.85
    assert metrics["models"]["markov"]["accuracy"]["value"] < 0.7
    assert "markov_by_time" not in metrics["models"]
    assert not of_events.has("simulation.json")
    for found, file in ((of_spells, "spells.csv"), (of_events, "events.csv")):
        predict(found.folder, tmp_path / file, tmp_path / "out.csv")
        assert pl.read_csv(tmp_path / "out.csv").height == 240
        assert evaluate(found.folder, tmp_path / file)["bits"]["value"] < 1.0


def test_a_state_that_training_never_saw_is_counted_as_unseen_and_reported(
    table: Path, tmp_path: Path
) -> None:
    strange = life_courses(30, seed=5).with_columns(pl.lit("retired").alias("t09"))
    write_table(strange, tmp_path / "test.csv")
    file = str(tmp_path / "test.csv")
    chosen = recipe(table, training__epochs=2, data__test_file=file, evaluation__baselines=False)
    found = fit(chosen, tmp_path / "run")
    checks = {check["check"]: check for check in found.read_json("checks.json")}
    assert "retired" in checks["unseen_states"]["values"]["listed"]
    predictions = pl.read_parquet(found.folder / "predictions.parquet").filter(pl.col("step") == 9)
    assert predictions["states"].unique().to_list() == ["retired"]
    assert (predictions["probability_(unseen)"] < 0.2).all()
    bits = found.read_json("metrics.json")["models"]["network"]["bits"]["value"]
    assert np.isfinite(bits)


def bad(table: Path, **data: object) -> dict[str, object]:
    return {"task": "next", "data": {"files": [str(table)], "id": "id"} | data}


@pytest.mark.parametrize(
    ("data", "model", "error", "message"),
    [
        ({"text": "trained"}, {}, RecipeError, "none are named"),
        (
            {"states": ["t01:t16"], "target": "trained"},
            {},
            RecipeError,
            "'trained' is named as target",
        ),
        ({"states": ["t01:t16"]}, {"bidirectional": True}, RecipeError, "reads from both ends"),
        ({"states": ["t01"]}, {}, DataError, "nothing follows anything"),
        ({"states": ["t01:t16"], "covariate": ["sex"]}, {}, DataError, "no column 'sex'"),
        (
            {"states": ["t01:t16"], "covariate": ["t16"]},
            {},
            DataError,
            "is both the state and a covariate",
        ),
        (
            {"states": ["t01:t15"], "covariate": ["id"]},
            {},
            DataError,
            "is both the id and a covariate",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_and_leaves_no_run(
    table: Path, tmp_path: Path, data: dict, model: dict, error: type[DureeError], message: str
) -> None:
    with pytest.raises(error, match=message) as refused:
        fit(Recipe.build(bad(table, **data) | {"model": model}), tmp_path / "run")
    assert ";" in refused.value.message()  # what to do
    assert not (tmp_path / "run").exists()


def test_a_covariate_that_is_missing_or_has_another_name_is_reported(
    run: Run, tmp_path: Path
) -> None:
    write_table(life_courses(20).rename({"trained": "Trained"}), tmp_path / "new.csv")
    for ask in (
        lambda: predict(run.folder, tmp_path / "new.csv", tmp_path / "out.csv"),
        lambda: evaluate(run.folder, tmp_path / "new.csv"),
    ):
        with pytest.raises(DataError, match=r"no column 'trained'.*did you mean 'Trained'"):
            ask()


def test_a_covariate_whose_value_nobody_had_is_read_as_unknown(run: Run, tmp_path: Path) -> None:
    strange = life_courses(20).with_columns(pl.Series("trained", ["perhaps", None] * 10))
    write_table(strange, tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "out.csv")
    found = pl.read_csv(tmp_path / "out.csv")
    assert found["prediction"].is_in(["a", "b", "c"]).all()


def test_what_is_made_for_one_answer_a_row_is_refused(
    run: Run, table: Path, tmp_path: Path
) -> None:
    for ask in (
        lambda: export(run.folder, tmp_path / "model.onnx"),
        lambda: explain_row(run.folder, table, 1),
        lambda: explain_all(run.folder, table),
        lambda: duree.load(run.folder),
    ):
        with pytest.raises(RunError, match=r"next|at each step") as refused:
            ask()
        assert ";" in refused.value.message()
    assert not list(tmp_path.iterdir())
    assert compare_runs(run, run) is None


def test_embed_gives_each_sequence_a_vector(run: Run, table: Path, tmp_path: Path) -> None:
    embed_rows(run.folder, table, tmp_path / "vectors.parquet", 2)
    found = pl.read_parquet(tmp_path / "vectors.parquet")
    assert found["id"].to_list() == pl.read_csv(table)["id"].to_list()
    assert np.isfinite(found.select("^v\\d+$").to_numpy()).all()
    assert set(found["type"]) == {1, 2}


def test_the_service_predicts_what_comes_after_the_last_step(
    run: Run, table: Path, tmp_path: Path
) -> None:
    app, rows = create_service([run.folder]), pl.read_csv(table)[:4].to_dicts()
    rows[1] |= dict.fromkeys(TIMES[7:], None)

    async def ask(path: str, body: dict[str, object]) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
        ):
            return await client.post(path, json=body)

    predictions = asyncio.run(ask("/predict", {"rows": rows})).json()["predictions"]
    write_table(pl.DataFrame(rows), tmp_path / "rows.csv")
    predict(run.folder, tmp_path / "rows.csv", tmp_path / "out.csv")
    wanted = pl.read_csv(tmp_path / "out.csv")
    assert [one["prediction"] for one in predictions] == wanted["prediction"].to_list()
    np.testing.assert_allclose(
        [one["probability"]["a"] for one in predictions], wanted["probability_a"], atol=1e-6
    )
    refused = asyncio.run(ask("/explain", {"row": rows[0]}))
    assert refused.status_code == 422
    assert "not explained" in refused.json()["detail"]
