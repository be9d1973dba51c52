"""Labels in the forms in which programs write them: 1.0 for 1, lists, missing ones left out."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.support.commands import call

from duree.errors import DataError
from duree.pipeline.dataset import check_files, read_rows
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.recipe.settings import DataSettings
from duree.tasks import resolve
from duree.tasks.classify import Classify
from duree.workflow import evaluate, fit

TEXTS = [f"play number {n} was {('bad', 'good')[n % 2]}" for n in range(40)]
TINY = {
    "data.text": "text",
    "data.target": "label",
    "model.hidden_size": 2,
    "model.embedding_size": 2,
    "training.epochs": 1,
    "evaluation.baselines": False,
    "evaluation.bootstrap": 100,
}


def table(folder: Path, name: str, labels: list[object]) -> Path:
    path = folder / name
    lines = [f"{text},{label}" for text, label in zip(TEXTS, labels, strict=True)]
    path.write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same labels, in whole numbers and as pandas writes them where one is missing."""
    folder = tmp_path_factory.mktemp("data")
    floats = [f"{n % 2}.0" if n else "" for n in range(40)]
    return table(folder, "int.csv", [n % 2 for n in range(40)]), table(folder, "fl.csv", floats)


@pytest.fixture(scope="module")
def run(files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Run:
    recipe = Recipe().replace(TINY | {"data.files": (str(files[1]),), "data.drop_bad": True})
    return fit(recipe, tmp_path_factory.mktemp("runs") / "run")


def test_whole_numbers_that_were_written_as_floats_are_the_same_classes(
    run: Run, files: tuple[Path, Path]
) -> None:
    assert TrainedModel.of_run(run).task.classes == ("0", "1")
    assert evaluate(run.folder, files[0]).keys() == evaluate(run.folder, files[1]).keys()


def test_evaluation_leaves_out_rows_without_target_where_the_run_did(
    run: Run, files: tuple[Path, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    assert call("evaluate", run.folder, files[1]) == 0
    printed = capfd.readouterr()
    assert "1 rows without 'label' were left out: row 1 ..." in printed.err
    assert "accuracy" in printed.out


def test_evaluation_of_rows_without_target_is_refused_where_the_run_kept_all(
    run: Run, files: tuple[Path, Path]
) -> None:
    kept = run.recipe.replace({"data.drop_bad": False})
    run.decide(kept)
    try:
        with pytest.raises(DataError, match="1 rows have no 'label'; first at row 1"):
            evaluate(run.folder, files[1])
    finally:
        run.decide(kept.replace({"data.drop_bad": True}))


def test_classes_of_earlier_runs_that_end_in_point_zero_are_still_known() -> None:
    task = Classify(("0.0", "1.0"))
    assert task.encode(pl.Series("label", ["1", "0", "1"])).tolist() == [1, 0, 1]
    assert Classify(("0", "1.0", "a")).encode(pl.Series(["1", "a"])).tolist() == [1, 2]


LISTS = [["b"], ["a", "b"], [], ["a"]] * 10


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_a_column_of_lists_is_a_target_of_several_labels(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    frame = pl.DataFrame({"text": TEXTS, "label": LISTS})
    frame.write_parquet(path) if suffix == ".parquet" else frame.write_ndjson(path)
    recipe = resolve(Recipe().replace(TINY | {"data.files": (str(path),)}))
    dataset = read_rows(recipe)
    assert dataset.task.name == "multilabel"
    assert dataset.target.to_list()[:4] == ["b", "a;b", "", "a"]
    assert dataset.recipe.data.label_separator == ";"
    _, findings = check_files(recipe.data)
    assert "error" not in {finding.level for finding in findings}


def test_a_label_in_a_list_may_not_hold_the_separator(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": TEXTS, "label": [["a;b"], ["c"]] * 20})
    frame.write_parquet(tmp_path / "table.parquet")
    data = DataSettings(files=(str(tmp_path / "table.parquet"),), text="text", target="label")
    with pytest.raises(DataError, match="the label 'a;b' in the lists of 'label' holds the sep"):
        check_files(data)
    _, findings = check_files(data.model_copy(update={"label_separator": "|"}))
    assert "error" not in {finding.level for finding in findings}
