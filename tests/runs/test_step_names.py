"""Confusing names: of states, and of columns next to step attributes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.support.next_states import SMALL, life_courses, recipe

from duree.errors import DataError
from duree.pipeline.by_layout import read_dataset
from duree.recipe.recipe import Recipe
from duree.tables.files.write import write_table
from duree.workflow import fit, predict

QUICK = {"training.epochs": 1, "evaluation.baselines": False}
RENAMED = {"a": "<unknown>", "b": "<empty>", "c": "(unseen)"}


def test_states_named_like_missing_values_are_states(tmp_path: Path) -> None:
    frame = life_courses(80).with_columns(pl.col("^t\\d+$").replace(RENAMED))
    write_table(frame, tmp_path / "odd.csv")
    run = fit(recipe(tmp_path / "odd.csv").replace(SMALL | QUICK), tmp_path / "run")
    predictions = pl.read_parquet(run.folder / "predictions.parquet")
    names = {"[unknown]", "[empty]", "[unseen]"}
    assert set(predictions["states"]) == set(predictions["before"]) == names
    shares = {name for name in predictions.columns if name.startswith("probability_")}
    assert shares == {f"probability_{name}" for name in [*names, "(unseen)"]}
    predict(run.folder, tmp_path / "odd.csv", tmp_path / "predicted.csv")
    assert set(pl.read_csv(tmp_path / "predicted.csv")["prediction"]) <= names


@pytest.mark.parametrize("name", ["step", "before"])
def test_a_column_that_steps_would_replace_is_refused_before_anything_is_trained(
    name: str, tmp_path: Path
) -> None:
    write_table(life_courses(40).with_columns(pl.lit("mine").alias(name)), tmp_path / "lives.csv")
    with pytest.raises(DataError, match=f"already has a column '{name}'") as error:
        read_dataset(recipe(tmp_path / "lives.csv"))
    assert "rename that column" in error.value.message("en")


@pytest.mark.parametrize("timed", [True, False])
def test_columns_of_events_may_have_any_name(timed: bool, tmp_path: Path) -> None:
    """They are no columns of the persons; one that is, and is called gap, is in the way of gaps."""
    rng = np.random.default_rng(0)
    rows = [
        {"id": person, "step": str(rng.choice([*"abc"])), "before": place, "gap": 1}
        for person in range(40)
        for place in range(5)
    ]
    write_table(pl.DataFrame(rows), tmp_path / "log.csv")
    data: dict[str, Any] = {"files": [str(tmp_path / "log.csv")], "id": "id", "event": ["step"]}
    data |= {"time": "before"} if timed else {}
    chosen = Recipe.build({"task": "next", "data": data}).replace(SMALL | QUICK)
    if timed:
        with pytest.raises(DataError, match="already has a column 'gap'"):
            read_dataset(chosen)
        return
    predictions = pl.read_parquet(fit(chosen, tmp_path / "run").folder / "predictions.parquet")
    assert predictions["gap"].unique().to_list() == ["1"]
    assert set(predictions["states"]) == {"a", "b", "c"}
    assert set(predictions["step"]) == {2, 3, 4, 5}
