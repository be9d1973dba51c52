"""Whole runs on tables without any signal: how often the verdict claims a difference.

    OMP_NUM_THREADS=2 python benchmarks/no_signal_runs.py [--runs 200]

Each table has 250 texts of random words and labels independent of them; network and baselines are
trained as by `duree fit`. At most 5 % of the verdicts may claim that the network is better or
worse. About 10 minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl

from duree.recipe.recipe import Recipe
from duree.tables.files.write import write_table
from duree.workflow import fit

MOST_CLAIMS = 0.05
ROWS = 250
WORDS = [f"word{number}" for number in range(120)]
RECIPE = Recipe().replace(
    {
        "data.text": "text",
        "data.target": "answer",
        "model.embedding_size": 16,
        "model.hidden_size": 16,
        "training.epochs": 3,
        "evaluation.forest_trees": 50,
    }
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    runs = parser.parse_args().runs
    claims = Counter(claim_of(seed) for seed in range(runs))
    claimed = (runs - claims["none"]) / runs
    print(f"{runs} runs without signal: {dict(claims)}; {claimed:.1%} claim a difference")
    sys.exit(claimed > MOST_CLAIMS)


def claim_of(seed: int) -> str:
    """The verdict's claim in one run: "better", "worse" or "none"."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, rng.integers(5, 40))) for _ in range(ROWS)]
    frame = pl.DataFrame({"text": texts, "answer": rng.choice(["yes", "no"], ROWS)})
    with tempfile.TemporaryDirectory() as place:
        table = Path(place) / "table.csv"
        write_table(frame, table)
        run = fit(RECIPE.replace({"data.files": (str(table),), "seed": seed}), Path(place) / "run")
        return str(run.read_json("metrics.json")["claim"])


if __name__ == "__main__":
    main()
