"""The whole workflow: from a table to an evaluated network, with nothing lost on the way."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.support.letters import letters, recipe, recipe_alone

from duree.errors import DataError, RecipeError, RunError
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.report.pages import report
from duree.report.run_folder import RunFolder
from duree.tables.files.write import write_table
from duree.workflow import evaluate, fit, predict, resume


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "letters.csv"
    write_table(letters(400), path)
    return path


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(recipe(table), tmp_path_factory.mktemp("runs") / "run")


def test_a_run_holds_every_file_of_the_contract(run: Run) -> None:
    names = {path.name for path in run.folder.iterdir()}
    assert names >= {
        "recipe.toml",
        "metrics.json",
        "history.jsonl",
        "predictions.parquet",
        "report.html",
        "model",
        "log.txt",
    }
    assert "checkpoint" not in names


def test_metrics_hold_what_other_programs_rely_on(run: Run) -> None:
    metrics = run.read_json("metrics.json")
    assert metrics["task"] == "classify"
    assert metrics["rows"]["train"] + metrics["rows"]["validation"] + metrics["rows"]["test"] == 400
    assert set(metrics["seconds"]) == {
        "read", "encode", "train", "baselines", "evaluate", "explain", "total",
    }  # fmt: skip
    assert {"network", "majority", "tfidf_logistic", "nb_svm", "random_forest"} <= set(
        metrics["models"]
    )
    accuracy = metrics["models"]["network"]["accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert metrics["models"]["network"]["fit_seconds"] > 0
    assert {"model", "metric", "difference", "low", "high", "p_value", "method"} <= set(
        metrics["comparisons"][0]
    )
    assert metrics["verdict_baseline"] in metrics["models"]
    assert metrics["verdict"].endswith(".")


def test_the_test_set_is_opened_once(run: Run) -> None:
    assert len(run.read_json("metrics.json")["test_openings"]) == 1


def test_the_three_sets_share_no_row(run: Run) -> None:
    split = run.read_json("split.json")
    parts = [set(split[part]) for part in ("train", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 400


def test_history_has_one_line_for_each_epoch(run: Run) -> None:
    lines = (run.folder / "history.jsonl").read_text().splitlines()
    epochs = [json.loads(line) for line in lines]
    assert [epoch["epoch"] for epoch in epochs] == [1, 2]
    assert [epoch.get("ended") for epoch in epochs] == [None, "epochs"]


def test_the_verdict_says_whether_training_ended_too_early(run: Run) -> None:
    verdict = run.read_json("metrics.json")["verdict"]
    before, last = RunFolder(run.folder).history()
    assert last.ended == "epochs"
    assert ("still improving" in verdict) == (last.metric > before.metric)


def test_figures_are_those_of_the_written_predictions(run: Run) -> None:
    predictions = pl.read_parquet(run.folder / "predictions.parquet")
    accuracy = (predictions["tone"] == predictions["prediction"]).mean()
    written = run.read_json("metrics.json")["models"]["network"]["accuracy"]["value"]
    assert accuracy == pytest.approx(written)
    probabilities = predictions.select("probability_bad", "probability_good").sum_horizontal()
    assert probabilities.to_numpy() == pytest.approx(np.ones(len(predictions)))


def test_the_same_recipe_twice_gives_the_same_predictions_to_the_bit(
    run: Run, table: Path, tmp_path: Path
) -> None:
    again = fit(recipe(table, evaluation__baselines=False), tmp_path / "again")
    frames = [pl.read_parquet(r.folder / "predictions.parquet") for r in (run, again)]
    assert frames[0].equals(frames[1])


def test_the_recipe_of_a_run_repeats_it(run: Run) -> None:
    assert Recipe.read(run.folder / "recipe.toml") == run.recipe


def test_another_seed_gives_another_network(run: Run, table: Path, tmp_path: Path) -> None:
    other = fit(recipe(table, seed=1, evaluation__baselines=False), tmp_path / "other")
    weights = [TrainedModel.load(r.folder / "model").network.state_dict() for r in (run, other)]
    assert any(
        weights[0][name].shape != weights[1][name].shape
        or not np.array_equal(weights[0][name], weights[1][name])
        for name in weights[0]
    )


class Listening:
    """A listener that keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def step(self, name: str) -> None: ...

    def message(self, message: str) -> None:
        self.messages.append(message)

    def training(self, seed: int, watched: str) -> None: ...


def test_an_interrupted_run_ends_as_if_it_had_not_been(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupting(Listening):
        def step(self, name: str) -> None:
            if name == "baselines":
                raise KeyboardInterrupt

    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        fit(recipe(table), folder, Interrupting())
    assert not (folder / "metrics.json").exists()
    monkeypatch.setenv("DUREE_LANG", "zh")
    listening = Listening()
    resumed = resume(folder, listening)
    told = [re.sub(r"\d+", "0", message) for message in listening.messages]
    assert "多数类：0 秒" in told, "baselines are called by their titles"
    frames = [pl.read_parquet(r.folder / "predictions.parquet") for r in (run, resumed)]
    assert frames[0].equals(frames[1])
    assert len(resumed.read_json("metrics.json")["test_openings"]) == 1


def test_resuming_with_changed_data_is_refused(tmp_path: Path) -> None:
    class Interrupting:
        def step(self, name: str) -> None:
            if name == "train":
                raise KeyboardInterrupt

        def message(self, message: str) -> None: ...

        def training(self, seed: int, watched: str) -> None: ...

    path = tmp_path / "letters.csv"
    write_table(letters(100), path)
    with pytest.raises(KeyboardInterrupt):
        fit(recipe(path), tmp_path / "run", Interrupting())
    write_table(letters(100, seed=1), path)
    with pytest.raises(RunError, match="has changed since the run began"):
        resume(tmp_path / "run")


def test_resuming_a_finished_run_changes_nothing(run: Run) -> None:
    before = (run.folder / "metrics.json").read_bytes()
    listening = Listening()
    resume(run.folder, listening)
    assert listening.messages == [f"{run.folder} is finished: nothing is left to do"]
    assert (run.folder / "metrics.json").read_bytes() == before


def test_what_a_run_that_was_killed_at_its_very_end_left_is_removed(run: Run) -> None:
    (run.folder / "checkpoint" / "0").mkdir(parents=True)
    resume(run.folder)
    assert not run.has("checkpoint")


def test_a_report_that_fails_loses_nothing_and_is_written_later(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "render", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError) as failed:
        fit(recipe_alone(table, training__epochs=1), tmp_path / "run")
    (note,) = failed.value.__notes__
    assert note == (
        "the network and its results are saved; write the report with: "
        f"duree report {tmp_path / 'run'}"
    )
    monkeypatch.undo()
    assert report.write_report(tmp_path / "run").is_file()


def test_a_step_that_fails_says_that_the_steps_before_it_are_saved(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    class Filling(Listening):
        def step(self, name: str) -> None:
            if name == "encode":
                monkeypatch.setattr("duree.storage.os.fsync", full)

    with pytest.raises(RunError, match="No space left on device") as failed:
        fit(recipe_alone(table, training__epochs=1), tmp_path / "run", Filling())
    assert failed.value.__notes__ == [
        f"what was done is saved; continue with: duree resume {tmp_path / 'run'}"
    ]
    monkeypatch.undo()
    assert resume(tmp_path / "run").has("report.html")


def test_an_error_that_is_not_the_disk_s_is_not_reported_as_one(
    table: Path, tmp_path: Path
) -> None:
    class Failing(Listening):
        def step(self, name: str) -> None:
            raise FileNotFoundError("a font")

    with pytest.raises(FileNotFoundError, match="a font"):
        fit(recipe_alone(table), tmp_path / "run", Failing())


def test_a_run_folder_that_holds_something_is_not_overwritten(run: Run, table: Path) -> None:
    with pytest.raises(RunError, match="exists already"):
        fit(recipe(table), run.folder)


def test_predict_keeps_every_column_and_the_order_of_rows(run: Run, tmp_path: Path) -> None:
    new = letters(30, seed=5).select("tone", "letter", "id")
    write_table(new, tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "predicted.csv")
    found = pl.read_csv(tmp_path / "predicted.csv", infer_schema=False)
    assert found.columns == [
        "tone", "letter", "id", "prediction", "probability_bad", "probability_good",
    ]  # fmt: skip
    assert found.select(new.columns).equals(new)


def test_predict_gives_the_test_rows_what_the_run_gave_them(run: Run, tmp_path: Path) -> None:
    predictions = pl.read_parquet(run.folder / "predictions.parquet")
    write_table(predictions.select("letter"), tmp_path / "same.parquet")
    predict(run.folder, tmp_path / "same.parquet", tmp_path / "again.parquet")
    again = pl.read_parquet(tmp_path / "again.parquet")
    assert again["probability_good"].to_numpy() == pytest.approx(
        predictions["probability_good"].to_numpy(), abs=1e-6
    )


def test_predict_without_the_text_column_names_the_nearest(run: Run, tmp_path: Path) -> None:
    write_table(pl.DataFrame({"letters": ["a b"]}), tmp_path / "new.csv")
    with pytest.raises(DataError, match=r"letter.*letters"):
        predict(run.folder, tmp_path / "new.csv", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_column_called_prediction_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    write_table(pl.DataFrame({"letter": ["a b"], "prediction": ["x"]}), tmp_path / "new.csv")
    with pytest.raises(DataError, match="rename that column"):
        predict(run.folder, tmp_path / "new.csv", tmp_path / "out.csv")


def test_an_empty_text_is_predicted_like_any_row(run: Run, tmp_path: Path) -> None:
    write_table(pl.DataFrame({"letter": ["", "   ", "glad"]}), tmp_path / "new.parquet")
    predict(run.folder, tmp_path / "new.parquet", tmp_path / "out.parquet")
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert found["probability_good"].is_between(0, 1).all()
    assert found["probability_good"][0] == found["probability_good"][1]


def test_evaluate_works_on_other_rows(run: Run, tmp_path: Path) -> None:
    write_table(letters(50, seed=9), tmp_path / "other.csv")
    figures = evaluate(run.folder, tmp_path / "other.csv")
    assert figures["accuracy"]["low"] <= figures["accuracy"]["value"] <= 1.0


def test_evaluate_takes_rows_of_a_group_together(table: Path, tmp_path: Path) -> None:
    run = fit(recipe(table, data__group="author", evaluation__baselines=False), tmp_path / "run")
    frame = letters(100, seed=9).with_columns(author=pl.lit("A") + pl.col("tone"))
    write_table(frame, tmp_path / "two.csv")
    write_table(frame.drop("author"), tmp_path / "none.csv")
    two, none = (evaluate(run.folder, tmp_path / f"{name}.csv") for name in ("two", "none"))
    assert two["accuracy"]["value"] == none["accuracy"]["value"]
    # A hundred rows of two authors say less than a hundred rows by themselves.
    widths = [found["accuracy"]["high"] - found["accuracy"]["low"] for found in (two, none)]
    assert widths[0] > widths[1]


def test_a_class_that_training_never_saw_is_named(run: Run, tmp_path: Path) -> None:
    odd = letters(50, seed=9).with_columns(pl.lit("neutral").alias("tone"))
    write_table(odd, tmp_path / "odd.csv")
    with pytest.raises(DataError, match="'neutral', which the model was not trained on"):
        evaluate(run.folder, tmp_path / "odd.csv")


def test_a_missing_column_names_the_nearest(table: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"leter.*letter"):
        fit(recipe(table, data__text="leter"), tmp_path / "run")


def test_a_run_that_failed_to_start_does_not_block_the_next(table: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        fit(recipe(table, data__text="leter"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    fit(recipe(table, evaluation__baselines=False), tmp_path / "run")


def test_a_run_without_a_target_says_what_to_add(table: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--target"):
        fit(recipe(table, data__target=None), tmp_path / "run")


def test_rows_without_a_target_stop_the_run_or_are_left_out_and_reported(tmp_path: Path) -> None:
    some = letters(200).with_columns(
        pl.when(pl.col("id") == "007").then(None).otherwise(pl.col("tone")).alias("tone")
    )
    write_table(some, tmp_path / "some.csv")
    with pytest.raises(DataError, match="first at row 8"):
        fit(recipe(tmp_path / "some.csv"), tmp_path / "run1")
    run = fit(
        recipe(tmp_path / "some.csv", data__drop_bad=True, evaluation__baselines=False),
        tmp_path / "run2",
    )
    checks = {check["check"] for check in run.read_json("checks.json")}
    assert "missing_target" in checks
    assert sum(run.read_json("metrics.json")["rows"].values()) == 199


def test_a_quantity_is_regressed_with_an_interval_that_holds(table: Path, tmp_path: Path) -> None:
    run = fit(recipe(table, data__target="warmth"), tmp_path / "run")
    metrics = run.read_json("metrics.json")
    assert metrics["task"] == "regress"
    assert {"mae", "rmse", "r2", "spearman"} <= set(metrics["models"]["network"])
    assert {"network", "mean", "tfidf_ridge", "random_forest"} <= set(metrics["models"])
    found = pl.read_parquet(run.folder / "predictions.parquet")
    inside = found.select(pl.col("warmth").is_between(pl.col("low"), pl.col("high"))).to_series()
    # 80 test rows at 95 %: fewer than 85 % inside would happen about once in 10,000 times.
    assert inside.mean() > 0.85


def test_several_labels_in_one_cell_are_learned_each(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = ("war", "trade", "faith")
    marks = rng.integers(0, 2, (400, 3)).astype(bool)
    filler = [f"word{number}" for number in range(100)]
    frame = pl.DataFrame(
        {
            "text": [" ".join([*rng.choice(filler, 8), *np.array(labels)[row]]) for row in marks],
            "topics": ["; ".join(np.array(labels)[row]) for row in marks],
        }
    )
    write_table(frame, tmp_path / "topics.parquet")
    run = fit(
        recipe(
            tmp_path / "topics.parquet",
            data__text="text",
            data__target="topics",
            data__label_separator=";",
            training__epochs=8,
        ),
        tmp_path / "run",
    )
    metrics = run.read_json("metrics.json")
    assert metrics["task"] == "multilabel"
    assert metrics["models"]["network"]["micro_f1"]["value"] > 0.9
    found = pl.read_parquet(run.folder / "predictions.parquet")
    assert {"probability_war", "probability_trade", "probability_faith"} <= set(found.columns)


def test_a_given_test_file_is_the_test_part(table: Path, tmp_path: Path) -> None:
    # 30 rows of the test file stand in the training file as well.
    shared = pl.concat([letters(400).head(30), letters(90, seed=3)])
    write_table(shared, tmp_path / "test.csv")
    run = fit(
        recipe(table, data__test_file=str(tmp_path / "test.csv"), evaluation__baselines=False),
        tmp_path / "run",
    )
    metrics = run.read_json("metrics.json")
    assert metrics["rows"]["test"] == 120
    assert metrics["without_shared_rows"]["shared"] == 30
    assert metrics["without_shared_rows"]["rows"] == 90


def test_the_texts_that_were_cut_are_counted_in_the_report(table: Path, tmp_path: Path) -> None:
    cut = fit(recipe(table, text__max_length=18, evaluation__baselines=False), tmp_path / "cut")
    whole = fit(recipe(table, text__max_length=19, evaluation__baselines=False), tmp_path / "whole")
    sentence = "400 of 400 texts are longer than 18 units, and were cut"
    assert sentence in (cut.folder / "report.html").read_text(encoding="utf-8")
    assert "units, and were cut" not in (whole.folder / "report.html").read_text(encoding="utf-8")


def test_no_author_stands_in_two_parts(table: Path, tmp_path: Path) -> None:
    run = fit(recipe(table, data__group="author", evaluation__baselines=False), tmp_path / "run")
    split = run.read_json("split.json")
    authors = letters(400)["author"].to_numpy()
    parts = [set(authors[split[part]]) for part in ("train", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 20


def test_training_comes_before_the_test_in_time(table: Path, tmp_path: Path) -> None:
    run = fit(recipe(table, data__time="year", evaluation__baselines=False), tmp_path / "run")
    split = run.read_json("split.json")
    years = letters(400)["year"].cast(pl.Int64).to_numpy()
    assert years[split["train"]].max() < years[split["validation"]].min()
    assert years[split["validation"]].max() < years[split["test"]].min()


def test_several_seeds_are_trained_and_their_spread_is_reported(
    table: Path, tmp_path: Path
) -> None:
    run = fit(recipe(table, judging__seeds=3), tmp_path / "run")  # the name in 0.1.0
    metrics = run.read_json("metrics.json")
    assert len(metrics["seeds"]["values"]["accuracy"]) == 3
    assert {path.name for path in (run.folder / "seeds").iterdir()} == {"1", "2"}


def test_two_faults_in_a_recipe_are_reported_together() -> None:
    with pytest.raises(RecipeError, match=r"hiden_size.*model.hidden_size.*epochs = 0"):
        Recipe.build({"model": {"hiden_size": 3}, "training": {"epochs": 0}})


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duree.tables.files.stream.ROWS", 50)


@pytest.mark.usefixtures("small_pieces")
def test_a_prediction_that_was_stopped_goes_on_where_it_was(
    run: Run, table: Path, tmp_path: Path
) -> None:
    def stop(done: int, rows: int | None) -> None:
        if done >= 150:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict(run.folder, table, tmp_path / "out.csv", progress=stop)
    assert not (tmp_path / "out.csv").exists()
    reported: list[int] = []
    predict(
        run.folder, table, tmp_path / "out.csv", progress=lambda done, rows: reported.append(done)
    )
    assert reported == [200, 250, 300, 350, 400]
    predict(run.folder, table, tmp_path / "whole.csv")
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    both = ["out.csv", "out.csv.duree.json", "whole.csv", "whole.csv.duree.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == both


@pytest.mark.usefixtures("small_pieces")
def test_a_prediction_starts_again_where_the_table_has_changed(
    run: Run, table: Path, tmp_path: Path
) -> None:
    def stop(done: int, rows: int | None) -> None:
        raise KeyboardInterrupt

    (tmp_path / "new.csv").write_bytes(table.read_bytes())
    with pytest.raises(KeyboardInterrupt):
        predict(run.folder, tmp_path / "new.csv", tmp_path / "out.csv", progress=stop)
    write_table(letters(120, seed=9), tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "out.csv")
    assert len(pl.read_csv(tmp_path / "out.csv")) == 120


@pytest.mark.usefixtures("small_pieces")
def test_a_fault_late_in_the_table_leaves_what_was_there(
    run: Run, table: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.csv").write_text("older")
    (tmp_path / "bad.csv").write_bytes(table.read_bytes() + b"one cell too few\n")
    with pytest.raises(DataError, match="402"):
        predict(run.folder, tmp_path / "bad.csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "out.csv"]


def test_a_name_that_no_table_has_is_refused_before_any_work(
    run: Run, table: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"cannot be written as '\.docx'"):
        predict(run.folder, table, tmp_path / "out.docx", progress=lambda done, rows: 1 / 0)
