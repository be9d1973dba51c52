"""Types of 60,000 distinct life courses, from vectors and by optimal matching: time and memory.

    python benchmarks/typology.py [--rows 60000]

A full distance matrix would take 14 GB, and R's matrices are limited to 46,340 rows. Here
distances are stored for 2,000 sequences at a time, and all others are assigned to the nearest
medoid. The life courses have 72 months in six states and come from three simulated groups; the
agreement of the types with these groups is printed too.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.metrics import adjusted_rand_score

from duree.explain.optimal_matching import constant_costs, distances
from duree.pipeline.typology import embed_rows
from duree.recipe.recipe import Recipe
from duree.tables.files.write import write_table
from duree.workflow import fit

STATES = np.array(["school", "training", "college", "work", "jobless", "care"])
MONTHS = 72
# Probabilities of the next state when the state changes, by group.
DRIFTS = np.array(
    [
        [0.05, 0.10, 0.05, 0.70, 0.05, 0.05],
        [0.10, 0.05, 0.70, 0.10, 0.03, 0.02],
        [0.05, 0.10, 0.02, 0.13, 0.40, 0.30],
    ]
)
MOVES = 0.08  # probability of a change per month


def life_courses(rows: int, seed: int) -> pl.DataFrame:
    """Life courses of three groups, and an outcome that depends on the group."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 3, rows)
    states = np.zeros((rows, MONTHS), dtype=np.int64)
    for month in range(1, MONTHS):
        to = (rng.random((rows, 1)) > DRIFTS[groups].cumsum(axis=1)).sum(axis=1).clip(max=5)
        states[:, month] = np.where(rng.random(rows) < MOVES, to, states[:, month - 1])
    well = rng.random(rows) < np.array([0.8, 0.9, 0.2])[groups]
    names = [f"m{month:02}" for month in range(MONTHS)]
    return pl.DataFrame(STATES[states], schema=names).with_columns(
        pl.Series("well", np.where(well, "yes", "no")),
        pl.Series("group", groups),
        pl.Series("id", np.arange(rows)),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=60_000)
    rows = parser.parse_args().rows
    rng = np.random.default_rng(0)
    sample = [rng.integers(0, 6, MONTHS) for _ in range(1000)]
    began = time.perf_counter()
    distances(sample, constant_costs(6))
    seconds = time.perf_counter() - began
    pairs = 1000 * 999 / 2
    print(f"optimal matching: {pairs / seconds:,.0f} pairs of {MONTHS} months per second")
    with tempfile.TemporaryDirectory() as folder:
        known, every = Path(folder) / "known.parquet", Path(folder) / "every.parquet"
        write_table(life_courses(2000, 0), known)
        frame = life_courses(2 * rows, 1)
        months = [name for name in frame.columns if name.startswith("m")]
        frame = frame.unique(months, keep="first", maintain_order=True).head(rows)
        write_table(frame, every)
        settings = {
            "data": {"files": [str(known)], "states": ["m00:m71"], "target": "well", "id": "id"},
            "evaluation": {"baselines": False},
            "training": {"epochs": 5},
        }
        run = fit(Recipe.build(settings), Path(folder) / "run")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        began = time.perf_counter()
        embed_rows(run.folder, every, Path(folder) / "vectors.parquet", 3)
        seconds = time.perf_counter() - began
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found = pl.read_parquet(Path(folder) / "vectors.parquet")
    print(f"{frame.height} distinct sequences: vectors, types and page in {seconds:.0f} s")
    print(f"peak memory: {most:.0f} MB ({before:.0f} MB before)")
    for name in ("type", "type_matching"):
        assigned = found[name].is_not_null()
        agreement = adjusted_rand_score(
            frame["group"].filter(assigned), found[name].filter(assigned)
        )
        print(
            f"{name}: {assigned.sum()} rows, adjusted Rand index with their groups {agreement:.2f}"
        )


if __name__ == "__main__":
    main()
