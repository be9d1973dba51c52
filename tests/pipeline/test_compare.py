"""Two runs are compared row by row, or not at all."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.support.letters import letters, recipe

from duree.errors import RunError
from duree.pipeline.compare import compare_runs
from duree.pipeline.run import Run
from duree.tables.files.write import write_table
from duree.workflow import fit


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "letters.csv"
    write_table(letters(300), path)
    return path


@pytest.fixture(scope="module")
def runs(table: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("runs")
    choices = {
        "good": {"training__epochs": 20},
        "poor": {"training__epochs": 1, "training__learning_rate": 1e-6, "model__wide": False},
        "other rows": {"seed": 5},
        "number": {"data__target": "warmth"},
    }
    return {name: fit(recipe(table, **chosen), folder / name) for name, chosen in choices.items()}


def test_the_difference_is_that_of_the_figures_and_both_tests_are_given(
    runs: dict[str, Run],
) -> None:
    found = compare_runs(runs["good"], runs["poor"])
    assert found is not None
    assert [one.method for one in found] == ["paired bootstrap", "McNemar exact"]
    accuracies = [
        runs[name].read_json("metrics.json")["models"]["network"]["accuracy"]["value"]
        for name in ("good", "poor")
    ]
    for one in found:
        assert (one.model, one.metric) == ("poor", "accuracy")
        assert one.difference == pytest.approx(accuracies[0] - accuracies[1])
        assert 0 < one.low < one.difference < one.high
        assert one.p_value < 0.05


def test_a_run_does_not_differ_from_itself(runs: dict[str, Run]) -> None:
    found = compare_runs(runs["good"], runs["good"])
    assert found
    assert {(one.difference, one.p_value) for one in found} == {(0.0, 1.0)}


def test_runs_on_other_rows_or_of_another_question_are_not_compared(runs: dict[str, Run]) -> None:
    assert compare_runs(runs["good"], runs["other rows"]) is None
    assert compare_runs(runs["good"], runs["number"]) is None


def test_rows_that_were_altered_are_other_rows(runs: dict[str, Run], tmp_path: Path) -> None:
    found = pl.read_parquet(runs["poor"].folder / "predictions.parquet")
    altered = found.with_columns(pl.lit("changed").alias("letter"))
    write_table(altered, runs["poor"].folder / "predictions.parquet")
    try:
        assert compare_runs(runs["good"], runs["poor"]) is None
    finally:
        write_table(found, runs["poor"].folder / "predictions.parquet")


def test_an_unfinished_run_is_reported(runs: dict[str, Run], table: Path, tmp_path: Path) -> None:
    begun = Run.create(tmp_path / "begun", recipe(table))
    with pytest.raises(RunError, match="finish the run"):
        compare_runs(runs["good"], begun)
