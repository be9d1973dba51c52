"""Doubtful labels: training rows whose label is probably wrong, for a second look."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.support.commands import call
from tests.support.letters import recipe_alone

from duree.errors import DataError
from duree.inference.label_errors import find_label_errors
from duree.pipeline.run import Run
from duree.workflow import fit, suspects

ROWS, WRONG = 240, 24
MOODS = {"good": ("glad", "warm", "kind"), "bad": ("grim", "cold", "harsh")}


def notes(seed: int = 0) -> pl.DataFrame:
    """Notes whose mood three words show; one label in ten is wrong."""
    rng = np.random.default_rng(seed)
    moods = rng.choice(list(MOODS), ROWS)
    wrong = np.isin(np.arange(ROWS), rng.choice(ROWS, WRONG, replace=False))
    words = [f"word{number}" for number in range(12)]
    texts = [
        " ".join(rng.permutation([*rng.choice(words, 3), *rng.choice(MOODS[mood], 3)]))
        for mood in moods
    ]
    given = np.where((moods == "good") ^ wrong, "good", "bad")
    return pl.DataFrame({"note": texts, "mood": given, "true": moods, "wrong": wrong})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("notes")
    notes().write_csv(folder / "notes.csv")
    settings = {"data__text": "note", "data__target": "mood", "training__epochs": 6}
    more = {"training__learning_rate": 0.03, "training__batch_size": 16}
    return fit(recipe_alone(folder / "notes.csv", **settings, **more), folder / "run")


@pytest.fixture(scope="module")
def review(run: Run) -> pl.DataFrame:
    output = run.folder.parent / "review.csv"
    suspects(run.folder, output, folds=3)
    return pl.read_csv(output)


def test_most_planted_errors_are_flagged_and_few_right_labels(review: pl.DataFrame) -> None:
    planted, flagged = review["wrong"].to_numpy(), review["flagged"].to_numpy()
    assert planted.sum() >= 15
    recall, precision = (planted & flagged).sum() / np.array([planted.sum(), flagged.sum()])
    assert recall >= 0.6
    assert precision >= 0.9


def test_who_reviews_a_sixth_of_the_rows_finds_nearly_all_planted_errors(
    review: pl.DataFrame,
) -> None:
    found = review.head(len(review) // 6)["wrong"].sum()  # one label in ten is wrong
    assert found >= 0.9 * review["wrong"].sum()


def test_flagged_rows_come_first_and_the_least_confident_of_them(review: pl.DataFrame) -> None:
    expected = review.sort("flagged", "self_confidence", descending=[True, False])
    assert review["self_confidence"].to_list() == expected["self_confidence"].to_list()
    assert review["flagged"].to_list() == expected["flagged"].to_list()
    assert review["wrong"].head(10).mean() >= 0.8


def test_the_suggested_label_is_the_true_one_where_an_error_was_planted(
    review: pl.DataFrame,
) -> None:
    found = review.filter(pl.col("flagged") & pl.col("wrong"))
    assert (found["suggested_label"] == found["true"]).all()
    assert (review["given_label"] == review["mood"]).all()
    assert review.filter(~pl.col("flagged"))["suggested_label"].null_count() == (
        len(review) - review["flagged"].sum()
    )


def test_the_rows_are_those_that_trained_the_run_each_with_its_row_in_the_file(
    run: Run, review: pl.DataFrame
) -> None:
    split, frame = run.read_json("split.json"), notes()
    numbers = review["source_row"].to_list()
    assert sorted(number - 1 for number in numbers) == sorted(split["train"] + split["validation"])
    assert review["note"].to_list() == [frame["note"][number - 1] for number in numbers]
    assert set(review["fold"]) == {1, 2, 3}


def test_the_command_uses_the_folds_that_are_there(
    run: Run, review: pl.DataFrame, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call("suspects", run.folder, "-o", tmp_path / "review.csv", "--folds", 3) == 0
    printed = capfd.readouterr().err
    flagged = review["flagged"].sum()
    assert f"rows whose label is doubtful: {flagged} of {len(review)}; they come first" in printed
    assert "networks to train" not in printed
    assert pl.read_csv(tmp_path / "review.csv").equals(review)


def test_the_table_of_the_run_is_never_overwritten(run: Run) -> None:
    with pytest.raises(DataError, match="would be overwritten"):
        suspects(run.folder, run.folder.parent / "notes.csv")


def test_a_run_without_classes_is_refused_before_training(tmp_path: Path) -> None:
    frame = notes().with_columns(warmth=pl.int_range(pl.len()).cast(pl.Float64))
    frame.write_csv(tmp_path / "notes.csv")
    settings = {"data__text": "note", "data__target": "warmth", "task": "regress"}
    run = fit(
        recipe_alone(tmp_path / "notes.csv", **settings, training__epochs=1), tmp_path / "run"
    )
    with pytest.raises(DataError, match="one class for each row; target 'warmth'"):
        suspects(run.folder, tmp_path / "review.csv")
    assert not (run.folder / "folds").exists()


def test_flags_are_those_of_confident_learning() -> None:
    # Thresholds 0.7 and 0.6: row 2 is confidently of the other class, row 3 of none.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.45, 0.55], [0.35, 0.65]])
    labels = np.array([0, 0, 0, 1, 1])
    found = find_label_errors(probabilities, labels)
    assert found.flagged.tolist() == [False, False, True, False, False]
    assert found.suggested.tolist() == [-1, -1, 1, -1, -1]
    assert found.self_confidence.tolist() == [0.9, 0.9, 0.3, 0.55, 0.65]
    assert found.order.tolist() == [2, 3, 4, 0, 1]
