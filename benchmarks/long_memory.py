"""Two problems with long-range dependencies, with the shipped recipe: adding and copying.

    python benchmarks/long_memory.py [--cell gru] [--without]

Adding (Hochreiter & Schmidhuber 1997): two of 1,000 numbers are marked; predict their sum at the
end. A constant prediction has a mean squared error of 0.167. Copying (in the form of Arjovsky et
al. 2016): ten symbols from an alphabet of eight, then 500 blanks; at the end predict all ten, each
at its position. --without uses the usual initialisation instead of chrono initialisation.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from duree import SequenceRegressor
from duree.recipe.recipe import Recipe
from duree.tables.files.write import write_table
from duree.workflow import fit

RECIPE = Path(__file__).parents[1] / "recipes" / "long-memory.toml"
STEPS, BLANKS, SYMBOLS = 1000, 500, np.array(list("abcdefgh"))


def adding(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and marks, float32 [rows, steps, 2], and the sums of the marked ones."""
    rng = np.random.default_rng(seed)
    numbers, marks = rng.random((rows, STEPS)), np.zeros((rows, STEPS))
    for half in (0, 1):
        marks[np.arange(rows), rng.integers(STEPS // 2 * half, STEPS // 2 * (half + 1), rows)] = 1
    return np.stack([numbers, marks], axis=2).astype(np.float32), (numbers * marks).sum(axis=1)


def add(recipe: Recipe) -> None:
    """Train, and print the error on new rows."""
    settings_of_recipe = recipe.model.model_dump() | recipe.training.model_dump()
    known = SequenceRegressor().get_params()
    settings = {name: value for name, value in settings_of_recipe.items() if name in known}
    rows, sums = adding(25_000, 0)
    began = time.perf_counter()
    model = SequenceRegressor(**settings | {"epochs": 8, "max_minutes": 9}).fit(rows, sums)
    seconds = time.perf_counter() - began
    rows, sums = adding(2000, 1)
    error = float(np.mean((model.predict(rows) - sums) ** 2))
    print(f"adding, {STEPS} steps: mean squared error {error:.5f}, trained in {seconds:.0f} s")


def copying(rows: int, seed: int) -> pl.DataFrame:
    """Ten symbols, then blanks, one column per step; the symbols with positions as labels."""
    rng = np.random.default_rng(seed)
    symbols = SYMBOLS[rng.integers(0, len(SYMBOLS), (rows, 10))]
    steps = np.concatenate([symbols, np.full((rows, BLANKS), "-")], axis=1)
    names = [f"t{step:03}" for step in range(steps.shape[1])]
    labels = ["; ".join(f"{place}{sign}" for place, sign in enumerate(row)) for row in symbols]
    return pl.DataFrame(steps, schema=names).with_columns(pl.Series("answer", labels))


def copy(recipe: Recipe, folder: Path) -> None:
    """A whole run on a table of states, and the share of correctly predicted symbols."""
    write_table(copying(22_000, 0), folder / "train.parquet")
    write_table(copying(1000, 1), folder / "test.parquet")
    data = {
        "data.files": (str(folder / "train.parquet"),),
        "data.test_file": str(folder / "test.parquet"),
        "data.states": ("t*",),
        "data.target": "answer",
        "data.label_separator": ";",
        "evaluation.baselines": False,
        "training.epochs": 12,
        "training.max_minutes": 9,
    }
    began = time.perf_counter()
    run = fit(recipe.replace(data), folder / "run")
    seconds = time.perf_counter() - began
    found = pl.read_parquet(run.folder / "predictions.parquet")
    names = [[f"probability_{place}{sign}" for sign in SYMBOLS] for place in range(10)]
    predicted = np.stack(
        [found.select(of_place).to_numpy().argmax(axis=1) for of_place in names], 1
    )
    true = np.array([[cell.strip()[1] for cell in row.split(";")] for row in found["answer"]])
    right = SYMBOLS[predicted] == true
    trained = run.read_json("metrics.json")["seconds"]["train"]
    print(
        f"copying after {BLANKS} blanks: {right.mean():.4f} of the symbols correct, all ten in "
        f"{right.all(axis=1).mean():.3f} of the rows (chance 0.125); trained in {trained:.0f} s, "
        f"whole run {seconds:.0f} s"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cell", choices=["gru", "lstm"], default="gru")
    arguments.add_argument("--without", action="store_true", help="Usual gate initialisation.")
    chosen = arguments.parse_args()
    overrides = {"model.cell": chosen.cell} | ({"model.memory": None} if chosen.without else {})
    recipe = Recipe.read(RECIPE, overrides)
    add(recipe)
    with tempfile.TemporaryDirectory() as folder:
        copy(recipe, Path(folder))


if __name__ == "__main__":
    main()
