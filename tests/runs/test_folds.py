"""Out-of-fold predictions: rows that trained a run are predicted by networks that they did not."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.support.commands import call
from tests.support.letters import letters, recipe_alone
from tests.support.life_courses import life_courses

from duree.errors import DataError, RunError
from duree.inference.provenance import read_provenance
from duree.pipeline.run import Run
from duree.workflow import fit, predict, train_folds


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("letters") / "letters.csv"
    letters(160).write_csv(path)
    return path


@pytest.fixture(scope="module")
def run(table: Path) -> Run:
    return fit(recipe_alone(table, data__group="author"), table.parent / "run")


@pytest.fixture(scope="module")
def predicted(run: Run, table: Path) -> pl.DataFrame:
    """The run's own table with out-of-fold predictions, by 3 folds."""
    predict(run.folder, table, table.parent / "out.parquet", folds=3)
    return pl.read_parquet(table.parent / "out.parquet")


def rows_of(run: Run, *parts: str) -> list[int]:
    split = run.read_json("split.json")
    return sorted(row for part in parts for row in split[part])


class Heard:
    """A listener that keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def step(self, name: str) -> None: ...

    def message(self, message: str) -> None:
        self.messages.append(message)

    def training(self, seed: int, watched: str) -> None: ...


def test_every_row_that_trained_the_run_is_in_one_fold_and_the_others_in_none(
    run: Run, predicted: pl.DataFrame
) -> None:
    inside = predicted.with_row_index("row").filter(pl.col("fold").is_not_null())
    assert inside["row"].to_list() == rows_of(run, "train", "validation")
    counts = inside["fold"].value_counts().sort("fold")
    assert counts["fold"].to_list() == [1, 2, 3]
    assert min(counts["count"]) >= len(inside) / 3 - 10


def test_a_row_is_predicted_by_the_network_of_its_fold_which_never_saw_it(
    run: Run, predicted: pl.DataFrame, table: Path, tmp_path: Path
) -> None:
    for fold in (1, 2, 3):
        of_fold = Run(run.folder / "folds/3" / str(fold))
        rows = predicted.with_row_index("row").filter(pl.col("fold") == fold)
        assert rows["row"].to_list() == rows_of(of_fold, "test")
        assert not set(rows["row"]) & set(rows_of(of_fold, "train", "validation"))
        assert not set(rows_of(run, "test")) & set(rows_of(of_fold, "train", "validation", "test"))
        predict(of_fold.folder, table, tmp_path / "fold.parquet")
        alone = pl.read_parquet(tmp_path / "fold.parquet")[rows["row"]]
        assert alone["probability_good"].to_list() == rows["probability_good"].to_list()


def test_rows_that_did_not_train_the_run_are_predicted_by_the_run(
    run: Run, predicted: pl.DataFrame, table: Path, tmp_path: Path
) -> None:
    predict(run.folder, table, tmp_path / "own.parquet")
    own, test = pl.read_parquet(tmp_path / "own.parquet"), rows_of(run, "test")
    assert own[test].equals(predicted[test].drop("fold"))
    others = rows_of(run, "train")
    assert own[others]["probability_good"].to_list() != (
        predicted[others]["probability_good"].to_list()
    )
    assert own.columns == predicted.columns[:-1]


def test_a_group_is_in_one_fold_and_on_one_side_of_its_networks_split(
    run: Run, predicted: pl.DataFrame
) -> None:
    folds = predicted.drop_nulls("fold").group_by("author").agg(pl.col("fold").n_unique())
    assert folds["fold"].to_list() == [1] * len(folds)
    authors = predicted["author"]
    for fold in (1, 2, 3):
        of_fold = Run(run.folder / "folds/3" / str(fold))
        train, validation = (
            set(authors.gather(rows_of(of_fold, part))) for part in ("train", "validation")
        )
        assert not train & validation


def test_the_file_beside_the_predictions_says_that_they_are_out_of_fold(
    run: Run, predicted: pl.DataFrame, table: Path
) -> None:
    found = read_provenance(table.parent / "out.parquet")
    assert found is not None
    assert (found.out_of_fold, found.folds) == (True, 3)
    trained = found.trained(predicted)
    assert trained is not None
    assert np.array_equal(trained, predicted["fold"].is_not_null().to_numpy())


def test_networks_that_are_there_are_not_trained_again(
    run: Run, predicted: pl.DataFrame, table: Path, tmp_path: Path
) -> None:
    heard, weights = Heard(), run.folder / "folds/3/2/model/weights.safetensors"
    before = weights.stat().st_mtime_ns
    predict(run.folder, table, tmp_path / "again.parquet", folds=3, listener=heard)
    assert heard.messages == []
    assert weights.stat().st_mtime_ns == before
    assert pl.read_parquet(tmp_path / "again.parquet").equals(predicted)


def test_a_fold_that_is_missing_is_trained_again_with_the_same_result(
    run: Run, predicted: pl.DataFrame, table: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(run.folder, tmp_path / "run")
    shutil.rmtree(copy / "folds/3/2")
    heard = Heard()
    predict(copy, table, tmp_path / "out.parquet", folds=3, listener=heard)
    assert heard.messages[0].startswith("networks to train: 1, one for each fold; about ")
    assert heard.messages[1:] == ["fold 2 of 3"]
    assert pl.read_parquet(tmp_path / "out.parquet").equals(predicted)


def test_folds_that_are_killed_while_training_go_on_and_end_the_same(
    run: Run, predicted: pl.DataFrame, table: Path, tmp_path: Path
) -> None:
    copy, out = tmp_path / "run", tmp_path / "out.parquet"
    shutil.copytree(run.folder, copy, ignore=shutil.ignore_patterns("folds"))
    words = ["predict", str(copy), str(table), "-o", str(out), "--folds", "3"]
    begun = subprocess.Popen([sys.executable, "-m", "duree", *words], stderr=subprocess.DEVNULL)
    while not (copy / "folds/3/2/recipe.toml").exists():
        assert begun.poll() is None
        time.sleep(0.002)
    begun.send_signal(signal.SIGKILL)
    assert begun.wait() == -signal.SIGKILL
    assert not out.exists()
    assert (copy / "folds/3/1/model").exists()
    assert not (copy / "folds/3/3/model").exists()
    assert call(*words) == 0
    assert pl.read_parquet(out).equals(predicted)


def test_the_same_text_in_another_table_is_predicted_by_the_network_of_its_fold(
    run: Run, predicted: pl.DataFrame, tmp_path: Path
) -> None:
    known = predicted.drop_nulls("fold").head(5)
    new = letters(5, seed=9).with_columns(author=pl.lit("A0"))
    frame = pl.concat([new, known.select(new.columns)]).drop("author", "tone")
    frame.write_csv(tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "out.parquet", folds=3)
    out = pl.read_parquet(tmp_path / "out.parquet")
    assert out["fold"].to_list() == [None] * 5 + known["fold"].to_list()
    assert out["probability_good"].to_list()[5:] == pytest.approx(
        known["probability_good"].to_list(), abs=1e-6
    )


def test_the_command_says_how_long_it_will_take(
    run: Run, table: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run.folder, copy, ignore=shutil.ignore_patterns("folds"))
    assert call("predict", copy, table, "-o", tmp_path / "out.csv", "--folds", 2) == 0
    printed = capfd.readouterr()
    assert printed.out == ""
    assert re.search(r"networks to train: 2, one for each fold; about \d+ s in all", printed.err)
    assert f"{tmp_path / 'out.csv'} written: 160 rows" in printed.err
    assert "trained the network" not in printed.err


@pytest.mark.parametrize("column", ["fold", "prediction"])
def test_a_table_that_cannot_be_predicted_is_refused_before_training(
    run: Run, tmp_path: Path, column: str
) -> None:
    letters(5).with_columns(pl.lit("1").alias(column)).write_csv(tmp_path / "new.csv")
    with pytest.raises(DataError, match=f"already has a column '{column}'"):
        predict(run.folder, tmp_path / "new.csv", tmp_path / "out.csv", folds=4)
    assert not (run.folder / "folds/4").exists()


def test_a_table_that_changed_since_the_run_is_refused(
    run: Run, table: Path, tmp_path: Path
) -> None:
    content = table.read_bytes()
    try:
        table.write_bytes(content.replace(b"good", b"bad", 1))
        with pytest.raises(RunError, match="has changed since the run began"):
            train_folds(run, 4)
    finally:
        table.write_bytes(content)


def test_an_altered_fold_is_refused(run: Run, predicted: pl.DataFrame, tmp_path: Path) -> None:
    copy = shutil.copytree(run.folder, tmp_path / "run")
    shutil.rmtree(copy / "folds/3/1/model")
    split = json.loads((copy / "folds/3/2/split.json").read_text())
    (copy / "folds/3/1/split.json").write_text(json.dumps(split))
    with pytest.raises(RunError, match="holds the network of another fold"):
        train_folds(Run(copy), 3)
    (copy / "folds/3/rows.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunError, match=r"rows.parquet cannot be read"):
        train_folds(Run(copy), 3)


def test_more_folds_than_groups_are_refused(run: Run) -> None:
    with pytest.raises(DataError, match="too few, or too closely tied by group"):
        train_folds(run, 40)


def test_a_class_that_is_too_rare_for_folds_is_named(tmp_path: Path) -> None:
    frame = letters(80).with_row_index("n")
    rare = frame.with_columns(tone=pl.when(pl.col("n") < 6).then(pl.lit("odd")).otherwise("tone"))
    rare.drop("n").write_csv(tmp_path / "rare.csv")
    run = fit(recipe_alone(tmp_path / "rare.csv", training__epochs=1), tmp_path / "run")
    with pytest.raises(DataError, match="fewer than 2 rows of 'odd' for training or validation"):
        train_folds(run, 2)


def test_equal_state_sequences_are_in_one_fold(tmp_path: Path) -> None:
    courses = life_courses(60)
    pl.concat([courses, courses]).write_csv(tmp_path / "courses.csv")
    recipe = recipe_alone(
        tmp_path / "courses.csv",
        data__text=None,
        data__states=["m01:m12"],
        data__target="pay",
        training__epochs=1,
    )
    run = fit(recipe, tmp_path / "run")
    predict(run.folder, tmp_path / "courses.csv", tmp_path / "out.parquet", folds=2)
    out = pl.read_parquet(tmp_path / "out.parquet")
    months = [name for name in out.columns if name.startswith("m")]
    trained = set(rows_of(run, "train", "validation"))
    assert set(out.with_row_index("row").drop_nulls("fold")["row"]) >= trained
    folds = out.drop_nulls("fold").group_by(months).agg(pl.col("fold").n_unique())
    assert set(folds["fold"]) == {1}


def test_forecasts_have_no_folds(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    years = pl.DataFrame({"year": range(1900, 1960), "strikes": [10 + n % 7 for n in range(60)]})
    years.write_csv(tmp_path / "years.csv")
    words = ["--series=strikes", "--time=year", "--horizon=2", "--epochs=1", "--no-baselines"]
    out = tmp_path / "run"
    assert call("fit", tmp_path / "years.csv", *words, f"--out={out}", "--set=bootstrap=100") == 0
    assert call("predict", out, tmp_path / "years.csv", "-o", tmp_path / "o.csv", "--folds=2") == 2
    assert "out-of-fold predictions are for networks with one prediction for each row" in (
        capfd.readouterr().err
    )
